//! What can be asked of a breaker table without changing it.

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::BreakerTable;
use super::answer::{Answered, AnsweredBy};
use super::entry::{Entry, STAY_BITS, add};
use super::policy::BreakerTablePolicy;
use crate::breaker::{BreakerStats, Phase, RefusedBy};
use crate::refusal::Refusal;
use crate::table::iter::iterator;
use crate::table::keyed::Slot;

impl<K: Hash + Eq, S: BuildHasher> BreakerTable<K, S> {
    /// The phase of the breaker that would answer for the key at `now_ns`: its own, or the overflow breaker where that
    /// would; closed where it would be a new one.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // 7 failed at 0 and is open for 100 ns; 1 000 ns after that it is forgotten.
    /// let phases = [99, 100, 1_099, 1_100].map(|now_ns| table.phase(now_ns, &7));
    /// assert_eq!(phases, [Phase::Open, Phase::HalfOpen, Phase::HalfOpen, Phase::Closed]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn phase<Q>(&self, now_ns: u64, key: &Q) -> Phase
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        self.answering(now_ns, key)
            .map_or(Phase::Closed, |(entry, _)| {
                entry.phase(&self.policy, now_ns)
            })
    }

    /// Whether [`try_acquire`](Self::try_acquire) would say yes, but for a ramp's draw; changes nothing.
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // 7 failed at 0 and is open for 100 ns.
    /// table.peek(100, &7)?;
    /// assert_eq!(table.peek(99, &7).map_err(|no| no.answer.reason), Err(RefusedBy::Open));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn peek<Q>(&self, now_ns: u64, key: &Q) -> Result<(), Answered<Refusal<RefusedBy>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        let Some((entry, by)) = self.answering(now_ns, key) else {
            return Ok(());
        };
        let answer = entry.state.peek(self.policy.breaker(), now_ns);
        answer.map_err(|answer| Answered { answer, by })
    }

    /// Whether the key has a breaker of its own at `now_ns`.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let _ = table.try_acquire(0, &7, &mut rng)?;
    /// assert!(table.tracks(999, &7) && !table.tracks(1_000, &7) && !table.tracks(0, &8));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn tracks<Q>(&self, now_ns: u64, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.own(self.clock.peek(now_ns), key).is_some()
    }

    /// What the key's own breaker counted so far; `None` when it has none.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let _ = table.try_acquire(0, &7, &mut rng)?;
    /// assert_eq!(table.stats_of(0, &7).map(|stats| stats.admitted), Some(1));
    /// assert_eq!(table.stats_of(0, &8), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats_of<Q>(&self, now_ns: u64, key: &Q) -> Option<BreakerStats>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.clock.peek(now_ns);
        let entry = self.own(now_ns, key)?;
        Some(entry.state.stats_at(self.policy.breaker(), now_ns))
    }

    fn own<Q>(&self, now_ns: u64, key: &Q) -> Option<&Entry>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entry = &self.keys.slot(self.keys.find(key)?)?.value;
        (!entry.is_forgotten(&self.policy, now_ns)).then_some(entry)
    }

    /// The breaker that would answer; `None` for a new one.
    fn answering<Q>(&self, now_ns: u64, key: &Q) -> Option<(&Entry, AnsweredBy)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(entry) = self.own(now_ns, key) {
            return Some((entry, AnsweredBy::Key));
        }
        let overflow = self.known_overflow(now_ns)?;
        // A closed one answers only where there is no room, and then as a new breaker would.
        (overflow.phase(&self.policy, now_ns) != Phase::Closed)
            .then_some((overflow, AnsweredBy::Overflow))
    }
}

impl<K, S> BreakerTable<K, S> {
    /// The last stay, or a later one if the overflow breaker's generations have reached it: all its stays have one tag.
    pub(super) fn last_stay(&self) -> u64 {
        self.stays.max(self.overflow.state.generation >> STAY_BITS)
    }

    pub(super) fn known_overflow(&self, now_ns: u64) -> Option<&Entry> {
        let known = self.overflow_known && !self.overflow.is_forgotten(&self.policy, now_ns);
        known.then_some(&self.overflow)
    }

