//! Leave to make one call: of a shared breaker, and of one key of a table.

use std::hash::Hash;

use evenkeel_core::breaker::{Outcome, Permit, Phase, Refused};
use evenkeel_core::retry::BreakerGate;
use evenkeel_core::time;
use evenkeel_std::{Clock, Guard, SharedKeyGate, Stream};
use evenkeel_tokio::SharedBreaker;

use super::readiness::Waiters;
use crate::guarded::Place;

/// Leave of a shared breaker. Dropped, it is given back as any guard is.
pub(super) struct BreakerPlace<C: Clock + 'static> {
    guard: Guard<'static, C>,
    breaker: SharedBreaker<C>,
    /// When the call began, where that was not when the place was taken.
    called_ns: Option<u64>,
    /// When it counts as lost, where it may be kept: a probe's.
    lost_ns: Option<u64>,
    waiters: Option<Waiters>,
}

impl<C: Clock + 'static> BreakerPlace<C> {
    pub(super) fn take(
        breaker: &SharedBreaker<C>,
        waiters: Option<&Waiters>,
    ) -> Result<Self, Refused> {
        // Where nobody waits no place is kept. Read before it is taken: too early rather than too late.
        let lost_ns = || {
            let now_ns = breaker.clock().now_ns();
            time::after(now_ns, breaker.policy().probe_timeout())
        };
        let lost_ns = waiters.and_then(|_| lost_ns());
        let guard = breaker.try_acquire_owned()?;
        // Only a probe has a place that another could wait for.
        let waiters = waiters.filter(|_| guard.is_probe()).cloned();
        Ok(Self {
            guard,
            breaker: breaker.clone(),
            called_ns: None,
            lost_ns,
            waiters,
        })
    }

    /// Whether what was kept is still leave to make a call: a probe's place that was not lost, of the phase that is.
    pub(super) fn stands(&self) -> bool {
        self.guard.is_probe()
            && self.lost_ns.is_none_or(|at_ns| self.now_ns() < at_ns)
            && self.guard.generation() == self.breaker.generation()
            && self.breaker.phase() == Phase::HalfOpen
    }

    /// The place was kept for the call that begins now: it takes as long as the call takes.
    pub(super) fn called(mut self) -> Self {
        self.called_ns = Some(self.now_ns());
        self
    }

    /// Nobody uses it.
    pub(super) fn give_back(self) {
        self.settle(Outcome::Ignored);
    }

    /// Nobody uses it, and nobody needs to hear of it: it is taken again at once.
    pub(super) fn renew(self, waiters: Option<&Waiters>) -> Result<Self, Refused> {
        self.guard.ignored();
        Self::take(&self.breaker, waiters)
    }
}

impl<C: Clock + 'static> Place for BreakerPlace<C> {
    fn now_ns(&self) -> u64 {
        self.breaker.clock().now_ns()
    }

    fn settle(self, outcome: Outcome) {
        let called_ns = self.called_ns;
        match called_ns.map(|at_ns| self.now_ns().saturating_sub(at_ns)) {
            None => {
                let _ = self.guard.outcome(outcome);
            }
            Some(latency_ns) => {
                let latency = std::time::Duration::from_nanos(latency_ns);
                let _ = self.guard.outcome_after(outcome, latency);
            }
        }
        if let Some(waiters) = &self.waiters {
            waiters.wake();
        }
    }
}

/// Leave of one key's breaker.
pub(super) struct KeyPlace<Q, C: Clock> {
    gate: SharedKeyGate<Q, C>,
    permit: Permit,
    clock: C,
    stream: Stream,
    began_ns: u64,
}

impl<Q: Clone + Hash + Eq, C: Clock> KeyPlace<Q, C> {
    pub(super) fn take(
        mut gate: SharedKeyGate<Q, C>,
        clock: C,
        mut stream: Stream,
    ) -> Result<Self, Refused> {
        let began_ns = clock.now_ns();
        let grant = gate.try_acquire(began_ns, &mut stream)?;
        Ok(Self {
            gate,
            permit: grant.permit,
            clock,
            stream,
            began_ns,
        })
    }
}

impl<Q: Clone + Hash + Eq, C: Clock> Place for KeyPlace<Q, C> {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    fn settle(mut self, outcome: Outcome) {
        let now_ns = self.now_ns();
        let latency_ns = now_ns.saturating_sub(self.began_ns);
        let (permit, stream) = (self.permit, &mut self.stream);
        let _ = self
            .gate
            .on_outcome(now_ns, permit, outcome, latency_ns, stream);
    }
}
