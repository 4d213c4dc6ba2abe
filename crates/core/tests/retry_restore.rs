//! Stored operations: what a state survives, and what a hostile one cannot do.
#![cfg(feature = "serde")]

#[path = "retry_common/mod.rs"]
mod retry_common;

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy, RetryState,
};
use evenkeel_core::{Reported, RestoreError};
use proptest::prelude::*;
use serde_json::{Value, json};

use retry_common::moves::{a_move, plan};
use retry_common::plan::{Plan, Rule};
use retry_common::words::Words;
use retry_common::world::World;

const FAILED: AttemptOutcome = AttemptOutcome::transient(RetryCause::Failure);

fn stored(state: RetryState) -> Value {
    serde_json::to_value(state).expect("a state is plain data")
}

fn read(value: &Value) -> Option<RetryState> {
    // Through text, as from a file.
    serde_json::from_str(&value.to_string()).ok()
}

fn id(word: u64) -> AttemptId {
    AttemptId::from_word(word)
}

/// Waits of 100 ns, doubling; attempts of at most 50, all within 1 000.
fn policy() -> RetryPolicy {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(100))
        .cap(Duration::from_nanos(400))
        .jitter(Jitter::None);
    RetryPolicy::builder(backoff)
        .attempt_timeout(Duration::from_nanos(50))
        .deadline(Duration::from_nanos(1_000))
        .build()
        .expect("a policy")
}

fn waiting() -> Retry {
    let mut retry = Retry::new(policy(), 10);
    let (mut parts, mut rng) = (Parts::none(), Words::of(1));
    let _ = retry.poll(10, &mut parts, &mut rng);
    let _ = retry.on_outcome(20, id(1), FAILED, &mut parts, &mut rng);
    retry
}

fn refusal(change: impl FnOnce(&mut Value)) -> RestoreError {
    let mut value = stored(waiting().state());
    change(&mut value);
    let state = read(&value).expect("it can be read");
    Retry::restore(policy(), state).expect_err("it cannot be")
}

#[test]
fn every_contradiction_is_refused() {
    let waits = |at: u64, cause: Value, paid: Value| {
        let fields = json!({ "at_ns": at, "cause": cause, "withdrawal": paid });
        json!({ "waiting": fields })
    };
    let failure = || json!("failure");
    let flight = |began: u64| json!({ "in-flight": { "began_ns": began, "permit": null, "withdrawal": null } });
    let abandon = |at: u64| json!({ "reason": "timeout", "at_ns": at });
    let corrupt: [(&str, Value); 16] = [
        ("before_ns", json!(1)), // it began at 10
        ("many_attempts", json!(u64::MAX)),
        ("attempts", json!(0)),
        ("attempts", json!(2)),
        ("started_ns", json!(21)),
        ("abandon_first", Value::Null),
        ("abandon", abandon(21)), // it is 20
        ("abandon", abandon(10)), // it began at 10, and no attempt is given up at once
        ("stage", waits(120, Value::Null, Value::Null)),
        ("stage", waits(9, failure(), Value::Null)),
        ("stage", flight(15)), // its wait is not over
        ("stage", json!({ "lost": { "at_ns": 21 } })),
        ("clock", json!(9)),
        ("backoff_clock", json!(21)),
        ("stage", json!({ "done": { "end": "succeeded" } })),
        ("stage", json!({ "done": { "end": "attempts" } })),
    ];
    for (field, value) in corrupt {
        let error = refusal(|state| match field {
            "abandon_first" => {
                state["abandon"] = abandon(15);
                state["attempts"] = json!(0);
                state["backoff"]["attempts"] = json!(0);
            }
            "many_attempts" => {
                // Ids would run out: the next attempt would have the id of the last.
                state["attempts"] = value.clone();
                state["backoff"]["attempts"] = json!(u32::MAX);
            }
            "backoff_clock" => state["backoff"]["clock"] = value.clone(),
            "stage" if value.get("done").is_some() => {
                state["attempts"] = json!(0);
                state["backoff"]["attempts"] = json!(0);
                state["backoff"]["previous_ns"] = json!(0);
                state["backoff"]["total_wait_ns"] = json!(0);
                state["stage"] = value.clone();
            }
            field => state[field] = value.clone(),
        });
        assert!(
            matches!(error, RestoreError::Corrupt { .. }),
            "{field} {value}: {error}"
        );
    }
    let misfit: [(&str, Value); 4] = [
        ("stage", waits(1_010, failure(), Value::Null)),
        ("stage", waits(421, failure(), Value::Null)),
        ("attempts", json!(4)),
        ("attempts", json!(3)),
    ];
    for (field, value) in misfit {
        let error = refusal(|state| {
            if field == "attempts" {
                state["backoff"]["attempts"] = value.clone();
            }
            state[field] = value.clone();
        });
        assert!(
            matches!(error, RestoreError::Misfit { .. }),
            "{field} {value}: {error}"
        );
    }
}

