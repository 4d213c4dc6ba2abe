//! The tests that tower-resilience has for its circuit breaker, restated: see docs/peers-tests.md. What opens and
//! closes it.

mod support;

use evenkeel_core::Ratio;
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger, Window};
use support::ms;
use support::peers::{TEN, bad, breaker, calls, failing, ok, open, policy, slow};

/// thresholds: at, below and above; integration: only when there are enough calls.
#[tokio::test(start_paused = true)]
async fn a_rate_fires_at_its_threshold_and_not_before_there_are_enough_calls() {
    for (good, failed, opens) in [(5, 5, true), (6, 4, false), (4, 6, true), (10, 0, false)] {
        let breaker = breaker(policy(TEN, &[failing(50, 10)]));
        calls(&breaker, ok(good).chain(bad(failed))).await;
        assert_eq!(breaker.phase() == Phase::Open, opens, "{failed} of 10");
    }
    let breaker = breaker(policy(TEN, &[failing(50, 10)]));
    calls(&breaker, bad(9)).await;
    assert_eq!(breaker.phase(), Phase::Closed, "nine are not ten");
    // A third of three is exactly a third: no fraction is lost.
    let third = Trigger::FailureRate {
        at_least: Ratio::new(1, 3).expect("a ratio"),
        min_calls: 3,
    };
    let breaker = self::breaker(policy(Window::Count { calls: 3 }, &[third]));
    calls(&breaker, ok(2).chain(bad(1))).await;
    assert_eq!(breaker.phase(), Phase::Open);
}

/// thresholds, edge_cases, combinations: slow calls, and two triggers.
#[tokio::test(start_paused = true)]
async fn slow_is_strictly_above_the_limit_and_either_trigger_fires() {
    for (took_ms, opens) in [(49, false), (50, false), (51, true)] {
        let breaker = breaker(policy(TEN, &[slow(50, 10), failing(50, 10)]));
        calls(
            &breaker,
            ok(5).chain(std::iter::repeat_n((took_ms, true), 5)),
        )
        .await;
        assert_eq!(breaker.phase() == Phase::Open, opens, "{took_ms} ms");
    }
    let breaker = breaker(policy(TEN, &[slow(50, 10), failing(50, 10)]));
    calls(&breaker, ok(5).chain(bad(5))).await;
    assert_eq!(
        breaker.phase(),
        Phase::Open,
        "failures alone, and quick ones"
    );
}

/// time_based: old results leave, and there must be enough of the others.
#[tokio::test(start_paused = true)]
async fn a_window_of_time_forgets() {
    let window = Window::Time {
        span: ms(1_000),
        slices: 10,
    };
    let breaker = breaker(policy(window, &[failing(50, 4), slow(50, 4)]));
    calls(&breaker, bad(3)).await;
    tokio::time::advance(ms(1_100)).await;
    calls(&breaker, bad(3)).await;
    assert_eq!(
        (breaker.phase(), breaker.window().calls),
        (Phase::Closed, 3)
    );
    calls(&breaker, bad(1)).await;
    assert_eq!(breaker.phase(), Phase::Open);
    let breaker = self::breaker(policy(window, &[failing(50, 4), slow(50, 4)]));
    calls(&breaker, ok(2).chain([(60, true), (60, true)])).await;
    assert_eq!(breaker.phase(), Phase::Open, "slow in a window of time");
}

/// failure_model: k in a row, reset by a success, whatever the window says.
#[tokio::test(start_paused = true)]
async fn failures_in_a_row_are_counted_whatever_the_window_says() {
    let three = Trigger::Consecutive { failures: 3 };
    let breaker = breaker(policy(Window::Count { calls: 100 }, &[three]));
    calls(&breaker, ok(50).chain(bad(2)).chain(ok(1)).chain(bad(2))).await;
    assert_eq!(breaker.phase(), Phase::Closed);
    calls(&breaker, bad(1)).await;
    assert_eq!(breaker.phase(), Phase::Open);
    tokio::time::advance(ms(500)).await;
    calls(&breaker, ok(1)).await;
    assert_eq!(breaker.phase(), Phase::Closed);
    let zero = Trigger::Consecutive { failures: 0 };
    assert!(
        BreakerPolicy::builder(open(), ms(10_000))
            .trigger(zero)
            .build()
            .is_err()
    );
}

/// integration, half_open: around, back open at the first failure, part of the probes, rejected calls change nothing.
#[tokio::test(start_paused = true)]
async fn half_open_decides_by_its_probes() {
    let builder = || policy(Window::Count { calls: 2 }, &[failing(50, 2)]);
    for (trials, probes, phase) in [
        (1, vec![(0, true)], Phase::Closed),
        (1, vec![(0, false)], Phase::Open),
        (3, vec![(0, true), (0, true)], Phase::HalfOpen),
        (3, vec![(0, true), (0, true), (0, true)], Phase::Closed),
        (3, vec![(0, true), (0, false)], Phase::Open),
    ] {
        let breaker = breaker(builder().trials(trials).successes(trials));
        calls(&breaker, bad(2)).await;
        assert_eq!(breaker.phase(), Phase::Open);
        let refused = breaker.stats().refused;
        calls(&breaker, bad(5)).await;
        assert_eq!(breaker.stats().refused - refused, 5);
        assert_eq!(
            breaker.stats().failures,
            2,
            "what was refused is no failure"
        );
        tokio::time::advance(ms(500)).await;
        assert_eq!(breaker.phase(), Phase::HalfOpen);
        calls(&breaker, probes).await;
        assert_eq!(breaker.phase(), phase);
    }
    // A slow probe is a failed one, where slow calls are looked at.
    let breaker = breaker(policy(
        TEN,
        &[slow(50, 10), Trigger::Consecutive { failures: 1 }],
    ));
    calls(&breaker, bad(1)).await;
    tokio::time::advance(ms(500)).await;
    calls(&breaker, [(60, true)]).await;
    assert_eq!(breaker.phase(), Phase::Open);
}

/// config_validation, config: what makes no sense is no policy.
#[test]
fn what_makes_no_sense_is_refused() {
    let valid = || policy(TEN, &[failing(50, 10)]);
    assert!(valid().build().is_ok());
    let window = |calls| policy(Window::Count { calls }, &[failing(50, 1)]).build();
    assert!(window(1).is_ok() && window(65_536).is_ok());
    assert!(window(0).is_err() && window(65_537).is_err());
    let trigger = |trigger| policy(TEN, &[trigger]).build();
    assert!(trigger(failing(100, 10)).is_ok() && trigger(slow(100, 10)).is_ok());
    for refused in [
        failing(0, 10),
        slow(0, 10),
        failing(50, 0),
        failing(50, 11),
        Trigger::Consecutive { failures: 0 },
    ] {
        assert!(trigger(refused).is_err(), "{refused:?}");
    }
    assert!(valid().trials(0).build().is_err());
    let [wait, lease] = [std::time::Duration::ZERO; 2];
    let never = evenkeel_core::backoff::BackoffPolicy::builder(wait);
    let builder = BreakerPolicy::builder(never, ms(1)).trigger(failing(50, 1));
    assert!(builder.window(TEN).build().is_err());
    let builder = BreakerPolicy::builder(open(), lease).trigger(failing(50, 1));
    assert!(builder.window(TEN).build().is_err());
}
