//! The state of a recovery budget as plain data, and the checks that a stored one must pass.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::RecoveryBudget;
use super::policy::RecoveryBudgetPolicy;
use super::ring::Used;
use crate::error::RestoreError;
use crate::rebase::Rebase;
use crate::table::keyed::Queue;
use crate::table::stored::{check_distinct, check_room};
use crate::time::Monotone;
use crate::version::Version;

/// What a [`RecoveryBudget`] remembers: the keys that are not forgotten, by last grant, ties in the order of the
/// calls, each with its grants in the window; the latest instant.
///
/// ```
#[doc = include_str!("examples/unused.txt")]
/// let _ = budget.try_recover(0, &7, &mut rng)?;
/// let stored: RecoveryBudgetState<u64> = budget.state();
/// let restored: RecoveryBudget<u64> = RecoveryBudget::restore(policy, stored)?;
/// assert_eq!(restored.remaining(0, &7), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecoveryBudgetState<K> {
    version: Version<1>,
    clock: Monotone,
    keys: Vec<Kept<K>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Kept<K> {
    key: K,
    attempts: u32,
    previous_ns: u64,
    last_ns: u64,
    /// In the window, oldest first.
    grants: Vec<u64>,
}

impl<K> Kept<K> {
    fn check(&self, policy: &RecoveryBudgetPolicy, now_ns: u64) -> Result<(), RestoreError> {
        let corrupt = |what| Err(RestoreError::Corrupt { what });
        let misfit = |what| Err(RestoreError::Misfit { what });
        let grants = u32::try_from(self.grants.len()).unwrap_or(u32::MAX);
        if self.attempts == 0 || grants > self.attempts {
            return corrupt("more grants than attempts, or none of both");
        }
        if self.last_ns > now_ns {
            return corrupt("a grant in the future");
        }
        if !self.grants.is_sorted() || self.grants.last().is_some_and(|&at| at != self.last_ns) {
            return corrupt("its grants are not in order");
        }
        let leaves_ns = policy.leaves_at_ns(self.last_ns);
        if self.grants.is_empty() && leaves_ns.is_none_or(|at_ns| at_ns > now_ns) {
            return misfit("its last grant is in the window, and not among them");
        }
        if grants > policy.budget() {
            return misfit("a key has more grants than the policy allows");
        }
        let longest_ns = if policy.backoff().remembers_wait() {
            policy.backoff().longest_ns()
        } else {
            0
        };
        if self.previous_ns > longest_ns {
            return misfit("a wait is longer than the policy allows");
        }
        Ok(())
    }
}

impl<K> RecoveryBudgetState<K> {
    /// How many keys it holds.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// assert_eq!(budget.state().len(), 0);
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
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 2, window, 100).build()?;
    /// let budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// assert!(budget.state().is_empty());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn check(&self, policy: &RecoveryBudgetPolicy) -> Result<(), RestoreError> {
        check_room(self.keys.len(), policy.max_keys())?;
        if !self.keys.is_sorted_by_key(|kept| kept.last_ns) {
            let what = "its keys are not in the order of their last grants";
            return Err(RestoreError::Corrupt { what });
        }
        let now_ns = self.clock.latest_ns();
        self.keys
            .iter()
            .try_for_each(|kept| kept.check(policy, now_ns))
    }

    fn rebased(mut self, policy: &RecoveryBudgetPolicy, rebase: &Rebase) -> Self {
        // Who was forgotten by now must not come back where the new clock stands early.
        let old_now_ns = rebase.old_now_ns(self.clock);
        self.keys.retain(|kept| {
            let forgotten_ns = policy.forgotten_at_ns(kept.last_ns);
            forgotten_ns.is_none_or(|at_ns| at_ns > old_now_ns)
        });
        self.clock = rebase.clock(self.clock);
        let now_ns = self.clock.latest_ns();
        for kept in &mut self.keys {
            kept.last_ns = rebase.past_ns(kept.last_ns).min(now_ns);
            for at_ns in &mut kept.grants {
                *at_ns = rebase.past_ns(*at_ns).min(now_ns);
            }
            // Where no instant is early enough the last grant looks younger, and may be in the window again.
            let leaves_ns = policy.leaves_at_ns(kept.last_ns);
            if kept.grants.is_empty() && leaves_ns.is_none_or(|at_ns| at_ns > now_ns) {
                kept.grants.push(kept.last_ns);
            }
        }
        self
    }
}