/// What is not in flight cannot be given up, and what is in flight has not been: each is refused for what it is.
#[test]
fn only_an_attempt_that_was_made_and_is_over_is_given_up() {
    let policy = policy();
    let (mut parts, mut rng) = (Parts::none(), Words::of(1));
    let overdue = json!({ "reason": "timeout", "at_ns": 15 });
    let fresh = Retry::new(policy, 10);
    let mut in_flight = Retry::new(policy, 10);
    let _ = in_flight.poll(10, &mut parts, &mut rng);
    for (name, retry) in [("none was made", fresh), ("in flight", in_flight)] {
        let mut state = stored(retry.state());
        state["clock"] = json!(20);
        state["abandon"] = overdue.clone();
        let error = Retry::restore(policy, read(&state).expect("readable")).expect_err(name);
        let expected = RestoreError::Corrupt {
            what: "it gives up an attempt that is not there",
        };
        assert_eq!(error, expected, "{name}");
    }
    let mut state = stored(waiting().state());
    state["abandon"] = overdue;
    let state = read(&state).expect("readable");
    assert!(Retry::restore(policy, state).is_ok());
}

#[test]
fn no_attempt_began_before_its_operation_or_in_the_future() {
    let policy = policy();
    let mut retry = Retry::new(policy, 10);
    let _ = retry.poll(15, &mut Parts::none(), &mut Words::of(1));
    let mut state = stored(retry.state());
    for (began_ns, taken) in [(9, false), (10, true), (15, true), (16, false)] {
        state["stage"]["in-flight"]["began_ns"] = json!(began_ns);
        let restored = Retry::restore(policy, read(&state).expect("readable"));
        assert_eq!(restored.is_ok(), taken, "{began_ns}: {restored:?}");
    }
}

#[test]
fn a_wait_past_the_deadline_is_refused_also_where_the_backoff_would_give_it() {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(100))
        .cap(Duration::from_nanos(5_000))
        .jitter(Jitter::None);
    let lax = RetryPolicy::builder(backoff)
        .deadline(Duration::from_nanos(1_000))
        .build()
        .expect("a policy");
    let mut value = stored(waiting().state());
    for (at_ns, taken) in [(1_009, true), (1_010, false)] {
        value["stage"]["waiting"]["at_ns"] = json!(at_ns);
        let state = read(&value).expect("it can be read");
        assert_eq!(Retry::restore(lax, state).is_ok(), taken, "{at_ns}");
    }
}

#[test]
fn a_wait_at_the_bound_of_the_policy_is_taken_over() {
    let mut value = stored(waiting().state());
    value["stage"]["waiting"]["at_ns"] = json!(420); // the cap, from the latest instant
    let state = read(&value).expect("it can be read");
    assert!(Retry::restore(policy(), state).is_ok());
}

#[test]
fn another_version_is_refused_for_its_version() {
    let text = serde_json::to_string(&waiting().state()).expect("a state is plain data");
    let text = text
        .replace("\"version\":1", "\"version\":2")
        .replace("waiting", "of another age");
    let error = serde_json::from_str::<RetryState>(&text).expect_err("another version");
    let error = error.to_string();
    let error = error.split(" at line").next().unwrap_or_default();
    assert_eq!(error, "the state has version 2, this code reads version 1");
}

#[test]
fn a_state_of_a_laxer_policy_is_refused() {
    let stricter = policy();
    let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    let lax = RetryPolicy::builder(backoff)
        .max_attempts(9)
        .build()
        .expect("a policy");
    let mut retry = Retry::new(lax, 10);
    let (mut parts, mut rng) = (Parts::none(), Words::of(1));
    let mut now = 10;
    for attempt in 1..=4 {
        let _ = retry.poll(now, &mut parts, &mut rng);
        let _ = retry.on_outcome(now, id(attempt), FAILED, &mut parts, &mut rng);
        now = retry.next_deadline_ns().expect("a wait");
    }
    assert!(Retry::restore(lax, retry.state()).is_ok());
    let error = Retry::restore(stricter, retry.state()).expect_err("four attempts");
    assert!(matches!(error, RestoreError::Misfit { .. }));
}

