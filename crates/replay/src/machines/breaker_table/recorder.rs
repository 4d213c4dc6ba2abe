//! A breaker table whose calls are recorded.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use evenkeel_core::breaker::{Grant, Health, Mode, Outcome, Permit, Receipt, Refused, Transitions};
use evenkeel_core::random::Rng;
use evenkeel_core::table::{Answered, BreakerTable, TableFull};

use super::{Answer, Due, Op, RecordedGate};
use crate::machines::cleared::cleared;
use crate::recorder::Recorder;
use crate::table_key::TableKey;

impl<K: TableKey, S: BuildHasher + Default> Recorder<BreakerTable<K, S>> {
    /// [`BreakerTable::try_acquire`]
    ///
    /// # Errors
    ///
    /// The call may not be made now.
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
        let op = Op::TryAcquire {
            key: key.to_owned(),
        };
        self.record_drawn(
            now_ns,
            op,
            rng,
            |table, rng| table.try_acquire(now_ns, key, rng),
            Answer::asked,
        )
    }

    /// [`BreakerTable::on_outcome`]
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
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let op = Op::OnOutcome {
            key: key.to_owned(),
            permit: permit.id(),
            outcome,
            latency_ns,
        };
        self.record_drawn(
            now_ns,
            op,
            rng,
            |table, rng| table.on_outcome(now_ns, key, permit, outcome, latency_ns, rng),
            |told| Answer::Receipt(*told),
        )
    }

    /// [`BreakerTable::on_health`]
    pub fn on_health<Q>(&mut self, now_ns: u64, key: &Q, health: Health) -> Answered<Transitions>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let op = Op::OnHealth {
            key: key.to_owned(),
            health,
        };
        self.record_plain(
            now_ns,
            op,
            |table| table.on_health(now_ns, key, health),
            |told| Answer::Health(*told),
        )
    }

    /// [`BreakerTable::poll`], with a copy of the key.
    pub fn poll(&mut self, now_ns: u64) -> Option<Due<K>> {
        self.record_plain(
            now_ns,
            Op::Poll,
            |table| table.poll(now_ns).map(Due::from),
            |due| Answer::Due(due.clone()),
        )
    }

    /// [`BreakerTable::set_mode`]
    ///
    /// # Errors
    ///
    /// The key is not tracked and there is no room for it.
    pub fn set_mode<Q>(
        &mut self,
        now_ns: u64,
        key: &Q,
        mode: Mode,
    ) -> Result<Transitions, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let op = Op::SetMode {
            key: key.to_owned(),
            mode,
        };
        self.record_plain(
            now_ns,
            op,
            |table| table.set_mode(now_ns, key, mode),
            Answer::mode,
        )
    }

    /// [`BreakerTable::reset`]
    pub fn reset<Q>(&mut self, now_ns: u64, key: &Q) -> Transitions
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let op = Op::Reset {
            key: key.to_owned(),
        };
        self.record_plain(
            now_ns,
            op,
            |table| table.reset(now_ns, key),
            |made| Answer::Transitions(*made),
        )
    }

    cleared! {
        BreakerTable::forget: Forget -> Forgotten;
    }

    /// [`BreakerTable::gate`]: what goes through it is recorded as calls of the table.
    pub const fn gate<'a, Q: ?Sized>(&'a mut self, key: &'a Q) -> RecordedGate<'a, K, Q, S>
    where
        K: Borrow<Q>,
    {
        RecordedGate::new(self, key)
    }
}