impl<K: Clone, S> RecoveryBudget<K, S> {
    /// A snapshot: plain data to store, compare and [restore](Self::restore). O(n log n). It holds what is known at the
    /// latest instant seen: keys that are forgotten and grants that have left are not in it.
    ///
    /// ```
    #[doc = include_str!("examples/unused.txt")]
    /// let before = budget.state();
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// assert_ne!(budget.state(), before);
    /// let _ = budget.on_success(0, &7);
    /// assert_eq!(budget.state(), before);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> RecoveryBudgetState<K> {
        let kept = |at| {
            let slot = self.keys.slot(at)?;
            Some(Kept {
                key: slot.key.clone(),
                attempts: slot.value.attempts,
                previous_ns: self.ring.previous_ns(self.keys.words(at)),
                last_ns: slot.at_ns(),
                grants: self.grants(at),
            })
        };
        RecoveryBudgetState {
            version: Version,
            clock: self.clock,
            keys: self
                .remembered_in_order()
                .into_iter()
                .filter_map(kept)
                .collect(),
        }
    }
}

impl<K: Hash + Eq, S: BuildHasher> RecoveryBudget<K, S> {
    /// Takes over a stored state. Its instants keep their origin: for a process whose clock starts elsewhere see
    /// [`restore_rebased`](Self::restore_rebased). The policy may be another than the one it was stored under.
    ///
    /// # Errors
    /// When the state contradicts itself, has a key twice, or holds more than the policy allows. It is checked as
    /// untrusted input.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 1, window, 100).build()?;
    /// # let mut budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// let mut restored: RecoveryBudget<u64> = RecoveryBudget::restore(policy, budget.state())?;
    /// assert!(restored.try_recover(999, &7, &mut rng).is_err()); // a budget of one
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(
        policy: RecoveryBudgetPolicy,
        state: RecoveryBudgetState<K>,
    ) -> Result<Self, RestoreError>
    where
        S: Default,
    {
        Self::restore_with_hasher(policy, state, None, S::default())
    }

    /// Takes over a stored state in a process whose clock starts elsewhere: grants keep their age, and the time away
    /// counts. On a clock that began after them they look younger, never older: the window holds them longer, and so it
    /// does the last grant of a key that had left it.
    ///
    /// # Errors
    /// As in [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, window] = [10, 1_000].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let policy = RecoveryBudgetPolicy::builder(backoff, 1, window, 100).build()?;
    /// # let mut budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    /// use evenkeel_core::Rebase;
    /// let _ = budget.try_recover(5_000, &7, &mut rng)?; // 300 before the snapshot
    /// let rebase = Rebase { taken_at_ns: 5_300, now_ns: 900, away: Duration::from_nanos(200) };
    /// let restored: RecoveryBudget<u64> = RecoveryBudget::restore_rebased(policy, budget.state(), rebase)?;
    /// assert_eq!(restored.peek(900, &7).map_err(|no| no.retry_at_ns), Err(Some(1_400))); // 500 are left
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: RecoveryBudgetPolicy,
        state: RecoveryBudgetState<K>,
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
    #[doc = include_str!("examples/unused.txt")]
    /// let _ = budget.try_recover(0, &7, &mut rng)?;
    /// let seeded = std::hash::RandomState::new();
    /// let restored = RecoveryBudget::restore_with_hasher(policy, budget.state(), None, seeded)?;
    /// assert_eq!(restored.state(), budget.state());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_with_hasher(
        policy: RecoveryBudgetPolicy,
        state: RecoveryBudgetState<K>,
        rebase: impl Into<Option<Rebase>>,
        hasher: S,
    ) -> Result<Self, RestoreError> {
        state.check(&policy)?;
        check_distinct(state.keys.iter().map(|kept| &kept.key), &hasher)?;
        let state = match rebase.into() {
            Some(rebase) => state.rebased(&policy, &rebase),
            None => state,
        };
        let mut budget = Self::with_hasher(policy, hasher);
        budget.clock = state.clock;
        for kept in state.keys {
            let used = Used::default();
            let at = budget
                .keys
                .insert(kept.key, used, Queue::Idle, kept.last_ns, 0);
            let grants = kept.grants.iter();
            let words = budget.keys.words_mut(at);
            let mut used = grants.fold(used, |used, &at_ns| {
                budget.ring.grant_at(words, used, at_ns)
            });
            used.attempts = kept.attempts;
            budget.ring.set_previous_ns(words, kept.previous_ns);
            if let Some(slot) = budget.keys.slot_mut(at) {
                slot.value = used;
            }
        }
        Ok(budget)
    }
}
