//! A circuit breaker for each of many keys, all with one policy.

mod answer;
mod commands;
mod entry;
#[cfg(feature = "serde")]
mod fields;
mod gate;
mod policy;
mod queries;
mod state;
mod tracking;

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use super::hash::FixedState;
use super::keyed::{Index, Keyed};
use crate::breaker::{BreakerStats, Grant, Health, Outcome, Permit, Receipt, Refused, Transitions};
use crate::random::Rng;
use crate::time::Monotone;
use entry::Entry;
use tracking::{OVERFLOW, Who};

pub use answer::{Answered, AnsweredBy, Due};
pub use gate::KeyGate;
pub use policy::{BreakerTableBuilder, BreakerTablePolicy};
pub use queries::BreakerTableIter;
pub use state::BreakerTableState;

/// A [`Breaker`](crate::breaker::Breaker) for each key.
///
/// A key is tracked from its first ask on. Its breaker answers as one of its own would; its transitions are returned
/// by the call that made them, and [`poll`](Self::poll) reports those that fall due, key by key.
///
/// | key | ask |
/// |---|---|
/// | tracked | its own breaker |
/// | not tracked, room, overflow breaker closed | a new breaker of its own |
/// | not tracked, and no room, or the overflow breaker is open or half-open | the overflow breaker |
///
/// **Forgetting.** A key that is not held back and of which nothing was heard for `forget_after` is as if it had never
/// been there: closed, with an empty window, and past its ramp. An open one begins to be quiet at the end of its wait. What an operator
/// holds is never forgotten, nor a breaker that waits for health. Permits of a forgotten key are stale: each stay of a
/// key in the table has a tag of its own and begins 2^20 generations after the one before, so no permit ever fits
/// another stay (the two repeat together after 2^44 stays). A permit of another table is not told apart.
///
/// **When it is full** and none can be forgotten, all keys that are not tracked share one breaker, the overflow
/// breaker: it has the same policy and trips for all of them together. Every [answer](Answered) says whose breaker
/// gave it. A key that is held back is never dropped for another.
///
/// **Deadlines.** [`next_deadline_ns`](Self::next_deadline_ns) may change after any call that takes `&mut self`.
///
/// **Cost.** One look-up, and a breaker's work; O(log n) where the breaker's deadline changes. A new key in a full
/// table goes through all keys, only when one of them can have been forgotten.
///
/// **Memory** for a key in a full table: its own size rounded up to 8 bytes, a breaker and 32 bytes, a ninth more than
/// that, and 2; 5 in the index.
///
/// **Random words.** As a breaker draws them.
///
/// Prior art: Hystrix's breaker for each command and Resilience4j's registry, neither of which has a bound; Envoy's
/// for each host.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Outcome, Phase, Trigger};
/// use evenkeel_core::table::{BreakerTable, BreakerTablePolicy};
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .trigger(Trigger::Consecutive { failures: 2 })
///     .build()?;
/// let policy = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(600)).build()?;
/// let mut hosts: BreakerTable<String> = BreakerTable::new(policy);
/// let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
///
/// for now_ns in [10, 20] {
///     let granted = hosts.try_acquire(now_ns, "db-1", &mut rng)?;
///     let _ = hosts.on_outcome(now_ns, "db-1", granted.answer.permit, Outcome::Failure, 5_000, &mut rng);
/// }
/// // One host is open, the other one is not.
/// let refused = hosts.try_acquire(30, "db-1", &mut rng).unwrap_err();
/// assert!(hosts.try_acquire(30, "db-2", &mut rng).is_ok());
///
/// let retry_at_ns = refused.answer.retry_at_ns().expect("an open breaker says when");
/// assert_eq!(hosts.next_deadline_ns(), Some(retry_at_ns));
/// let due = hosts.poll(retry_at_ns).expect("the wait is over");
/// assert_eq!(due.key.map(String::as_str), Some("db-1"));
/// assert_eq!(hosts.phase(retry_at_ns, "db-1"), Phase::HalfOpen);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BreakerTable<K, S = FixedState> {
    policy: BreakerTablePolicy,
    clock: Monotone,
    keys: Keyed<K, Entry, S>,
    /// A placeholder until it is needed.
    overflow: Entry,
    overflow_known: bool,
    /// How many breakers there have been.
    stays: u64,
    /// What forgotten breakers counted.
    gone: BreakerStats,
    /// No key is forgotten before.
    none_forgotten_before_ns: u64,
}

