//! Stored breakers: what survives (windows of every shape, a stricter policy's judgement, a state in the format of
//! version 1), and what contradicts itself or its policy.
#![cfg(feature = "serde")]

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use core::hash::{BuildHasher, BuildHasherDefault};
use core::time::Duration;
use std::hash::DefaultHasher;

use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, BreakerState, Mode, Outcome, Phase, Trigger, Window,
};
use evenkeel_core::{Ratio, RestoreError};
use serde_json::{Value, json};

use breaker_common::plan::Plan;
use breaker_common::words::Words;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn slow_rate(slower_than: u64, min_calls: u32) -> Trigger {
    Trigger::SlowRate {
        slower_than: ns(slower_than),
        at_least: Ratio::ONE,
        min_calls,
    }
}

fn with_window(window: Window, triggers: &[Trigger]) -> Plan {
    let mut plan = Plan::small(triggers[0]);
    plan.window = Some(window);
    plan.triggers = triggers.to_vec();
    plan
}

fn new(plan: &Plan) -> Breaker {
    Breaker::new(plan.build().expect("a policy"))
}

fn call(breaker: &mut Breaker, now_ns: u64, outcome: Outcome, latency_ns: u64) {
    let mut rng = Words::of(now_ns);
    let grant = breaker.try_acquire(now_ns, &mut rng).expect("let through");
    let _ = breaker.on_outcome(now_ns, grant.permit, outcome, latency_ns, &mut rng);
}

fn stored(breaker: &Breaker) -> Value {
    serde_json::to_value(breaker.state()).expect("plain data")
}

fn restored(plan: &Plan, state: &Value) -> Result<Breaker, RestoreError> {
    let state: BreakerState = serde_json::from_value(state.clone()).expect("readable");
    let policy: BreakerPolicy = plan.build().expect("a policy");
    Breaker::restore(policy, state)
}

/// The same with one thing replaced; what is said of it.
fn refused(plan: &Plan, state: &Value, path: &str, value: Value) -> String {
    let mut damaged = state.clone();
    *damaged.pointer_mut(path).expect(path) = value;
    let error = restored(plan, &damaged).expect_err(path);
    assert!(!matches!(error, RestoreError::Version { .. }), "{error}");
    error.to_string()
}

/// Each result has a bit for each condition, so a window of a hundred calls lies in several words.
#[test]
fn a_window_of_many_calls_and_conditions_survives_whole() {
    let limits = [10, 20, 30].map(|limit| slow_rate(limit, 100));
    for conditions in 1..=4 {
        let triggers = [Trigger::Failures { failures: 99 }]
            .into_iter()
            .chain(limits)
            .take(conditions);
        let plan = with_window(
            Window::Count { calls: 100 },
            &triggers.collect::<Vec<Trigger>>(),
        );
        let mut breaker = new(&plan);
        for at in 0..230 {
            let outcome = match at % 7 {
                0 => Outcome::Failure,
                _ => Outcome::Success,
            };
            call(&mut breaker, 0, outcome, at % 40);
            let again = restored(&plan, &stored(&breaker));
            assert_eq!(again.as_ref(), Ok(&breaker), "{conditions} {at}");
        }
    }
}

/// The last condition is checked like the first.
#[test]
fn a_time_window_that_does_not_add_up_is_refused_for_each_of_its_conditions() {
    let triggers = [
        Trigger::Failures { failures: 99 },
        slow_rate(10, 100),
        slow_rate(20, 100),
        slow_rate(30, 100),
    ];
    let window = Window::Time {
        span: ns(30),
        slices: 3,
    };
    let plan = with_window(window, &triggers);
    let mut breaker = new(&plan);
    for _ in 0..3 {
        call(&mut breaker, 5, Outcome::Failure, 31);
    }
    let state = stored(&breaker);
    assert_eq!(restored(&plan, &state), Ok(breaker));
    for condition in 0..4 {
        for count in [0, 2, 4] {
            let path = format!("/stage/closed/results/slices/counts/{condition}");
            let said = refused(&plan, &state, &path, json!(count));
            assert!(said.contains("its window does not add up"), "{said}");
        }
    }
}

/// Calls are in the low half of a word and failures in the high one: states that were written stay readable.
#[test]
fn a_time_window_written_as_version_1_writes_it_is_read() {
    let window = Window::Time {
        span: ns(30),
        slices: 3,
    };
    let plan = with_window(window, &[Trigger::Failures { failures: 99 }]);
    let mut state = stored(&new(&plan));
    state["clock"] = json!(15);
    state["stage"]["closed"]["results"] =
        json!({ "slices": { "index": 1, "calls": 8, "counts": [3, 0, 0, 0] } });
    // Slice 0: five calls, two failed. Slice 1: three calls, one failed. Slice 2 is to come.
    state["words"] = json!([3, 2_u64 << 32 | 5, 1_u64 << 32 | 3]);
    let breaker = restored(&plan, &state).expect("version 1");
    let seen = [15, 30, 40].map(|now_ns| {
        let counts = breaker.window(now_ns);
        (counts.calls, counts.failures)
    });
    assert_eq!(seen, [(8, Some(3)), (3, Some(1)), (0, Some(0))]);
    assert_eq!(stored(&breaker), state);
}

