//! Ours and the peers behind one trait: a call passes or it does not.

use std::time::Duration;

use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Transitions};
use failsafe::backoff::Constant;
use failsafe::failure_policy::{
    ConsecutiveFailures, FailurePolicy, SuccessRateOverTimeWindow, consecutive_failures,
    success_rate_over_time_window,
};
use failsafe::{CircuitBreaker, Config, StateMachine};
use rand_xoshiro::Xoshiro256PlusPlus;
use recloser::Recloser;

use crate::inputs::{Call, rng};
use crate::origins::{PauseBreaker, SortedEachTime};

pub(super) trait Subject {
    /// Asks for a call and, if it may be made, reports how it ended; false when it was refused.
    fn pass(&mut self, call: Call) -> bool;
}

/// Passes everything.
pub(super) struct Nothing;

impl Subject for Nothing {
    #[inline]
    fn pass(&mut self, _: Call) -> bool {
        true
    }
}

/// Our breaker with what a caller keeps beside it: the time, a generator, and a look at the transitions.
pub(super) struct Ours {
    breaker: Breaker,
    rng: Xoshiro256PlusPlus,
    now_ns: u64,
    step_ns: u64,
    transitions: usize,
}

impl Ours {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            breaker: Breaker::new(policy),
            rng: rng(7),
            now_ns: 0,
            step_ns: 1_000,
            transitions: 0,
        }
    }

    /// From one call to the next.
    pub(super) fn stepping(mut self, step: Duration) -> Self {
        self.step_ns = u64::try_from(step.as_nanos()).expect("a span");
        self
    }

    /// Out of the way of the call, as a caller's log line would be.
    #[cold]
    fn report(&mut self, made: Transitions) {
        self.transitions += made.len();
    }
}

impl Subject for Ours {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        self.now_ns += self.step_ns;
        let grant = match self.breaker.try_acquire(self.now_ns, &mut self.rng) {
            Ok(grant) => grant,
            Err(refused) => {
                if !refused.transitions.is_empty() {
                    self.report(refused.transitions);
                }
                return false;
            }
        };
        if !grant.transitions.is_empty() {
            self.report(grant.transitions);
        }
        let outcome = if call.failed {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let receipt = self.breaker.on_outcome(
            self.now_ns,
            grant.permit,
            outcome,
            call.latency_ns,
            &mut self.rng,
        );
        let made = receipt.transitions();
        if !made.is_empty() {
            self.report(made);
        }
        true
    }
}

const fn result(call: Call) -> Result<(), ()> {
    if call.failed { Err(()) } else { Ok(()) }
}

/// Half of the last 100 failed; half-open until two results are in (the first only fills its ring of one).
pub(super) fn recloser(open_wait: Duration, half_open_len: usize) -> Recloser {
    Recloser::custom()
        .error_rate(0.5)
        .closed_len(100)
        .half_open_len(half_open_len)
        .open_wait(open_wait)
        .build()
}

impl Subject for Recloser {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        !matches!(self.call(|| result(call)), Err(recloser::Error::Rejected))
    }
}

/// failsafe with one of its policies.
pub(super) struct Failsafe<P: FailurePolicy>(StateMachine<P, ()>);

const HOUR: Duration = Duration::from_secs(3600);

/// So many failures in a row.
pub(super) fn failsafe_consecutive(failures: u32) -> Failsafe<ConsecutiveFailures<Constant>> {
    let policy = consecutive_failures(failures, failsafe::backoff::constant(HOUR));
    Failsafe(Config::new().failure_policy(policy).build())
}

impl Failsafe<ConsecutiveFailures<Constant>> {
    /// One failure opens, and the wait is over at once.
    pub(super) fn without_wait() -> Self {
        let wait = failsafe::backoff::constant(Duration::ZERO);
        let policy = consecutive_failures(1, wait);
        Self(Config::new().failure_policy(policy).build())
    }
}

impl Failsafe<SuccessRateOverTimeWindow<Constant>> {
    /// Its rate over time: a moving average over 10 s.
    pub(super) fn moving_average() -> Self {
        let (rate, calls, span) = (0.5, 100, Duration::from_secs(10));
        let wait = failsafe::backoff::constant(HOUR);
        let policy = success_rate_over_time_window(rate, calls, span, wait);
        Self(Config::new().failure_policy(policy).build())
    }
}

impl<P: FailurePolicy> Subject for Failsafe<P> {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        !matches!(self.0.call(|| result(call)), Err(failsafe::Error::Rejected))
    }
}

impl Subject for PauseBreaker {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        if !self.can_execute() {
            return false;
        }
        if call.failed {
            self.record_failure();
        } else {
            self.record_success();
        }
        true
    }
}

/// The breaker of O5 fed by its latency monitor; it opens at the first full window whose p99 is above the limit.
pub(super) struct Monitored {
    breaker: PauseBreaker,
    monitor: SortedEachTime,
    limit_ns: u64,
    filled: usize,
    window: usize,
}

impl Monitored {
    pub(super) fn new(window: usize, limit: Duration) -> Self {
        Self {
            breaker: PauseBreaker::new(1),
            monitor: SortedEachTime::new(window),
            limit_ns: u64::try_from(limit.as_nanos()).expect("a span"),
            filled: 0,
            window,
        }
    }
}

impl Subject for Monitored {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        if !self.breaker.can_execute() {
            return false;
        }
        self.monitor.record(call.latency_ns);
        self.filled += 1;
        // The original judges a window from its first sample on; ours waits until `min_calls`.
        if self.filled >= self.window && self.monitor.p99() > self.limit_ns {
            self.breaker.record_failure();
        } else {
            self.breaker.record_success();
        }
        true
    }
}