#[test]
fn an_attempt_in_flight_keeps_its_permit_and_what_it_took() {
    let open = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    let breaker = BreakerPolicy::builder(open, Duration::from_nanos(500))
        .trigger(Trigger::Consecutive { failures: 2 })
        .build()
        .expect("a policy");
    let tokens = RetryTokensPolicy::builder(10_000)
        .refund(true)
        .build()
        .expect("a policy");
    let (mut breaker, mut tokens) = (Breaker::new(breaker), RetryTokens::new(tokens));
    let (mut retry, mut rng) = (waiting(), Words::of(1));
    {
        let mut parts = Parts::none()
            .with_breaker(&mut breaker)
            .with_budget(&mut tokens);
        let step = retry.poll(120, &mut parts, &mut rng);
        assert!(matches!(
            step.action,
            RetryAction::Attempt { number: 2, .. }
        ));
    }
    assert_eq!(tokens.balance_milli(120), 9_000);

    // The process goes on from what it stored of all three.
    let state = read(&stored(retry.state())).expect("it can be read");
    let mut retry = Retry::restore(policy(), state).expect("its own state");
    let mut parts = Parts::none()
        .with_breaker(&mut breaker)
        .with_budget(&mut tokens);
    let report = retry.on_outcome(130, id(2), AttemptOutcome::Success, &mut parts, &mut rng);
    assert_eq!(report.reported, Reported::Counted);
    assert_eq!(retry.end(), Some(End::Succeeded));
    assert_eq!(breaker.stats(130).successes, 1);
    assert_eq!(tokens.balance_milli(130), 10_000);
}

/// Every number of a state, by its path.
fn numbers(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) | Value::Bool(_) | Value::Null => found.push(at.to_owned()),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| numbers(value, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

fn hostile_number() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        0_u64..3_000,
        Just(u64::from(u32::MAX)),
        Just(u64::MAX),
        any::<u64>()
    ]
}

/// The longest that a policy of this plan may wait, by the plan's own numbers.
fn longest(plan: &Plan) -> u128 {
    let own = u128::from(plan.cap.unwrap_or(1 << 62));
    let advised = u128::from(plan.advisory_cap.or(plan.cap).unwrap_or(1 << 62));
    let wait = match plan.rule {
        Rule::Within(extra) => own + u128::from(extra),
        _ => own.max(advised),
    };
    (wait * 2).max(plan.deadline.unwrap_or(0).into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_restored_neither_panics_nor_waits_too_long_nor_calls_too_often(
        plan in plan(),
        moves in prop::collection::vec(a_move(), 0..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), hostile_number()), 1..4),
        later in prop::collection::vec(a_move(), 1..12),
    ) {
        let policy = plan.policy().expect("filtered");
        let mut world = World::new(&plan, policy, 10);
        let mut now = 10;
        for (jump, deed) in moves {
            now = jump.to(now, world.retry.next_deadline_ns());
            let _ = world.call(now, deed.call(now, world.retry.attempts()));
        }
        prop_assert_eq!(read(&stored(world.retry.state())), Some(world.retry.state()));
        let mut value = stored(world.retry.state());
        let mut paths = Vec::new();
        numbers(&value, "", &mut paths);
        for (place, number) in changes {
            let path: &String = place.get(&paths);
            let field = value.pointer_mut(path).expect("it is there");
            *field = if field.is_boolean() { json!(number % 2 == 0) } else { json!(number) };
        }
        let Some(state) = read(&value) else { return Ok(()) };
        let Ok(retry) = Retry::restore(policy, state) else { return Ok(()) };
        prop_assert_eq!(retry.state(), state);

        // Parts of its own: a permit that this breaker never gave must be harmless.
        let open = BackoffPolicy::builder(Duration::from_nanos(100));
        let breaker = BreakerPolicy::builder(open, Duration::from_nanos(500))
            .trigger(Trigger::Consecutive { failures: 2 })
            .build()
            .expect("a policy");
        let mut breaker = Breaker::tagged(breaker, 9);
        let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(3_000).build().expect("a policy"));
        let (mut retry, mut rng) = (retry, Words::of(3));
        let mut made = 0;
        for (jump, deed) in later {
            now = jump.to(now, retry.next_deadline_ns());
            let mut parts = Parts::none().with_breaker(&mut breaker).with_budget(&mut tokens);
            let step = retry.poll(now, &mut parts, &mut rng);
            made += u32::from(matches!(step.action, RetryAction::Attempt { .. }));
            if let RetryAction::WaitUntil { at_ns } = step.action {
                let seen = state_latest(&retry);
                prop_assert!(u128::from(at_ns) <= (u128::from(seen) + longest(&plan)), "{state:?}");
            }
            let call = deed.call(now, retry.attempts());
            if let retry_common::reference::Call::Report(id, outcome) = call {
                let _ = retry.on_outcome(now, id, outcome, &mut parts, &mut rng);
            }
        }
        prop_assert!(tokens.balance_milli(u64::MAX) <= 3_000);
        if let Some(max) = plan.max_attempts {
            prop_assert!(made <= max);
            prop_assert!(retry.attempts() <= max);
        }
    }
}

/// The latest instant that the retry has seen.
fn state_latest(retry: &Retry) -> u64 {
    stored(retry.state())["clock"].as_u64().expect("an instant")
}
