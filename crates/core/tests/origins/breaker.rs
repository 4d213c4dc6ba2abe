//! O5: the latency circuit breaker.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Cause, Health, Outcome, Phase, RefusedBy, Trigger, Window,
};
use evenkeel_core::estimator::{SampleWindow, SampleWindowPolicy};
use evenkeel_core::{Quantile, Ratio};

use super::{MS, SECOND, ceilings, ms, rng};

/// 5 failures in a row, 30 s, 3 probes that all have to pass.
fn o5_defaults() -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_secs(30))
        .growth(Growth::Constant)
        .jitter(Jitter::None)
        .build();
    BreakerPolicy::builder(open.expect("a schedule"), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .max_in_flight(3)
        .trials(3)
        .build()
        .expect("a policy")
}

/// Asks, and reports at once when let through.
fn call(breaker: &mut Breaker, now_ns: u64, outcome: Outcome, latency_ns: u64) -> bool {
    match breaker.try_acquire(now_ns, &mut rng()) {
        Ok(grant) => {
            let receipt = breaker.on_outcome(now_ns, grant.permit, outcome, latency_ns, &mut rng());
            !receipt.is_stale()
        }
        Err(_) => false,
    }
}

/// A breaker with O5's defaults that five failures at 0 have opened.
fn opened() -> Breaker {
    let mut breaker = Breaker::new(o5_defaults());
    for _ in 0..5 {
        assert!(call(&mut breaker, 0, Outcome::Failure, 0));
    }
    breaker
}

#[test]
fn o5_closed_open_half_open_closed() {
    let mut breaker = Breaker::new(o5_defaults());
    let mut walk = Vec::new();
    let mut step = |now_ns, outcome| {
        if let Ok(grant) = breaker.try_acquire(now_ns, &mut rng()) {
            walk.extend(grant.transitions);
            let receipt = breaker.on_outcome(now_ns, grant.permit, outcome, 0, &mut rng());
            walk.extend(receipt.transitions());
        }
    };
    for _ in 0..5 {
        step(SECOND, Outcome::Failure);
    }
    step(30 * SECOND, Outcome::Success);
    for _ in 0..3 {
        step(31 * SECOND, Outcome::Success);
    }
    let walk: Vec<_> = walk
        .into_iter()
        .map(|t| (t.at_ns / SECOND, t.from, t.to, t.cause))
        .collect();
    assert_eq!(
        walk,
        [
            (1, Phase::Closed, Phase::Open, Cause::Consecutive),
            (31, Phase::Open, Phase::HalfOpen, Cause::WaitOver),
            (31, Phase::HalfOpen, Phase::Closed, Cause::TrialsPassed),
        ]
    );
}

#[test]
fn o5_defaults_5_failures_30_s_3_half_open_requests() {
    let mut breaker = opened();
    let refused = breaker
        .try_acquire(30 * SECOND - 1, &mut rng())
        .unwrap_err();
    assert_eq!(
        (refused.reason(), refused.retry_at_ns()),
        (RefusedBy::Open, Some(30 * SECOND))
    );
    let probes: Vec<_> = (0..3)
        .map(|_| breaker.try_acquire(30 * SECOND, &mut rng()))
        .collect();
    assert!(probes.iter().all(Result::is_ok));
    let refused = breaker.try_acquire(30 * SECOND, &mut rng()).unwrap_err();
    assert_eq!(refused.reason(), RefusedBy::HalfOpenFull);
}

#[test]
fn o5_a_success_while_closed_clears_the_failure_count() {
    let mut breaker = Breaker::new(o5_defaults());
    for _ in 0..3 {
        for failures in 1..5 {
            assert!(call(&mut breaker, 0, Outcome::Failure, 0));
            assert_eq!(breaker.consecutive_failures(), failures);
        }
        assert!(call(&mut breaker, 0, Outcome::Success, 0));
        assert_eq!(breaker.consecutive_failures(), 0);
    }
    assert_eq!(breaker.phase(0), Phase::Closed);
}

#[test]
fn o5_a_failure_while_half_open_reopens() {
    let mut breaker = opened();
    assert!(call(&mut breaker, 30 * SECOND, Outcome::Success, 0));
    assert_eq!(
        breaker.phase(30 * SECOND),
        Phase::HalfOpen,
        "one lucky probe does not close it"
    );
    assert!(call(&mut breaker, 30 * SECOND, Outcome::Failure, 0));
    assert_eq!(breaker.phase(60 * SECOND - 1), Phase::Open);
    assert_eq!(breaker.phase(60 * SECOND), Phase::HalfOpen);
}

