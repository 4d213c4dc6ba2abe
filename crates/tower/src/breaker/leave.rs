//! Leave to make one call: of a shared breaker, and of one key of a table.

use std::hash::Hash;
use std::time::Duration;

use evenkeel_core::breaker::{Outcome, Permit, Phase, Refused};
use evenkeel_core::retry::BreakerGate;
use evenkeel_core::time;
use evenkeel_std::{Clock, Guard, SharedKeyGate, Stream};
use evenkeel_tokio::SharedBreaker;

use super::readiness::Waiters;
use crate::guarded::Leave;

/// Leave of a shared breaker. Dropped, it is given back as any guard is.
pub(super) struct BreakerLeave<C: Clock + 'static> {
    guard: Guard<'static, C>,
    /// When the call began, where that was not when leave was taken.
    called_ns: Option<u64>,
    /// Who waits for a place, where this is a probe's.
    waiters: Option<Waiters>,
}

impl<C: Clock + 'static> BreakerLeave<C> {
    #[inline(always)]
    pub(super) fn take(
        breaker: &SharedBreaker<C>,
        waiters: Option<&Waiters>,
    ) -> Result<Self, Refused> {
        let guard = breaker.try_acquire_owned()?;
        let waiters = match waiters {
            Some(waiters) if guard.is_probe() => Some(waiters.clone()),
            _ => None,
        };
        Ok(Self {
            guard,
            called_ns: None,
            waiters,
        })
    }

    /// Nobody uses it.
    pub(super) fn give_back(self) {
        self.settle(Outcome::Ignored);
    }
}

/// A probe's place that is kept for a call to come.
pub(super) struct KeptPlace<C: Clock + 'static> {
    leave: BreakerLeave<C>,
    /// When it counts as lost.
    lost_ns: Option<u64>,
}

impl<C: Clock + 'static> KeptPlace<C> {
    pub(super) fn take(breaker: &SharedBreaker<C>, waiters: &Waiters) -> Result<Self, Refused> {
        // Read before it is taken: too early rather than too late.
        let now_ns = breaker.clock().now_ns();
        let lost_ns = time::after(now_ns, breaker.policy().probe_timeout());
        let leave = BreakerLeave::take(breaker, Some(waiters))?;
        Ok(Self { leave, lost_ns })
    }

    /// The place of an earlier poll has used some of its time. Nobody needs to hear of it: it is taken again at once.
    pub(super) fn renew(
        self,
        breaker: &SharedBreaker<C>,
        waiters: &Waiters,
    ) -> Result<Self, Refused> {
        self.leave.guard.ignored();
        Self::take(breaker, waiters)
    }

    /// Leave for the call that begins now, if it still is that: a probe's place that was not lost, of the phase that is.
    pub(super) fn called(mut self, breaker: &SharedBreaker<C>) -> Option<BreakerLeave<C>> {
        let (guard, now_ns) = (&self.leave.guard, self.leave.now_ns());
        let stands = guard.is_probe()
            && self.lost_ns.is_none_or(|at_ns| now_ns < at_ns)
            && guard.generation() == breaker.generation()
            && breaker.phase() == Phase::HalfOpen;
        if !stands {
            self.give_back();
            return None;
        }
        self.leave.called_ns = Some(now_ns);
        Some(self.leave)
    }

    /// The call did not come.
    pub(super) fn give_back(self) {
        self.leave.give_back();
    }
}

impl<C: Clock + 'static> Leave for BreakerLeave<C> {
    fn now_ns(&self) -> u64 {
        self.guard.clock().now_ns()
    }

    #[inline(always)]
    fn settle(self, outcome: Outcome) {
        if matches!((outcome, self.called_ns), (Outcome::Success, None)) {
            self.guard.success();
        } else if let Some(called_ns) = self.called_ns {
            let latency_ns = self.now_ns().saturating_sub(called_ns);
            let latency = Duration::from_nanos(latency_ns);
            let _ = self.guard.outcome_after(outcome, latency);
        } else {
            let _ = self.guard.outcome(outcome);
        }
        if let Some(waiters) = &self.waiters {
            waiters.wake();
        }
    }
}

/// Leave of one key's breaker.
pub(super) struct KeyLeave<Q, C: Clock> {
    gate: SharedKeyGate<Q, C>,
    permit: Permit,
    clock: C,
    stream: Stream,
    began_ns: u64,
}

impl<Q: Clone + Hash + Eq, C: Clock> KeyLeave<Q, C> {
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

impl<Q: Clone + Hash + Eq, C: Clock> Leave for KeyLeave<Q, C> {
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
