//! States that contradict themselves or their policy, each refused for what it is: those that the machines' own tests of
//! restoring do not tell of.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::RestoreError;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::health::{HealthProbe, HealthProbePolicy, HealthProbeState, ProbeAction};
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, Parts, Retry, RetryAction, RetryPolicy, RetryState,
};
use evenkeel_core::{Rebase, Reported};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::{Value, json};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ns(100)).jitter(Jitter::None)
}

fn policy(deadline: Option<Duration>) -> RetryPolicy {
    let mut builder = RetryPolicy::builder(backoff());
    if let Some(deadline) = deadline {
        builder = builder.deadline(deadline);
    }
    builder.build().expect("a policy")
}

/// A retry whose first attempt is in flight since 10.
fn in_flight(policy: RetryPolicy) -> Retry {
    let mut retry = Retry::new(policy, 10);
    let step = retry.poll(10, &mut Parts::none(), &mut SplitMix64::seed_from_u64(1));
    assert!(matches!(step.action, RetryAction::Attempt { .. }));
    retry
}

fn refused(policy: RetryPolicy, place: &str, value: Value) -> String {
    let mut state = serde_json::to_value(in_flight(policy).state()).expect("plain data");
    *state.pointer_mut(place).expect(place) = value;
    let state: RetryState = serde_json::from_value(state).expect("it can be read");
    let error = Retry::restore(policy, state).expect_err(place);
    assert!(
        matches!(
            error,
            RestoreError::Corrupt { .. } | RestoreError::Misfit { .. }
        ),
        "{error:?}"
    );
    error.to_string()
}

#[test]
fn a_first_attempt_was_paid_by_nobody() {
    let paid = json!({ "amount_milli": 5_000, "slice": 0 });
    let told = refused(policy(None), "/stage/in-flight/withdrawal", paid);
    assert!(
        told.contains("only a retry has a cause and a price"),
        "{told}"
    );
}

#[test]
fn no_attempt_begins_past_the_deadline() {
    let policy = policy(Some(ns(1_000)));
    let mut state = serde_json::to_value(in_flight(policy).state()).expect("plain data");
    state["clock"] = json!(2_000);
    let restore = |began_ns: u64| {
        let mut state = state.clone();
        state["stage"]["in-flight"]["began_ns"] = json!(began_ns);
        let state: RetryState = serde_json::from_value(state).expect("it can be read");
        Retry::restore(policy, state)
    };
    // It began at 10 and ends at 1 010.
    assert!(restore(1_009).is_ok());
    let told = restore(1_010).expect_err("too late").to_string();
    assert!(
        told.contains("its attempt began past the deadline"),
        "{told}"
    );
}

#[test]
fn nothing_ends_at_a_deadline_that_is_not_there() {
    let ended = || json!({ "done": { "end": "deadline" } });
    let told = refused(policy(None), "/stage", ended());
    assert!(
        told.contains("a deadline that the policy does not have"),
        "{told}"
    );
}

/// An attempt that was out when its process died is over: it is decided about at the next call, of whatever kind.
#[test]
fn an_attempt_that_was_lost_with_its_process_is_decided_about_at_the_next_call() {
    let state = in_flight(policy(None)).state();
    let rebase = Rebase {
        taken_at_ns: 20,
        now_ns: 500,
        away: ns(0),
    };
    let mut rng = SplitMix64::seed_from_u64(1);
    let mut parts = Parts::none();
    let restored = || Retry::restore_rebased(policy(None), state, rebase).expect("a state");
    let mut retry = restored();
    // It was last heard of at 10, ten before the state was taken, and that is 500 on the new clock.
    assert_eq!(retry.next_deadline_ns(), Some(490));
    // Its result comes too late to be heard.
    let late = AttemptOutcome::transient(RetryCause::Failure);
    let id = AttemptId::from_word(1);
    let reported = retry
        .on_outcome(500, id, late, &mut parts, &mut rng)
        .reported;
    assert_eq!(reported, Reported::Stale);
    let mut asked = restored();
    assert_eq!(
        asked.poll(500, &mut parts, &mut rng).action,
        retry.poll(500, &mut parts, &mut rng).action
    );
}

#[test]
fn no_probe_is_lost_in_the_future() {
    let policy = HealthProbePolicy::builder(ns(1_000), ns(100)).build();
    let policy = policy.expect("a policy");
    let mut rng = SplitMix64::seed_from_u64(1);
    let mut machine = HealthProbe::new(policy);
    let ProbeAction::Send { .. } = machine.poll(1_000, &mut rng) else {
        panic!("due")
    };
    let mut state = serde_json::to_value(machine.state()).expect("plain data");
    let mut restore = |ended_ns: u64| {
        state["stage"] = json!({ "lost": { "ended_ns": ended_ns, "at_ns": null } });
        state["stage"]["lost"]["at_ns"] = json!(1_500);
        let state: HealthProbeState = serde_json::from_value(state.clone()).expect("readable");
        HealthProbe::restore(policy, state)
    };
    assert!(restore(1_000).is_ok());
    let told = restore(1_001).expect_err("in the future").to_string();
    assert!(
        told.contains("the time of its probe was over in the future"),
        "{told}"
    );
}
