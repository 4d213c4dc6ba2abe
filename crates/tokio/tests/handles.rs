//! The handles: what they measure, whom they tell, and what becomes of their guards.

mod support;

use std::future::{pending, ready};
use std::sync::mpsc;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger, Window};
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tokio::{SharedBreaker, SharedThrottle, TokioClock};
use support::{breaker_on, ms, opens_after};

fn half_are_slower_than(limit: Duration) -> BreakerPolicy {
    let slow = Trigger::SlowRate {
        slower_than: limit,
        at_least: Ratio::percent(50),
        min_calls: 2,
    };
    let builder = BreakerPolicy::builder(BackoffPolicy::builder(ms(1_000)), ms(9_000));
    let builder = builder.window(Window::Count { calls: 10 }).trigger(slow);
    builder.build().expect("a valid policy")
}

#[tokio::test(start_paused = true)]
async fn a_call_is_measured_from_its_first_poll_to_its_end() {
    for (took, phase) in [(ms(200), Phase::Closed), (ms(201), Phase::Open)] {
        let breaker = breaker_on(half_are_slower_than(ms(200)), TokioClock::default());
        for _ in 0..2 {
            let call = breaker.call(async {
                tokio::time::sleep(took).await;
                Ok::<_, ()>(())
            });
            // Not yet polled: that time is not the dependency's.
            tokio::time::sleep(ms(5_000)).await;
            assert_eq!(call.await, Ok(()));
        }
        assert_eq!(breaker.phase(), phase, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_can_be_held_over_an_await_and_sent_to_a_task() {
    let breaker = breaker_on(opens_after(1), TokioClock::default());
    let guard = breaker.try_acquire_owned().expect("closed");
    let task = tokio::spawn(async move {
        tokio::time::sleep(ms(10)).await;
        guard.failure();
    });
    task.await.expect("no panic");
    assert_eq!(breaker.phase(), Phase::Open);
    tokio::time::sleep(ms(1_000)).await;
    // A task that is aborted gives its place back.
    let guard = breaker.try_acquire_owned().expect("half-open");
    let task = tokio::spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    tokio::task::yield_now().await;
    assert!(breaker.try_acquire().is_err());
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    breaker.try_acquire().expect("a free place").success();
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_each_transition_once_and_may_use_the_breaker() {
    let breaker = breaker_on(opens_after(1), TokioClock::default());
    let (tell, told) = mpsc::channel();
    let handle = breaker.clone();
    breaker.on_transition(move |made| {
        let _ = tell.send((made.from, made.to, handle.phase()));
    });
    assert!(breaker.call(ready(Err::<(), _>(()))).await.is_err());
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!(breaker.call(ready(Ok::<_, ()>(1))).await, Ok(1));
    let told: Vec<_> = told.try_iter().collect();
    let expected = [
        (Phase::Closed, Phase::Open, Phase::Open),
        (Phase::Open, Phase::HalfOpen, Phase::HalfOpen),
        (Phase::HalfOpen, Phase::Closed, Phase::Closed),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_threads_and_one_of_tasks_are_the_same_breaker() {
    let builder = evenkeel_std::SharedBreaker::builder(opens_after(1));
    let of_threads = builder.clock(TokioClock::default()).build();
    let of_tasks = SharedBreaker::from(of_threads.clone());
    assert!(of_threads.call(|| Err::<(), _>(())).is_err());
    assert!(of_tasks.call(ready(Ok::<_, ()>(1))).await.is_err());
    assert_eq!(of_tasks.phase(), Phase::Open);
    // Stored and restored, it is still open, and ends when it was to end.
    let again = SharedBreaker::builder(opens_after(1)).restore(of_tasks.state());
    let again = again.expect("its own state");
    assert_eq!(again.next_deadline_ns(), of_tasks.next_deadline_ns());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_is_one_that_was_not_accepted() {
    let throttle = SharedThrottle::new(
        AdaptiveThrottlePolicy::builder()
            .build()
            .expect("a valid policy"),
    );
    let accepted = |answer: &Result<u16, ()>| answer.is_ok();
    let hangs = throttle.call_with(accepted, pending());
    assert!(tokio::time::timeout(ms(10), hangs).await.is_err());
    assert_eq!(throttle.call_with(accepted, ready(Ok(200))).await, Ok(200));
    assert_eq!((throttle.requests(), throttle.accepts()), (2, 1));
}
