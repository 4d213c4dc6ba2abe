//! The tests that tower has for its retry, its budget and its backoff, restated: see docs/peers-tests.md.

mod support;

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::budget::{RetryCause, RetryRatioPolicy};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tower::{
    AnyRequest, Attempt, Classified, Replay, RetryLayer, SharedRatio, Streams, TestClock,
    TokioClock,
};
use support::ms;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower_test::{assert_request_eq, mock};

type Handle = mock::Handle<&'static str, &'static str>;

/// Retries without waits.
fn at_once(attempts: u32) -> RetryPolicy {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(1));
    let policy = RetryPolicy::builder(backoff).max_attempts(attempts);
    policy.build().expect("a valid policy")
}

/// On a clock that goes to the end of each wait at once.
fn layer<R>(attempts: u32, replay: R) -> RetryLayer<R, evenkeel_tower::ByResult> {
    RetryLayer::new(&at_once(attempts), replay)
}

/// The service behind `$layer`, ready, and the other end.
macro_rules! service {
    ($layer:expr) => {{
        let (mut service, handle): (_, Handle) = mock::spawn_layer::<_, _, _>($layer);
        assert_ready_ok!(service.poll_ready());
        (service, handle)
    }};
}

#[tokio::test]
async fn errors_are_retried() {
    let (mut service, mut handle) = service!(layer(3, AnyRequest).clock(TestClock::new()));
    let mut answer = task::spawn(service.call("hello"));
    // Nothing is sent before it is polled.
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_error("retry me");
    assert_pending!(answer.poll());
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_response("world");
    assert_eq!(assert_ready_ok!(answer.poll()), "world");
}

#[tokio::test]
async fn attempts_have_a_limit() {
    let (mut service, mut handle) = service!(layer(3, AnyRequest).clock(TestClock::new()));
    let mut answer = task::spawn(service.call("hello"));
    assert_pending!(answer.poll());
    for text in ["retry 1", "retry 2"] {
        assert_request_eq!(handle, "hello").send_error(text);
        assert_pending!(answer.poll());
        assert_pending!(answer.poll());
    }
    assert_request_eq!(handle, "hello").send_error("retry 3");
    let error = assert_ready_err!(answer.poll());
    assert_eq!((error.end(), error.attempts()), (End::Attempts, 3));
    assert_eq!(
        error.into_last().map(|last| last.to_string()).as_deref(),
        Some("retry 3")
    );
}

#[tokio::test]
async fn an_error_can_be_one_that_is_not_retried() {
    let unless = |result: Result<&&'static str, &tower::BoxError>| {
        let error = result.err()?;
        Some(if error.to_string() == "reject" {
            Classified::permanent()
        } else {
            Classified::transient()
        })
    };
    let layer = layer(9, AnyRequest)
        .classify(unless)
        .clock(TestClock::new());
    let (mut service, mut handle) = service!(layer);
    let mut answer = task::spawn(service.call("hello"));
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_error("retry 1");
    assert_pending!(answer.poll());
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_error("reject");
    let error = assert_ready_err!(answer.poll());
    assert_eq!(error.end(), End::Permanent);
    assert_eq!(
        error.into_last().map(|last| last.to_string()).as_deref(),
        Some("reject")
    );
}

