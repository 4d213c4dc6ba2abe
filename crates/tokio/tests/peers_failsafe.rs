//! The scenarios of failsafe's own tests (1.3), restated; docs/peers-tests.md says which is which.

mod support;

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Outcome, Phase, Trigger, Window};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tokio::{CallError, SharedBreaker, TestClock};
use support::{breaker_on, ms, waits_of};

const fn secs(span: u64) -> Duration {
    Duration::from_secs(span)
}

fn constant(wait: u64) -> BackoffBuilder {
    BackoffPolicy::builder(secs(wait))
        .growth(Growth::Constant)
        .jitter(Jitter::None)
}

fn exponential(wait: u64, cap: u64) -> BackoffBuilder {
    BackoffPolicy::builder(secs(wait))
        .cap(secs(cap))
        .jitter(Jitter::None)
}

/// With a window of so many seconds in so many slices; a probe has an hour.
fn windowed(open: BackoffBuilder, span: u64, slices: u32) -> BreakerBuilder {
    BreakerPolicy::builder(open, secs(3_600)).window(Window::Time {
        span: secs(span),
        slices,
    })
}

fn consecutive(failures: u32, open: BackoffBuilder) -> BreakerBuilder {
    BreakerPolicy::builder(open, secs(3_600)).trigger(Trigger::Consecutive { failures })
}

fn half_fail(min_calls: u32) -> Trigger {
    Trigger::FailureRate {
        at_least: Ratio::percent(50),
        min_calls,
    }
}

fn made(builder: BreakerBuilder) -> (SharedBreaker<TestClock>, TestClock) {
    let clock = TestClock::new();
    let breaker = breaker_on(builder.build().expect("a valid policy"), clock.clone());
    (breaker, clock)
}

fn fail(breaker: &SharedBreaker<TestClock>) {
    breaker.try_acquire().expect("permitted").failure();
}

fn succeed(breaker: &SharedBreaker<TestClock>) {
    breaker.try_acquire().expect("permitted").success();
}

/// How long it is refused from now on, in seconds.
fn refused_for(breaker: &SharedBreaker<TestClock>, clock: &TestClock) -> Option<u64> {
    use evenkeel_tokio::Clock as _;
    let refused = breaker.peek().err()?;
    Some((refused.retry_at_ns? - clock.now_ns()) / 1_000_000_000)
}

/// Fails once, and once more whenever a probe is let through: how long it is open each time.
fn opens(breaker: &SharedBreaker<TestClock>, clock: &TestClock, times: usize) -> Vec<u64> {
    let open = |_| {
        fail(breaker);
        let wait = refused_for(breaker, clock).expect("open");
        clock.advance(secs(wait));
        wait
    };
    (0..times).map(open).collect()
}

// backoff: exponential_growth, constant_growth
#[tokio::test]
async fn waits_grow_up_to_the_cap_or_not_at_all() {
    for (backoff, expected) in [
        (exponential(10, 100), [10, 20, 40, 80, 100, 100]),
        (constant(3), [3; 6]),
    ] {
        let policy = RetryPolicy::builder(backoff.max_retries(6))
            .build()
            .expect("a valid policy");
        assert_eq!(waits_of(&policy, 0).await.0, expected.map(secs));
    }
}

// backoff: full_jittered_growth, equal_jittered_growth: there the words of one seed, here the ranges for a hundred
#[tokio::test]
async fn jittered_waits_stay_in_their_ranges() {
    for (jitter, least) in [(Jitter::Full, 0), (Jitter::Equal, 2)] {
        for seed in 0..100 {
            let backoff = exponential(10, 300).jitter(jitter).max_retries(10);
            let policy = RetryPolicy::builder(backoff)
                .build()
                .expect("a valid policy");
            let ceilings = [10, 20, 40, 80, 160, 300, 300, 300, 300, 300].map(secs);
            for (wait, ceiling) in waits_of(&policy, seed).await.0.into_iter().zip(ceilings) {
                let floor = if least == 0 {
                    Duration::ZERO
                } else {
                    ceiling / least
                };
                assert!((floor..=ceiling).contains(&wait), "{wait:?} of {ceiling:?}");
            }
        }
    }
}

