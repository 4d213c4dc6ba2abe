//! Keys whose breakers wait for health, and who has to tell them.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
use evenkeel_core::health::{HealthProbe, HealthProbePolicy, Probed};
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy};

use crate::facts::fail;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// One failure opens for 20 ns and until the key is healthy; keys are forgotten after 100 ns.
fn table() -> BreakerTable<u64> {
    let open = BackoffPolicy::builder(ns(20)).jitter(Jitter::None);
    let breaker = BreakerPolicy::builder(open, ns(10))
        .trigger(Trigger::Consecutive { failures: 1 })
        .until_healthy(true)
        .build()
        .expect("a breaker");
    let policy = BreakerTablePolicy::builder(breaker, 4, ns(100)).build();
    BreakerTable::new(policy.expect("a policy"))
}

fn probe() -> HealthProbe {
    let policy = HealthProbePolicy::builder(ns(50), ns(10)).rise(1).build();
    HealthProbe::new(policy.expect("a policy"))
}

/// What `on_health` asks for: the level, after every result of the probe.
fn passes(table: &mut BreakerTable<u64>, probe: &mut HealthProbe, now_ns: u64, key: u64) {
    let _ = probe.on_traffic(now_ns, Probed::Passed);
    if let Some(health) = probe.health(now_ns) {
        let _ = table.on_health(now_ns, &key, health);
    }
}

/// A probe says `Up` once. A key that was forgotten, or is new, is told of the level all the same.
#[test]
fn a_forgotten_key_hears_of_its_health_again() {
    let (mut table, mut probe) = (table(), probe());
    passes(&mut table, &mut probe, 0, 7);
    assert!(!table.tracks(100, &7), "forgotten, with its health");
    let _ = fail(&mut table, 1_000, 7);
    passes(&mut table, &mut probe, 1_010, 7);
    let phases = [1_019, 1_020].map(|now_ns| table.phase(now_ns, &7));
    assert_eq!(phases, [Phase::Open, Phase::HalfOpen]);

    // An operator has it forgotten: the same.
    assert!(table.forget(1_020, &7));
    let _ = fail(&mut table, 1_030, 7);
    assert_eq!(table.phase(1_060, &7), Phase::Open);
    passes(&mut table, &mut probe, 1_060, 7);
    assert_eq!(table.phase(1_060, &7), Phase::HalfOpen);
}

/// Whoever tells the level at least once in `forget_after` has no such gap: the key is not forgotten.
#[test]
fn a_key_that_is_told_of_its_health_in_time_goes_through_its_wait_only() {
    let (mut table, mut probe) = (table(), probe());
    for now_ns in (0..=990).step_by(99) {
        passes(&mut table, &mut probe, now_ns, 7);
        assert!(table.tracks(now_ns + 98, &7));
    }
    let _ = fail(&mut table, 1_000, 7);
    assert_eq!(table.phase(1_020, &7), Phase::HalfOpen);
}

/// Changes alone are not enough: the wedge that the level is for.
#[test]
fn a_key_that_is_told_of_changes_only_waits_for_one_that_does_not_come() {
    let (mut table, mut probe) = (table(), probe());
    for now_ns in [0, 990, 1_010, 5_000] {
        if now_ns == 1_010 {
            let _ = fail(&mut table, 1_000, 7);
        }
        for change in probe.on_traffic(now_ns, Probed::Passed).changes() {
            let _ = table.on_health(now_ns, &7, change.to);
        }
    }
    assert_eq!(table.phase(1 << 60, &7), Phase::Open);
}
