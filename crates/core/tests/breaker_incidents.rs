//! What goes wrong in production, one short story each: the breaker neither wedges, nor lets too much through, nor
//! panics, nor loops.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Cause, Health, Mode, Outcome, Permit, Phase, Receipt, RefusedBy,
    Trigger, Window,
};
use evenkeel_core::{Quantile, Ratio};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

use breaker_common::plain::*;
use breaker_common::words::Words;

#[test]
fn five_failures_open_thirty_seconds_later_three_passes_close() {
    let mut breaker = breaker(builder(30).build());
    for failures in 1..=4 {
        assert_eq!(causes(&call(&mut breaker, 0, Outcome::Failure)), []);
        assert_eq!(breaker.consecutive_failures(), failures);
    }
    assert_eq!(
        causes(&call(&mut breaker, 0, Outcome::Failure)),
        [Cause::Consecutive]
    );
    assert_eq!(
        refused(&mut breaker, 30 * SECOND - 1),
        (RefusedBy::Open, Some(30 * SECOND))
    );
    let probes = [0; 3].map(|_| granted(&mut breaker, 30 * SECOND));
    assert_eq!(breaker.phase(30 * SECOND), Phase::HalfOpen);
    assert_eq!(
        refused(&mut breaker, 30 * SECOND).0,
        RefusedBy::HalfOpenFull
    );
    let made =
        probes.map(|probe| causes(&report(&mut breaker, 31 * SECOND, probe, Outcome::Success)));
    assert_eq!(made, [vec![], vec![], vec![Cause::TrialsPassed]]);
    assert_eq!(breaker.generation(), 3);
    let stats = breaker.stats(31 * SECOND);
    assert_eq!((stats.admitted, stats.refused), (8, 2));
    assert_eq!((stats.successes, stats.failures, stats.opened), (3, 5, 1));
}

#[test]
fn a_failed_probe_opens_again_and_a_success_in_between_starts_the_count_afresh() {
    let mut breaker = breaker(builder(30).build());
    for outcome in [
        Outcome::Failure,
        Outcome::Failure,
        Outcome::Failure,
        Outcome::Failure,
    ] {
        let _ = call(&mut breaker, 0, outcome);
    }
    let _ = call(&mut breaker, 0, Outcome::Success);
    assert_eq!(breaker.consecutive_failures(), 0);
    trip(&mut breaker, SECOND);
    let failed = call(&mut breaker, 31 * SECOND, Outcome::Failure);
    assert_eq!(causes(&failed), [Cause::TrialsFailed]);
    assert_eq!(breaker.next_deadline_ns(), Some(61 * SECOND));
}

#[test]
fn failures_that_arrive_while_open_do_not_extend_the_wait() {
    let mut breaker = breaker(builder(30).build());
    let late = [0; 4].map(|_| granted(&mut breaker, 0));
    trip(&mut breaker, 0);
    for (at, permit) in late.into_iter().enumerate() {
        assert!(report(&mut breaker, at as u64 * SECOND, permit, Outcome::Failure).is_stale());
    }
    assert_eq!(breaker.next_deadline_ns(), Some(30 * SECOND));
    assert_eq!(breaker.stats(4 * SECOND).stale, 4);
}

#[test]
fn dropped_probes_give_their_places_back_when_their_time_is_over() {
    let mut breaker = breaker(builder(30).successes(1).build());
    trip(&mut breaker, 0);
    for _ in 0..3 {
        let _dropped = granted(&mut breaker, 30 * SECOND);
    }
    // No trial is left to be had, so only the loss of all three ends this: at 35 s, and the wait after it.
    assert_eq!(
        refused(&mut breaker, 34 * SECOND),
        (RefusedBy::HalfOpenFull, Some(65 * SECOND))
    );
    assert_eq!(breaker.phase(35 * SECOND), Phase::Open);
    let made: Vec<_> = breaker
        .poll(HOUR)
        .iter()
        .map(|made| (made.at_ns, made.cause))
        .collect();
    assert_eq!(
        made,
        [
            (35 * SECOND, Cause::ProbeLost),
            (65 * SECOND, Cause::WaitOver)
        ]
    );
    assert_eq!(breaker.stats(HOUR).lost, 3);
    assert_eq!(
        causes(&call(&mut breaker, HOUR, Outcome::Success)),
        [Cause::TrialsPassed]
    );
}