#[tokio::test]
async fn what_cannot_be_cloned_is_sent_once() {
    let layer = layer(3, |_: &&'static str| false).clock(TestClock::new());
    let (mut service, mut handle) = service!(layer);
    let mut answer = task::spawn(service.call("hello"));
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_error("retry 1");
    let error = assert_ready_err!(answer.poll());
    assert_eq!(
        error.into_last().map(|last| last.to_string()).as_deref(),
        Some("retry 1")
    );
}

#[tokio::test]
async fn what_cannot_be_cloned_can_succeed() {
    let layer = layer(3, |_: &&'static str| false).clock(TestClock::new());
    let (mut service, mut handle) = service!(layer);
    let mut answer = task::spawn(service.call("hello"));
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_response("world");
    assert_eq!(assert_ready_ok!(answer.poll()), "world");
}

/// Says in the request that it is a retry.
#[derive(Clone)]
struct Marks;

impl Replay<&'static str> for Marks {
    fn may_replay(&self, _: &&'static str) -> bool {
        true
    }

    fn copy(&self, request: &&'static str) -> &'static str {
        request
    }

    fn on_attempt(&self, request: &mut &'static str, attempt: Attempt) {
        if attempt.is_retry() {
            *request = "retrying";
        }
    }
}

#[tokio::test]
async fn a_retry_can_say_that_it_is_one() {
    let never_enough = |_: Result<&&'static str, &tower::BoxError>| Some(Classified::transient());
    let layer = layer(3, Marks)
        .classify(never_enough)
        .clock(TestClock::new());
    let (mut service, mut handle) = service!(layer);
    let mut answer = task::spawn(service.call("hello"));
    assert_pending!(answer.poll());
    assert_request_eq!(handle, "hello").send_response("world");
    for _ in 0..2 {
        assert_pending!(answer.poll());
        assert_pending!(answer.poll());
        assert_request_eq!(handle, "retrying").send_response("world");
    }
    // The last answer is handed on as it is, not replaced by "out of retries".
    assert_eq!(assert_ready_ok!(answer.poll()), "world");
}

/// A retry is as good as its budget: what `TpsBudget::{deposit, withdraw}` do, `on_request` and `try_withdraw` do.
fn budget(ratio: Ratio, floor_per_second: u32) -> SharedRatio<TokioClock> {
    let policy = RetryRatioPolicy::builder(ratio)
        .ttl(Duration::from_secs(1))
        .floor_per_second(floor_per_second);
    SharedRatio::with_clock(
        policy.build().expect("a valid policy"),
        TokioClock::starting_now(),
    )
}

fn withdraw(budget: &SharedRatio<TokioClock>) -> bool {
    budget.try_withdraw(RetryCause::Failure).is_ok()
}

#[tokio::test(start_paused = true)]
async fn an_empty_budget_allows_nothing() {
    assert!(!withdraw(&budget(Ratio::ONE, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_forgotten() {
    let budget = budget(Ratio::ONE, 0);
    budget.on_request();
    tokio::time::advance(ms(3_000)).await;
    assert!(!withdraw(&budget));
}

#[tokio::test(start_paused = true)]
async fn requests_are_remembered_slice_by_slice() {
    let budget = budget(Ratio::percent(50), 0);
    budget.on_request();
    budget.on_request();
    // Nine slices of ten later it still counts.
    tokio::time::advance(ms(899)).await;
    assert!(withdraw(&budget));

    tokio::time::advance(ms(2_001)).await;
    budget.on_request();
    tokio::time::advance(ms(301)).await;
    budget.on_request();
    tokio::time::advance(ms(801)).await;
    budget.on_request();
    // The first is forgotten, the second and the third are worth one retry.
    assert_eq!(budget.requests(), 2);
    assert!(withdraw(&budget));
    assert!(!withdraw(&budget));
}

#[tokio::test(start_paused = true)]
async fn the_floor_is_there_without_requests() {
    let budget = budget(Ratio::ONE, 5);
    for _ in 0..5 {
        assert!(withdraw(&budget));
    }
    assert!(!withdraw(&budget));
}

/// The waits of an operation that always fails, and what the core says of their ranges.
#[test]
fn waits_begin_at_the_base_and_stay_between_it_and_the_cap() {
    for (base_ms, cap_ms) in [(1, 1), (1, 2), (7, 1_000), (100, 100_000)] {
        let backoff = BackoffPolicy::builder(ms(base_ms))
            .cap(ms(cap_ms))
            .jitter(Jitter::None);
        let policy = backoff.build().expect("a valid policy");
        assert_eq!(policy.range(1), (ms(base_ms), ms(base_ms)));
        for attempt in 1..100 {
            let (least, most) = policy.range(attempt);
            assert!(ms(base_ms) <= least && most <= ms(cap_ms));
        }
    }
    // A cap below the base is the wait.
    let low = BackoffPolicy::builder(ms(9))
        .cap(ms(5))
        .jitter(Jitter::None)
        .build();
    assert_eq!(low.expect("a valid policy").range(1), (ms(5), ms(5)));
}

#[test]
fn jitter_is_there_or_not_as_the_policy_says() {
    for (jitter, differ) in [(Jitter::None, false), (Jitter::Full, true)] {
        let backoff = BackoffPolicy::builder(ms(1_000)).jitter(jitter);
        let policy = RetryPolicy::builder(backoff).max_attempts(2).build();
        let policy = policy.expect("a valid policy");
        let mut ends = Vec::new();
        for _ in 0..2 {
            let clock = TestClock::new();
            let layer = RetryLayer::new(&policy, AnyRequest).clock(clock.clone());
            let layer = layer.streams(&Streams::of_the_process());
            let down = tower::service_fn(|()| std::future::ready(Err::<(), _>("down")));
            let mut service = tower::Layer::layer(&layer, down);
            assert!(support::poll_times(support::call(&mut service, ()), 9).is_some());
            ends.push(evenkeel_tower::Clock::now_ns(&clock));
        }
        assert_eq!(ends[0] != ends[1], differ);
    }
}
