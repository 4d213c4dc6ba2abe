//! Defects that were found in our peers (D1 to D8 of the survey), looked for at the level of the layers.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger, Window};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tower::retry::Failed;
use evenkeel_tower::{
    AnyRequest, BreakerLayer, CallError, RetryEvent, RetryLayer, SharedBreaker, SharedRatio,
    Streams, TestClock,
};
use support::{breaker_on, call, ms, now, opens_after, poll_times, scripted};
use tower::{Layer, Service, service_fn};

/// One retry at once, where the budget allows.
fn one_retry() -> RetryPolicy {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_nanos(1)));
    policy.max_attempts(2).build().expect("a valid policy")
}

/// How many of `requests` failing requests were retried, one every `every`.
fn retried(
    budget: &SharedRatio<TestClock>,
    clock: &TestClock,
    requests: u32,
    every: Duration,
) -> u32 {
    let service = scripted((0..2 * requests).map(|_| Err::<(), _>("down")));
    let layer = RetryLayer::new(&one_retry(), AnyRequest)
        .budget(budget)
        .clock(clock.clone());
    let mut service_with_retries = layer.layer(service.clone());
    for _ in 0..requests {
        let answer = poll_times(call(&mut service_with_retries, ()), 9);
        assert!(answer.expect("over").is_err());
        clock.advance(every);
    }
    service.calls() - requests
}

fn ratio(ratio: Ratio, ttl: Duration, clock: &TestClock) -> SharedRatio<TestClock> {
    let policy = RetryRatioPolicy::builder(ratio)
        .floor_per_second(0)
        .ttl(ttl);
    SharedRatio::with_clock(policy.build().expect("a valid policy"), clock.clone())
}

#[test]
fn d1_a_share_of_requests_is_that_share() {
    for percent in [1, 10, 20, 30, 33, 40, 51, 60, 75, 99, 100] {
        let clock = TestClock::new();
        let budget = ratio(Ratio::percent(percent), Duration::from_secs(10), &clock);
        let retries = retried(&budget, &clock, 1_000, Duration::from_millis(1));
        assert_eq!(retries, 10 * percent, "of 1000 requests at {percent} %");
    }
}

#[test]
fn d2_a_request_is_remembered_for_the_whole_time_at_any_spacing() {
    for spacing_ms in [10, 333, 999, 1_000, 1_001, 1_499] {
        let clock = TestClock::new();
        let budget = ratio(Ratio::ONE, Duration::from_secs(10), &clock);
        let mut now_ms = 0;
        while now_ms < 60_000 {
            budget.on_request();
            clock.advance(ms(spacing_ms));
            now_ms += spacing_ms;
        }
        let remembered_ms = u64::from(budget.requests()) * spacing_ms;
        // Within a slice, and one request more or less.
        let slack_ms = 1_000 + spacing_ms;
        let fits = (10_000 - slack_ms..=10_000 + slack_ms).contains(&remembered_ms);
        assert!(fits, "{remembered_ms} ms at {spacing_ms} ms");
    }
}

#[test]
fn d3_idle_years_cost_nothing() {
    let clock = TestClock::new();
    let budget = ratio(Ratio::percent(20), Duration::from_secs(1), &clock);
    // A loop over the slices would go on for minutes here.
    for _ in 0..1_000 {
        clock.advance(Duration::from_secs(365 * 86_400 / 2));
        assert_eq!(retried(&budget, &clock, 5, Duration::from_nanos(1)), 1);
    }
}

#[test]
fn d4_operations_of_one_layer_have_jitter_of_their_own() {
    let clock = TestClock::new();
    let waits = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&waits);
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(1_000)))
        .max_attempts(2)
        .build();
    let layer = RetryLayer::new(&policy.expect("a valid policy"), AnyRequest)
        .streams(&Streams::seeded(1))
        .clock(clock)
        .on_retry(move |event: &RetryEvent<'_, Failed<(), &'static str>>| {
            heard.lock().expect("no panic").push(event.wait());
        });
    let down = service_fn(|()| std::future::ready(Err::<(), _>("down")));
    let mut services = [layer.layer(down), layer.clone().layer(down)];
    for number in 0..40 {
        let _ = poll_times(call(&mut services[number % 2], ()), 9);
    }
    let mut waits = std::mem::take(&mut *waits.lock().expect("no panic"));
    assert_eq!(waits.len(), 40);
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 40, "all of them differ");
}

#[test]
fn d5_a_window_of_calls_slides() {
    let open = BackoffPolicy::builder(ms(1_000));
    let rate = Trigger::FailureRate {
        at_least: Ratio::percent(50),
        min_calls: 100,
    };
    let policy = BreakerPolicy::builder(open, ms(10_000)).window(Window::Count { calls: 100 });
    let policy = policy.trigger(rate).build().expect("a valid policy");
    let breaker = breaker_on(policy, TestClock::new());
    let layer = BreakerLayer::new(&breaker);
    let answers = (0..10_000)
        .map(|_| Ok(()))
        .chain((0..50).map(|_| Err("down")));
    let mut guarded = layer.layer(scripted(answers));
    for _ in 0..10_000 {
        assert_eq!(now(call(&mut guarded, ())), Ok(()));
    }
    for failures in 1..=50 {
        assert_eq!(breaker.phase(), Phase::Closed, "after {failures} failures");
        assert!(now(call(&mut guarded, ())).is_err());
    }
    assert_eq!(breaker.phase(), Phase::Open);
}