/// After a deployment with a lower limit, what was counted under the higher one counts.
#[test]
fn a_stricter_policy_judges_the_failures_in_a_row_that_it_finds() {
    let in_a_row = |failures| {
        let triggers = [Trigger::Consecutive { failures }, slow_rate(1_000, 4)];
        with_window(Window::Count { calls: 4 }, &triggers)
    };
    let mut lax = new(&in_a_row(10));
    for _ in 0..7 {
        call(&mut lax, 0, Outcome::Failure, 1);
    }
    let mut strict = restored(&in_a_row(5), &stored(&lax)).expect("it fits");
    assert_eq!(strict.phase(0), Phase::Closed);
    call(&mut strict, 0, Outcome::Failure, 1);
    assert_eq!(strict.phase(0), Phase::Open);
}

#[test]
fn an_operators_mode_has_its_phase() {
    let plan = Plan::small(Trigger::Consecutive { failures: 1 });
    let closed = stored(&new(&plan));
    let mut tripped = new(&plan);
    call(&mut tripped, 0, Outcome::Failure, 1);
    let open = stored(&tripped);
    for (state, mode) in [(&closed, "forced-open"), (&open, "forced-closed")] {
        let said = refused(&plan, state, "/mode", json!(mode));
        assert!(
            said.contains("its phase is not the one that it is forced into"),
            "{said}"
        );
    }
    for (mode, phase) in [
        (Mode::ForcedOpen, Phase::Open),
        (Mode::ForcedClosed, Phase::Closed),
    ] {
        let mut breaker = new(&plan);
        let _ = breaker.set_mode(0, mode);
        let again = restored(&plan, &stored(&breaker)).expect("its own");
        assert_eq!((again.mode(), again.phase(0)), (mode, phase));
    }
}

/// Half-open at 10 with `probes` out until 16; its memory is that of a large window, whatever the probes need.
fn probing(probes: u32) -> (Plan, Value) {
    let mut plan = with_window(
        Window::Count { calls: 1_000 },
        &[Trigger::Failures { failures: 1 }],
    );
    (plan.max_in_flight, plan.trials, plan.successes) = (3, 5, 1);
    let mut breaker = new(&plan);
    call(&mut breaker, 0, Outcome::Failure, 1);
    for _ in 0..probes {
        let _ = breaker.try_acquire(10, &mut Words::of(1)).expect("a place");
    }
    let state = stored(&breaker);
    assert_eq!(restored(&plan, &state), Ok(breaker));
    (plan, state)
}

#[test]
fn more_probes_than_a_stricter_policy_allows_are_refused() {
    let said = "its trials are over, or more probes are out than may be";
    let (plan, state) = probing(3);
    for (max_in_flight, trials) in [(2, 5), (3, 2), (1, 1)] {
        let mut strict = plan.clone();
        (strict.max_in_flight, strict.trials) = (max_in_flight, trials);
        let error = restored(&strict, &state).expect_err(said);
        assert_eq!(error, RestoreError::Misfit { what: said });
    }
    let mut as_strict = plan;
    as_strict.trials = 3;
    assert!(restored(&as_strict, &state).is_ok());
}

/// A place that no instant ends would be lost for ever, and a number that is no probe's could not be reported.
#[test]
fn a_probes_place_ends_and_has_a_probes_number() {
    const ENDLESS: u64 = 1 << 63;

    let (plan, state) = probing(1);
    let row = |deadline_ns: u64, holder: u64| json!([16, deadline_ns, holder]);
    assert_eq!(state["words"], row(16, 1));
    for words in [
        row(u64::MAX, ENDLESS | 1),
        row(16, ENDLESS | 1),
        row(16, u32::MAX.into()),
        row(16, 1 << 32 | 1),
        json!([16, 16]), // number 0, which a call in closed has
    ] {
        let said = refused(&plan, &state, "/words", words);
        assert!(
            said.contains("its probes in flight do not add up"),
            "{said}"
        );
    }
    // Near the end of time there is no instant to end it at.
    let mut late = state;
    late["clock"] = json!(u64::MAX - 1);
    late["words"] = row(u64::MAX, ENDLESS | 1);
    assert!(restored(&plan, &late).is_ok());
    let said = refused(&plan, &late, "/words", row(5, ENDLESS | 1));
    assert!(
        said.contains("its probes in flight do not add up"),
        "{said}"
    );
}

/// Whoever keeps a fingerprint of a state, or reads it in a log, sees every part of it.
#[test]
fn when_it_last_closed_is_seen_in_a_fingerprint_and_in_debug() {
    let plan = Plan::small(Trigger::Consecutive { failures: 1 });
    let mut state = stored(&new(&plan));
    state["clock"] = json!(100);
    let closed = |at_ns: Value| {
        let mut state = state.clone();
        state["last_close_ns"] = at_ns;
        restored(&plan, &state).expect("it closed before").state()
    };
    let states = [json!(null), json!(40), json!(50)].map(closed);
    let shown = ["None", "Some(40)", "Some(50)"];
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    for (state, shown) in states.iter().zip(shown) {
        let text = format!("{state:?}");
        let expected = format!("last_close_ns: {shown},");
        assert!(text.contains(&expected), "{text}");
        let same = states
            .iter()
            .filter(|other| hasher.hash_one(other) == hasher.hash_one(state));
        assert_eq!(same.count(), 1);
    }
}
