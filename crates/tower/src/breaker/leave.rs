//! Leave to make one call: of a shared breaker, and of one key of a table.

use std::hash::Hash;

use evenkeel_core::breaker::{Outcome, Permit, Phase, Refused};
use evenkeel_core::retry::BreakerGate;
use evenkeel_core::time;
use evenkeel_std::{Clock, Guard, SharedKeyGate, Stream};
use evenkeel_tokio::SharedBreaker;

use super::readiness::Waiters;
use crate::guarded::Leave;

/// Leave of a shared breaker for a call that is about to begin, borrowed: while the service is called it need not lie in
/// memory, so it is written once, into the response.
pub(super) struct Asked<'a, C: Clock> {
    guard: Guard<'a, C>,
    /// Who waits for a place, where this is a probe's.
    waiters: Option<&'a Waiters>,
}

impl<'a, C: Clock> Asked<'a, C> {
    #[inline(always)]
    pub(super) fn take(
        breaker: &'a SharedBreaker<C>,
        waiters: Option<&'a Waiters>,
    ) -> Result<Self, Refused> {
        let guard = breaker.try_acquire()?;
        let waiters = waiters.filter(|_| guard.is_probe());
        Ok(Self { guard, waiters })
    }

    #[inline(always)]
    pub(super) fn kept(self) -> BreakerLeave<C> {
        BreakerLeave {
            guard: self.guard.into_owned(),
            waiters: self.waiters.cloned(),
        }
    }
}

/// Leave of a shared breaker. Dropped, it is given back as any guard is.
pub(super) struct BreakerLeave<C: Clock + 'static> {
    guard: Guard<'static, C>,
    waiters: Option<Waiters>,
}

impl<C: Clock + 'static> BreakerLeave<C> {
    pub(super) fn take(
        breaker: &SharedBreaker<C>,
        waiters: Option<&Waiters>,
    ) -> Result<Self, Refused> {
        Asked::take(breaker, waiters).map(Asked::kept)
    }

    /// Nobody uses it.
    pub(super) fn give_back(mut self) {
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
    pub(super) fn called(self, breaker: &SharedBreaker<C>) -> Option<BreakerLeave<C>> {
        let (guard, now_ns) = (&self.leave.guard, self.leave.now_ns());
        let stands = guard.is_probe()
            && self.lost_ns.is_none_or(|at_ns| now_ns < at_ns)
            && guard.generation() == breaker.generation()
            && breaker.phase() == Phase::HalfOpen;
        if !stands {
            self.give_back();
            return None;
        }
        let BreakerLeave { guard, waiters } = self.leave;
        let guard = guard.began_at(now_ns);
        Some(BreakerLeave { guard, waiters })
    }

    /// The call did not come.
    pub(super) fn give_back(self) {
        self.leave.give_back();
    }
}

impl<C: Clock> Leave for Asked<'_, C> {
    fn now_ns(&self) -> u64 {
        self.guard.clock().now_ns()
    }

    #[inline(always)]
    fn settle(&mut self, outcome: Outcome) {
        self.guard.settle(outcome);
        if let Some(waiters) = self.waiters.take() {
            waiters.wake();
        }
    }
}

impl<C: Clock + 'static> Leave for BreakerLeave<C> {
    fn now_ns(&self) -> u64 {
        self.guard.clock().now_ns()
    }

    #[inline(always)]
    fn settle(&mut self, outcome: Outcome) {
        self.guard.settle(outcome);
        if let Some(waiters) = self.waiters.take() {
            waiters.wake();
        }
    }
}

/// Leave of one key's breaker.
pub(super) struct KeyLeave<Q, C: Clock> {
    gate: SharedKeyGate<Q, C>,
    /// Until it is given back.
    permit: Option<Permit>,
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
            permit: Some(grant.permit),
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

    fn settle(&mut self, outcome: Outcome) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let now_ns = self.now_ns();
        let latency_ns = now_ns.saturating_sub(self.began_ns);
        let stream = &mut self.stream;
        let _ = self
            .gate
            .on_outcome(now_ns, permit, outcome, latency_ns, stream);
    }
}
