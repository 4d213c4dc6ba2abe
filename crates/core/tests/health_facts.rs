//! What users of a health probe rely on, fact by fact: when probes are sent, what makes a verdict, what is told.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Health, Outcome, Phase, Trigger};
use evenkeel_core::health::{
    HealthChange, HealthProbe, HealthProbeBuilder, HealthProbePolicy, HealthProbeState,
    ProbeAction, ProbeId, Probed,
};
use evenkeel_core::{Ratio, Reported};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(5)
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// Every 1 000 ns to the nanosecond, with 100 ns for each probe.
fn plain() -> HealthProbeBuilder {
    HealthProbePolicy::builder(ns(1000), ns(100)).jitter(Jitter::None)
}

/// Waits of 300, 600, 1 200 .. ns.
fn waits() -> BackoffBuilder {
    BackoffPolicy::builder(ns(300)).jitter(Jitter::None)
}

/// Only a machine makes one.
fn changed(at_ns: u64, from: Option<Health>, to: Health) -> HealthChange {
    let told = with(plain().rise(1)).on_traffic(0, Probed::Passed).change;
    let mut change = told.expect("one result is enough");
    (change.at_ns, change.from, change.to) = (at_ns, from, to);
    change
}

fn with(builder: HealthProbeBuilder) -> HealthProbe {
    HealthProbe::new(builder.build().expect("a policy"))
}

fn send(machine: &mut HealthProbe, now_ns: u64) -> ProbeId {
    match machine.poll(now_ns, &mut rng()) {
        ProbeAction::Send { probe, .. } => probe,
        other => panic!("{other:?} at {now_ns}"),
    }
}

/// Sends the next probe when it is due, and reports at once; the wait after it and what changed.
fn probe(machine: &mut HealthProbe, found: Probed) -> (u64, Option<Health>) {
    let now_ns = machine.next_deadline_ns().expect("there is a next one");
    let probe = send(machine, now_ns);
    let receipt = machine.on_report(now_ns, probe, found);
    assert_eq!(receipt.reported, Reported::Counted);
    let next_ns = machine.next_deadline_ns().expect("there is a next one");
    (next_ns - now_ns, receipt.change.map(|change| change.to))
}

// ---- verdicts

#[test]
fn no_verdict_before_enough_results_in_a_row() {
    let mut machine = with(plain().rise(3).fall(2));
    for found in [
        Probed::Passed,
        Probed::Failed,
        Probed::Passed,
        Probed::Passed,
    ] {
        assert_eq!(probe(&mut machine, found).1, None);
    }
    assert_eq!(machine.health(u64::MAX), None);
    assert_eq!(probe(&mut machine, Probed::Passed).1, Some(Health::Up));
    assert_eq!(probe(&mut machine, Probed::Failed).1, None);
    assert_eq!(probe(&mut machine, Probed::Failed).1, Some(Health::Down));
}

#[test]
fn by_default_two_passed_are_up_and_three_failed_are_down() {
    let mut machine = with(plain());
    let up: Vec<_> = (0..3)
        .map(|_| probe(&mut machine, Probed::Passed).1)
        .collect();
    assert_eq!(up, [None, Some(Health::Up), None]);
    let down: Vec<_> = (0..4)
        .map(|_| probe(&mut machine, Probed::Failed).1)
        .collect();
    assert_eq!(down, [None, None, Some(Health::Down), None]);
}

#[test]
fn traffic_counts_like_a_probe_and_together_with_it() {
    let mut machine = with(plain());
    let _ = probe(&mut machine, Probed::Failed);
    assert_eq!(machine.on_traffic(5, Probed::Failed).changes().count(), 0);
    assert_eq!(probe(&mut machine, Probed::Failed).1, Some(Health::Down));
    assert_eq!(machine.on_traffic(0, Probed::Passed).change, None);
    let change = machine.on_traffic(2000, Probed::Passed).change;
    let from = Some(Health::Down);
    let to = Health::Up;
    assert_eq!(change, Some(changed(2000, from, to)));
}

#[test]
fn traffic_moves_no_probe() {
    let mut machine = with(plain().rise(1).fall(1));
    let _ = probe(&mut machine, Probed::Passed);
    for now_ns in 1..1000 {
        let found = [Probed::Passed, Probed::Failed][usize::from(now_ns % 3 == 0)];
        let _ = machine.on_traffic(now_ns, found);
        assert_eq!(machine.next_deadline_ns(), Some(1000));
    }
}

