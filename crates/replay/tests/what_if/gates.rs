//! A stricter and a laxer breaker over the same night, worked out by hand.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
use evenkeel_replay::any::{AnyId, AnyOp, Kind};
use evenkeel_replay::breaker::Op;
use evenkeel_replay::what_if::{Compared, Policies, Start, WhatIf, what_if};
use evenkeel_replay::{Assumed, Change, Verdict};

use crate::tape::Tape;

const MS: u64 = 1_000_000;

pub(crate) fn policy(failures: u32) -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5));
    policy
        .trigger(Trigger::Consecutive { failures })
        .build()
        .expect("a policy")
}

pub(crate) fn json(policy: &impl serde::Serialize) -> String {
    serde_json::to_string(policy).expect("a policy")
}

/// Ten calls, 10 ms apart; each fails after 5 ms. Then one after the wait, which succeeds.
fn night(failures: u32) -> Tape {
    let mut tape = Tape::new(1);
    tape.add(7, &Breaker::new(policy(failures)));
    for call in 0..10 {
        let outcome = Outcome::Failure;
        ask_and_report(&mut tape, call * 10 * MS, outcome);
    }
    ask_and_report(&mut tape, 2_000 * MS, Outcome::Success);
    tape
}

fn ask_and_report(tape: &mut Tape, t_ns: u64, outcome: Outcome) {
    let ask = AnyOp::Breaker(Op::TryAcquire);
    if let Some(AnyId::Breaker(permit)) = tape.call(7, t_ns, ask.clone()).given(&ask) {
        let latency_ns = 5 * MS;
        let op = Op::OnOutcome {
            permit,
            outcome,
            latency_ns,
        };
        tape.call(7, t_ns + latency_ns, AnyOp::Breaker(op));
    }
}

fn one(found: WhatIf) -> Compared {
    let [compared] = <[Compared; 1]>::try_from(found.machines).expect("one machine");
    compared
}

fn change(at_ns: u64, from: &'static str, to: &'static str, cause: &'static str) -> Change {
    Change {
        at_ns,
        from,
        to,
        cause,
    }
}

#[test]
fn a_stricter_breaker_opens_three_calls_earlier() {
    let tape = night(5);
    let policies = Policies::new().of_kind(Kind::Breaker, json(&policy(2)));
    let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
    assert_eq!((found.ops, found.from_ns, found.to_ns), (17, 0, 2_005 * MS));
    let found = one(found);
    assert_eq!((found.id, found.name.as_deref()), (7, Some("machine 7")));
    assert_eq!(found.start, Start::Fresh);
    assert_eq!((found.before.asked, found.after.asked), (11, 11));
    assert_eq!((found.before.admitted, found.after.admitted), (6, 3));
    assert_eq!(
        (found.before.refused["open"], found.after.refused["open"]),
        (5, 8)
    );
    assert_eq!((found.before.refusals(), found.after.refusals()), (5, 8));
    assert_eq!((found.skipped, found.unknown, found.differing), (3, 0, 3));
    // The second failure is reported at 15 ms, in the header's fifth line.
    let parted = found.parted.expect("they part");
    assert_eq!((parted.line, parted.t_ns), (5, 15 * MS));
    assert_eq!(parted.before.as_ref(), Some(&tape.loaded.entries[3].answer));
    assert_ne!(parted.after, parted.before);
    let opened = |at_ms: u64| {
        vec![
            change(at_ms * MS, "closed", "open", "consecutive"),
            change((at_ms + 1_000) * MS, "open", "half-open", "wait-over"),
            change(2_005 * MS, "half-open", "closed", "trials-passed"),
        ]
    };
    assert_eq!(found.changes_before.list, opened(45));
    assert_eq!(found.changes_after.list, opened(15));
    assert_eq!(found.after.changes["trials-passed"], 1);
    let sum = |of: fn(&evenkeel_replay::what_if::Bucket) -> u32| -> u32 {
        found.series.iter().map(of).sum()
    };
    assert_eq!(
        (sum(|at| at.admitted_before), sum(|at| at.refused_before)),
        (6, 5)
    );
    assert_eq!(
        (sum(|at| at.admitted_after), sum(|at| at.refused_after)),
        (3, 8)
    );
    // 500 parts of 2 005 ms: the last call is in the last but one.
    let last = found.series.iter().rposition(|at| at.admitted_after > 0);
    assert_eq!((found.series.len(), last), (500, Some(498)));
}

