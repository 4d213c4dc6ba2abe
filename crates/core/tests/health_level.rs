//! A breaker is fed the level of health, not its changes.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Phase, Trigger};
use evenkeel_core::health::{Health, HealthProbe, HealthProbePolicy, ProbeAction, Probed};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// Why a breaker is fed the level: one that opens while the verdict stands hears of no change.
#[test]
fn the_level_frees_a_breaker_that_no_change_would() {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(5);
    let open = BackoffPolicy::builder(ns(50)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, ns(50))
        .trigger(Trigger::Consecutive { failures: 1 })
        .until_healthy(true)
        .build()
        .expect("a policy");
    let probing = HealthProbePolicy::builder(ns(1000), ns(100))
        .jitter(Jitter::None)
        .rise(1)
        .build()
        .expect("a policy");
    let mut machine = HealthProbe::new(probing);
    let first = machine.on_traffic(0, Probed::Passed);
    assert_eq!(first.health, Some(Health::Up));

    // It is made only now.
    let mut breaker = Breaker::new(policy);
    let call = breaker.try_acquire(10, rng).expect("closed");
    let _ = breaker.on_outcome(10, call.permit, Outcome::Failure, 5, rng);
    let ProbeAction::Send { probe, .. } = machine.poll(100, rng) else {
        panic!("due at once")
    };
    let receipt = machine.on_report(110, probe, Probed::Passed);
    assert_eq!(receipt.change, None);
    assert_eq!(
        breaker.phase(110),
        Phase::Open,
        "nobody has said that it is up"
    );
    let health = receipt.health.expect("a verdict");
    let _ = breaker.on_health(110, health);
    assert_eq!(breaker.phase(110), Phase::HalfOpen);
    assert!(
        breaker.on_health(120, health).is_empty(),
        "told twice it is nothing"
    );
}
