//! Stored states and policy files are untrusted: whatever they say, a health probe refuses it or keeps its promises.
#![cfg(feature = "serde")]

#[path = "common/numbers.rs"]
mod numbers;
#[path = "common/places.rs"]
mod places;

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::health::{
    HealthProbe, HealthProbePolicy, HealthProbeState, ProbeAction, Probed,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use numbers::other_numbers;
use places::places;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// No wait is longer than 1 100 ns.
fn policies() -> Vec<HealthProbePolicy> {
    let builder = HealthProbePolicy::builder(ns(1000), ns(100));
    let down = |jitter| BackoffPolicy::builder(ns(50)).jitter(jitter).cap(ns(700));
    [
        builder,
        builder.fall(1).rise(1).down(down(Jitter::None)),
        builder.down(down(Jitter::Decorrelated)),
    ]
    .map(|builder| builder.build().expect("a policy"))
    .to_vec()
}

/// One state of each stage, and of each verdict.
fn stored(policy: HealthProbePolicy) -> Vec<HealthProbeState> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    let mut machine = HealthProbe::new(policy);
    let mut found = vec![machine.state()];
    let mut now_ns = 1_000_000;
    for step in 0..60_u64 {
        match machine.poll(now_ns, &mut rng) {
            ProbeAction::Probing { probe, .. } if step % 7 != 3 => {
                let passed = step % 30 < 12;
                let found = if passed {
                    Probed::Passed
                } else {
                    Probed::Failed
                };
                let _ = machine.on_report(now_ns, probe, found);
            }
            ProbeAction::WaitUntil { at_ns } => now_ns = at_ns,
            _ => {}
        }
        now_ns += rng.next_u64() % 90;
        if step % 5 == 0 {
            let _ = machine.on_traffic(now_ns, Probed::Failed);
        }
        found.push(machine.state());
    }
    found
}

/// Everything that this value could have been instead.
fn wrong(value: &Value) -> Vec<Value> {
    let mut wrong = vec![
        Value::Null,
        json!(true),
        json!("up"),
        json!("down"),
        json!({ "waiting": { "at_ns": null } }),
        json!({ "waiting": { "at_ns": u64::MAX } }),
        json!({ "probing": { "timeout_at_ns": null, "word": 7 } }),
        json!({ "probing": { "timeout_at_ns": 0, "word": u64::MAX } }),
        json!({ "lost": { "at_ns": 0 } }),
        json!({ "lost": { "at_ns": null } }),
    ];
    wrong.extend(other_numbers(value));
    wrong
}

/// Runs it for a while: it keeps its promises, whatever it was restored from.
fn drive(mut machine: HealthProbe, rng: &mut Xoshiro256PlusPlus) {
    let policy = *machine.policy();
    let stored = serde_json::to_value(machine.state()).expect("plain data");
    let mut now_ns = stored["clock"].as_u64().expect("a clock");
    let mut latest = stored["last_probe"].as_u64().expect("an id");
    for _ in 0..40 {
        now_ns = now_ns.saturating_add(rng.next_u64() % 60);
        assert!(
            HealthProbe::restore(policy, machine.state()).is_ok(),
            "its own state"
        );
        let found = if rng.next_u64() % 2 == 0 {
            Probed::Passed
        } else {
            Probed::Failed
        };
        match machine.poll(now_ns, rng) {
            ProbeAction::Send { probe, .. } => {
                assert!(probe.to_word() > latest);
                latest = probe.to_word();
            }
            ProbeAction::Probing {
                probe,
                timeout_at_ns,
            } => {
                assert!(timeout_at_ns.is_none_or(|at| at > now_ns && at - now_ns <= 100));
                if rng.next_u64() % 4 > 0 {
                    let before = machine.health(now_ns);
                    let receipt = machine.on_report(now_ns, probe, found);
                    assert_eq!(
                        receipt.change.map_or(before, |change| Some(change.to)),
                        machine.health(now_ns)
                    );
                }
            }
            ProbeAction::WaitUntil { at_ns } => {
                assert!(
                    at_ns > now_ns && at_ns - now_ns <= 1100,
                    "{at_ns} at {now_ns}"
                );
                now_ns = at_ns;
            }
            ProbeAction::Abandon { probe, .. } => assert_eq!(probe.to_word(), latest),
            _ => {
                assert!(now_ns > u64::MAX - 10_000, "no probe for ever");
                let _ = machine.on_traffic(now_ns, found);
            }
        }
    }
}

#[test]
fn a_damaged_state_is_refused_or_harmless() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut refused, mut harmless) = (0, 0);
    for policy in policies() {
        for state in stored(policy) {
            let honest = serde_json::to_value(state).expect("plain data");
            let again = serde_json::from_value::<HealthProbeState>(honest.clone());
            assert_eq!(again.expect("it reads"), state);
            for place in places(&honest) {
                for value in wrong(honest.pointer(&place).expect("a place")) {
                    let mut damaged = honest.clone();
                    *damaged.pointer_mut(&place).expect("a place") = value;
                    let state = serde_json::from_value::<HealthProbeState>(damaged);
                    let restored = state
                        .ok()
                        .and_then(|state| HealthProbe::restore(policy, state).ok());
                    match restored {
                        Some(machine) => {
                            harmless += 1;
                            drive(machine, &mut rng);
                        }
                        None => refused += 1,
                    }
                }
            }
        }
    }
    assert!(refused > 1000 && harmless > 100, "{refused} {harmless}");
}

