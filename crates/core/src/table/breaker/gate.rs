//! One key of a table in the place of a breaker: what a [`Retry`](crate::retry::Retry) asks and tells.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use super::BreakerTable;
use crate::breaker::{Grant, Outcome, Permit, Receipt, Refused};
use crate::random::Rng;
use crate::retry::BreakerGate;

impl<K, S> BreakerTable<K, S> {
    /// One key of the table as a [`BreakerGate`], for the [parts](crate::retry::Parts) of a
    /// [`Retry`](crate::retry::Retry): make it anew for each call, so that the table is free between them. It says
    /// what the breaker that answers for the key says, not whose that is.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, budget::RetryCause, retry::*, table::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let policy = BreakerTablePolicy::builder(breaker, 10, forget).build()?;
    /// # let retries = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).build()?;
    /// let mut hosts: BreakerTable<String> = BreakerTable::new(policy);
    /// let mut call = |host: &str| {
    ///     let mut retry = Retry::new(retries, 0);
    ///     let failed = AttemptOutcome::transient(RetryCause::Failure);
    ///     let _ = retry.poll(0, &mut Parts::none().with_breaker(&mut hosts.gate(host)), &mut rng);
    ///     let mut gate = hosts.gate(host);
    ///     let mut parts = Parts::none().with_breaker(&mut gate);
    ///     let _ = retry.on_outcome(9, AttemptId::from_word(1), failed, &mut parts, &mut rng);
    ///     let _ = retry.poll(9, &mut parts, &mut rng);
    ///     retry.end().map(End::name)
    /// };
    /// assert_eq!(call("db-1"), Some("breaker-open")); // the first attempt opened it, the second was refused
    /// assert_eq!([hosts.phase(9, "db-1"), hosts.phase(9, "db-2")], [Phase::Open, Phase::Closed]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn gate<'a, Q: ?Sized>(&'a mut self, key: &'a Q) -> KeyGate<'a, K, Q, S>
    where
        K: Borrow<Q>,
    {
        KeyGate { table: self, key }
    }
}

/// One key of a [`BreakerTable`] in the place of a breaker; made by [`BreakerTable::gate`].
///
/// It is `Send` where the table is, and the key may be shared (`Q: Sync`).
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, retry::BreakerGate, table::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease, forget] = [100, 50, 1_000].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let breaker = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 }).build()?;
/// # let mut table: BreakerTable<u64> = BreakerTable::new(BreakerTablePolicy::builder(breaker, 10, forget).build()?);
/// let mut gate: KeyGate<'_, u64, u64, FixedState> = table.gate(&7);
/// let grant = gate.try_acquire(0, &mut rng)?;
/// let _ = gate.on_outcome(5, grant.permit, Outcome::Failure, 5, &mut rng);
/// assert_eq!(table.phase(5, &7), Phase::Open);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct KeyGate<'a, K, Q: ?Sized, S> {
    table: &'a mut BreakerTable<K, S>,
    key: &'a Q,
}

impl<K, Q: fmt::Debug + ?Sized, S> fmt::Debug for KeyGate<'_, K, Q, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyGate")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl<K, Q, S> BreakerGate for KeyGate<'_, K, Q, S>
where
    K: Borrow<Q> + Hash + Eq,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    S: BuildHasher,
{
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        match self.table.try_acquire(now_ns, self.key, rng) {
            Ok(granted) => Ok(granted.answer),
            Err(refused) => Err(refused.answer),
        }
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        let told = self
            .table
            .on_outcome(now_ns, self.key, permit, outcome, latency_ns, rng);
        told.answer
    }
}
