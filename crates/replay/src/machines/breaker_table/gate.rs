//! One key of a recorded table in the place of a breaker.

use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};

use evenkeel_core::breaker::{Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::BreakerGate;
use evenkeel_core::table::BreakerTable;

use crate::recorder::Recorder;
use crate::table_key::TableKey;

/// One key of a recorded [`BreakerTable`] in the place of a breaker; made by `gate` of its recorder.
///
/// A retry that is not recorded asks and tells it as any [`BreakerGate`], and the table's journal has a line for each
/// call. One that is recorded borrows it with [`with_gate`](crate::retry::RecordedParts::with_gate), and its own line
/// stands for all.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
/// # use evenkeel_core::table::{BreakerTable, BreakerTablePolicy};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
/// # let policy = BreakerTablePolicy::builder(breaker.build()?, 100, Duration::from_secs(600)).build()?;
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// use evenkeel_core::retry::BreakerGate;
/// use evenkeel_replay::journal::Journal;
///
/// let journal = Journal::in_memory();
/// let mut hosts = journal.record("hosts", BreakerTable::<String>::new(policy));
/// assert!(hosts.gate("db-1").try_acquire(0, &mut rng).is_ok());
/// assert_eq!(journal.ops(), 1);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub struct RecordedGate<'a, K: TableKey, Q: ?Sized, S: BuildHasher + Default> {
    pub(crate) table: &'a mut Recorder<BreakerTable<K, S>>,
    pub(crate) key: &'a Q,
}

impl<'a, K: TableKey, Q: ?Sized, S: BuildHasher + Default> RecordedGate<'a, K, Q, S> {
    pub(super) const fn new(table: &'a mut Recorder<BreakerTable<K, S>>, key: &'a Q) -> Self {
        Self { table, key }
    }
}

impl<K: TableKey, Q: fmt::Debug + ?Sized, S: BuildHasher + Default> fmt::Debug
    for RecordedGate<'_, K, Q, S>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedGate")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl<K, Q, S> BreakerGate for RecordedGate<'_, K, Q, S>
where
    K: TableKey + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    S: BuildHasher + Default,
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