#[test]
fn a_permit_dropped_in_closed_costs_nothing() {
    let mut breaker = breaker(builder(30).build());
    for _ in 0..10_000 {
        let _dropped = granted(&mut breaker, 0);
    }
    assert_eq!(breaker.next_deadline_ns(), None);
    assert_eq!(
        ask(&mut breaker, HOUR).map(|grant| grant.transitions.len()),
        Ok(0)
    );
}

#[test]
fn a_result_reported_twice_counts_once_in_half_open() {
    let mut breaker = breaker(builder(30).build());
    trip(&mut breaker, 0);
    let id = granted(&mut breaker, 30 * SECOND).id();
    let first = report(
        &mut breaker,
        31 * SECOND,
        Permit::from_id(id),
        Outcome::Success,
    );
    assert!(matches!(first, Receipt::Counted(_)));
    for _ in 0..10 {
        assert!(
            report(
                &mut breaker,
                31 * SECOND,
                Permit::from_id(id),
                Outcome::Success
            )
            .is_stale()
        );
    }
    assert_eq!(breaker.phase(31 * SECOND), Phase::HalfOpen);
}

#[test]
fn results_from_before_the_trip_do_not_decide_half_open() {
    let mut breaker = breaker(builder(30).build());
    let before = [0; 5].map(|_| granted(&mut breaker, 0));
    trip(&mut breaker, 0);
    let probe = granted(&mut breaker, 30 * SECOND);
    let outcomes = [
        Outcome::Success,
        Outcome::Failure,
        Outcome::Ignored,
        Outcome::Success,
    ];
    for (permit, outcome) in before.into_iter().zip(outcomes) {
        assert!(report(&mut breaker, 30 * SECOND, permit, outcome).is_stale());
    }
    assert_eq!(breaker.phase(30 * SECOND), Phase::HalfOpen);
    assert!(!report(&mut breaker, 30 * SECOND, probe, Outcome::Success).is_stale());
}

#[test]
fn a_probe_that_reports_at_the_very_end_of_its_time_comes_too_late() {
    let mut breaker = breaker(builder(30).successes(2).build());
    trip(&mut breaker, 0);
    let late = granted(&mut breaker, 30 * SECOND);
    let in_time = granted(&mut breaker, 30 * SECOND + 1);
    assert!(report(&mut breaker, 35 * SECOND, late, Outcome::Success).is_stale());
    assert!(!report(&mut breaker, 35 * SECOND, in_time, Outcome::Success).is_stale());
}

#[test]
fn of_a_thousand_asks_at_once_in_half_open_three_pass() {
    let mut breaker = breaker(builder(30).build());
    trip(&mut breaker, 0);
    let passed = (0..1_000)
        .filter(|_| ask(&mut breaker, 30 * SECOND).is_ok())
        .count();
    assert_eq!(passed, 3);
    assert_eq!(breaker.stats(30 * SECOND).refused, 997);
}

#[test]
fn a_cancelled_probe_makes_room_for_another_and_no_verdict() {
    let mut breaker = breaker(builder(30).max_in_flight(1).build());
    trip(&mut breaker, 0);
    for _ in 0..1_000 {
        let receipt = call(&mut breaker, 30 * SECOND, Outcome::Ignored);
        assert!(matches!(receipt, Receipt::Released(_)));
    }
    assert_eq!(breaker.phase(30 * SECOND), Phase::HalfOpen);
}

#[test]
fn a_clock_that_jumps_back_an_hour_stands_still() {
    let mut breaker = breaker(builder(30).build());
    trip(&mut breaker, 2 * HOUR);
    assert_eq!(
        refused(&mut breaker, HOUR),
        (RefusedBy::Open, Some(2 * HOUR + 30 * SECOND))
    );
    let probe = granted(&mut breaker, 2 * HOUR + 30 * SECOND);
    assert_eq!(breaker.phase(HOUR), Phase::HalfOpen);
    assert!(matches!(
        report(&mut breaker, HOUR, probe, Outcome::Success),
        Receipt::Counted(_)
    ));
    assert_eq!(breaker.poll(0).len(), 0);
}

