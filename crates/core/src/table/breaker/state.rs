//! The state of a breaker table as plain data, and the checks that a stored one must pass.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use super::BreakerTable;
use super::entry::{Entry, STAY_BITS, add};
use super::policy::BreakerTablePolicy;
use super::tracking::{MAX_STAYS, OVERFLOW, is_stay, tag};
use crate::breaker::{BreakerStats, Mode};
use crate::error::{RestoreError, corrupt};
use crate::rebase::Rebase;
use crate::table::stored::{Kept, check_distinct, check_room};
use crate::time::Monotone;
use crate::version::Version;

/// What a [`BreakerTable`] remembers: the breakers of the keys that are not forgotten, by deadline, ties in the order
/// in which the keys came in; the overflow breaker; how many stays there have been, and what outlived ones
/// counted; the latest instant.
///
/// Permits in flight stay valid across a restore, because they are plain ids.
///
/// ```
#[doc = include_str!("examples/closed.txt")]
/// let granted = table.try_acquire(0, &7, &mut rng)?;
/// let stored: BreakerTableState<u64> = table.state();
/// let mut restored: BreakerTable<u64> = BreakerTable::restore(policy, stored)?;
/// let _ = restored.on_outcome(5, &7, granted.answer.permit, Outcome::Failure, 5, &mut rng);
/// assert_eq!(restored.phase(5, &7), Phase::Open);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BreakerTableState<K> {
    version: Version<1>,
    clock: Monotone,
    stays: u64,
    gone: BreakerStats,
    overflow: Option<Entry>,
    keys: Vec<Kept<K, Entry>>,
}

impl<K> BreakerTableState<K> {
    /// How many keys it holds.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// let table: BreakerTable<u64> = BreakerTable::new(policy);
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
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// let table: BreakerTable<u64> = BreakerTable::new(policy);
    /// assert!(table.state().is_empty());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        let own = self.keys.iter().map(|kept| &kept.entry);
        own.chain(&self.overflow)
    }

    fn check(&self, policy: &BreakerTablePolicy) -> Result<(), RestoreError> {
        check_room(self.keys.len(), policy.max_keys())?;
        let now_ns = self.clock.latest_ns();
        for entry in self.entries() {
            entry.state.check(policy.breaker())?;
            if entry.last_ns > now_ns || entry.state.clock.latest_ns() > now_ns {
                return Err(corrupt("a breaker has seen a later instant than the table"));
            }
        }
        self.check_stays()
    }

    fn check_stays(&self) -> Result<(), RestoreError> {
        let is_overflow = |entry: &Entry| entry.state.tag == OVERFLOW;
        if !self.overflow.iter().all(is_overflow) {
            return Err(corrupt("the overflow breaker has the tag of a key"));
        }
        // No call sets its mode, so none could leave it.
        let is_free = |entry: &Entry| entry.state.mode == Mode::Normal;
        if !self.overflow.iter().all(is_free) {
            return Err(corrupt("the overflow breaker is in a mode that nobody set"));
        }
        if self.stays > MAX_STAYS {
            return Err(corrupt("more stays than there can have been"));
        }
        let mut stays: Vec<_> = self.entries().map(|entry| entry.stay).collect();
        if stays
            .iter()
            .any(|&stay| stay > self.stays || !is_stay(stay))
        {
            return Err(corrupt("a breaker of a stay that has not been"));
        }
        stays.sort_unstable();
        let own = |kept: &Kept<K, Entry>| kept.entry.state.tag == tag(kept.entry.stay);
        if stays.is_sorted_by(|a, b| a < b) && self.keys.iter().all(own) {
            Ok(())
        } else {
            Err(corrupt(
                "two breakers have one tag, or one that of another stay",
            ))
        }
    }

    fn rebased(mut self, policy: &BreakerTablePolicy, rebase: &Rebase) -> Self {
        // Who was forgotten by now must not come back where the new clock stands early.
        let old_now_ns = rebase.old_now_ns(self.clock);
        let gone = &mut self.gone;
        let mut stays = |entry: &Entry| {
            let forgotten = entry.is_forgotten(policy, old_now_ns);
            if forgotten {
                add(gone, &entry.state.stats_at(policy.breaker(), old_now_ns));
            }
            !forgotten
        };
        self.keys.retain(|kept| stays(&kept.entry));
        if let Some(overflow) = self.overflow.take_if(|entry| !stays(entry)) {
            self.stays = self.stays.max(overflow.state.generation >> STAY_BITS);
        }
        self.clock = rebase.clock(self.clock);
        let own = self.keys.iter_mut().map(|kept| &mut kept.entry);
        for entry in own.chain(&mut self.overflow) {
            entry.last_ns = rebase.past_ns(entry.last_ns);
            entry.state = entry.state.clone().rebased(policy.breaker(), rebase);
            let _ = self.clock.observe(entry.state.clock.latest_ns());
        }
        self
    }
}

