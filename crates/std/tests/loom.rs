//! Every schedule of a few threads on one shared breaker: its answers are those of the core under some order of the calls.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p evenkeel-std --release --test loom`
#![cfg(loom)]

mod model;

use evenkeel_core::Ratio;
use evenkeel_core::breaker::{BreakerBuilder, Mode, Outcome, Trigger, Window};
use model::{Act, check, policy};

use Act::{Ask, AskAndDrop, Look, Reset, SetMode, Tell};

const OK: Act = Tell(Outcome::Success);
const FAIL: Act = Tell(Outcome::Failure);

const SHORT: &[Act] = &[Ask, FAIL, Ask, OK];
/// The failure is the second to leave a window of five.
const FULL: &[Act] = &[Ask, OK, Ask, FAIL, Ask, OK, Ask, OK, Ask, OK];
const HALF_OPEN: &[Act] = &[Ask, FAIL, Act::Pass(100)];

fn in_a_row(failures: u32) -> BreakerBuilder {
    policy().trigger(Trigger::Consecutive { failures })
}

fn in_window(failures: u32, calls: u32) -> BreakerBuilder {
    let window = Window::Count { calls };
    policy()
        .window(window)
        .trigger(Trigger::Failures { failures })
}

fn rate(min_calls: u32) -> BreakerBuilder {
    let at_least = Ratio::percent(50);
    let trigger = Trigger::FailureRate {
        at_least,
        min_calls,
    };
    policy().window(Window::Count { calls: 4 }).trigger(trigger)
}

// Who writes comes first in each list: loom looks for schedules from the first way through, where only the last access
// to a word counts.

#[test]
fn a_success_and_failures_in_a_row() {
    // Whether the success comes between the failures decides.
    check(in_a_row(2), &[], &[&[Ask, FAIL, Ask, FAIL], &[Ask, OK]]);
    check(in_a_row(2), &[Ask, FAIL], &[&[Ask, FAIL], &[Ask, OK]]);
}

#[test]
fn two_trip_at_once() {
    check(in_a_row(1), &[], &[&[Ask, FAIL], &[Ask, FAIL]]);
    check(in_a_row(2), &[], &[&[Ask, FAIL, Ask], &[Ask, FAIL, Ask]]);
}

#[test]
fn successes_are_counted_before_the_failure_that_looks_at_them() {
    // A success before the failure pushes the other failure out.
    check(in_window(2, 5), FULL, &[&[Ask, FAIL], &[Ask, OK]]);
    check(
        in_window(2, 5),
        FULL,
        &[&[Ask, FAIL, Ask], &[Ask, OK, Ask, OK]],
    );
    // Two before it do; one keeps the rate below until there are enough to judge.
    check(rate(3), SHORT, &[&[Ask, FAIL], &[Ask, OK, Ask, OK]]);
}

#[test]
fn a_late_result() {
    check(in_a_row(1), &[], &[&[Ask, FAIL], &[Reset], &[Ask, OK]]);
    check(in_window(1, 3), &[], &[&[Reset, Ask, FAIL], &[Ask, OK]]);
}

#[test]
fn three_callers_and_one_place() {
    check(
        in_a_row(1),
        HALF_OPEN,
        &[&[Ask, OK], &[Ask, OK], &[Ask, FAIL]],
    );
}

#[test]
fn a_dropped_probe_frees_its_place() {
    check(
        in_a_row(1),
        HALF_OPEN,
        &[&[AskAndDrop], &[Ask, OK], &[AskAndDrop]],
    );
}

#[test]
fn an_operator_beside_the_traffic() {
    check(
        in_window(1, 3),
        &[],
        &[
            &[SetMode(Mode::ForcedOpen), SetMode(Mode::Normal)],
            &[Ask, OK, Ask],
        ],
    );
    check(
        in_a_row(1),
        &[],
        &[&[SetMode(Mode::Observe)], &[Ask, FAIL, Ask]],
    );
}

#[test]
fn a_look_does_not_disturb() {
    check(
        in_window(2, 3),
        &[Ask, FAIL],
        &[&[Look], &[Ask, FAIL], &[Ask, OK]],
    );
}