#[test]
fn ten_idle_years_are_one_step() {
    let ten_years_ns = 10 * 365 * 24 * HOUR;
    let window = Window::Time {
        span: Duration::from_micros(1),
        slices: 20,
    };
    let mut breaker = breaker(
        builder(30)
            .window(window)
            .trigger(Trigger::Failures { failures: 2 })
            .build(),
    );
    let _ = call(&mut breaker, 0, Outcome::Failure);
    assert_eq!(
        causes(&call(&mut breaker, ten_years_ns, Outcome::Failure)),
        []
    );
    assert_eq!(
        causes(&call(&mut breaker, ten_years_ns, Outcome::Failure)),
        [Cause::Failures]
    );
    let _probe = granted(&mut breaker, 2 * ten_years_ns);
    assert_eq!(breaker.poll(3 * ten_years_ns).len(), 2);
    assert_eq!(breaker.poll(u64::MAX).len(), 0);
    let _probe = granted(&mut breaker, u64::MAX);
}

#[test]
fn it_stays_open_until_the_dependency_is_reported_up() {
    let mut breaker = breaker(builder(30).until_healthy(true).build());
    trip(&mut breaker, 0);
    assert_eq!(refused(&mut breaker, 10 * SECOND), (RefusedBy::Open, None));
    assert_eq!(refused(&mut breaker, HOUR), (RefusedBy::Unhealthy, None));
    assert_eq!(breaker.on_health(HOUR, Health::Down).len(), 0);
    let made = breaker
        .on_health(2 * HOUR, Health::Up)
        .last()
        .expect("half-open");
    assert_eq!(
        (made.at_ns, made.to, made.cause),
        (2 * HOUR, Phase::HalfOpen, Cause::WaitOver)
    );
    // Up before the wait is over does not shorten it.
    let _ = call(&mut breaker, 2 * HOUR, Outcome::Failure);
    assert_eq!(breaker.on_health(2 * HOUR, Health::Up).len(), 0);
    assert_eq!(
        refused(&mut breaker, 2 * HOUR),
        (RefusedBy::Open, Some(2 * HOUR + 30 * SECOND))
    );
}

#[test]
fn an_overload_opens_at_once_for_as_long_as_it_says_up_to_the_cap() {
    let until = |advice_ns: Option<u64>| {
        let policy = builder(30).advisory_cap(Duration::from_secs(120)).build();
        let mut breaker = breaker(policy);
        let overloaded = Outcome::Overloaded {
            retry_at_ns: advice_ns,
        };
        let receipt = call(&mut breaker, 10 * SECOND, overloaded);
        assert_eq!(causes(&receipt), [Cause::Overloaded]);
        assert_eq!(breaker.stats(10 * SECOND).failures, 1);
        breaker.next_deadline_ns().map(|ns| ns / SECOND)
    };
    assert_eq!(until(None), Some(40));
    assert_eq!(until(Some(5 * SECOND)), Some(40));
    assert_eq!(until(Some(50 * SECOND)), Some(50));
    assert_eq!(until(Some(HOUR)), Some(130));
    assert_eq!(until(Some(u64::MAX)), Some(130));
}

