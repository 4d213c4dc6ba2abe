//! One key of a shared table in the place of a core's breaker: what a retry asks and tells.

use std::fmt;
use std::hash::Hash;

use evenkeel_core::breaker::{Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::BreakerGate;

use super::{Locked, SharedBreakerTable};
use crate::clock::{Clock, MonotonicClock};

impl<K: Clone + Hash + Eq, C: Clock> SharedBreakerTable<K, C> {
    /// `key`'s breaker, for [`Parts`](evenkeel_core::retry::Parts) of a retry, which brings its own instants and its own
    /// random words: they must come from this table's clock.
    #[must_use]
    pub fn gate(&self, key: K) -> SharedKeyGate<K, C> {
        let table = self.clone();
        SharedKeyGate { table, key }
    }
}

/// One key of a table; made by [`SharedBreakerTable::gate`].
pub struct SharedKeyGate<K, C: Clock = MonotonicClock> {
    pub(super) table: SharedBreakerTable<K, C>,
    pub(super) key: K,
}

impl<K: Clone + Hash + Eq, C: Clock> BreakerGate for SharedKeyGate<K, C> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        let mut locked = self.table.lock();
        let Locked { table, .. } = &mut *locked;
        match table.try_acquire(now_ns, &self.key, rng) {
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
        let mut locked = self.table.lock();
        let Locked { table, .. } = &mut *locked;
        let told = table.on_outcome(now_ns, &self.key, permit, outcome, latency_ns, rng);
        told.answer
    }
}

impl<K: Clone, C: Clock> Clone for SharedKeyGate<K, C> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            key: self.key.clone(),
        }
    }
}

impl<K: fmt::Debug, C: Clock> fmt::Debug for SharedKeyGate<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKeyGate")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