impl<K, S> fmt::Debug for BreakerTable<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerTable")
            .field("policy", &self.policy)
            .field("clock", &self.clock)
            .field("len", &self.keys.len())
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}

impl<K, S: Default> BreakerTable<K, S> {
    /// An empty table with a hasher of the default kind: with [`FixedState`] only for keys that no outsider chooses.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// let table: BreakerTable<u64> = BreakerTable::new(policy);
    /// assert_eq!(table.phase(0, &7), Phase::Closed);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: BreakerTablePolicy) -> Self {
        Self::with_hasher(policy, S::default())
    }
}

impl<K, S> BreakerTable<K, S> {
    /// An empty table whose keys are hashed by `hasher`: a seeded one where outsiders choose the keys. No answer
    /// depends on it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, table::*};
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// use std::hash::RandomState;
    /// let table: BreakerTable<String, _> = BreakerTable::with_hasher(policy, RandomState::new());
    /// assert_eq!(table.phase(0, "db-1"), Phase::Closed);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_hasher(policy: BreakerTablePolicy, hasher: S) -> Self {
        Self {
            keys: Keyed::new(hasher, policy.max_keys(), Some(Index::DUE), 0),
            overflow: Entry::fresh(&policy, 0, OVERFLOW, 0),
            overflow_known: false,
            policy,
            clock: Monotone::default(),
            stays: 0,
            gone: BreakerStats::default(),
            none_forgotten_before_ns: u64::MAX,
        }
    }
}