#[test]
fn d6_probes_that_are_far_apart_do_not_wedge_it() {
    let clock = TestClock::new();
    let open = BackoffPolicy::builder(ms(1_000)).cap(ms(1_000));
    let policy = BreakerPolicy::builder(open, ms(10_000))
        .window(Window::Time {
            span: ms(50),
            slices: 5,
        })
        .trigger(Trigger::Failures { failures: 1 })
        .trials(3)
        .successes(3);
    let breaker = breaker_on(policy.build().expect("a valid policy"), clock.clone());
    breaker.try_acquire().expect("closed").failure();
    clock.advance(ms(1_000));
    let mut guarded = BreakerLayer::new(&breaker).layer(scripted([Ok::<_, ()>(()); 4]));
    for _ in 0..3 {
        assert_eq!(now(call(&mut guarded, ())), Ok(()));
        clock.advance(ms(80));
    }
    assert_eq!(breaker.phase(), Phase::Closed);
    assert_eq!(now(call(&mut guarded, ())), Ok(()));
}

#[test]
fn d7_a_late_success_does_not_close_it() {
    let clock = TestClock::new();
    let breaker = breaker_on(opens_after(1), clock.clone());
    let slow = service_fn(|answer| support::after(1, answer));
    let mut guarded = BreakerLayer::new(&breaker).layer(slow);
    let late = call(&mut guarded, Ok::<_, &str>("from before the trip"));
    assert!(poll_times(call(&mut guarded, Err("down")), 2).is_some());
    clock.advance(ms(1_000));
    let probe = call(&mut guarded, Err("still down"));
    assert_eq!(poll_times(late, 2), Some(Ok("from before the trip")));
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    assert_eq!(
        poll_times(probe, 2),
        Some(Err(CallError::Failed("still down")))
    );
    assert_eq!(breaker.phase(), Phase::Open);
}

/// What a gauge of the phase is fed by: each transition says what was left and what was entered.
#[test]
fn d8_a_transition_says_which_phase_it_leaves() {
    let clock = TestClock::new();
    let breaker = breaker_on(opens_after(1), clock.clone());
    let gauge = Arc::new(Mutex::new([1, 0, 0]));
    let fed = Arc::clone(&gauge);
    breaker.on_transition(move |made| {
        let mut gauge = fed.lock().expect("no panic");
        gauge[made.from as usize] -= 1;
        gauge[made.to as usize] += 1;
    });
    let mut guarded = BreakerLayer::new(&breaker).layer(scripted([Err("down"), Ok(())]));
    let phases = [Phase::Closed, Phase::Open, Phase::HalfOpen];
    let check = |breaker: &SharedBreaker<TestClock>| {
        let gauge = *gauge.lock().expect("no panic");
        let shown = phases.map(|phase| gauge[phase as usize]);
        assert_eq!(
            shown,
            phases.map(|phase| i32::from(phase == breaker.phase()))
        );
    };
    check(&breaker);
    let _ = now(call(&mut guarded, ()));
    check(&breaker);
    clock.advance(ms(1_000));
    let _ = breaker.poll();
    check(&breaker);
    let _ = now(call(&mut guarded, ()));
    check(&breaker);
}

/// The layers work behind what tower has, and in front of it.
#[tokio::test(start_paused = true)]
async fn layers_compose_with_those_of_tower() {
    let breaker = SharedBreaker::new(opens_after(5));
    let mut service = tower::ServiceBuilder::new()
        .buffer(4)
        .map_err(CallError::boxed)
        .layer(BreakerLayer::new(&breaker))
        .layer(RetryLayer::new(&one_retry(), AnyRequest))
        .map_err(std::io::Error::other)
        .concurrency_limit(2)
        .timeout(ms(100))
        .service_fn(|wait_ms: u64| async move {
            tokio::time::sleep(ms(wait_ms)).await;
            Ok::<_, std::io::Error>(wait_ms)
        });
    let answer = tower::ServiceExt::ready(&mut service)
        .await
        .expect("ready")
        .call(5)
        .await;
    assert_eq!(answer.expect("quick"), 5);
    let error = tower::ServiceExt::ready(&mut service)
        .await
        .expect("ready")
        .call(500)
        .await;
    let error = error.expect_err("too slow");
    assert!(
        error
            .source()
            .is_some_and(|source| source.to_string() == "request timed out")
    );
    assert_eq!(breaker.consecutive_failures(), 1);
}
