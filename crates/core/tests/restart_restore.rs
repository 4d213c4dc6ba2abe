//! Stored states and policy files are untrusted: whatever they say, a restart machine refuses it or keeps its promises.
#![cfg(feature = "serde")]

#[path = "common/numbers.rs"]
mod numbers;
#[path = "common/places.rs"]
mod places;

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartOn, RestartPolicy, RestartState,
};
use evenkeel_core::time::MAX_SPAN;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use numbers::other_numbers;
use places::places;

fn policy(max_restarts: Option<u32>, jitter: Jitter) -> RestartPolicy {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(jitter);
    let mut builder = RestartPolicy::builder(backoff.cap(Duration::from_nanos(700)))
        .cooldown(Duration::from_nanos(5000));
    if let Some(max) = max_restarts {
        builder = builder.intensity(max, Duration::from_nanos(4000));
    }
    builder.build().expect("a policy")
}

/// One state of each stage, and of several lengths of history.
fn stored(policy: RestartPolicy) -> Vec<RestartState> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
    let mut restart = Restart::new(policy);
    let mut found = vec![restart.state()];
    let mut now_ns = 1_000_000;
    for step in 0..60_u64 {
        match restart.poll(now_ns) {
            RestartAction::Start { .. } => {}
            RestartAction::Running { run } if step % 17 == 3 => {
                let _ = restart.stop(now_ns);
                found.push(restart.state());
                restart.rearm(now_ns);
                found.push(restart.state());
                let _ = restart.on_exit(now_ns, run, Exit::Clean, &mut rng);
            }
            RestartAction::Running { run } => {
                let _ = restart.on_exit(now_ns, run, Exit::Failure, &mut rng);
            }
            RestartAction::WaitUntil { at_ns } => now_ns = at_ns,
            RestartAction::Escalated { .. } => restart.rearm(now_ns),
            other => panic!("{other:?}"),
        }
        now_ns += rng.next_u64() % 90;
        found.push(restart.state());
    }
    found
}

/// Everything that this value could have been instead.
fn wrong(value: &Value) -> Vec<Value> {
    let mut wrong = vec![
        Value::Null,
        json!(true),
        json!([]),
        json!("stopped"),
        json!("leaving"),
        json!({ "stopped": { "in_flight": true } }),
        json!({ "waiting": { "at_ns": 5 } }),
        json!({ "waiting": { "at_ns": u64::MAX } }),
        json!({ "running": { "since_ns": 0 } }),
        json!({ "escalated": { "failures": 3 } }),
    ];
    wrong.extend(other_numbers(value));
    wrong
}

/// Runs it for a while: it keeps its promises, whatever it was restored from.
fn drive(mut restart: Restart, rng: &mut Xoshiro256PlusPlus) {
    let policy = *restart.policy();
    let longest_ns = 700;
    let mut now_ns = serde_json::to_value(restart.state()).unwrap()["clock"]
        .as_u64()
        .unwrap();
    let mut last_run = 0;
    let mut restarted: Vec<u64> = Vec::new();
    for _ in 0..40 {
        now_ns = now_ns.saturating_add(rng.next_u64() % 60);
        assert!(
            Restart::restore(policy, restart.state()).is_ok(),
            "its own state"
        );
        match restart.poll(now_ns) {
            RestartAction::Start { run } => {
                assert!(run.to_word() > last_run && Some(run) == restart.in_flight());
                last_run = run.to_word();
            }
            RestartAction::Running { run } => {
                let exit = if rng.next_u64() % 4 == 0 {
                    Exit::Clean
                } else {
                    Exit::Failure
                };
                let _ = restart.on_exit(now_ns, run, exit, rng);
                let waits = matches!(restart.poll(now_ns), RestartAction::WaitUntil { .. });
                if let (Some(limit), Exit::Failure, true) = (policy.intensity(), exit, waits) {
                    restarted.push(now_ns);
                    let window_ns = 4000;
                    let recent = restarted
                        .iter()
                        .filter(|&&at| now_ns - at <= window_ns)
                        .count();
                    assert!(recent <= limit.max_restarts as usize, "too many restarts");
                }
            }
            RestartAction::WaitUntil { at_ns } => {
                assert!(
                    at_ns > now_ns && at_ns - now_ns <= longest_ns,
                    "{at_ns} at {now_ns}"
                );
                now_ns = at_ns;
            }
            _ => {
                restarted.clear();
                restart.rearm(now_ns);
            }
        }
    }
}

