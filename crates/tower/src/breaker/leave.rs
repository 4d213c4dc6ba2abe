//! Leave to make one call: of a shared breaker, and of one key of a table.

use std::hash::Hash;
use std::time::Duration;

use evenkeel_core::breaker::{Outcome, Permit, Phase, Refused};
use evenkeel_core::retry::BreakerGate;
use evenkeel_core::time;
use evenkeel_std::driver::PlainLeave;
use evenkeel_std::{Clock, Guard, SharedKeyGate, Stream};
use evenkeel_tokio::SharedBreaker;

use super::readiness::Waiters;
use crate::guarded::Leave;

/// Leave of a shared breaker, in the response. One that everybody is given has words of its own there, and is settled where
/// it lies: a guard that was moved about cost more than all that it does.
pub(super) enum BreakerLeave<C: Clock + 'static> {
    Plain {
        breaker: SharedBreaker<C>,
        /// Until it is given back.
        leave: Option<PlainLeave>,
    },
    Guard(Option<GuardLeave<C>>),
}

/// Leave that everybody is given, while the service is called.
pub(super) struct Plain<'a, C: Clock> {
    breaker: &'a SharedBreaker<C>,
    /// Until it is given back.
    leave: Option<PlainLeave>,
}

impl<'a, C: Clock> Plain<'a, C> {
    #[inline(always)]
    pub(super) fn take(breaker: &'a SharedBreaker<C>) -> Option<Self> {
        let leave = PlainLeave::take(breaker)?;
        Some(Self {
            breaker,
            leave: Some(leave),
        })
    }
}

impl<C: Clock> From<Plain<'_, C>> for BreakerLeave<C> {
    #[inline(always)]
    fn from(plain: Plain<'_, C>) -> Self {
        Self::Plain {
            breaker: plain.breaker.clone(),
            leave: plain.leave,
        }
    }
}

/// Leave that had to be asked for. Dropped, it is given back as any guard is.
pub(super) struct GuardLeave<C: Clock + 'static> {
    guard: Guard<'static, C>,
    /// When the call began, where that was not when leave was taken.
    called_ns: Option<u64>,
    /// Who waits for a place, where this is a probe's.
    waiters: Option<Waiters>,
}

impl<C: Clock + 'static> GuardLeave<C> {
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

    fn settle(self, outcome: Outcome) {
        let _ = match self.called_ns {
            None => self.guard.outcome(outcome),
            Some(called_ns) => {
                let latency_ns = self.guard.clock().now_ns().saturating_sub(called_ns);
                let latency = Duration::from_nanos(latency_ns);
                self.guard.outcome_after(outcome, latency)
            }
        };
        if let Some(waiters) = &self.waiters {
            waiters.wake();
        }
    }
}

/// A probe's place that is kept for a call to come.
pub(super) struct KeptPlace<C: Clock + 'static> {
    leave: GuardLeave<C>,
    /// When it counts as lost.
    lost_ns: Option<u64>,
}

impl<C: Clock + 'static> KeptPlace<C> {
    pub(super) fn take(breaker: &SharedBreaker<C>, waiters: &Waiters) -> Result<Self, Refused> {
        // Read before it is taken: too early rather than too late.
        let now_ns = breaker.clock().now_ns();
        let lost_ns = time::after(now_ns, breaker.policy().probe_timeout());
        let leave = GuardLeave::take(breaker, Some(waiters))?;
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
    pub(super) fn called(mut self, breaker: &SharedBreaker<C>) -> Option<GuardLeave<C>> {
        let guard = &self.leave.guard;
        let now_ns = guard.clock().now_ns();
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
        match self {
            Self::Plain { breaker, .. } => breaker.clock().now_ns(),
            Self::Guard(Some(leave)) => leave.guard.clock().now_ns(),
            Self::Guard(None) => 0,
        }
    }

    #[inline(always)]
    fn settle(&mut self, outcome: Outcome) {
        match self {
            Self::Plain { breaker, leave } => {
                if let Some(leave) = leave.take() {
                    leave.tell(breaker, outcome);
                }
            }
            Self::Guard(leave) => settle_guard(leave, outcome),
        }
    }
}

#[cold]
fn settle_guard<C: Clock>(leave: &mut Option<GuardLeave<C>>, outcome: Outcome) {
    if let Some(leave) = leave.take() {
        leave.settle(outcome);
    }
}

impl<C: Clock> Leave for Plain<'_, C> {
    fn now_ns(&self) -> u64 {
        self.breaker.clock().now_ns()
    }

    #[inline(always)]
    fn settle(&mut self, outcome: Outcome) {
        if let Some(leave) = self.leave.take() {
            leave.tell(self.breaker, outcome);
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