// circuit_breaker and futures: call_ok
#[tokio::test(start_paused = true)]
async fn a_call_that_succeeds_leaves_it_closed() {
    let policy = consecutive(1, constant(5)).build().expect("a valid policy");
    let breaker = SharedBreaker::new(policy);
    let slow = async {
        tokio::time::sleep(ms(100)).await;
        Ok::<_, ()>(())
    };
    assert_eq!(breaker.call(slow).await, Ok(()));
    assert_eq!(breaker.peek(), Ok(()));
}

// circuit_breaker and futures: call_err
#[tokio::test]
async fn a_call_that_fails_opens_it_and_the_next_is_refused() {
    let (breaker, _) = made(consecutive(1, constant(5)));
    assert_eq!(
        breaker.call(ready(Err::<(), _>(()))).await,
        Err(CallError::Failed(()))
    );
    assert!(breaker.peek().is_err());
    let not_polled = async { panic!("polled") as Result<(), ()> };
    assert!(matches!(
        breaker.call(not_polled).await,
        Err(CallError::Refused(_))
    ));
    assert!(breaker.peek().is_err());
}

// circuit_breaker and futures: call_with; failure_predicate: use_func_as_failure_predicate
#[tokio::test]
async fn a_predicate_says_which_errors_count() {
    fn counts(result: &Result<(), bool>) -> Outcome {
        match result {
            Ok(()) | Err(true) => Outcome::Success,
            Err(false) => Outcome::Failure,
        }
    }
    let (breaker, _) = made(consecutive(1, constant(5)));
    for _ in 0..2 {
        assert_eq!(
            breaker.call_with(counts, ready(Err(true))).await,
            Err(CallError::Failed(true))
        );
        assert_eq!(breaker.peek(), Ok(()));
    }
    assert_eq!(
        breaker.call_with(counts, ready(Err(false))).await,
        Err(CallError::Failed(false))
    );
    assert!(breaker.peek().is_err());
}

// futures/stream: call_ok, call_err: a stream's items go through the breaker one by one
#[tokio::test(start_paused = true)]
async fn items_of_a_stream_are_calls() {
    let open = BackoffPolicy::builder(ms(100)).jitter(Jitter::None);
    let policy =
        BreakerPolicy::builder(open, secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = SharedBreaker::new(policy.build().expect("a valid policy"));
    let mut items = [Err::<(), ()>(()), Ok(())].into_iter();
    let mut next = async || {
        breaker
            .call(async { items.next().expect("another item") })
            .await
    };
    assert_eq!(next().await, Err(CallError::Failed(())));
    assert!(matches!(next().await, Err(CallError::Refused(_))));
    tokio::time::sleep(ms(200)).await;
    assert_eq!(next().await, Ok(()));
}

// failure_policy, consecutive_failures: fail_on_nth_attempt
#[test]
fn the_third_failure_in_a_row_opens_it() {
    let (breaker, clock) = made(consecutive(3, constant(5)));
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.phase(), Phase::Closed);
    fail(&breaker);
    assert_eq!(refused_for(&breaker, &clock), Some(5));
}

// failure_policy, consecutive_failures: reset_to_zero_on_revived, reset_to_zero_on_success
#[test]
fn a_success_and_a_recovery_begin_the_count_anew() {
    let (breaker, clock) = made(consecutive(3, constant(5)));
    fail(&breaker);
    succeed(&breaker);
    assert_eq!(opens_after_three(&breaker, &clock), Some(5));
    clock.advance(secs(5));
    succeed(&breaker); // a probe
    assert_eq!(opens_after_three(&breaker, &clock), Some(5));
}

fn opens_after_three(breaker: &SharedBreaker<TestClock>, clock: &TestClock) -> Option<u64> {
    fail(breaker);
    fail(breaker);
    assert_eq!(breaker.phase(), Phase::Closed);
    fail(breaker);
    refused_for(breaker, clock)
}

// failure_policy, consecutive_failures: iterates_over_backoff
#[test]
fn it_opens_for_longer_each_time() {
    let (breaker, clock) = made(consecutive(1, exponential(5, 60)));
    assert_eq!(opens(&breaker, &clock, 6), [5, 10, 20, 40, 60, 60]);
}

// failure_policy, success_rate: fail_when_success_rate_not_met. Theirs is blind for the first whole window; ours judges
// from `min_calls` on.
#[test]
fn a_rate_is_judged_from_the_first_calls_on() {
    let builder = windowed(exponential(5, 60), 30, 30).trigger(half_fail(1));
    let (breaker, clock) = made(builder);
    assert_eq!(opens(&breaker, &clock, 6), [5, 10, 20, 40, 60, 60]);
}