// ---- timeouts

#[test]
fn a_report_at_the_very_end_of_its_time_comes_too_late() {
    for (report_ns, reported) in [(99, Reported::Counted), (100, Reported::Stale)] {
        let mut machine = with(plain().rise(1).fall(1));
        let id = send(&mut machine, 0);
        let receipt = machine.on_report(report_ns, id, Probed::Passed);
        assert_eq!(receipt.reported, reported);
        let to = if reported == Reported::Stale {
            Health::Down
        } else {
            Health::Up
        };
        let change = Some(changed(report_ns, None, to));
        assert_eq!(receipt.change, change);
    }
}

#[test]
fn a_lost_probe_is_abandoned_once_and_its_change_told_once() {
    let mut machine = with(plain().fall(1));
    let id = send(&mut machine, 0);
    let change = Some(changed(100, None, Health::Down));
    assert_eq!(
        machine.clone().poll(500, &mut rng()),
        ProbeAction::Abandon {
            probe: id,
            at_ns: 100,
            change
        }
    );

    // Traffic notices it first: it tells the change, and poll still says what to drop.
    assert_eq!(machine.on_traffic(500, Probed::Passed).timed_out, change);
    assert_eq!(
        machine.next_deadline_ns(),
        Some(500),
        "poll has something to say"
    );
    assert_eq!(
        machine.poll(500, &mut rng()),
        ProbeAction::Abandon {
            probe: id,
            at_ns: 100,
            change: None
        }
    );
    assert_eq!(
        machine.poll(500, &mut rng()),
        ProbeAction::WaitUntil { at_ns: 1100 }
    );
    let late = machine.on_report(500, id, Probed::Passed);
    assert_eq!((late.reported, late.change), (Reported::Stale, None));
    assert_eq!(
        late.health,
        machine.health(500),
        "the level, also where nothing changed"
    );
}

#[test]
fn a_timeout_that_nobody_polled_counts_from_when_it_fell_due() {
    let (mut late, mut early) = (with(plain()), with(plain()));
    for machine in [&mut late, &mut early] {
        let _ = send(machine, 0);
    }
    assert!(matches!(
        early.poll(100, &mut rng()),
        ProbeAction::Abandon { .. }
    ));
    assert!(matches!(
        late.poll(900, &mut rng()),
        ProbeAction::Abandon { .. }
    ));
    for machine in [&mut late, &mut early] {
        assert_eq!(
            machine.poll(900, &mut rng()),
            ProbeAction::WaitUntil { at_ns: 1100 }
        );
    }
}

#[test]
fn at_most_one_probe_is_in_flight_though_its_time_be_longer_than_the_interval() {
    let builder = HealthProbePolicy::builder(ns(10), ns(1000)).jitter(Jitter::None);
    let mut machine = with(builder);
    let id = send(&mut machine, 0);
    let waits = ProbeAction::Probing {
        probe: id,
        timeout_at_ns: Some(1000),
    };
    for now_ns in 0..1000 {
        assert_eq!(machine.poll(now_ns, &mut rng()), waits);
    }
}

#[test]
fn after_ten_idle_years_one_probe_is_lost_and_one_is_sent() {
    let mut machine = with(plain().fall(1));
    let id = send(&mut machine, 0);
    let now_ns = 315_360_000_000_000_000;
    assert!(
        matches!(machine.poll(now_ns, &mut rng()), ProbeAction::Abandon { probe, .. } if probe == id)
    );
    let next = send(&mut machine, now_ns);
    assert_eq!(next.to_word(), id.to_word() + 1);
}

// ---- waits

#[test]
fn the_first_probe_is_sent_at_once_and_the_next_somewhere_in_the_interval() {
    let policy = HealthProbePolicy::builder(ns(1000), ns(100)).build();
    let policy = policy.expect("a policy");
    let mut seen = [false; 10];
    for seed in 0..200 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut machine = HealthProbe::new(&policy);
        let mut now_ns = 7;
        for number in 0..5 {
            let ProbeAction::Send { probe: id, .. } = machine.poll(now_ns, &mut rng) else {
                panic!("due at {now_ns}")
            };
            let _ = machine.on_report(now_ns, id, Probed::Passed);
            let next_ns = machine.next_deadline_ns().expect("there is a next one");
            let wait_ns = next_ns - now_ns;
            if number == 0 {
                assert!(wait_ns <= 1000);
                seen[usize::try_from(wait_ns).unwrap().min(999) / 100] = true;
            } else {
                assert!((900..=1100).contains(&wait_ns), "{wait_ns}");
            }
            now_ns = next_ns;
        }
    }
    assert_eq!(seen, [true; 10], "a fleet that starts together is parted");
}