    /// The next instant at which [`poll`](Self::poll) would report transitions if nothing is reported until then.
    /// O(1), unless that breaker was forgotten before anyone asked: O(n).
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let granted = table.try_acquire(0, &7, &mut rng)?;
    /// assert_eq!(table.next_deadline_ns(), None);
    /// let _ = table.on_outcome(0, &7, granted.answer.permit, Outcome::Failure, 5, &mut rng);
    /// assert_eq!(table.next_deadline_ns(), Some(100));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        let now_ns = self.clock.latest_ns();
        let overflow_ns = self
            .known_overflow(now_ns)
            .and_then(|entry| entry.state.next_deadline_ns(self.policy.breaker()));
        let first_ns = self.first_remembered(now_ns).map(|(_, due_ns)| due_ns);
        first_ns.into_iter().chain(overflow_ns).min()
    }

    /// The phase of the overflow breaker at `now_ns`: while it is not closed it answers for every key that is not
    /// tracked.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// // room for one key
    /// let mut table: BreakerTable<u64> = BreakerTable::new(BreakerTablePolicy::builder(breaker, 1, forget).build()?);
    /// for key in [7, 8] {
    ///     let granted = table.try_acquire(0, &key, &mut rng)?;
    ///     let _ = table.on_outcome(0, &key, granted.answer.permit, Outcome::Failure, 5, &mut rng);
    /// }
    /// assert_eq!(table.overflow_phase(0), Phase::Open);
    /// assert_eq!(table.phase(0, &9), Phase::Open); // for all that are not tracked
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn overflow_phase(&self, now_ns: u64) -> Phase {
        let now_ns = self.clock.peek(now_ns);
        self.known_overflow(now_ns)
            .map_or(Phase::Closed, |entry| entry.phase(&self.policy, now_ns))
    }

    /// What all breakers counted so far, with those that were forgotten and the overflow breaker. O(n).
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// for key in [7, 8] {
    ///     let _ = table.try_acquire(0, &key, &mut rng)?;
    /// }
    /// let _ = table.forget(5, &7);
    /// assert_eq!(table.stats(5).admitted, 2);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self, now_ns: u64) -> BreakerStats {
        let now_ns = self.clock.peek(now_ns);
        let mut sum = self.gone;
        let own = self.keys.slots().map(|(_, slot)| &slot.value);
        for entry in own.chain([&self.overflow]) {
            add(
                &mut sum,
                &entry.state.stats_at(self.policy.breaker(), now_ns),
            );
        }
        sum
    }

    /// How many keys are in memory; a forgotten one stays until it is met or its place is needed.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let _ = table.try_acquire(0, &7, &mut rng)?;
    /// assert_eq!(table.len(), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() as usize
    }

    /// Whether no key is in memory.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// let table: BreakerTable<u64> = BreakerTable::new(BreakerTablePolicy::builder(breaker, 10, forget).build()?);
    /// assert!(table.is_empty());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys that are remembered at the latest instant seen, with their phases: by deadline, those without one (the
    /// closed ones) last; ties in the order in which the keys came in. A deadline that is over counts until a call
    /// notices it: [`poll`](Self::poll) until it says `None`, and the order depends on nothing else. O(n log n).
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// for (key, outcome) in [(9, Outcome::Success), (7, Outcome::Failure), (8, Outcome::Success)] {
    ///     let granted = table.try_acquire(0, &key, &mut rng)?;
    ///     let _ = table.on_outcome(0, &key, granted.answer.permit, outcome, 5, &mut rng);
    /// }
    /// let phases: Vec<_> = table.iter().collect();
    /// assert_eq!(phases, [(&7, Phase::Open), (&9, Phase::Closed), (&8, Phase::Closed)]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn iter(&self) -> BreakerTableIter<'_, K, S> {
        BreakerTableIter {
            table: self,
            order: self.remembered_in_order().into_iter(),
        }
    }

    pub(super) fn remembered_in_order(&self) -> Vec<u32> {
        let now_ns = self.clock.latest_ns();
        let is_known = |_, slot: &Slot<K, Entry>| !slot.value.is_forgotten(&self.policy, now_ns);
        self.keys.in_order(is_known)
    }

    /// The bytes that the table has taken from the heap, without what the keys themselves own, and without windows and
    /// probes of more than 32 bytes, which each breaker keeps apart.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 1_000, forget).build()?;
    /// let mut table: BreakerTable<u64> = BreakerTable::new(policy);
    /// for key in 0..1_000 {
    ///     let _ = table.try_acquire(0, &key, &mut rng)?;
    /// }
    /// assert!(table.heap_bytes() <= 450 * 1_000);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.keys.bytes()
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// let table: BreakerTable<u64> = BreakerTable::new(policy);
    /// assert_eq!(table.policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &BreakerTablePolicy {
        &self.policy
    }
}

iterator! {
    /// The keys of a breaker table with their phases; made by [`BreakerTable::iter`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// let table: BreakerTable<u64> = BreakerTable::new(policy);
    /// let phases: BreakerTableIter<'_, u64, FixedState> = table.iter();
    /// assert_eq!(phases.len(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    BreakerTableIter: BreakerTable, (key, Phase),
    |table, at, slot| slot.value.phase(&table.policy, table.clock.latest_ns())
}
