//! A shared table of breakers that is recorded.

use std::fmt;

use evenkeel_core::breaker::{Grant, Health, Mode, Outcome, Permit, Receipt, Refused, Transitions};
use evenkeel_core::random::Rng;
use evenkeel_core::table::{Answered, TableFull};
use evenkeel_replay::journal::Journal;
use evenkeel_replay::{Recorder, TableKey};

use super::kept::{KeptTable, Seeded};
use super::{SharedBreakerTable, SharedKeyGate};
use crate::clock::Clock;
use crate::journal::{Held, LendBreaker, Part};

/// Feature `journal`; see the module [`journal`](crate::journal).
impl<K, C> SharedBreakerTable<K, C>
where
    K: TableKey + Send + Sync + 'static,
    C: Clock,
{
    /// Takes down every call from now on, whichever handle makes it: the journal begins with the state as it is now,
    /// and reports of calls that are under way are in it. Recorded before, it goes on as another machine, of this
    /// journal.
    ///
    /// That state is copied and written in this call: for a table of 100 000 keys about a tenth of a second, in which
    /// all calls wait.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BreakerTablePolicy};
    /// # use evenkeel_core::breaker::{BreakerPolicy, Trigger};
    /// # use evenkeel_std::{SharedBreakerTable, journal::Journal};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
    /// let hosts = SharedBreakerTable::<String>::new(policy);
    /// let journal = Journal::in_memory();
    /// hosts.record(&journal, "hosts");
    /// let _ = hosts.call("a.example", || Err::<(), _>("no route"));
    /// assert_eq!(journal.ops(), 2);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn record(&self, journal: &Journal, name: &str) {
        let mut locked = self.lock();
        let table = locked.table.table().clone();
        let recorded = KeptTable::Recorded(Box::new(journal.record(name, table)));
        let before = std::mem::replace(&mut locked.table, recorded);
        drop(locked);
        drop(before);
    }

    /// Takes nothing down any more.
    pub fn stop_recording(&self) {
        let mut locked = self.lock();
        let table = KeptTable::Plain(locked.table.table().clone());
        let before = std::mem::replace(&mut locked.table, table);
        drop(locked);
        drop(before);
    }
}

/// A recorded table, whatever makes its keys such that a journal can tell them.
pub(super) trait RecordedTable<K>: Send {
    fn table(&self) -> &Seeded<K>;

    fn try_acquire(
        &mut self,
        now_ns: u64,
        key: &K,
        rng: &mut dyn Rng,
    ) -> Result<Answered<Grant>, Answered<Refused>>;

    fn on_outcome(
        &mut self,
        now_ns: u64,
        key: &K,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Answered<Receipt>;

    fn on_health(&mut self, now_ns: u64, key: &K, health: Health) -> Answered<Transitions>;

    fn set_mode(&mut self, now_ns: u64, key: &K, mode: Mode) -> Result<Transitions, TableFull>;

    fn reset(&mut self, now_ns: u64, key: &K) -> Transitions;

    fn forget(&mut self, now_ns: u64, key: &K) -> bool;

    fn poll(&mut self, now_ns: u64) -> Option<(Option<K>, Transitions)>;

    /// One key's breaker, if it is recorded in this journal, for one step of a retry.
    fn lend(&mut self, key: &K, to: &Journal, step: &mut dyn FnMut(&mut dyn Part) -> Transitions);
}

impl<K: TableKey + Send + Sync> RecordedTable<K> for Recorder<Seeded<K>> {
    fn table(&self) -> &Seeded<K> {
        self
    }

    fn try_acquire(
        &mut self,
        now_ns: u64,
        key: &K,
        rng: &mut dyn Rng,
    ) -> Result<Answered<Grant>, Answered<Refused>> {
        Self::try_acquire(self, now_ns, key, rng)
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        key: &K,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Answered<Receipt> {
        Self::on_outcome(self, now_ns, key, permit, outcome, latency_ns, rng)
    }

    fn on_health(&mut self, now_ns: u64, key: &K, health: Health) -> Answered<Transitions> {
        Self::on_health(self, now_ns, key, health)
    }

    fn set_mode(&mut self, now_ns: u64, key: &K, mode: Mode) -> Result<Transitions, TableFull> {
        Self::set_mode(self, now_ns, key, mode)
    }

    fn reset(&mut self, now_ns: u64, key: &K) -> Transitions {
        Self::reset(self, now_ns, key)
    }

    fn forget(&mut self, now_ns: u64, key: &K) -> bool {
        Self::forget(self, now_ns, key)
    }

    fn poll(&mut self, now_ns: u64) -> Option<(Option<K>, Transitions)> {
        let due = Self::poll(self, now_ns)?;
        Some((due.key, due.transitions))
    }

    fn lend(&mut self, key: &K, to: &Journal, step: &mut dyn FnMut(&mut dyn Part) -> Transitions) {
        if self.journal().is_same(to) {
            // Nobody listens to a table.
            let _ = step(&mut self.gate(key));
        }
    }
}

impl<K, C> LendBreaker for SharedKeyGate<K, C>
where
    K: TableKey + Send + Sync + 'static,
    C: Clock,
{
    fn lend(
        &mut self,
        to: &Journal,
        _now_ns: u64,
        _held: &mut Held,
        step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
    ) {
        if let KeptTable::Recorded(recorder) = &mut self.table.lock().table {
            recorder.lend(&self.key, to, step);
        }
    }
}

impl<K> fmt::Debug for dyn RecordedTable<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordedTable").field(self.table()).finish()
    }
}
