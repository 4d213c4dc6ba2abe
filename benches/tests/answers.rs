//! What every bench checks before it measures, as a test.

use evenkeel_benches::flatness::series;
use evenkeel_benches::{Case, Goal, cases};

fn check(filter: &str) {
    let cases = cases(filter);
    assert!(!cases.is_empty(), "no case contains {filter:?}");
    cases.iter().for_each(Case::check);
}

#[test]
fn breakers_open_after_the_same_call() {
    check("breaker:");
}

#[test]
fn percentiles_are_within_their_error() {
    check("percentile:");
}

#[test]
fn waits_are_within_their_bounds() {
    check("backoff:");
}

#[test]
fn tables_hold_a_key_until_the_same_instant() {
    check("table:");
}

#[test]
fn budgets_grant_the_same_retries() {
    check("budget:");
}

#[test]
fn throttle_sends_what_its_formula_says() {
    check("throttle:");
}

#[test]
fn retries_make_the_same_attempts() {
    check("retry:");
}

#[test]
fn drivers_come_back_when_they_say() {
    check("restart:");
    check("reconnect:");
    check("health:");
}

#[test]
fn shared_breakers_and_adapters_open_when_they_say() {
    check("shared breaker:");
    check("adapter:");
}

#[test]
fn every_size_of_what_grows_runs() {
    let all = series("");
    for side in all.iter().flat_map(|series| &series.sides) {
        // Those take as long to fill as all others together.
        if !side.name.contains("000 000") {
            side.prepare()(100);
        }
    }
}

#[test]
fn a_goal_is_met_from_its_number_on() {
    let faster = Goal::Faster(2.0);
    assert!(faster.is_met(faster.reached(10.0, 20.0)));
    assert!(!faster.is_met(faster.reached(10.0, 19.0)));
    let adds = Goal::Adds(100.0);
    assert!(adds.is_met(adds.reached(109.0, 10.0)));
    assert!(!adds.is_met(adds.reached(110.0, 10.0)));
}

#[test]
fn every_side_of_every_case_runs() {
    for case in cases("").iter().filter(|case| !case.name.contains("00000")) {
        for side in case.entrants() {
            side.prepare()(2);
        }
    }
}

#[test]
fn a_full_name_picks_its_own_case_first() {
    let cases = cases("");
    for (at, case) in cases.iter().enumerate() {
        // `instructions` picks a case by its name.
        let picked = cases
            .iter()
            .position(|other| other.name.contains(&case.name));
        assert_eq!(picked, Some(at), "{}", case.name);
    }
}