#[test]
fn a_damaged_state_is_refused_or_harmless() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut refused, mut harmless) = (0, 0);
    for policy in [
        policy(None, Jitter::Full),
        policy(Some(3), Jitter::None),
        policy(Some(0), Jitter::Decorrelated),
    ] {
        for state in stored(policy) {
            let honest = serde_json::to_value(&state).expect("plain data");
            let again = serde_json::from_value::<RestartState>(honest.clone()).expect("it reads");
            assert_eq!(again, state);
            for place in places(&honest) {
                for value in wrong(honest.pointer(&place).expect("a place")) {
                    let mut damaged = honest.clone();
                    *damaged.pointer_mut(&place).expect("a place") = value;
                    let Ok(state) = serde_json::from_value::<RestartState>(damaged) else {
                        refused += 1;
                        continue;
                    };
                    match Restart::restore(policy, state) {
                        Ok(restart) => {
                            harmless += 1;
                            drive(restart, &mut rng);
                        }
                        Err(_) => refused += 1,
                    }
                }
            }
        }
    }
    assert!(refused > 1000 && harmless > 100, "{refused} {harmless}");
}

#[test]
fn each_contradiction_is_refused_for_what_it_is() {
    let policy = policy(Some(3), Jitter::Decorrelated);
    let mut restart = Restart::new(policy);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let RestartAction::Start { run } = restart.poll(1000) else {
        panic!("due")
    };
    let running = serde_json::to_value(restart.state()).expect("plain data");
    let _ = restart.on_exit(1010, run, Exit::Failure, &mut rng);
    let waiting = serde_json::to_value(restart.state()).expect("plain data");
    for (state, place, value, said) in [
        (
            &waiting,
            "/version",
            json!(2),
            "the state has version 2, this code reads version 1",
        ),
        (
            &waiting,
            "/last_run",
            json!(1_u64 << 63),
            "more runs than there was time for",
        ),
        (
            &waiting,
            "/last_run",
            json!(0),
            "it waited more often than a run ended",
        ),
        (
            &running,
            "/last_run",
            json!(0),
            "a run is in flight that was never started",
        ),
        (&waiting, "/attempts", json!(0), "a last wait without any"),
        (
            &waiting,
            "/attempts",
            json!(2),
            "it waited more often than a run ended",
        ),
        (
            &waiting,
            "/previous_wait_ns",
            json!(701),
            "its last wait is longer than",
        ),
        (
            &waiting,
            "/stage/waiting/at_ns",
            json!(1711),
            "it waits for longer than",
        ),
        (
            &running,
            "/stage/running/since_ns",
            json!(1001),
            "its run began in the future",
        ),
        (
            &waiting,
            "/stage",
            json!({ "escalated": { "failures": 3 } }),
            "does not escalate at so many",
        ),
        (
            &waiting,
            "/failures/recorded",
            json!(2),
            "its history does not add up",
        ),
        (
            &waiting,
            "/failures/ahead_ns",
            json!((1_u64 << 62) + 1),
            "its history does not add up",
        ),
        (
            &waiting,
            "/failures/instants/1",
            json!(1011),
            "its history does not add up",
        ),
        (
            &waiting,
            "/failures/instants/0",
            json!(5),
            "its history is for another number of restarts",
        ),
        (
            &waiting,
            "/failures",
            json!({ "ahead_ns": 0, "recorded": 2, "instants": [4, 1009, 1010] }),
            "it remembers more failures than it restarted",
        ),
    ] {
        let mut damaged = state.clone();
        *damaged.pointer_mut(place).expect(place) = value;
        let error = match serde_json::from_value::<RestartState>(damaged) {
            Err(error) => error.to_string(),
            Ok(state) => Restart::restore(policy, state).expect_err(said).to_string(),
        };
        assert!(error.contains(said), "{place}: {error}");
    }
}

