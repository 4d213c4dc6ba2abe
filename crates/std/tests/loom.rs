//! Every schedule of a few threads on one shared breaker: its answers are those of the core under some order of the calls.
//! And of two on a budget that is one word.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p evenkeel-std --release --test loom`
#![cfg(loom)]

mod model;

use evenkeel_core::breaker::{BreakerBuilder, Mode, Outcome, Trigger, Window};
use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
use evenkeel_core::{Ratio, Reported};
use evenkeel_std::SharedTokens;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use model::{Act, Tried, check, policy};

use Act::{Ask, AskFor, Begin, Drop, End, Look, Pass, Reset, SetMode, Tell};

const OK: Act = Tell(Outcome::Success);
const FAIL: Act = Tell(Outcome::Failure);

const SHORT: &[Act] = &[Ask, FAIL, Ask, OK];
/// The failure is the second to leave a window of five.
const FULL: &[Act] = &[Ask, OK, Ask, FAIL, Ask, OK, Ask, OK, Ask, OK];
const HALF_OPEN: &[Act] = &[Ask, FAIL, Pass(100)];
/// The third caller's call began while the breaker was closed.
const LATE_FROM_CLOSED: &[Act] = &[AskFor(2), Ask, FAIL, Pass(100), Ask, Drop];
/// The third caller is a probe of an earlier half-open phase, whose lease ended.
const LATE_PROBE: &[Act] = &[Ask, FAIL, Pass(100), AskFor(2), Pass(1_200)];

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
    check(
        Tried::All,
        in_a_row(2),
        &[],
        &[&[Ask, FAIL, Ask, FAIL], &[Ask, OK]],
    );
    check(
        Tried::All,
        in_a_row(2),
        &[Ask, FAIL],
        &[&[Ask, FAIL], &[Ask, OK]],
    );
}

#[test]
fn two_trip_at_once() {
    check(Tried::All, in_a_row(1), &[], &[&[Ask, FAIL], &[Ask, FAIL]]);
    check(
        Tried::All,
        in_a_row(2),
        &[],
        &[&[Ask, FAIL, Ask], &[Ask, FAIL, Ask]],
    );
}

#[test]
fn successes_are_counted_before_the_failure_that_looks_at_them() {
    // A success before the failure pushes the other failure out.
    check(
        Tried::All,
        in_window(2, 5),
        FULL,
        &[&[Ask, FAIL], &[Ask, OK]],
    );
    check(
        Tried::All,
        in_window(2, 5),
        FULL,
        &[&[Ask, FAIL, Ask], &[Ask, OK, Ask, OK]],
    );
    // Two before it do; one keeps the rate below until there are enough to judge.
    check(
        Tried::All,
        rate(3),
        SHORT,
        &[&[Ask, FAIL], &[Ask, OK, Ask, OK]],
    );
}

/// What [`Ask`] and [`OK`] are for a driver that keeps no guard.
const DONE: Act = End(Outcome::Success);

#[test]
fn plain_leave_is_counted_as_a_guard_is() {
    check(
        Tried::All,
        in_a_row(2),
        &[],
        &[&[Ask, FAIL, Ask, FAIL], &[Begin, DONE]],
    );
    // Between the ask and the report the breaker may open, and its stripes with it for the next generation.
    check(
        Tried::All,
        in_window(1, 3),
        &[],
        &[&[Ask, FAIL, Reset], &[Begin, DONE, Begin, DONE]],
    );
    check(
        Tried::All,
        in_window(2, 5),
        FULL,
        &[&[Ask, FAIL, Ask], &[Begin, DONE, Begin, DONE]],
    );
    // Two count in one stripe or in two, and a failure looks at them.
    check(
        Tried::Stops(2),
        rate(3),
        SHORT,
        &[
            &[Begin, End(Outcome::Failure)],
            &[Begin, DONE],
            &[Begin, DONE],
        ],
    );
}

#[test]
fn a_late_result() {
    check(
        Tried::All,
        in_a_row(1),
        &[],
        &[&[Ask, FAIL], &[Reset], &[Ask, OK]],
    );
    check(
        Tried::All,
        in_window(1, 3),
        &[],
        &[&[Reset, Ask, FAIL], &[Ask, OK]],
    );
}

#[test]
fn an_operator_beside_the_traffic() {
    check(
        Tried::All,
        in_window(1, 3),
        &[],
        &[
            &[SetMode(Mode::ForcedOpen), SetMode(Mode::Normal)],
            &[Ask, OK, Ask],
        ],
    );
    check(
        Tried::All,
        in_a_row(1),
        &[],
        &[&[SetMode(Mode::Observe)], &[Ask, FAIL, Ask]],
    );
}

#[test]
fn a_look_does_not_disturb() {
    check(
        Tried::All,
        in_window(2, 3),
        &[Ask, FAIL],
        &[&[Look], &[Ask, FAIL], &[Ask, OK]],
    );
}

/// Half-open, once the first ask has found the wait over: so many places, and one probe more than that must succeed.
const ENTERED: &[Act] = &[Ask, FAIL, Pass(100), Ask, Drop];

fn places(places: u32) -> BreakerBuilder {
    let builder = in_a_row(1).max_in_flight(places).trials(places + 1);
    builder.successes(places + 1)
}

/// One passes, one fails, one is given up.
const THREE: &[&[Act]] = &[&[Ask, OK], &[Ask, FAIL], &[Ask, Drop]];

#[test]
fn three_callers_find_the_wait_over() {
    check(Tried::Stops(3), places(1), HALF_OPEN, THREE);
}

#[test]
fn three_callers_and_one_place() {
    check(Tried::All, places(1), ENTERED, THREE);
}

#[test]
fn three_callers_and_two_places() {
    check(Tried::Stops(3), places(2), ENTERED, THREE);
}

/// One passes, one is given up, and one comes with a result from before, then asks itself.
const LATE_FAILURE: &[&[Act]] = &[&[Ask, OK], &[Ask, Drop], &[FAIL, Ask, OK]];
const LATE_SUCCESS: &[&[Act]] = &[&[Ask, FAIL], &[Ask, Drop], &[OK, Ask, OK]];

#[test]
fn one_place_a_drop_and_a_late_result() {
    for before in [LATE_FROM_CLOSED, LATE_PROBE] {
        check(Tried::All, places(1), before, LATE_FAILURE);
        check(Tried::Stops(3), places(1), before, LATE_SUCCESS);
    }
}

#[test]
fn two_places_a_drop_and_a_late_result() {
    for before in [LATE_FROM_CLOSED, LATE_PROBE] {
        check(Tried::All, places(2), before, LATE_FAILURE);
    }
}

/// Two pay from a bucket of one token, and who was granted gives it back: at no time are two retries granted, and the token is
/// there in the end.
#[test]
fn one_token_for_two() {
    loom::model(|| {
        let policy = RetryTokensPolicy::builder(1_000).build().expect("a policy");
        let tokens = SharedTokens::new(policy);
        let granted = Arc::new(AtomicU32::new(0));
        let pay = |tokens: &SharedTokens, granted: &AtomicU32| {
            if let Ok(retry) = tokens.try_withdraw(RetryCause::Failure) {
                assert_eq!(granted.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
                granted.fetch_sub(1, Ordering::SeqCst);
                assert_eq!(tokens.give_back(retry), Reported::Counted);
            }
        };
        let other = {
            let (tokens, granted) = (tokens.clone(), Arc::clone(&granted));
            loom::thread::spawn(move || pay(&tokens, &granted))
        };
        pay(&tokens, &granted);
        other.join().expect("no panic");
        assert_eq!(tokens.balance_milli(), 1_000);
    });
}