#[test]
fn each_contradiction_is_refused_for_what_it_is() {
    let policy = policies()[2];
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut machine = HealthProbe::new(policy);
    let ProbeAction::Send { .. } = machine.poll(1000, &mut rng) else {
        panic!("due")
    };
    let probing = serde_json::to_value(machine.state()).expect("plain data");
    for _ in 0..3 {
        let _ = machine.on_traffic(1000, Probed::Failed);
    }
    let ProbeAction::Abandon { .. } = machine.poll(1100, &mut rng) else {
        panic!("its time is over")
    };
    let down = serde_json::to_value(machine.state()).expect("plain data");
    for (state, place, value, said) in [
        (
            &down,
            "/version",
            json!(2),
            "the state has version 2, this code reads version 1",
        ),
        (
            &down,
            "/last_probe",
            json!(1_u64 << 63),
            "more probes than there was time for",
        ),
        (
            &down,
            "/last_probe",
            json!(0),
            "more probes failed than ended",
        ),
        (
            &probing,
            "/last_probe",
            json!(0),
            "a probe is in flight that was never sent",
        ),
        (
            &down,
            "/passed",
            json!(1),
            "its results passed and failed at once",
        ),
        (
            &probing,
            "/passed",
            json!(2),
            "its results have another verdict",
        ),
        (
            &probing,
            "/failed",
            json!(3),
            "its results have another verdict",
        ),
        (
            &down,
            "/health",
            json!("up"),
            "its results have another verdict",
        ),
        (
            &probing,
            "/down_waits",
            json!(1),
            "it waits as if it was down",
        ),
        (
            &down,
            "/down_waits",
            json!(2),
            "more probes failed than ended",
        ),
        (&down, "/down_waits", json!(0), "a last wait without any"),
        (
            &down,
            "/previous_wait_ns",
            json!(1101),
            "its last wait is longer than",
        ),
        (
            &down,
            "/stage/waiting/at_ns",
            json!(2201),
            "it waits for longer than",
        ),
        (
            &down,
            "/stage/waiting/at_ns",
            Value::Null,
            "it waits for longer than",
        ),
        (
            &probing,
            "/stage/probing/timeout_at_ns",
            json!(1101),
            "it waits for longer than",
        ),
    ] {
        let mut damaged = state.clone();
        *damaged.pointer_mut(place).expect(place) = value;
        let error = match serde_json::from_value::<HealthProbeState>(damaged) {
            Err(error) => error.to_string(),
            Ok(state) => HealthProbe::restore(policy, state)
                .expect_err(said)
                .to_string(),
        };
        assert!(error.contains(said), "{place}: {error}");
    }
}

#[test]
fn a_policy_that_was_written_reads_back() {
    let spread = HealthProbePolicy::builder(ns(7), ns(8)).jitter(Jitter::Spread(Ratio::percent(3)));
    for policy in policies().into_iter().chain(spread.build()) {
        let json = serde_json::to_string(&policy).expect("JSON");
        assert_eq!(
            serde_json::from_str::<HealthProbePolicy>(&json).expect(&json),
            policy
        );
        let toml = toml::to_string(&policy).expect("TOML");
        assert_eq!(
            toml::from_str::<HealthProbePolicy>(&toml).expect(&toml),
            policy
        );
    }
    let file = r#"
        interval = "10s"
        timeout = "1s"
        jitter = { spread = "10%" }
        rise = 2
        fall = 3
    "#;
    let builder = HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1));
    assert_eq!(toml::from_str(file), Ok(builder.build().expect("a policy")));
}

#[test]
fn a_file_that_cannot_be_is_refused() {
    for (file, said) in [
        ("interval = \"10s\"", "missing field `timeout`"),
        (
            "interval = \"10s\"\ntimeout = \"1s\"\nretries = 3",
            "unknown field `retries`",
        ),
        (
            "interval = \"10s\"\ntimeout = \"1s\"\nrise = 0",
            "health_probe.rise is 0: it must be at least 1",
        ),
        (
            "interval = \"0s\"\ntimeout = \"1s\"",
            "health_probe.interval is 0",
        ),
        (
            "interval = \"10s\"\ntimeout = \"1s\"\njitter = \"decorrelated\"",
            "health_probe.jitter cannot",
        ),
        (
            "interval = \"10s\"\ntimeout = \"1s\"\ndown = { base = \"1s\", max_retries = 3 }",
            "health_probe.down.max_retries cannot be set here",
        ),
    ] {
        let error = toml::from_str::<HealthProbePolicy>(file)
            .expect_err(said)
            .to_string();
        assert!(error.contains(said), "{error}");
    }
}
