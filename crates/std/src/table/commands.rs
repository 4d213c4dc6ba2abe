//! What can be asked of a shared table of breakers, and what it can be told, key by key.

use std::borrow::Borrow;
use std::hash::Hash;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{BreakerStats, Health, Mode, Phase, RefusedBy, Transitions};
use evenkeel_core::table::{Answered, BreakerTablePolicy, TableFull};

use super::SharedBreakerTable;
use crate::clock::Clock;

/// Commands and queries; those of the core's [`BreakerTable`](evenkeel_core::table::BreakerTable).
impl<K: Hash + Eq, C: Clock> SharedBreakerTable<K, C> {
    /// The health of the dependency `key` as something else sees it.
    pub fn on_health<Q>(&self, key: &Q, health: Health) -> Answered<Transitions>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.on_health(now_ns, key, health)
    }

    /// An operator's command for `key`.
    ///
    /// # Errors
    /// When the key is not tracked and there is no room for it.
    pub fn set_mode<Q>(&self, key: &Q, mode: Mode) -> Result<Transitions, TableFull>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.set_mode(now_ns, key, mode)
    }

    /// An operator's command: `key`'s breaker is closed and normal, and all forgotten.
    pub fn reset<Q>(&self, key: &Q) -> Transitions
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.reset(now_ns, key)
    }

    /// Forgets `key` now, whatever its breaker held; false when it was not tracked.
    pub fn forget<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.forget(now_ns, key)
    }

    /// The next transitions that fell due by time alone, with the key (`None` for the overflow's breaker); call it again
    /// until there are no more. Never needed for a right answer.
    pub fn poll(&self) -> Option<(Option<K>, Transitions)>
    where
        K: Clone,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.poll(now_ns)
    }

    /// The next instant at which [`poll`](Self::poll) would report something if nothing else happens.
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.lock().table.table().next_deadline_ns()
    }

    /// The phase of `key`'s breaker now.
    #[must_use]
    pub fn phase<Q>(&self, key: &Q) -> Phase
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.table().phase(now_ns, key)
    }

    /// What an ask for `key` would be answered now, without taking a place.
    ///
    /// # Errors
    /// The refusal that a call would meet.
    pub fn peek<Q>(&self, key: &Q) -> Result<(), Answered<Refusal<RefusedBy>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.table().peek(now_ns, key)
    }

    /// The counters of `key` now, if it is tracked.
    #[must_use]
    pub fn stats_of<Q>(&self, key: &Q) -> Option<BreakerStats>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.table().stats_of(now_ns, key)
    }

    /// The counters of all keys now, those forgotten since included.
    #[must_use]
    pub fn stats(&self) -> BreakerStats {
        let now_ns = self.inner.clock.now_ns();
        self.lock().table.table().stats(now_ns)
    }

    /// How many keys are in memory, some of them perhaps about to be forgotten.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().table.table().len()
    }

    /// Whether no key is in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> BreakerTablePolicy {
        *self.lock().table.table().policy()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &C {
        &self.inner.clock
    }
}
