//! The peers' breakers behind one trait.

use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};
use std::time::Duration;

use circuitbreaker_rs::{BreakerError, DefaultPolicy};
use failsafe::backoff::Constant;
use failsafe::failure_policy::{
    ConsecutiveFailures, FailurePolicy, SuccessRateOverTimeWindow, consecutive_failures,
    success_rate_over_time_window,
};
use failsafe::{CircuitBreaker, Config, StateMachine};
use recloser::Recloser;
use tower::{Layer, Service};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

use super::HOUR;
use super::subject::Subject;
use crate::inputs::Call;
use crate::polled::called;

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

/// circuitbreaker-rs wants an error that is one.
type CircuitbreakerRs = circuitbreaker_rs::CircuitBreaker<DefaultPolicy, fmt::Error>;

/// Half of at least 100 calls failed, of all that it has ever seen.
pub(super) fn circuitbreaker_rs() -> CircuitbreakerRs {
    CircuitbreakerRs::builder()
        .failure_threshold(0.5)
        .min_throughput(100)
        .consecutive_failures(u64::MAX)
        .cooldown(HOUR)
        .build()
}

impl Subject for CircuitbreakerRs {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        let result = self.call(|| result(call).map_err(|()| fmt::Error));
        !matches!(result, Err(BreakerError::Open))
    }
}

/// A service that answers at once.
#[derive(Clone)]
pub(super) struct AtOnce;

impl Service<Call> for AtOnce {
    type Response = ();
    type Error = ();
    type Future = Ready<Result<(), ()>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, call: Call) -> Self::Future {
        ready(result(call))
    }
}

/// A service behind the layer of tower-resilience.
pub(super) struct Layered<S>(S);

/// Half of at least 100 calls failed or took a second, of the last 100 as it has them.
pub(super) fn tower_resilience() -> Layered<impl Service<Call, Error: RefusedByBreaker>> {
    let layer = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .slow_call_rate_threshold(0.5)
        .slow_call_duration_threshold(Duration::from_secs(1))
        .sliding_window_size(100)
        .minimum_number_of_calls(100)
        .wait_duration_in_open(HOUR)
        .build();
    Layered(layer.expect("a valid policy").layer(AtOnce))
}

/// An error that says whether the breaker made it.
pub(super) trait RefusedByBreaker {
    fn is_refusal(&self) -> bool;
}

impl<E> RefusedByBreaker for tower_resilience_circuitbreaker::CircuitBreakerError<E> {
    fn is_refusal(&self) -> bool {
        self.is_circuit_open()
    }
}

impl<S: Service<Call, Error: RefusedByBreaker>> Subject for Layered<S> {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        !matches!(called(&mut self.0, call), Err(error) if error.is_refusal())
    }
}
