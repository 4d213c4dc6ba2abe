//! Leave to make one call for a key, which settles itself when it is dropped.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::thread;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{Grant, Outcome, Permit, PermitId, Receipt, RefusedBy};
use evenkeel_core::table::{Answered, AnsweredBy};

use super::{Locked, SharedBreakerTable};
use crate::clock::{Clock, MonotonicClock};

/// Leave to make one call for a key; tell it how the call ended.
///
/// Dropped without a word it reports [`Outcome::Ignored`]: nothing while the key's breaker is closed, and a probe's place is
/// free again. Dropped by a panic that began while it was held, it reports a failure.
#[must_use = "tell it how the call ended; dropped at once it reports that the call was given up"]
pub struct KeyGuard<'a, K, Q, C = MonotonicClock>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    table: &'a SharedBreakerTable<K, C>,
    key: &'a Q,
    permit: PermitId,
    would_refuse: Option<Refusal<RefusedBy>>,
    by: AnsweredBy,
    began_ns: u64,
    was_panicking: bool,
    settled: bool,
}

impl<'a, K, Q, C> KeyGuard<'a, K, Q, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    pub(super) fn new(
        table: &'a SharedBreakerTable<K, C>,
        key: &'a Q,
        granted: Answered<Grant>,
        began_ns: u64,
    ) -> Self {
        Self {
            table,
            key,
            permit: granted.answer.permit.id(),
            would_refuse: granted.answer.would_refuse,
            by: granted.by,
            began_ns,
            was_panicking: thread::panicking(),
            settled: false,
        }
    }

    /// The dependency did its work.
    pub fn success(self) {
        let _ = self.outcome(Outcome::Success);
    }

    /// The dependency failed or did not answer in time.
    pub fn failure(self) {
        let _ = self.outcome(Outcome::Failure);
    }

    /// The call says nothing about the dependency: the same as dropping the guard.
    pub fn ignored(self) {
        let _ = self.outcome(Outcome::Ignored);
    }

    /// The dependency asked to be left alone, until the instant `retry_at_ns` of the table's clock if it said so.
    pub fn overloaded(self, retry_at_ns: Option<u64>) {
        let _ = self.outcome(Outcome::Overloaded { retry_at_ns });
    }

    /// How the call ended; whether that counted, and the transitions that it made.
    pub fn outcome(mut self, outcome: Outcome) -> Answered<Receipt> {
        self.settle(outcome)
    }

    /// Whether the call is a probe of a half-open breaker.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.permit.is_probe()
    }

    /// Whose breaker let the call through: the key's own, or that of all keys for which there is no room.
    #[must_use]
    pub const fn by(&self) -> AnsweredBy {
        self.by
    }

    /// In [`Mode::Observe`](evenkeel_core::breaker::Mode), the refusal that the call would have met.
    #[must_use]
    pub const fn would_refuse(&self) -> Option<Refusal<RefusedBy>> {
        self.would_refuse
    }

    fn settle(&mut self, outcome: Outcome) -> Answered<Receipt> {
        self.settled = true;
        let now_ns = self.table.inner.clock.now_ns();
        let latency_ns = now_ns.saturating_sub(self.began_ns);
        let permit = Permit::from_id(self.permit);
        let mut locked = self.table.lock();
        let Locked { table, stream } = &mut *locked;
        table.on_outcome(now_ns, self.key, permit, outcome, latency_ns, stream)
    }
}

impl<K, Q, C> Drop for KeyGuard<'_, K, Q, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let outcome = if thread::panicking() && !self.was_panicking {
            Outcome::Failure
        } else {
            Outcome::Ignored
        };
        let _ = self.settle(outcome);
    }
}

impl<K, Q, C> fmt::Debug for KeyGuard<'_, K, Q, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + fmt::Debug + ?Sized,
    C: Clock,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyGuard")
            .field("key", &self.key)
            .field("permit", &self.permit)
            .finish_non_exhaustive()
    }
}