#[test]
fn reports_find_the_asks_they_belong_to() {
    let mut tape = Tape::new(1);
    tape.add(7, &Breaker::new(policy(9)));
    let ask = AnyOp::Breaker(Op::TryAcquire);
    let mut permits = Vec::new();
    for t_ns in [0, 2_000 * MS, 2_001 * MS] {
        permits.push(tape.call(7, t_ns, ask.clone()).given(&ask));
        if t_ns == 0 {
            report(&mut tape, permits[0].as_ref(), MS, 0, Outcome::Failure);
        }
    }
    // As it was recorded the breaker was closed, and all permits are alike.
    assert_eq!(permits[1], permits[2]);
    report(
        &mut tape,
        permits[1].as_ref(),
        2_010 * MS,
        2_000 * MS,
        Outcome::Failure,
    );
    report(
        &mut tape,
        permits[2].as_ref(),
        2_020 * MS,
        2_001 * MS,
        Outcome::Success,
    );
    // A stricter one opens at the first failure. The second call is its probe, and fails; the third is refused.
    let policies = Policies::new().of_kind(Kind::Breaker, json(&policy(1)));
    let found = one(what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies"));
    assert_eq!(
        (found.after.admitted, found.after.refusals(), found.skipped),
        (2, 1, 1)
    );
    assert_eq!(found.after.changes["trials-failed"], 1);
    assert!(!found.after.changes.contains_key("trials-passed"));
}

fn report(tape: &mut Tape, permit: Option<&AnyId>, t_ns: u64, asked_ns: u64, outcome: Outcome) {
    let Some(AnyId::Breaker(permit)) = permit else {
        panic!("a permit");
    };
    let op = Op::OnOutcome {
        permit: *permit,
        outcome,
        latency_ns: t_ns - asked_ns,
    };
    tape.call(7, t_ns, AnyOp::Breaker(op));
}

#[test]
fn a_laxer_breaker_knows_nothing_of_what_it_admits() {
    let tape = night(2);
    let policies = Policies::new().of_machine(7, json(&policy(5)));
    let found = one(what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies"));
    assert_eq!((found.before.admitted, found.after.admitted), (3, 11));
    assert_eq!((found.before.refusals(), found.after.refusals()), (8, 0));
    assert_eq!((found.skipped, found.unknown, found.differing), (0, 8, 8));
    // Two failures, eight calls that count for nothing, a success.
    assert!(found.after.changes.is_empty());
    assert_eq!(found.changes_before.list.len(), 3);
}

#[test]
fn a_policy_of_another_machine_changes_nothing() {
    let tape = night(2);
    let other = Policies::new()
        .of_kind(Kind::Retry, "{}")
        .of_machine(8, "{}");
    let found = one(what_if(&tape.loaded, &other, Assumed::Ignored, 1).expect("it verifies"));
    crate::same::assert_same(&found);
}

#[test]
fn a_state_is_taken_along_where_the_policy_can_have_it() {
    let mut tape = Tape::new(1);
    let mut breaker = Breaker::new(policy(5));
    let mut words = evenkeel_replay::generate::Words::new(1);
    let mut held = Vec::new();
    for _ in 0..4 {
        let grant = breaker.try_acquire(0, &mut words).expect("closed");
        held.push(grant.permit.id());
    }
    for permit in held.drain(1..) {
        let permit = evenkeel_core::breaker::Permit::from_id(permit);
        let _ = breaker.on_outcome(0, permit, Outcome::Failure, 0, &mut words);
    }
    tape.add(7, &breaker);
    // The fourth was asked for before the journal began.
    let op = Op::OnOutcome {
        permit: held[0],
        outcome: Outcome::Failure,
        latency_ns: 0,
    };
    tape.call(7, 5, AnyOp::Breaker(op));
    ask_and_report(&mut tape, 10, Outcome::Success);
    let lower = Policies::new().of_kind(Kind::Breaker, json(&policy(4)));
    let found = one(what_if(&tape.loaded, &lower, Assumed::Ignored, 1).expect("it verifies"));
    assert_eq!(found.start, Start::Restored);
    assert_eq!(
        found.changes_after.list,
        [change(5, "closed", "open", "consecutive")]
    );
    // A window needs more of a state than there is.
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let window = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Failures { failures: 2 })
        .window(evenkeel_core::breaker::Window::Count { calls: 1_000 })
        .build()
        .expect("a policy");
    let other = Policies::new().of_kind(Kind::Breaker, json(&window));
    let found = one(what_if(&tape.loaded, &other, Assumed::Ignored, 1).expect("it verifies"));
    assert_eq!(found.start, Start::Afresh);
    // It cannot know what was asked of the other machine.
    assert_eq!((found.skipped, found.after.admitted), (1, 1));
}

#[test]
fn after_a_gap_a_changed_machine_goes_on_with_its_own_history() {
    let mut tape = night(5);
    // Machine 7 was half-open, and was told of a failure that is lost.
    let mut lost = Breaker::new(policy(5));
    let mut words = evenkeel_replay::generate::Words::new(1);
    for _ in 0..5 {
        let grant = lost.try_acquire(2_100 * MS, &mut words).expect("closed");
        let _ = lost.on_outcome(2_100 * MS, grant.permit, Outcome::Failure, 0, &mut words);
    }
    tape.header(7, &lost, Some(10));
    ask_and_report(&mut tape, 2_200 * MS, Outcome::Success);
    let policies = Policies::new().of_kind(Kind::Breaker, json(&policy(2)));
    let found = one(what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies"));
    assert_eq!((found.gaps, found.dropped), (1, 10));
    assert_eq!(
        (found.before.refused["open"], found.after.refused["open"]),
        (6, 8)
    );
    assert_eq!(found.unknown, 1);
}

#[test]
fn it_can_be_written() {
    let tape = night(5);
    let policies = Policies::new().of_kind(Kind::Breaker, json(&policy(2)));
    let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
    assert_eq!(
        found,
        what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies")
    );
    let value = serde_json::to_value(&found).expect("plain data");
    let machine = &value["machines"][0];
    assert_eq!(machine["kind"], "breaker");
    assert_eq!(machine["start"], "fresh");
    assert_eq!(machine["after"]["refused"]["open"], 8);
    assert_eq!(machine["changes_after"]["list"][0]["cause"], "consecutive");
    assert_eq!(machine["parted"]["op"]["on_outcome"]["outcome"], "failure");
    assert!(matches!(
        found.machines[0].parted.as_ref().map(|parted| parted
            .before
            .as_ref()
            .and_then(|answer| answer.verdict(&parted.op))),
        Some(None::<Verdict>)
    ));
}
