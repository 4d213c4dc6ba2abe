//! What stands in logs, status pages and journals: every name there is, how a value with numbers is shown in one line,
//! and what `Debug` and a hash tell of a state.

use core::fmt::Display;

use evenkeel_core::Reported;
use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::Exhausted;
use evenkeel_core::breaker::{Cause, Phase, Transition, Transitions};
use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
use evenkeel_core::health::Probed;
use evenkeel_core::reconnect::{GaveUpBy, LinkEvent};
use evenkeel_core::restart::Exit;
use evenkeel_core::retry::{AbandonedBy, Parts, WhenRefused};
use evenkeel_core::throttle::{AdaptiveThrottlePolicy, Throttled};

/// Each is shown by its name, padded as asked.
fn shown_by_name<T: Display + Copy>(all: &[(T, &str)], name: impl Fn(T) -> &'static str) {
    for &(one, expected) in all {
        assert_eq!(name(one), expected);
        assert_eq!(one.to_string(), expected);
        assert_eq!(format!("{one:>12}"), format!("{expected:>12}"));
    }
}

#[test]
fn what_happened_has_one_spelling() {
    shown_by_name(
        &[(Probed::Passed, "passed"), (Probed::Failed, "failed")],
        Probed::name,
    );
    shown_by_name(
        &[
            (LinkEvent::Connected, "connected"),
            (LinkEvent::Failed, "failed"),
            (LinkEvent::Refused(Advice::Stop), "refused"),
            (LinkEvent::Lost, "lost"),
        ],
        LinkEvent::name,
    );
    shown_by_name(
        &[(Exit::Clean, "clean"), (Exit::Failure, "failure")],
        Exit::name,
    );
    shown_by_name(
        &[
            (AbandonedBy::Timeout, "timeout"),
            (AbandonedBy::Deadline, "deadline"),
            (AbandonedBy::Cancelled, "cancelled"),
        ],
        AbandonedBy::name,
    );
}

#[test]
fn what_a_policy_says_and_why_a_link_was_given_up_have_one_spelling() {
    shown_by_name(
        &[(WhenRefused::End, "end"), (WhenRefused::Wait, "wait")],
        WhenRefused::name,
    );
    let reasons = [
        GaveUpBy::Exhausted(Exhausted::Retries),
        GaveUpBy::Exhausted(Exhausted::TotalWait),
        GaveUpBy::Exhausted(Exhausted::EndOfTime),
        GaveUpBy::Advised,
    ];
    assert_eq!(
        reasons.map(GaveUpBy::name),
        ["retries", "total-wait", "end-of-time", "advised"]
    );
}

#[test]
fn a_report_counted_or_came_too_late() {
    let told = [Reported::Counted, Reported::Stale];
    assert_eq!(told.map(Reported::is_counted), [true, false]);
    assert_eq!(told.map(Reported::is_stale), [false, true]);
}

#[test]
fn a_throttles_refusal_tells_its_probability() {
    let policy = AdaptiveThrottlePolicy::builder().build().expect("a policy");
    let probability = policy.probability(100, 0);
    let throttled = Throttled { probability };
    assert_eq!(throttled.name(), "throttled");
    let (numerator, denominator) = (probability.numerator(), probability.denominator());
    assert_eq!(
        throttled.to_string(),
        format!("throttled with probability {numerator}/{denominator}")
    );
}

const fn made(at_ns: u64) -> Transition {
    Transition {
        at_ns,
        from: Phase::Closed,
        to: Phase::Open,
        cause: Cause::FailureRate,
        generation: 1,
    }
}

#[test]
fn a_transition_is_one_line() {
    assert_eq!(made(20).to_string(), "closed -> open at 20 (failure-rate)");
}

/// Whoever makes room for them asks first how many are left.
#[test]
fn transitions_say_how_many_are_left() {
    let mut rest = Transitions::from_iter([1, 2, 3].map(made)).into_iter();
    for left in [3, 2, 1] {
        assert_eq!((rest.size_hint(), rest.len()), ((left, Some(left)), left));
        assert!(rest.next().is_some());
    }
    assert_eq!((rest.size_hint(), rest.len()), ((0, Some(0)), 0));
    assert_eq!((rest.next(), rest.next()), (None, None));
    assert_eq!(rest.len(), 0);
}

#[test]
fn the_parts_of_a_retry_say_which_there_are() {
    let budget = RetryTokensPolicy::builder(10_000)
        .build()
        .expect("a policy");
    let mut budget = RetryTokens::new(budget);
    assert_eq!(
        format!("{:?}", Parts::none()),
        "Parts { breaker: false, budget: false }"
    );
    assert_eq!(
        format!("{:?}", Parts::none().with_budget(&mut budget)),
        "Parts { breaker: false, budget: true }"
    );
}