#[test]
fn while_down_the_waits_grow_with_each_failed_probe_and_begin_anew_when_one_passes() {
    let mut machine = with(plain().rise(2).fall(2).down(waits().cap(ns(2000))));
    let script = [
        (Probed::Failed, 1000),
        (Probed::Failed, 300), // down
        (Probed::Failed, 600),
        (Probed::Failed, 1200),
        (Probed::Failed, 2000),
        (Probed::Failed, 2000),
        (Probed::Passed, 300), // one passed: confirm it soon
        (Probed::Failed, 300),
        (Probed::Failed, 600),
        (Probed::Passed, 300),
        (Probed::Passed, 1000), // up
        (Probed::Failed, 1000),
        (Probed::Failed, 300), // down again, from the first wait
    ];
    for (step, (found, wait_ns)) in script.into_iter().enumerate() {
        assert_eq!(probe(&mut machine, found).0, wait_ns, "step {step}");
    }
}

#[test]
fn a_wait_that_was_drawn_while_down_stays_when_traffic_says_up() {
    let mut machine = with(plain().rise(1).fall(1).down(waits()));
    let _ = probe(&mut machine, Probed::Failed);
    let _ = probe(&mut machine, Probed::Failed); // at 300, the next at 900
    let change = machine.on_traffic(400, Probed::Passed).change;
    assert_eq!(change.map(|change| change.to), Some(Health::Up));
    assert_eq!(machine.next_deadline_ns(), Some(900));
    assert_eq!(probe(&mut machine, Probed::Passed).0, 1000);
}

#[test]
fn without_waits_of_its_own_down_is_probed_at_the_interval() {
    let mut machine = with(plain().fall(1));
    for _ in 0..10 {
        assert_eq!(probe(&mut machine, Probed::Failed).0, 1000);
    }
}

#[test]
fn one_word_for_each_probe_that_is_sent_and_none_otherwise() {
    for (builder, words) in [
        (plain(), 0),
        (plain().jitter(Jitter::Equal), 1),
        (plain().down(waits().jitter(Jitter::Full)), 1),
        (plain().jitter(Jitter::Full).down(waits()), 1),
    ] {
        let mut machine = with(builder);
        let (mut drawn, mut fresh) = (rng(), rng());
        assert!(matches!(
            machine.poll(0, &mut drawn),
            ProbeAction::Send { .. }
        ));
        for now_ns in [1, 50, 100] {
            let _ = machine.poll(now_ns, &mut drawn); // probing, probing, abandoned
        }
        for _ in 0..words {
            let _ = fresh.next_u64();
        }
        assert_eq!(drawn, fresh);
    }
}

// ---- the ends of time, foreign ids

#[test]
fn past_the_last_instant_there_is_no_probe_and_traffic_still_counts() {
    let mut machine = with(plain().rise(1));
    let id = send(&mut machine, u64::MAX - 50);
    let probing = ProbeAction::Probing {
        probe: id,
        timeout_at_ns: None,
    };
    assert_eq!(machine.poll(u64::MAX, &mut rng()), probing);
    assert_eq!(machine.next_deadline_ns(), None);
    let receipt = machine.on_report(u64::MAX, id, Probed::Failed);
    assert_eq!(receipt.reported, Reported::Counted);
    assert_eq!(machine.poll(u64::MAX, &mut rng()), ProbeAction::Idle);
    let change = machine.on_traffic(u64::MAX, Probed::Passed).change;
    assert_eq!(change.map(|change| change.to), Some(Health::Up));
}

#[test]
fn doubled_and_foreign_reports_change_nothing() {
    let mut machine = with(plain().rise(1).fall(1));
    let first = send(&mut machine, 0);
    let _ = machine.on_report(10, first, Probed::Passed);
    let second = send(&mut machine, 1010);
    let before = machine.clone();
    for word in [first.to_word(), 0, second.to_word() + 1, u64::MAX] {
        let told = machine.on_report(1010, ProbeId::from_word(word), Probed::Failed);
        assert_eq!((told.reported, told.change), (Reported::Stale, None));
        assert_eq!(told.health, Some(Health::Up));
        assert_eq!(machine, before);
    }
}

