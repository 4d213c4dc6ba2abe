//! The state of a backoff table as plain data, and the checks that a stored one must pass.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::BackoffTable;
use super::entry::{Entry, Kind, MAX_ATTEMPTS};
use super::policy::BackoffTablePolicy;
use crate::error::RestoreError;
use crate::rebase::Rebase;
use crate::table::keyed::Queue;
use crate::table::stored::{Kept, check_distinct, check_room};
use crate::time::Monotone;
use crate::version::Version;

/// What a [`BackoffTable`] remembers: the keys of which something is known, by the end of their holds, ties in the
/// order in which these were set; what is known of those that there was no room for; the latest instant.
///
/// ```
#[doc = include_str!("examples/empty.txt")]
/// let _ = table.on_failure(0, &7, &mut rng)?;
/// let stored: BackoffTableState<u64> = table.state();
/// let restored: BackoffTable<u64> = BackoffTable::restore(policy, stored)?;
/// assert_eq!(restored.get(0, &7), table.get(0, &7));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackoffTableState<K> {
    version: Version<1>,
    clock: Monotone,
    keys: Vec<Kept<K, Entry>>,
    overflow: Option<Entry>,
}

impl<K> BackoffTableState<K> {
    /// How many keys it holds.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// let table: BackoffTable<u64> = BackoffTable::new(policy);
    /// assert_eq!(table.state().len(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it holds no key.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    /// # let policy = BackoffTablePolicy::builder(backoff, 100, Duration::from_secs(1)).build()?;
    /// let table: BackoffTable<u64> = BackoffTable::new(policy);
    /// assert!(table.state().is_empty());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn check(&self, policy: &BackoffTablePolicy) -> Result<(), RestoreError> {
        check_room(self.keys.len(), policy.max_keys())?;
        if !self.keys.is_sorted_by_key(|kept| kept.entry.place_ns()) {
            let what = "its keys are not in the order of their holds";
            return Err(RestoreError::Corrupt { what });
        }
        let entries = self.keys.iter().map(|kept| &kept.entry);
        let flaw = entries
            .chain(&self.overflow)
            .find_map(|entry| entry.flaw(policy, self.clock));
        match flaw {
            None => Ok(()),
            Some(Flaw::Corrupt(what)) => Err(RestoreError::Corrupt { what }),
            Some(Flaw::Misfit(what)) => Err(RestoreError::Misfit { what }),
        }
    }

    fn rebased(mut self, policy: &BackoffTablePolicy, rebase: &Rebase) -> Self {
        // Who was forgotten by now must not come back where the new clock stands early.
        let old_now_ns = rebase.old_now_ns(self.clock);
        let stays = |entry: &Entry| !entry.is_forgotten(policy, old_now_ns);
        self.keys.retain(|kept| stays(&kept.entry));
        self.overflow = self.overflow.filter(stays);
        let clock = rebase.clock(self.clock);
        for kept in &mut self.keys {
            kept.entry = kept.entry.rebased(policy, rebase, clock);
        }
        self.keys.sort_by_key(|kept| kept.entry.place_ns());
        self.overflow = self
            .overflow
            .map(|entry| entry.rebased(policy, rebase, clock));
        self.clock = clock;
        self
    }
}

impl<K: Clone, S> BackoffTable<K, S> {
    /// A snapshot: plain data to store, compare and [restore](Self::restore). O(n log n). It holds what is known at the
    /// latest instant seen: keys that are forgotten are not in it.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let before = table.state();
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// assert_ne!(table.state(), before);
    /// let _ = table.on_success(0, &7);
    /// assert_eq!(table.state(), before);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> BackoffTableState<K> {
        let now_ns = self.clock.latest_ns();
        let kept = |at| {
            let slot = self.keys.slot(at)?;
            Some(Kept {
                key: slot.key.clone(),
                entry: self.entry_at(at),
            })
        };
        let overflow = self
            .overflow
            .filter(|entry| !entry.is_forgotten(&self.policy, now_ns));
        BackoffTableState {
            version: Version,
            clock: self.clock,
            keys: self
                .remembered_in_order()
                .into_iter()
                .filter_map(kept)
                .collect(),
            overflow,
        }
    }
}

