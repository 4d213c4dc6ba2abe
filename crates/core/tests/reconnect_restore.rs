//! A stored state is hostile input: every contradiction is refused, and what is accepted waits no longer than the
//! policy allows, asks for one link at a time, and never panics.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, LinkPhase, Reconnect, ReconnectPolicy, ReconnectState,
};
use evenkeel_core::{Rebase, Reported, RestoreError};
use proptest::prelude::*;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::{Value, json};

const NS: Duration = Duration::from_nanos(1);

/// Waits of 100, 200, 400, 400 ns; 50 ns to connect, 70 ns of silence.
fn policy() -> ReconnectPolicy {
    let backoff = BackoffPolicy::builder(100 * NS)
        .cap(400 * NS)
        .jitter(Jitter::None)
        .max_retries(5);
    let builder = ReconnectPolicy::builder(backoff, 50 * NS).silence_limit(70 * NS);
    builder.build().expect("a policy")
}

fn rng() -> SplitMix64 {
    SplitMix64::seed_from_u64(3)
}

fn connect(reconnect: &mut Reconnect, now_ns: u64) -> LinkId {
    match reconnect.poll(now_ns, &mut rng()) {
        LinkAction::Connect { link, .. } => link,
        other => panic!("{other:?}"),
    }
}

fn report(reconnect: &mut Reconnect, now_ns: u64, link: LinkId, event: LinkEvent) {
    let reported = reconnect.on_event(now_ns, link, event, &mut rng());
    assert_eq!(reported, Reported::Counted);
}

/// One of each stage, the newest at 1 000 or soon after.
fn histories() -> Vec<(&'static str, Reconnect)> {
    let fresh = Reconnect::new(policy());
    let mut waiting = fresh.clone();
    let link = connect(&mut waiting, 1_000);
    let connecting = waiting.clone();
    report(&mut waiting, 1_010, link, LinkEvent::Failed);
    let mut connected = connecting.clone();
    report(&mut connected, 1_010, link, LinkEvent::Connected);
    let mut live = connected.clone();
    let _ = live.on_frame(1_020, link);
    let mut untold = live.clone();
    assert_eq!(untold.on_frame(1_090, link), Reported::Stale);
    let mut gave_up = connecting.clone();
    report(&mut gave_up, 1_010, link, LinkEvent::Refused(Advice::Stop));
    let mut exhausted = waiting.clone();
    let mut now_ns = 1_110;
    while let LinkAction::Connect { link, .. } = exhausted.poll(now_ns, &mut rng()) {
        report(&mut exhausted, now_ns, link, LinkEvent::Failed);
        now_ns = exhausted.next_deadline_ns().unwrap_or(now_ns);
    }
    let mut stopped = live.clone();
    assert_eq!(stopped.stop(1_030), Some(link));
    vec![
        ("fresh", fresh),
        ("connecting", connecting),
        ("waiting", waiting),
        ("connected", connected),
        ("live", live),
        ("untold", untold),
        ("gave up", gave_up),
        ("exhausted", exhausted),
        ("stopped", stopped),
    ]
}

fn stored(name: &str) -> Value {
    let (_, machine) = histories()
        .into_iter()
        .find(|(known, _)| *known == name)
        .expect("a history");
    serde_json::to_value(machine.state()).expect("JSON")
}

fn read(state: Value) -> ReconnectState {
    serde_json::from_value(state).expect("a state")
}

#[test]
fn every_state_is_written_and_read() {
    for (name, machine) in histories() {
        let text = serde_json::to_string(&machine.state()).expect("JSON");
        let state = serde_json::from_str(&text).expect("a state");
        assert_eq!(Reconnect::restore(policy(), state), Ok(machine), "{name}");
    }
}

#[test]
fn another_version_is_refused_for_its_version() {
    let (_, live) = histories().swap_remove(4);
    let stored = serde_json::to_string(&live.state()).expect("JSON");
    // Even where the rest is not what it was.
    let moved = stored
        .replace("\"version\":1", "\"version\":2")
        .replace("clock", "watch");
    assert_ne!(moved, stored);
    let error = serde_json::from_str::<ReconnectState>(&moved).expect_err("another version");
    let text = "the state has version 2, this code reads version 1";
    assert!(error.to_string().starts_with(text), "{error}");
}

