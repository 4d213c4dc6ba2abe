//! Which breaker a request's attempts ask.

use std::fmt;
use std::hash::Hash;

use evenkeel_core::breaker::Phase;
use evenkeel_core::retry::BreakerGate;
use evenkeel_std::driver::{Lent, NoBreaker};
use evenkeel_std::{Clock, SharedKeyGate};
use evenkeel_tokio::{SharedBreaker, SharedBreakerTable, TokioClock};

/// What can be asked before attempts: see [`BreakerOf`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no breaker that calls can share",
    note = "make one of a policy with `SharedBreaker::new(policy)`; one for each key is `breaker_table`"
)]
pub trait Guarding {
    /// What is asked.
    type Gate: BreakerGate + Send;

    /// Whether the first attempt of any request would be refused now. Then the operation begins although the service is
    /// not ready, and hears so at once. False where only the request says whom to ask.
    fn refuses(&self) -> bool {
        false
    }
}

/// Which breaker a request's attempts ask: a [`SharedBreaker`] is that of all requests, [`KeyedBy`] has one for each
/// key, [`Unguarded`] none.
pub trait BreakerOf<Req>: Guarding {
    /// Lends it for the operation that sends `request`, beside what is lent already.
    fn lend<G>(&self, lent: Lent<NoBreaker, G>, request: &Req) -> Lent<Self::Gate, G>;
}

/// No breaker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unguarded;

impl Guarding for Unguarded {
    type Gate = NoBreaker;
}

impl<Req> BreakerOf<Req> for Unguarded {
    fn lend<G>(&self, lent: Lent<NoBreaker, G>, _: &Req) -> Lent<NoBreaker, G> {
        lent
    }
}

impl<C: Clock> Guarding for SharedBreaker<C> {
    type Gate = Self;

    /// Without the lock while closed.
    fn refuses(&self) -> bool {
        self.phase() != Phase::Closed && self.peek().is_err()
    }
}

impl<Req, C: Clock> BreakerOf<Req> for SharedBreaker<C> {
    fn lend<G>(&self, lent: Lent<NoBreaker, G>, _: &Req) -> Lent<Self, G> {
        lent.with_breaker(self.clone())
    }
}

/// The breaker of a request's key: what [`RetryLayer::breaker_table`](super::RetryLayer::breaker_table) makes.
pub struct KeyedBy<Q, F, C: Clock = TokioClock> {
    table: SharedBreakerTable<Q, C>,
    key: F,
}

impl<Q, F, C: Clock> KeyedBy<Q, F, C> {
    pub(super) fn new(table: &SharedBreakerTable<Q, C>, key: F) -> Self {
        let table = table.clone();
        Self { table, key }
    }
}

impl<Q, F, C> Guarding for KeyedBy<Q, F, C>
where
    Q: Clone + Hash + Eq + Send,
    C: Clock,
{
    type Gate = SharedKeyGate<Q, C>;
}

impl<Req, Q, F, C> BreakerOf<Req> for KeyedBy<Q, F, C>
where
    Q: Clone + Hash + Eq + Send,
    F: Fn(&Req) -> Q,
    C: Clock,
{
    fn lend<G>(&self, lent: Lent<NoBreaker, G>, request: &Req) -> Lent<Self::Gate, G> {
        lent.with_breaker(self.table.gate((self.key)(request)))
    }
}

impl<Q, F: Clone, C: Clock> Clone for KeyedBy<Q, F, C> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            key: self.key.clone(),
        }
    }
}

impl<Q, F, C: Clock> fmt::Debug for KeyedBy<Q, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBy").finish_non_exhaustive()
    }
}