impl<K: Hash + Eq, S: BuildHasher> BreakerTable<K, S> {
    /// May this key be called now? From its first ask on it is tracked, if there is room.
    ///
    /// # Errors
    /// The breaker's refusal, and whose breaker it was.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // 7 failed at 0 and is open for 100 ns.
    /// let refused = table.try_acquire(40, &7, &mut rng).unwrap_err();
    /// assert_eq!((refused.answer.retry_at_ns(), refused.by), (Some(100), AnsweredBy::Key));
    /// assert!(table.try_acquire(40, &8, &mut rng).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn try_acquire<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        rng: &mut R,
    ) -> Result<Answered<Grant>, Answered<Refused>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let who = self.who(now_ns, key);
        let policy = self.policy;
        let entry = self.entry_mut(&who);
        let answer = entry.state.try_acquire(policy.breaker(), now_ns, rng);
        self.touch(&who, now_ns);
        let by = who.by();
        match answer {
            Ok(answer) => Ok(Answered { answer, by }),
            Err(answer) => Err(Answered { answer, by }),
        }
    }

    /// The call ended. The permit says whose breaker gave it: one of the overflow breaker counts there, one of a key
    /// that was forgotten meanwhile, or of another key, is stale.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let calls = [7, 8].map(|key| table.try_acquire(0, &key, &mut rng).expect("closed").answer.permit.id());
    /// // 7 reports with the permit of 8, then with its own.
    /// for (permit, stale) in [(calls[1], true), (calls[0], false)] {
    ///     let permit = Permit::from_id(permit);
    ///     let receipt = table.on_outcome(5, &7, permit, Outcome::Failure, 5, &mut rng);
    ///     assert_eq!(receipt.answer.is_stale(), stale);
    /// }
    /// assert_eq!([7, 8].map(|key| table.phase(5, &key)), [Phase::Open, Phase::Closed]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn on_outcome<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut R,
    ) -> Answered<Receipt>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        R: Rng + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        let permit = permit.id();
        let who = if permit.tag() == OVERFLOW {
            let known = self.known_overflow(now_ns).is_some();
            known.then_some(Who::Overflow)
        } else {
            self.find(now_ns, key).map(Who::Slot)
        };
        let Some(who) = who else {
            self.gone.stale = self.gone.stale.wrapping_add(1);
            let by = if permit.tag() == OVERFLOW {
                AnsweredBy::Overflow
            } else {
                AnsweredBy::Key
            };
            let answer = Receipt::Stale(Transitions::NONE);
            return Answered { answer, by };
        };
        let policy = self.policy;
        let entry = self.entry_mut(&who);
        let breaker = policy.breaker();
        let answer = entry
            .state
            .on_outcome(breaker, now_ns, permit, outcome, latency_ns, rng);
        if answer.is_stale() {
            self.settle(&who, &answer.transitions());
        } else {
            self.touch(&who, now_ns);
        }
        let by = who.by();
        Answered { answer, by }
    }

    /// The health of a key as something else sees it; see [`Breaker::on_health`](crate::breaker::Breaker::on_health).
    /// Only with `until_healthy` does it matter, and only then is the key tracked for it. Where the overflow breaker
    /// answers for the key, it is told.
    ///
    /// **Tell the level, not the change**: what the health is, after every probe result and at least once in
    /// `forget_after`. A key that is new, was forgotten, or was dropped by [`forget`](Self::forget) has heard of no
    /// health; told of changes only, it would open later and wait for an `Up` that does not come, because a
    /// [`HealthProbe`](crate::health::HealthProbe) reports a change once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, health::*, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// let breaker = builder.until_healthy(true).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// # let mut table: BreakerTable<u64> = BreakerTable::new(policy);
    /// # let mut probe = HealthProbe::new(HealthProbePolicy::builder(forget, lease).rise(1).build()?);
    /// let mut changes = 0;
    /// for now_ns in [0, 5_000] {
    ///     changes += probe.on_traffic(now_ns, Probed::Passed).changes().count();
    ///     if let Some(health) = probe.health(now_ns) {
    ///         let _ = table.on_health(now_ns, &7, health);
    ///     }
    /// }
    /// assert_eq!(changes, 1); // and 7 was forgotten since
    ///
    /// let granted = table.try_acquire(5_000, &7, &mut rng)?;
    /// let _ = table.on_outcome(5_000, &7, granted.answer.permit, Outcome::Failure, 5, &mut rng);
    /// assert_eq!(table.phase(5_100, &7), Phase::HalfOpen); // it knows that 7 is up
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn on_health<Q>(&mut self, now_ns: u64, key: &Q, health: Health) -> Answered<Transitions>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now_ns = self.clock.observe(now_ns);
        if !self.policy.breaker().until_healthy() && self.find(now_ns, key).is_none() {
            return Answered {
                answer: Transitions::NONE,
                by: AnsweredBy::Key,
            };
        }
        let who = self.who(now_ns, key);
        let policy = self.policy;
        let entry = self.entry_mut(&who);
        let answer = entry.state.on_health(policy.breaker(), now_ns, health);
        self.touch(&who, now_ns);
        let by = who.by();
        Answered { answer, by }
    }

    /// The transitions of the next breaker in which some fell due: by deadline, ties in the order in which the keys
    /// came in, the overflow breaker last. Call it until it says `None`. Never needed for a right answer;
    /// those of keys that were forgotten before anyone asked are not reported. O(log n), and forgotten keys are
    /// dropped on the way, each once, at most 64 and a 256th of `max_keys` in a call; O(n) in the calls after a long
    /// silence that leave forgotten ones.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // 7 failed at 0 and is open for 100 ns.
    /// assert!(table.poll(99).is_none());
    /// assert_eq!(table.poll(100).and_then(|due| due.transitions.last()).map(|made| made.to), Some(Phase::HalfOpen));
    /// assert!(table.poll(100).is_none());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn poll(&mut self, now_ns: u64) -> Option<Due<'_, K>> {
        let now_ns = self.clock.observe(now_ns);
        let (who, due_ns) = self.first_due(now_ns)?;
        if due_ns > now_ns {
            return None;
        }
        let policy = self.policy;
        let state = &mut self.entry_mut(&who).state;
        let _ = state.clock.observe(now_ns);
        let transitions = state.advance(policy.breaker(), now_ns);
        self.settle(&who, &transitions);
        if transitions.is_empty() {
            return None;
        }
        let key = match who {
            Who::Slot(at) => Some(&self.keys.slot(at)?.key),
            Who::Overflow => None,
        };
        Some(Due { key, transitions })
    }
}