/// Which history, which part of it becomes what, and what the error says.
const CONTRADICTIONS: &str = r#"
    waiting    | /last                        | 18446744073709551615  | more links than there can have been
    waiting    | /last                        | 9223372036854775808   | more links than there can have been
    waiting    | /last                        | 0                     | more waits than links
    live       | /last                        | 0                     | more waits than links
    connected  | /schedule/attempts           | 1                     | more waits than links
    waiting    | /schedule/attempts           | 2                     | more waits than links
    waiting    | /schedule/attempts           | 0                     | waits without an attempt
    waiting    | /schedule                    | {"attempts":0,"previous_ns":0,"total_wait_ns":0} | nobody counted
    gave up    | /last                        | 0                     | before the first
    fresh      | /heard_ns                    | 0                     | before the first
    fresh      | /unreported                  | {"reason":"silent","at_ns":0}  | before the first
    live       | /heard_ns                    | 1099511627776         | a frame is in the future
    live       | /heard_ns                    | 5                     | has brought no frame
    live       | /unreported                  | {"reason":"silent","at_ns":5}  | passed over
    stopped    | /unreported                  | {"reason":"silent","at_ns":5}  | passed over
    gave up    | /unreported                  | {"reason":"silent","at_ns":5}  | passed over
    untold     | /unreported/at_ns            | 1099511627776         | given up in the future
    untold     | /unreported/at_ns            | 5                     | longer than the policy allows
    waiting    | /stage/waiting/until_ns      | 1411                  | longer than the policy allows
    waiting    | /stage/waiting/until_ns      | 18446744073709551615  | longer than the policy allows
    waiting    | /stage/waiting/not_before_ns | 1099511627776         | ends before it may
    connecting | /stage/connecting/since_ns   | 1099511627776         | began in the future
    connected  | /stage/connected/since_ns    | 1099511627776         | began in the future
    connected  | /stage/connected/confirmed   | true                  | has brought no frame
    live       | /stage/connected/confirmed   | false                 | is not confirmed
    waiting    | /stage                       | "due"                 | a fresh start with waits
    waiting    | /stage                       | "stopped"             | a fresh start with waits
    waiting    | /stage                       | {"gave-up":{"exhausted":"retries"}}    | has not reached
    exhausted  | /stage                       | {"gave-up":{"exhausted":"total-wait"}} | has not reached
"#;

#[test]
fn every_contradiction_is_refused() {
    let rows = CONTRADICTIONS.trim().lines();
    for row in rows {
        let parts: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, path, value, expected] = parts[..] else {
            panic!("{row}")
        };
        let mut state = stored(name);
        *state.pointer_mut(path).expect(row) = serde_json::from_str(value).expect(row);
        let error = Reconnect::restore(policy(), read(state)).expect_err(row);
        assert!(error.to_string().contains(expected), "{row}: {error}");
    }
}

#[test]
fn a_state_must_fit_the_policy() {
    let backoff = BackoffPolicy::builder(100 * NS).cap(400 * NS);
    let patient = ReconnectPolicy::builder(backoff, 50 * NS)
        .build()
        .expect("a policy");
    let error = Reconnect::restore(patient, read(stored("untold"))).expect_err("no limit");
    assert!(matches!(error, RestoreError::Misfit { .. }), "{error}");
    let error = Reconnect::restore(patient, read(stored("exhausted"))).expect_err("no limit");
    assert!(matches!(error, RestoreError::Misfit { .. }), "{error}");

    let quick = ReconnectPolicy::builder(backoff.cap(50 * NS), 50 * NS).build();
    let error = Reconnect::restore(quick.expect("a policy"), read(stored("waiting")));
    assert!(
        matches!(error, Err(RestoreError::Misfit { .. })),
        "{error:?}"
    );

    let thrifty = BackoffPolicy::builder(10 * NS).max_total_wait(20 * NS);
    let thrifty = ReconnectPolicy::builder(thrifty, 50 * NS).build();
    let error = Reconnect::restore(thrifty.expect("a policy"), read(stored("waiting")));
    assert!(
        matches!(error, Err(RestoreError::Misfit { .. })),
        "{error:?}"
    );

    let jumpy = BackoffPolicy::builder(10 * NS)
        .cap(20 * NS)
        .jitter(Jitter::Decorrelated);
    let jumpy = ReconnectPolicy::builder(jumpy, 50 * NS)
        .advisory_cap(NS * 1_000)
        .build();
    let error = Reconnect::restore(jumpy.expect("a policy"), read(stored("waiting")));
    assert!(
        matches!(error, Err(RestoreError::Misfit { .. })),
        "{error:?}"
    );
}

#[test]
fn the_end_of_time_on_another_clock_is_still_an_end() {
    let mut machine = Reconnect::new(policy());
    let link = connect(&mut machine, u64::MAX - 10);
    report(&mut machine, u64::MAX - 5, link, LinkEvent::Failed);
    let rebase = Rebase {
        taken_at_ns: u64::MAX - 5,
        now_ns: 0,
        away: Duration::ZERO,
    };
    let moved = Reconnect::restore_rebased(policy(), machine.state(), rebase).expect("a state");
    assert!(matches!(moved.status(0).phase, LinkPhase::GaveUp { .. }));
    assert_eq!(Reconnect::restore(policy(), moved.state()), Ok(moved));
}