#[test]
fn o5_failures_that_arrive_while_open_do_not_extend_the_wait() {
    let mut breaker = Breaker::new(o5_defaults());
    let late = breaker.try_acquire(0, &mut rng()).expect("closed").permit;
    for _ in 0..5 {
        assert!(call(&mut breaker, 0, Outcome::Failure, 0));
    }
    let receipt = breaker.on_outcome(29 * SECOND, late, Outcome::Failure, 0, &mut rng());
    assert!(receipt.is_stale());
    assert_eq!(breaker.next_deadline_ns(), Some(30 * SECOND));
}

#[test]
fn o5_a_probe_that_never_reports_does_not_leak_its_place() {
    let mut breaker = opened();
    for _ in 0..3 {
        let _lost = breaker
            .try_acquire(30 * SECOND, &mut rng())
            .expect("a probe");
    }
    // Lost after 5 s, which re-opens it for another 30 s; then there is room again.
    assert_eq!(breaker.phase(35 * SECOND), Phase::Open);
    assert!(breaker.try_acquire(65 * SECOND, &mut rng()).is_ok());
    assert_eq!(breaker.stats(65 * SECOND).opened, 2);
}

#[test]
fn o5_late_results_decide_neither_half_open_nor_closed() {
    let mut breaker = Breaker::new(o5_defaults());
    let early = breaker.try_acquire(0, &mut rng()).expect("closed").permit;
    let earlier = breaker.try_acquire(0, &mut rng()).expect("closed").permit;
    for _ in 0..5 {
        assert!(call(&mut breaker, 0, Outcome::Failure, 0));
    }
    let probe = breaker
        .try_acquire(30 * SECOND, &mut rng())
        .expect("a probe")
        .permit;
    assert!(
        call(&mut breaker, 30 * SECOND, Outcome::Failure, 0),
        "re-opens"
    );
    let next = breaker
        .try_acquire(60 * SECOND, &mut rng())
        .expect("a probe")
        .permit;
    let mut report = |permit, outcome| {
        let receipt = breaker.on_outcome(60 * SECOND, permit, outcome, 0, &mut rng());
        (receipt.is_stale(), breaker.phase(60 * SECOND))
    };
    // The first probe of one half-open phase is not the first probe of the next.
    assert_eq!(report(probe, Outcome::Failure), (true, Phase::HalfOpen));
    assert_eq!(report(early, Outcome::Failure), (true, Phase::HalfOpen));
    assert_eq!(report(next, Outcome::Success), (false, Phase::HalfOpen));
    for _ in 0..2 {
        assert!(call(&mut breaker, 60 * SECOND, Outcome::Success, 0));
    }
    let receipt = breaker.on_outcome(60 * SECOND, earlier, Outcome::Failure, 0, &mut rng());
    assert!(receipt.is_stale());
    assert_eq!(
        (breaker.phase(60 * SECOND), breaker.consecutive_failures()),
        (Phase::Closed, 0)
    );
}

#[test]
fn o5_counters_of_state_changes_total_blocked_successful_and_failed() {
    let mut breaker = Breaker::new(o5_defaults());
    for _ in 0..4 {
        assert!(call(&mut breaker, 0, Outcome::Success, 0));
    }
    for _ in 0..5 {
        assert!(call(&mut breaker, 0, Outcome::Failure, 0));
    }
    for _ in 0..2 {
        assert!(!call(&mut breaker, 0, Outcome::Success, 0));
    }
    for _ in 0..3 {
        assert!(call(&mut breaker, 30 * SECOND, Outcome::Success, 0));
    }
    let stats = breaker.stats(30 * SECOND);
    assert_eq!(breaker.generation(), 3, "state changes");
    assert_eq!(
        (stats.admitted, stats.refused),
        (12, 2),
        "total and blocked"
    );
    assert_eq!((stats.successes, stats.failures), (7, 5));
    assert_eq!(stats.opened, 1);
}

#[test]
fn o5_reset_closes_at_once() {
    let mut breaker = opened();
    let made = breaker.reset(SECOND);
    assert_eq!(
        made.last().map(|t| (t.to, t.cause)),
        Some((Phase::Closed, Cause::Reset))
    );
    assert!(call(&mut breaker, SECOND, Outcome::Success, 0));
    assert_eq!(breaker.consecutive_failures(), 0);
}