impl<K: Clone, S> BreakerTable<K, S> {
    /// A snapshot: plain data to store, compare and [restore](Self::restore). O(n log n). It holds what is known at
    /// the latest instant seen: keys that are forgotten are not in it, but what they counted is.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let _ = table.try_acquire(0, &7, &mut rng)?;
    /// assert_eq!(table.state().len(), 1);
    /// let _ = table.try_acquire(1_000, &8, &mut rng)?; // 7 is forgotten by now
    /// assert_eq!(table.state().len(), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> BreakerTableState<K> {
        let now_ns = self.clock.latest_ns();
        let mut gone = self.gone;
        let is_forgotten = |entry: &Entry| entry.is_forgotten(&self.policy, now_ns);
        let own = self.keys.slots().map(|(_, slot)| &slot.value);
        let overflow = self.overflow_known.then_some(&self.overflow);
        for entry in own.chain(overflow).filter(|entry| is_forgotten(entry)) {
            let stats = entry.state.stats_at(self.policy.breaker(), now_ns);
            add(&mut gone, &stats);
        }
        let kept = |at| {
            let slot = self.keys.slot(at)?;
            Some(Kept {
                key: slot.key.clone(),
                entry: slot.value.clone(),
            })
        };
        let order = self.remembered_in_order().into_iter();
        BreakerTableState {
            version: Version,
            clock: self.clock,
            stays: self.last_stay(),
            gone,
            overflow: self.known_overflow(now_ns).cloned(),
            keys: order.filter_map(kept).collect(),
        }
    }
}

impl<K: Hash + Eq, S: BuildHasher> BreakerTable<K, S> {
    /// Takes over a stored state; permits given before it was stored stay valid. Its instants keep their origin: for a
    /// process whose clock starts elsewhere see [`restore_rebased`](Self::restore_rebased).
    ///
    /// # Errors
    /// When a breaker's state is refused, a key is there twice, or it holds more keys than the policy allows. It is
    /// checked as untrusted input.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // 7 failed at 0 and is open for 100 ns.
    /// let mut restored: BreakerTable<u64> = BreakerTable::restore(policy, table.state())?;
    /// assert!(restored.try_acquire(99, &7, &mut rng).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(
        policy: BreakerTablePolicy,
        state: BreakerTableState<K>,
    ) -> Result<Self, RestoreError>
    where
        S: Default,
    {
        Self::restore_with_hasher(policy, state, None, S::default())
    }

    /// Takes over a stored state in a process whose clock starts elsewhere: each breaker as
    /// [`Breaker::restore_rebased`](crate::breaker::Breaker::restore_rebased) does it; what was in flight is gone.
    ///
    /// # Errors
    /// As in [`restore`](Self::restore).
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// use evenkeel_core::Rebase;
    /// // 7 failed at 0 and is open for 100 ns; 70 are left.
    /// let rebase = Rebase { taken_at_ns: 30, now_ns: 5_000, away: Duration::ZERO };
    /// let restored: BreakerTable<u64> = BreakerTable::restore_rebased(policy, table.state(), rebase)?;
    /// assert_eq!(restored.next_deadline_ns(), Some(5_070));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: BreakerTablePolicy,
        state: BreakerTableState<K>,
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
    #[doc = include_str!("examples/closed.txt")]
    /// let _ = table.try_acquire(0, &7, &mut rng)?;
    /// let seeded = std::hash::RandomState::new();
    /// let restored = BreakerTable::restore_with_hasher(policy, table.state(), None, seeded)?;
    /// assert_eq!(restored.state(), table.state());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_with_hasher(
        policy: BreakerTablePolicy,
        state: BreakerTableState<K>,
        rebase: impl Into<Option<Rebase>>,
        hasher: S,
    ) -> Result<Self, RestoreError> {
        state.check(&policy)?;
        check_distinct(state.keys.iter().map(|kept| &kept.key), &hasher)?;
        let mut state = match rebase.into() {
            Some(rebase) => state.rebased(&policy, &rebase),
            None => state,
        };
        // In the order in which they came: so they are among those that fall due together.
        state.keys.sort_unstable_by_key(|kept| kept.entry.stay);
        let mut table = Self::with_hasher(policy, hasher);
        table.clock = state.clock;
        table.stays = state.stays;
        table.gone = state.gone;
        if let Some(overflow) = state.overflow {
            table.overflow = overflow;
            table.overflow_known = true;
        }
        table.none_forgotten_before_ns = 0;
        for Kept { key, entry } in state.keys {
            let (queue, at_ns) = entry.queue(&policy);
            table.keys.insert(key, entry, queue, at_ns, 0);
        }
        Ok(table)
    }
}