#[test]
fn an_overload_of_a_probe_opens_again_with_the_next_wait() {
    let open = BackoffPolicy::builder(Duration::from_secs(10)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open.build().expect("a wait"), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build();
    let mut breaker = breaker(policy);
    trip(&mut breaker, 0);
    let overloaded = Outcome::Overloaded { retry_at_ns: None };
    assert_eq!(
        causes(&call(&mut breaker, 10 * SECOND, overloaded)),
        [Cause::Overloaded]
    );
    assert_eq!(breaker.next_deadline_ns(), Some(30 * SECOND));
}

#[test]
fn after_closing_the_ramp_lets_a_growing_share_through() {
    let policy = builder(30).trials(1).ramp(Duration::from_secs(10)).build();
    let mut breaker = breaker(policy);
    trip(&mut breaker, 0);
    let _ = call(&mut breaker, 30 * SECOND, Outcome::Success);
    let mut rng = SplitMix64::seed_from_u64(1);
    let mut share_at = |second: u64| {
        let now_ns = (30 + second) * SECOND;
        assert_eq!(breaker.phase(now_ns), Phase::Closed);
        let passes = |_: &i32| breaker.try_acquire(now_ns, &mut rng).is_ok();
        (0..2_000).filter(passes).count()
    };
    assert_eq!(share_at(0), 0);
    for (second, expected) in (1..10).zip((200_usize..).step_by(200)) {
        assert!(share_at(second).abs_diff(expected) < 80, "at {second} s");
    }
    assert_eq!(share_at(10), 2_000);
}

#[test]
fn waits_grow_with_every_open_in_a_row_and_calm_time_forgives_them_one_by_one() {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open.build().expect("a wait"), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .calm_after(Duration::from_secs(60))
        .build();
    let mut breaker = breaker(policy);
    let mut now_ns = 0;
    let wait_s = |breaker: &mut Breaker, now_ns: u64| {
        trip(breaker, now_ns);
        let until_ns = breaker.next_deadline_ns().expect("a wait");
        let _ = call(breaker, until_ns, Outcome::Success);
        assert_eq!(breaker.phase(until_ns), Phase::Closed);
        ((until_ns - now_ns) / SECOND, until_ns)
    };
    let mut waits = Vec::new();
    for calm_s in [0, 0, 0, 0, 59, 60, 180, 1_000_000] {
        now_ns += calm_s * SECOND;
        let (wait, closed_ns) = wait_s(&mut breaker, now_ns);
        waits.push(wait);
        now_ns = closed_ns;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 16, 4, 1]);
}

#[test]
fn without_calm_after_a_close_forgives_all_earlier_opens() {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open.build().expect("a wait"), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build();
    let mut breaker = breaker(policy);
    trip(&mut breaker, 0);
    let _ = call(&mut breaker, SECOND, Outcome::Failure);
    assert_eq!(breaker.next_deadline_ns(), Some(3 * SECOND));
    let _ = call(&mut breaker, 3 * SECOND, Outcome::Success);
    trip(&mut breaker, 3 * SECOND);
    assert_eq!(breaker.next_deadline_ns(), Some(4 * SECOND));
}

#[test]
fn a_slow_probe_fails_where_a_slow_trigger_is_set_and_only_there() {
    let slow = Trigger::SlowRate {
        slower_than: Duration::from_millis(200),
        at_least: Ratio::percent(50),
        min_calls: 10,
    };
    let tail = Trigger::Latency {
        quantile: Quantile::P99,
        above: Duration::from_millis(100),
        min_calls: 10,
    };
    let passes = |triggers: &[Trigger], latency_ms: u64| {
        let window = Window::Count { calls: 10 };
        let base = builder(30).trials(1).window(window);
        let policy = triggers
            .iter()
            .fold(base, |builder, trigger| builder.trigger(*trigger));
        let mut breaker = breaker(policy.build());
        trip(&mut breaker, 0);
        let probe = granted(&mut breaker, 30 * SECOND);
        let mut words = Words::of(1);
        let latency_ns = latency_ms * MS;
        let receipt =
            breaker.on_outcome(30 * SECOND, probe, Outcome::Success, latency_ns, &mut words);
        causes(&receipt) == [Cause::TrialsPassed]
    };
    assert!(passes(&[], 10_000));
    assert!(passes(&[slow], 200) && !passes(&[slow], 201));
    assert!(passes(&[tail], 100) && !passes(&[tail], 101));
    // The slow-rate's limit goes before the latency trigger's, whatever their order.
    assert!(passes(&[tail, slow], 200) && !passes(&[tail, slow], 201));
}