#[test]
fn a_process_that_ends_loses_its_link_and_waits_jittered() {
    let backoff = BackoffPolicy::builder(100 * NS);
    let policy = ReconnectPolicy::builder(backoff, 50 * NS)
        .stable_after(30 * NS)
        .build();
    let policy = policy.expect("a policy");
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut machine = Reconnect::new(policy);
        let mut rng = SplitMix64::seed_from_u64(seed);
        let LinkAction::Connect { link, .. } = machine.poll(1_000, &mut rng) else {
            panic!("a try is due");
        };
        report(&mut machine, 1_000, link, LinkEvent::Connected);
        let _ = machine.on_frame(1_000, link);
        let rebase = Rebase {
            taken_at_ns: 1_100,
            now_ns: 7,
            away: Duration::ZERO,
        };
        let next = Reconnect::restore_rebased(policy, machine.state(), rebase).expect("a state");
        assert_eq!(next.attempts(7), 1, "it was stable");
        waits.extend(next.next_deadline_ns().map(|at_ns| at_ns - 7));
    }
    assert!(waits.iter().all(|wait_ns| *wait_ns <= 100));
    let (least, most) = (waits.iter().min(), waits.iter().max());
    assert!(least < Some(&10) && most > Some(&90), "{waits:?}");
}

/// Puts `value` into the `at`-th number or null of the state, whatever it was.
fn spoil(state: &mut Value, at: &mut usize, value: u64) -> bool {
    match state {
        Value::Object(map) => map
            .iter_mut()
            .filter(|(key, _)| *key != "version")
            .any(|(_, inner)| spoil(inner, at, value)),
        Value::Number(_) | Value::Bool(_) | Value::Null => {
            if *at == 0 {
                *state = match state {
                    Value::Bool(_) => json!(value % 2 == 0),
                    _ => json!(value),
                };
                return true;
            }
            *at -= 1;
            false
        }
        _ => false,
    }
}

/// What is accepted must behave: it waits no longer than 400 ns, and one link is open at a time.
fn behaves(mut machine: Reconnect, from_ns: u64, steps: &[(u64, u8)]) {
    let mut now_ns = from_ns;
    let mut rng = rng();
    let mut open = None;
    for &(ahead, call) in steps {
        now_ns = now_ns.saturating_add(ahead);
        let link = open.unwrap_or(LinkId::from_word(1));
        match call {
            0..=3 => match machine.poll(now_ns, &mut rng) {
                LinkAction::Connect { link, .. } => {
                    assert_eq!(open, None, "one link at a time");
                    open = Some(link);
                }
                LinkAction::Abandon { .. } => open = None,
                LinkAction::WaitUntil { at_ns } => {
                    assert!(
                        at_ns <= now_ns.saturating_add(400),
                        "a wait of at most 400 ns"
                    );
                }
                _ => {}
            },
            4 => drop(machine.on_event(now_ns, link, LinkEvent::Connected, &mut rng)),
            5 => {
                let _ = machine.on_event(now_ns, link, LinkEvent::Lost, &mut rng);
                // Lost, or told by the next poll: without one, ask what stands.
                while let LinkAction::Abandon { .. } = machine.poll(now_ns, &mut rng) {}
                let phase = machine.status(now_ns).phase;
                open = match phase {
                    LinkPhase::Connecting { link, .. } | LinkPhase::Connected { link, .. } => {
                        Some(link)
                    }
                    _ => None,
                };
            }
            6 => drop(machine.on_frame(now_ns, link)),
            7 => drop(machine.kick(now_ns, &mut rng)),
            8 => {
                let _ = machine.stop(now_ns);
                open = None;
            }
            _ => drop(machine.start(now_ns)),
        }
        let again = Reconnect::restore(*machine.policy(), machine.state());
        assert_eq!(again.as_ref(), Ok(&machine), "its own state");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_behaves(
        history in 0..9_usize,
        spoiled in prop::collection::vec((0..12_usize, prop_oneof![
            0..4_u64, 990..1_500_u64, any::<u64>(), Just(u64::MAX),
        ]), 1..4),
        steps in prop::collection::vec((prop_oneof![0..120_u64, Just(1 << 62)], 0..10_u8), 1..30),
    ) {
        let (_, machine) = histories().swap_remove(history);
        let mut state = serde_json::to_value(machine.state()).expect("JSON");
        for (mut at, value) in spoiled {
            let _ = spoil(&mut state, &mut at, value);
        }
        let latest_ns = state["clock"].as_u64().unwrap_or(0);
        let Ok(state) = serde_json::from_value::<ReconnectState>(state) else {
            return Ok(());
        };
        let rebase = Rebase { taken_at_ns: 1_100, now_ns: 50, away: 20 * NS };
        if let Ok(moved) = Reconnect::restore_rebased(policy(), state, rebase) {
            behaves(moved, 50, &steps); // its clock is at 50, whatever it was
        }
        if let Ok(mut restored) = Reconnect::restore(policy(), state) {
            // No call can be before the latest instant that the state has seen. One link may be open already.
            let _ = restored.stop(latest_ns);
            behaves(restored, latest_ns, &steps);
        }
    }
}