#[test]
fn a_clock_that_runs_backwards_stands_still() {
    let mut machine = with(plain());
    let id = send(&mut machine, 5000);
    let _ = machine.on_report(0, id, Probed::Passed);
    assert_eq!(machine.next_deadline_ns(), Some(6000));
}

#[test]
fn its_state_is_as_small_as_its_page_says() {
    assert!(size_of::<HealthProbeState>() <= 80);
}

// ---- with a breaker

#[test]
fn a_breaker_that_waits_for_health_is_led_by_the_probe() {
    let open = BackoffPolicy::builder(ns(500)).jitter(Jitter::None);
    let breaker = BreakerPolicy::builder(open, ns(100))
        .trigger(Trigger::Consecutive { failures: 1 })
        .until_healthy(true)
        .build();
    let mut breaker = Breaker::new(breaker.expect("a policy"));
    let mut machine = with(plain().fall(1));
    let mut rng = rng();
    let call = breaker.try_acquire(0, &mut rng).expect("closed").permit;
    let _ = breaker.on_outcome(0, call, Outcome::Failure, 0, &mut rng);
    for found in [Probed::Failed, Probed::Failed, Probed::Passed] {
        let now_ns = machine.next_deadline_ns().expect("there is a next one");
        if let Some(to) = probe(&mut machine, found).1 {
            let _ = breaker.on_health(now_ns, to);
        }
        assert_eq!(
            breaker.phase(now_ns),
            Phase::Open,
            "though its wait is over"
        );
    }
    let now_ns = machine.next_deadline_ns().expect("there is a next one");
    let up = probe(&mut machine, Probed::Passed).1.expect("two passed");
    let made = breaker.on_health(now_ns, up);
    assert_eq!(made.last().map(|made| made.to), Some(Phase::HalfOpen));
}

// ---- policies

#[test]
fn what_cannot_be_is_refused_by_name() {
    let zero = Duration::ZERO;
    let over = ns((1 << 62) + 1);
    let most = HealthProbePolicy::builder(ns(1 << 62), ns(1 << 62));
    assert!(most.rise(u32::MAX).fall(u32::MAX).build().is_ok());
    for (builder, text) in [
        (
            HealthProbePolicy::builder(zero, ns(1)),
            "health_probe.interval is 0: it must be above 0",
        ),
        (
            HealthProbePolicy::builder(ns(1), zero),
            "health_probe.timeout is 0: it must be above 0",
        ),
        (
            HealthProbePolicy::builder(over, ns(1)),
            "health_probe.interval is 4611686018427387905ns",
        ),
        (
            HealthProbePolicy::builder(ns(1), over),
            "health_probe.timeout is 4611686018427387905ns",
        ),
        (
            plain().rise(0),
            "health_probe.rise is 0: it must be at least 1",
        ),
        (
            plain().fall(0),
            "health_probe.fall is 0: it must be at least 1",
        ),
        (
            plain().jitter(Jitter::Decorrelated),
            "health_probe.jitter cannot be set here: ",
        ),
        (
            plain().jitter(Jitter::Spread(Ratio::percent(101))),
            "health_probe.jitter.spread is 101/100",
        ),
        (
            plain().down(waits().max_retries(3)),
            "health_probe.down.max_retries cannot be set here: ",
        ),
        (
            plain().down(waits().max_total_wait(ns(1 << 40))),
            "health_probe.down.max_total_wait cannot be set here: ",
        ),
        (
            plain().down(BackoffPolicy::builder(zero)),
            "health_probe.down.base is 0",
        ),
        (
            plain().down(waits().cap(zero)),
            "health_probe.down.cap is 0",
        ),
        (
            plain().down(waits().cap(over)),
            "health_probe.down.cap is 4611686018427387905ns",
        ),
    ] {
        let said = builder.build().expect_err(text).to_string();
        assert!(said.starts_with(text), "{said}");
    }
}

#[test]
fn a_policy_makes_the_builder_that_makes_it_again() {
    for builder in [plain(), plain().rise(7).fall(9).down(waits())] {
        let policy = builder.build().expect("a policy");
        assert_eq!(HealthProbeBuilder::from(policy).build(), Ok(policy));
    }
}