impl<K: Hash + Eq, S: BuildHasher> BackoffTable<K, S> {
    /// Takes over a stored state. Its instants keep their origin: for a process whose clock starts elsewhere see
    /// [`restore_rebased`](Self::restore_rebased). The policy may be another than the one it was stored under.
    ///
    /// # Errors
    /// When the state contradicts itself, has a key twice, or holds more keys or longer than the policy allows. It is
    /// checked as untrusted input.
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// let mut restored: BackoffTable<u64> = BackoffTable::restore(policy, table.state())?;
    /// assert!(restored.try_acquire(9, &7).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(
        policy: BackoffTablePolicy,
        state: BackoffTableState<K>,
    ) -> Result<Self, RestoreError>
    where
        S: Default,
    {
        Self::restore_with_hasher(policy, state, None, S::default())
    }

    /// Takes over a stored state in a process whose clock starts elsewhere: holds keep what is left of them, less the
    /// time away.
    ///
    /// # Errors
    /// As in [`restore`](Self::restore).
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// use evenkeel_core::Rebase;
    /// let _ = table.on_failure(500, &7, &mut rng)?; // held until 510
    /// let rebase = Rebase { taken_at_ns: 502, now_ns: 3, away: Duration::from_nanos(1) };
    /// let restored: BackoffTable<u64> = BackoffTable::restore_rebased(policy, table.state(), rebase)?;
    /// assert_eq!(restored.get(3, &7).and_then(|hold| hold.until_ns), Some(10)); // 8 were left, less 1
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: BackoffTablePolicy,
        state: BackoffTableState<K>,
        rebase: Rebase,
    ) -> Result<Self, RestoreError>
    where
        S: Default,
    {
        Self::restore_with_hasher(policy, state, rebase, S::default())
    }

    /// [`restore`](Self::restore) (without a rebase) or [`restore_rebased`](Self::restore_rebased) with a hasher of
    /// your choice.
    ///
    /// # Errors
    /// As in [`restore`](Self::restore).
    ///
    /// ```
    #[doc = include_str!("examples/empty.txt")]
    /// let _ = table.on_failure(0, &7, &mut rng)?;
    /// let seeded = std::hash::RandomState::new();
    /// let restored = BackoffTable::restore_with_hasher(policy, table.state(), None, seeded)?;
    /// assert_eq!(restored.state(), table.state());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_with_hasher(
        policy: BackoffTablePolicy,
        state: BackoffTableState<K>,
        rebase: impl Into<Option<Rebase>>,
        hasher: S,
    ) -> Result<Self, RestoreError> {
        state.check(&policy)?;
        check_distinct(state.keys.iter().map(|kept| &kept.key), &hasher)?;
        let state = match rebase.into() {
            Some(rebase) => state.rebased(&policy, &rebase),
            None => state,
        };
        let mut table = Self::with_hasher(policy, hasher);
        table.clock = state.clock;
        table.overflow = state.overflow;
        for Kept { key, entry } in state.keys {
            table.insert(key, &entry);
        }
        Ok(table)
    }
}

impl Entry {
    /// Why it cannot be the state of a key under `policy`, at the instant of `clock`.
    fn flaw(&self, policy: &BackoffTablePolicy, clock: Monotone) -> Option<Flaw> {
        let now_ns = clock.latest_ns();
        if self.attempts == 0 || self.attempts > MAX_ATTEMPTS {
            return Some(Flaw::Corrupt("a key without an attempt, or with too many"));
        }
        if self.reported && (self.queue() != Queue::Idle || self.kind == Kind::Stopped) {
            return Some(Flaw::Corrupt(
                "the end of a hold without an end was reported",
            ));
        }
        if (self.reported || self.kind == Kind::Stopped) && self.at_ns > now_ns {
            return Some(Flaw::Corrupt("a hold ended, or advice came, in the future"));
        }
        if self.place_ns() > u128::from(now_ns).saturating_add(policy.longest_ns().into()) {
            return Some(Flaw::Misfit("a hold is longer than the policy allows"));
        }
        let longest_ns = if policy.backoff().remembers_wait() {
            policy.backoff().longest_ns()
        } else {
            0
        };
        (self.previous_ns > longest_ns)
            .then_some(Flaw::Misfit("a wait is longer than the policy allows"))
    }

    /// On another origin of time; `clock` is already there.
    fn rebased(self, policy: &BackoffTablePolicy, rebase: &Rebase, clock: Monotone) -> Self {
        let now_ns = clock.latest_ns();
        if self.reported || self.kind == Kind::Stopped {
            let at_ns = rebase.past_ns(self.at_ns).min(now_ns);
            return Self { at_ns, ..self };
        }
        // The true end, on the other origin, and no later than the policy allows.
        let gone_ns = u128::from(rebase.taken_at_ns).saturating_add(rebase.away.as_nanos());
        let end_ns = self.place_ns().saturating_add(rebase.now_ns.into());
        let latest_ns = u128::from(now_ns).saturating_add(policy.longest_ns().into());
        let end_ns = end_ns.saturating_sub(gone_ns).min(latest_ns);
        Self {
            at_ns: u64::try_from(end_ns & u128::from(u64::MAX)).unwrap_or(u64::MAX),
            kind: self.kind.with_end(end_ns > u128::from(u64::MAX)),
            ..self
        }
    }
}

/// What is wrong with a stored entry.
enum Flaw {
    Corrupt(&'static str),
    Misfit(&'static str),
}