#[test]
fn o5_a_latency_above_the_limit_of_200_ms_is_a_failure() {
    let open = BackoffPolicy::builder(Duration::from_secs(30))
        .build()
        .expect("a schedule");
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
        .window(Window::Count { calls: 1000 })
        .trigger(Trigger::Latency {
            quantile: Quantile::P99,
            above: ms(200),
            min_calls: 100,
        })
        .build()
        .expect("a policy");
    let mut breaker = Breaker::new(policy);
    // The first slow sample of a cold window is not its p99.
    assert!(call(&mut breaker, 0, Outcome::Success, 201 * MS));
    for _ in 1..100 {
        assert!(call(&mut breaker, 0, Outcome::Success, 200 * MS));
    }
    assert_eq!(
        breaker.phase(0),
        Phase::Closed,
        "p99 of 100 is the 99th: 200 ms, which is not above"
    );
    assert!(call(&mut breaker, 0, Outcome::Success, 201 * MS));
    assert_eq!(breaker.window(0).calls, 0);
    assert_eq!(breaker.phase(0), Phase::Open, "2 of 101 are above");
    // In half-open a slow success is a failure, too.
    let at_ns = breaker.next_deadline_ns().expect("an open wait");
    assert!(call(&mut breaker, at_ns, Outcome::Success, 201 * MS));
    assert_eq!(breaker.phase(at_ns), Phase::Open);
    let at_ns = breaker.next_deadline_ns().expect("an open wait");
    assert!(call(&mut breaker, at_ns, Outcome::Success, 200 * MS));
    assert_eq!(
        breaker.phase(at_ns),
        Phase::Closed,
        "exactly the limit is not slow"
    );
}

#[test]
fn o5_an_error_rate_of_one_half_opens() {
    let open = BackoffPolicy::builder(Duration::from_secs(30))
        .build()
        .expect("a schedule");
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
        .window(Window::Count { calls: 20 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 10,
        })
        .build()
        .expect("a policy");
    let mut breaker = Breaker::new(policy);
    for at in 0..10 {
        assert_eq!(breaker.phase(0), Phase::Closed);
        let outcome = if at % 2 == 0 {
            Outcome::Success
        } else {
            Outcome::Failure
        };
        assert!(call(&mut breaker, 0, outcome, 0));
    }
    assert_eq!(breaker.phase(0), Phase::Open);
}

#[test]
fn o5_latencies_2_to_200_have_min_2_max_200_p99_198() {
    let mut window = SampleWindow::new(SampleWindowPolicy::new(1000).expect("a policy"));
    for latency in (2..=200).step_by(2) {
        window.record(0, latency);
    }
    let summary = window.summary(0).expect("100 values");
    assert_eq!((summary.count, summary.min, summary.max), (100, 2, 200));
    assert_eq!((summary.mean, summary.p95, summary.p99), (101, 190, 198));
}

#[test]
fn o5_p50_is_the_nearest_rank_100_and_not_the_upper_median_102() {
    let mut window = SampleWindow::new(SampleWindowPolicy::new(1000).expect("a policy"));
    for latency in (2..=200).step_by(2) {
        window.record(0, latency);
    }
    assert_eq!(window.quantile(0, Quantile::P50), Some(100));
}

/// 1 s doubling to 60 s, and up to 10 % more, but never above the cap.
fn o5_recovery() -> BackoffPolicy {
    BackoffPolicy::builder(Duration::from_secs(1))
        .cap(Duration::from_secs(60))
        .jitter(Jitter::Spread(Ratio::percent(10)))
        .build()
        .expect("a schedule")
}

#[test]
fn o5_recovery_waits_1_2_4_to_60_s() {
    let ceilings = ceilings(&o5_recovery(), 1..=8);
    assert_eq!(
        ceilings,
        [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]
    );
}

#[test]
fn o5_recovery_jitter_of_10_percent_is_a_spread_that_keeps_the_cap() {
    let policy = o5_recovery();
    let range = |attempt| {
        let (least, most) = policy.range(attempt);
        (least.as_millis(), most.as_millis())
    };
    assert_eq!(
        [range(1), range(4), range(7)],
        [(900, 1100), (7200, 8800), (54_000, 60_000)]
    );
}

#[test]
fn o5_an_unhealthy_check_waits_longer_and_a_healthy_one_lets_probes_through() {
    let policy = BreakerPolicy::builder(o5_recovery(), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .until_healthy(true)
        .build()
        .expect("a policy");
    let mut breaker = Breaker::new(policy);
    for _ in 0..5 {
        assert!(call(&mut breaker, 0, Outcome::Failure, 0));
    }
    assert!(breaker.on_health(2 * SECOND, Health::Down).is_empty());
    let refused = breaker.try_acquire(2 * SECOND, &mut rng()).unwrap_err();
    assert_eq!(
        (refused.reason(), refused.retry_at_ns()),
        (RefusedBy::Unhealthy, None)
    );
    let made = breaker.on_health(3 * SECOND, Health::Up);
    assert_eq!(
        made.last().map(|t| (t.at_ns, t.to)),
        Some((3 * SECOND, Phase::HalfOpen))
    );
    assert!(breaker.try_acquire(3 * SECOND, &mut rng()).is_ok());
}
