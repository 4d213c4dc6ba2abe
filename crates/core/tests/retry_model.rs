//! The retry against a reference that keeps the whole history and recomputes every answer from it.

#[path = "retry_common/mod.rs"]
mod retry_common;

use std::collections::BTreeMap;

use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use retry_common::compare::{compare, started};
use retry_common::moves::{Deed, Fate, Jump, a_move, plan};
use retry_common::plan::{Plan, Rule};
use retry_common::script::Says;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_what_the_whole_history_says(
        plan in plan(),
        started in started(),
        moves in prop::collection::vec(a_move(), 1..24),
    ) {
        compare(&plan, started, &moves);
    }
}

/// Guards the test above: a generator that never refuses compares nothing.
#[test]
fn the_compared_calls_reach_every_action_and_every_end() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let moves = prop::collection::vec(a_move(), 1..24);
    let all = (plan(), started(), moves);
    for _ in 0..1_500 {
        let (plan, started, moves) = all.new_tree(&mut runner).expect("a run").current();
        for what in compare(&plan, started, &moves) {
            *seen.entry(what).or_insert(0) += 1;
        }
    }
    let worth_seeing = [
        "Attempt",
        "InFlight",
        "Abandon",
        "WaitUntil",
        "Counted",
        "Stale",
        "done succeeded",
        "done permanent",
        "done attempts",
        "done deadline",
        "done advised",
        "done exhausted",
        "done budget-spent",
        "done breaker-open",
        "done refused",
        "done cancelled",
        "Asked",
        "Told",
        "Request",
        "Withdraw",
        "GaveBack",
        "Success",
    ];
    for what in worth_seeing {
        let times = seen.get(what).copied().unwrap_or(0);
        assert!(times >= 5, "{what} only {times} times of {seen:#?}");
    }
}

/// All words of six calls (and so all shorter ones) over the calls that matter, under policies that make them matter.
#[test]
fn every_short_history_is_what_the_reference_says() {
    let fail = Fate::Transient(RetryCause::Failure, None, None);
    let advised = Fate::Transient(RetryCause::Throttled, Some(Some(70)), None);
    let letters = [
        (Jump::Stay, Deed::Poll),
        (Jump::Due(0), Deed::Poll),
        (Jump::By(1), Deed::Report(0, fail)),
        (Jump::Stay, Deed::Report(0, advised)),
        (Jump::Due(0), Deed::Report(0, Fate::Success)),
        (
            Jump::By(1),
            Deed::Report(0, Fate::Permanent(Outcome::Failure)),
        ),
        (Jump::By(45), Deed::Cancel),
    ];
    let refusing = vec![Says::Yes, Says::No(Some(30)), Says::Yes];
    let patient = Plan {
        base: 20,
        timeout: Some(50),
        deadline: Some(200),
        waits_when_refused: true,
        gate: Some(refusing),
        budget: Some(vec![true, true, false]),
        ..Plan::plain()
    };
    let strict = Plan {
        max_attempts: Some(2),
        waits_when_refused: false,
        rule: Rule::Exact,
        gate: Some(vec![Says::Yes]),
        ..patient.clone()
    };
    for (plan, length) in [(patient, 6), (strict, 5)] {
        let mut moves = Vec::new();
        for word in 0..7_usize.pow(length) {
            moves.clear();
            let mut rest = word;
            for _ in 0..length {
                moves.push(letters[rest % 7]);
                rest /= 7;
            }
            compare(&plan, 10, &moves);
        }
    }
}
