//! How answers are named, changed and saturated: what stands in logs and status pages, what a caller says on top of an
//! outcome, and what becomes of a server's advice that no clock can hold.

use core::fmt::Display;
use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::{Cause, Mode, Outcome, Phase, Transition, Transitions};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::reconnect::{GaveUpBy, LinkPhase};
use evenkeel_core::restart::{RestartOn, RestartPhase, RunId};
use evenkeel_core::retry::AttemptOutcome;
use evenkeel_core::time;

/// The names, which are also how they are shown.
fn names<T: Display + Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<&'static str> {
    let named = all.iter().map(|one| {
        assert_eq!(one.to_string(), name(*one));
        name(*one)
    });
    named.collect()
}

#[test]
fn what_status_pages_show() {
    let modes = [
        Mode::Normal,
        Mode::Observe,
        Mode::ForcedOpen,
        Mode::ForcedClosed,
    ];
    assert_eq!(
        names(&modes, Mode::name),
        ["normal", "observe", "forced-open", "forced-closed"]
    );
    let policies = [RestartOn::Always, RestartOn::Failure, RestartOn::Never];
    assert_eq!(
        names(&policies, RestartOn::name),
        ["always", "failure", "never"]
    );
    let run = RunId::from_word(1);
    let restarts = [
        RestartPhase::Due,
        RestartPhase::Waiting { until_ns: 1 },
        RestartPhase::Running { run },
        RestartPhase::Escalated {
            failures: 3,
            max_restarts: 2,
        },
        RestartPhase::Stopped,
    ];
    let name = |phase: RestartPhase| phase.name();
    assert_eq!(
        names(&restarts, name),
        ["due", "waiting", "running", "escalated", "stopped"]
    );
    let gave_up = LinkPhase::GaveUp {
        by: GaveUpBy::Advised,
    };
    assert_eq!(names(&[gave_up], |phase| phase.name()), ["gave-up"]);
}

#[test]
fn what_the_breaker_is_told_is_for_the_caller_to_say() {
    let told = Outcome::Ignored;
    let transient = AttemptOutcome::transient(RetryCause::Failure);
    assert_eq!(transient.with_breaker(told).breaker_outcome(), told);
    let permanent = AttemptOutcome::permanent();
    assert_eq!(permanent.breaker_outcome(), Outcome::Success);
    assert_eq!(permanent.with_breaker(told).breaker_outcome(), told);
    // A call that was answered, or never made, leaves nothing to say.
    for other in [AttemptOutcome::Success, AttemptOutcome::Cancelled] {
        assert_eq!(other.with_breaker(Outcome::Failure), other);
    }
}

#[test]
fn no_clock_holds_five_hundred_years_so_the_advice_is_the_last_instant() {
    let (now_ns, longest) = (7, Duration::from_nanos(u64::MAX - 7));
    assert_eq!(time::after(now_ns, longest), Some(u64::MAX));
    for too_long in [longest + Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(time::after(now_ns, too_long), None);
        let advice = Advice::after(now_ns, too_long);
        assert_eq!(advice, Advice::RetryAt { at_ns: u64::MAX });
    }
}

const MADE: Transition = Transition {
    at_ns: 7,
    from: Phase::Open,
    to: Phase::HalfOpen,
    cause: Cause::WaitOver,
    generation: 2,
};

#[test]
fn transitions_are_gone_through_by_reference_too() {
    let all = Transitions::from_iter([MADE; 3]);
    let mut seen = 0;
    for made in &all {
        assert_eq!(*made, MADE);
        seen += 1;
    }
    assert_eq!((seen, all.len()), (3, 3));
}

/// No call makes more than three: a file that tells of four is not ours.
#[cfg(feature = "serde")]
#[test]
fn a_file_tells_of_at_most_three_transitions() {
    let read = |made: &[Transition]| {
        let text = serde_json::to_string(made).expect("plain data");
        serde_json::from_str::<Transitions>(&text).map_err(|error| error.to_string())
    };
    assert_eq!(read(&[MADE; 3]), Ok(Transitions::from_iter([MADE; 3])));
    let error = read(&[MADE; 4]).expect_err("one too many");
    let said = "invalid length 4, expected a list of at most 3 transitions";
    assert!(error.starts_with(said), "{error}");
    let error = serde_json::from_str::<Transitions>("7").expect_err("no list");
    assert!(
        error
            .to_string()
            .contains("expected a list of at most 3 transitions"),
        "{error}"
    );
}
