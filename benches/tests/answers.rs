//! What every bench checks before it measures, as a test.

use evenkeel_benches::{Case, cases};

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