/// The first run waits for nothing: nobody has counted a wait.
#[test]
fn a_task_that_never_ran_is_due() {
    let policy = policy(Some(3), Jitter::None);
    let mut state = serde_json::to_value(Restart::new(policy).state()).expect("plain data");
    let mut restored = |at_ns: u64| {
        state["stage"]["waiting"]["at_ns"] = json!(at_ns);
        let state: RestartState = serde_json::from_value(state.clone()).expect("readable");
        Restart::restore(policy, state)
    };
    assert!(restored(0).is_ok());
    let error = restored(1).expect_err("a wait of nobody").to_string();
    assert!(
        error.contains("it waits for longer than the policy allows"),
        "{error}"
    );
}

/// However long ago, and also where the machine escalated with all its failures: the bound is the longest window.
#[test]
fn failures_that_left_the_window_while_nobody_ran_are_not_recent_on_another_clock() {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(100));
    let policy = RestartPolicy::builder(backoff).intensity(0, MAX_SPAN);
    let policy = policy.build().expect("a policy");
    let mut restart = Restart::new(policy);
    let RestartAction::Start { run } = restart.poll(5) else {
        panic!("due")
    };
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let _ = restart.on_exit(5, run, Exit::Failure, &mut rng);
    assert_eq!(restart.recent_failures(5), 1, "it escalated");
    for (longer_ns, recent) in [(0, 1), (1, 0)] {
        let rebase = Rebase {
            taken_at_ns: 5,
            now_ns: 0,
            away: MAX_SPAN + Duration::from_nanos(longer_ns),
        };
        let moved = Restart::restore_rebased(policy, restart.state(), rebase).expect("its own");
        assert_eq!(moved.recent_failures(0), recent, "{longer_ns}");
    }
}

#[test]
fn a_policy_that_was_written_reads_back() {
    for restart_on in [RestartOn::Always, RestartOn::Failure, RestartOn::Never] {
        for max_restarts in [None, Some(0), Some(12)] {
            let policy =
                evenkeel_core::restart::RestartBuilder::from(policy(max_restarts, Jitter::Full))
                    .restart_on(restart_on)
                    .build()
                    .expect("a policy");
            let json = serde_json::to_string(&policy).expect("JSON");
            assert_eq!(
                serde_json::from_str::<RestartPolicy>(&json).expect(&json),
                policy
            );
            let toml = toml::to_string(&policy).expect("TOML");
            assert_eq!(toml::from_str::<RestartPolicy>(&toml).expect(&toml), policy);
        }
    }
}

#[test]
fn a_file_that_cannot_be_is_refused_with_the_line() {
    for (file, said) in [
        ("", "missing field `backoff`"),
        (
            "backoff = { base = \"1s\" }\nrestarts = 3",
            "unknown field `restarts`",
        ),
        (
            "backoff = { base = \"1s\" }\nintensity = { max_restarts = 3 }",
            "missing field `window`",
        ),
        (
            "backoff = { base = \"1s\" }\nrestart_on = \"sometimes\"",
            "unknown variant `sometimes`",
        ),
        (
            "backoff = { base = \"1s\", max_retries = 3 }",
            "restart.backoff.max_retries cannot be set here",
        ),
        (
            "backoff = { base = \"1s\" }\ncooldown = \"0s\"",
            "restart.cooldown is 0: it must be above 0",
        ),
    ] {
        let error = toml::from_str::<RestartPolicy>(file)
            .expect_err(said)
            .to_string();
        assert!(error.contains(said), "{error}");
    }
}