// failure_policy, success_rate: respects_rps_threshold
#[test]
fn a_rate_of_too_few_calls_is_not_judged() {
    let every = Trigger::FailureRate {
        at_least: Ratio::percent(1),
        min_calls: 5,
    };
    let (breaker, clock) = made(windowed(constant(5), 30, 30).trigger(every));
    for _ in 0..4 {
        fail(&breaker);
        assert_eq!(breaker.phase(), Phase::Closed);
    }
    fail(&breaker);
    assert_eq!(refused_for(&breaker, &clock), Some(5));
}

// failure_policy, success_rate: revived_resets_failures
#[test]
fn a_recovery_empties_the_window() {
    let (breaker, clock) = made(windowed(constant(5), 30, 30).trigger(half_fail(2)));
    fail(&breaker);
    fail(&breaker);
    assert_eq!(opens_again_and_closes(&breaker, &clock), Phase::Closed);
    fail(&breaker);
    assert_eq!(breaker.phase(), Phase::Closed, "one of one is too few");
    fail(&breaker);
    assert_eq!(breaker.phase(), Phase::Open);
}

fn opens_again_and_closes(breaker: &SharedBreaker<TestClock>, clock: &TestClock) -> Phase {
    clock.advance(secs(5));
    fail(breaker);
    clock.advance(secs(5));
    succeed(breaker);
    breaker.phase()
}

// failure_policy, success_rate: fractional_success_rate. Theirs is a moving average that needs 70 seconds of failures;
// ours counts: half of the last 100 seconds is 50.
#[test]
fn half_of_a_window_is_half_of_its_calls() {
    let (breaker, clock) = made(windowed(constant(5), 100, 100).trigger(half_fail(1)));
    for _ in 0..100 {
        clock.advance(secs(1));
        succeed(&breaker);
    }
    for number in 1..=50 {
        assert_eq!(breaker.phase(), Phase::Closed, "before failure {number}");
        clock.advance(secs(1));
        fail(&breaker);
    }
    assert_eq!(breaker.phase(), Phase::Open);
}

// failure_policy, or_else: compose_policies
#[test]
fn triggers_compose() {
    let both = consecutive(3, constant(5)).window(Window::Time {
        span: secs(10),
        slices: 10,
    });
    let (breaker, _) = made(both.trigger(half_fail(100)));
    succeed(&breaker);
    fail(&breaker);
    assert_eq!(breaker.phase(), Phase::Closed);
}

// state_machine: closed, open, half-open, open, half-open, closed, open, reset; with an observer
#[test]
fn the_whole_way_round() {
    let (breaker, clock) = made(consecutive(3, exponential(5, 300)));
    let seen = Arc::new(Mutex::new(vec![Phase::Closed]));
    let told = Arc::clone(&seen);
    breaker.on_transition(move |made| told.lock().expect("no panic").push(made.to));
    let seen = || *seen.lock().expect("no panic").last().expect("the first");
    let after = |span| {
        clock.advance(secs(span));
        breaker.peek().is_ok()
    };
    (0..10).for_each(|_| succeed(&breaker));
    (0..2).for_each(|_| fail(&breaker));
    assert_eq!(seen(), Phase::Closed);
    fail(&breaker);
    assert_eq!(seen(), Phase::Open);
    for refused in 1..=10 {
        assert!(breaker.try_acquire().is_err());
        assert_eq!(breaker.stats().refused, refused);
    }
    assert!(!after(2));
    assert!(after(4), "6 s, open for 5");
    fail(&breaker);
    assert_eq!(seen(), Phase::Open);
    assert!(!after(5));
    assert!(after(6), "11 s, open for 10");
    let probe = breaker.try_acquire().expect("a probe");
    assert_eq!(seen(), Phase::HalfOpen);
    probe.success();
    assert_eq!(seen(), Phase::Closed);
    (0..10).for_each(|_| succeed(&breaker));
    (0..3).for_each(|_| fail(&breaker));
    assert_eq!(seen(), Phase::Open);
    let _ = breaker.reset();
    assert_eq!(seen(), Phase::Closed);
}