#[test]
fn an_observed_breaker_refuses_nobody_and_says_whom_it_would() {
    let mut breaker = breaker(builder(30).build());
    let _ = breaker.set_mode(0, Mode::Observe);
    trip(&mut breaker, 0);
    let grant = ask(&mut breaker, SECOND).expect("let through");
    assert_eq!(
        grant.would_refuse.map(|refusal| refusal.reason),
        Some(RefusedBy::Open)
    );
    assert!(breaker.peek(SECOND).is_ok());
    let receipt = report(&mut breaker, SECOND, grant.permit, Outcome::Failure);
    assert!(matches!(receipt, Receipt::Released(_)));
    assert_eq!(breaker.stats(SECOND).would_refuse, 1);
    assert_eq!(breaker.phase(30 * SECOND), Phase::HalfOpen);
}

#[test]
fn an_operator_can_hold_it_open_or_closed_and_traffic_returns_through_probes() {
    let mut breaker = breaker(builder(30).build());
    let _ = breaker.set_mode(SECOND, Mode::ForcedOpen);
    assert_eq!(refused(&mut breaker, HOUR), (RefusedBy::ForcedOpen, None));
    let made = breaker
        .set_mode(2 * HOUR, Mode::Normal)
        .last()
        .expect("half-open");
    assert_eq!((made.at_ns, made.to), (2 * HOUR, Phase::HalfOpen));
    let _ = breaker.set_mode(2 * HOUR, Mode::ForcedClosed);
    for _ in 0..100 {
        let receipt = call(&mut breaker, 2 * HOUR, Outcome::Failure);
        assert!(matches!(receipt, Receipt::Released(_)));
    }
    let _ = breaker.set_mode(2 * HOUR, Mode::Normal);
    assert_eq!(breaker.phase(2 * HOUR), Phase::Closed);
    assert_eq!(breaker.consecutive_failures(), 0);
}

#[test]
fn a_probe_lost_before_a_reset_or_a_forced_mode_stays_counted() {
    for command in [None, Some(Mode::ForcedOpen), Some(Mode::ForcedClosed)] {
        let mut breaker = breaker(builder(30).successes(1).build());
        trip(&mut breaker, 0);
        let _dropped = granted(&mut breaker, 30 * SECOND);
        assert_eq!(breaker.stats(35 * SECOND).lost, 1);
        let _ = match command {
            None => breaker.reset(35 * SECOND),
            Some(mode) => breaker.set_mode(35 * SECOND, mode),
        };
        assert_eq!(breaker.stats(35 * SECOND).lost, 1, "{command:?}");
    }
}

#[test]
fn probes_let_through_together_are_lost_together_and_the_refusal_knows() {
    let mut breaker = breaker(builder(30).max_in_flight(2).successes(2).build());
    trip(&mut breaker, 0);
    let _lost = [0; 2].map(|_| granted(&mut breaker, 30 * SECOND));
    // A trial is left, but at 35 s both are lost, and with them the trials.
    assert_eq!(
        refused(&mut breaker, 31 * SECOND),
        (RefusedBy::HalfOpenFull, Some(65 * SECOND))
    );
    let _probe = granted(&mut breaker, 65 * SECOND);
}

#[test]
fn calm_time_forgives_at_a_trip_and_not_while_it_is_down() {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open.build().expect("a wait"), Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 })
        .calm_after(Duration::from_secs(1))
        .build();
    let mut breaker = breaker(policy);
    let mut now_ns = 0;
    trip(&mut breaker, 0);
    for wait_s in [2, 4, 8, 16] {
        now_ns = breaker.next_deadline_ns().expect("a wait");
        let _ = call(&mut breaker, now_ns, Outcome::Failure);
        assert_eq!(breaker.next_deadline_ns(), Some(now_ns + wait_s * SECOND));
    }
    now_ns += 16 * SECOND;
    let _ = call(&mut breaker, now_ns, Outcome::Success);
    // Five opens were remembered, three calm spans forgave three.
    trip(&mut breaker, now_ns + 3 * SECOND);
    now_ns += 7 * SECOND;
    assert_eq!(breaker.next_deadline_ns(), Some(now_ns));
    let overloaded = Outcome::Overloaded { retry_at_ns: None };
    for (outcome, wait_s) in [(Outcome::Failure, 8), (overloaded, 16)] {
        let _ = call(&mut breaker, now_ns, outcome);
        now_ns += wait_s * SECOND;
        assert_eq!(breaker.next_deadline_ns(), Some(now_ns));
    }
}
