//! What the adapters add to a call that succeeds at once: a retry around it, a breaker in front of a service.
//!
//! Futures are polled once, without a runtime. A retry reads the clock of its runtime, which is part of what it adds;
//! the bare operation reads none.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::retry::{RetryBuilder, RetryPolicy};
use evenkeel_tower::{AnyRequest, BreakerLayer, CallError, RetryLayer};
use tower::{Layer, Service};
use tower_resilience_circuitbreaker::{CircuitBreakerError, CircuitBreakerLayer};

use crate::polled::{called, polled};
use crate::repeat::repeated;
use crate::{Case, Entrant};

const TOWER_RESILIENCE: &str = "tower-resilience 0.14";
const HOUR: Duration = Duration::from_secs(3600);

/// What a retry may add to a call, in nanoseconds.
const RETRY_ADDS: f64 = 100.0;

/// The cases of the adapters.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        blocking_retry(),
        blocking_retry_with_a_deadline(),
        retry_of_a_future(),
        retry_of_a_service(),
        breaker_of_a_service("consecutive failures", Opens::InARow),
        breaker_of_a_service("failure rate of the last 100", Opens::AtHalf),
    ]
}

/// The operation, and what is asked of it.
type Answer = Result<u64, Down>;

/// The error of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Down;

/// It succeeds unless it is asked for nothing.
fn operation(request: u64) -> Answer {
    black_box(request).checked_sub(1).ok_or(Down)
}

/// The same as a service.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce;

impl Service<u64> for AtOnce {
    type Response = u64;
    type Error = Down;
    type Future = Ready<Answer>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: u64) -> Self::Future {
        ready(operation(request))
    }
}

/// Three attempts, 100 ms between the first two.
fn three_attempts() -> RetryBuilder {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(10));
    RetryPolicy::builder(backoff).max_attempts(3)
}

fn policy() -> RetryPolicy {
    three_attempts().build().expect("a valid policy")
}

/// A call that is retried, of threads.
pub fn blocking() -> impl FnMut() -> bool {
    calling(policy())
}

fn calling(policy: RetryPolicy) -> impl FnMut() -> bool {
    move || {
        let call = |_| operation(2);
        evenkeel_std::retry(&policy, call).run().is_ok()
    }
}

/// A future that is retried.
pub fn of_a_future() -> impl FnMut() -> bool {
    let policy = policy();
    move || {
        let call = |_| ready(operation(2));
        polled(evenkeel_tokio::retry(&policy, call).run()).is_ok()
    }
}

/// A service that is retried.
pub fn of_a_service() -> impl FnMut() -> bool {
    let mut service = RetryLayer::new(&policy(), AnyRequest).layer(AtOnce);
    move || called(&mut service, 2).is_ok()
}

fn blocking_retry() -> Case {
    Case::new(
        "adapter: std, retry around a call",
        repeated("ours", blocking),
        || assert!(blocking()()),
    )
    .on_top_of(repeated("the call", || || operation(2).is_ok()), RETRY_ADDS)
}

/// The instant of its end matters, too.
fn blocking_retry_with_a_deadline() -> Case {
    let calling = || {
        let limited = three_attempts().deadline(HOUR).build();
        calling(limited.expect("a valid policy"))
    };
    Case::new(
        "adapter: std, retry with a deadline around a call",
        repeated("ours", calling),
        move || assert!(calling()()),
    )
    .on_top_of(repeated("the call", || || operation(2).is_ok()), RETRY_ADDS)
}

fn retry_of_a_future() -> Case {
    let bare = repeated("the future", || || polled(ready(operation(2))).is_ok());
    Case::new(
        "adapter: tokio, retry around a future",
        repeated("ours", of_a_future),
        || assert!(of_a_future()()),
    )
    .on_top_of(bare, RETRY_ADDS)
}

fn retry_of_a_service() -> Case {
    let bare = repeated("the service", || {
        let mut service = AtOnce;
        move || called(&mut service, 2).is_ok()
    });
    Case::new(
        "adapter: tower, retry layer",
        repeated("ours", of_a_service),
        || assert!(of_a_service()()),
    )
    .on_top_of(bare, RETRY_ADDS)
}

/// When a breaker opens.
#[derive(Clone, Copy)]
enum Opens {
    /// After 20 failures in a row.
    InARow,
    /// When half of the last 100 failed.
    AtHalf,
}

fn ours(opens: Opens) -> impl Service<u64, Response = u64, Error: RefusedByBreaker> {
    let builder = BreakerPolicy::builder(BackoffPolicy::builder(HOUR), HOUR);
    let builder = match opens {
        Opens::InARow => builder.trigger(Trigger::Consecutive { failures: 20 }),
        Opens::AtHalf => {
            builder
                .window(Window::Count { calls: 100 })
                .trigger(Trigger::FailureRate {
                    at_least: Ratio::percent(50),
                    min_calls: 100,
                })
        }
    };
    let policy = builder.build().expect("a valid policy");
    BreakerLayer::new(&evenkeel_tokio::SharedBreaker::new(policy)).layer(AtOnce)
}

fn tower_resilience(opens: Opens) -> impl Service<u64, Response = u64, Error: RefusedByBreaker> {
    let builder = CircuitBreakerLayer::builder().wait_duration_in_open(HOUR);
    let builder = match opens {
        Opens::InARow => builder.consecutive_failures(20),
        Opens::AtHalf => builder
            .failure_rate_threshold(0.5)
            .sliding_window_size(100)
            .minimum_number_of_calls(100),
    };
    builder.build().expect("a valid policy").layer(AtOnce)
}

fn succeeding<S: Service<u64> + 'static>(
    name: &'static str,
    make: impl Fn() -> S + 'static,
) -> Entrant {
    repeated(name, move || {
        let mut service = make();
        move || called(&mut service, 2).is_ok()
    })
}

fn breaker_of_a_service(how: &str, opens: Opens) -> Case {
    Case::new(
        format!("adapter: tower, breaker layer, {how}"),
        succeeding("ours", move || ours(opens)),
        move || {
            let admitted = admitted(ours(opens));
            assert_eq!(admitted, self::admitted(tower_resilience(opens)));
            let expected = match opens {
                Opens::InARow => 20,
                Opens::AtHalf => 100,
            };
            assert_eq!(admitted, expected);
        },
    )
    .against(
        succeeding(TOWER_RESILIENCE, move || tower_resilience(opens)),
        5.0,
    )
}

/// How many calls that fail go through before one is refused.
fn admitted<S: Service<u64, Response = u64, Error: RefusedByBreaker>>(mut service: S) -> u32 {
    let calls = (0..200).take_while(|_| {
        let refused = matches!(called(&mut service, 0), Err(error) if error.is_refusal());
        !refused
    });
    calls.count().try_into().expect("a count")
}

/// An error that says whether the breaker made it.
trait RefusedByBreaker {
    fn is_refusal(&self) -> bool;
}

impl<E> RefusedByBreaker for CallError<E> {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl<E> RefusedByBreaker for CircuitBreakerError<E> {
    fn is_refusal(&self) -> bool {
        self.is_circuit_open()
    }
}
