//! What stands in logs, status pages and journals: every name there is, how a value with numbers is shown in one line,
//! and what `Debug` and a hash tell of a state.

use core::fmt::Display;

use evenkeel_core::Reported;
use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::Exhausted;
use evenkeel_core::breaker::Mode;
use evenkeel_core::budget::{AllowedWhen, BudgetSpent, RetryCause, RetryTokens, RetryTokensPolicy};
use evenkeel_core::health::Probed;
use evenkeel_core::reconnect::{GaveUpBy, LinkEvent, LinkPhase};
use evenkeel_core::restart::{Exit, RestartOn, RestartPhase, RunId};
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
    shown_by_name(
        &[
            (RestartOn::Always, "always"),
            (RestartOn::Failure, "failure"),
            (RestartOn::Never, "never"),
        ],
        RestartOn::name,
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
fn what_an_operator_sees_has_one_spelling() {
    shown_by_name(
        &[
            (Mode::Normal, "normal"),
            (Mode::Observe, "observe"),
            (Mode::ForcedOpen, "forced-open"),
            (Mode::ForcedClosed, "forced-closed"),
        ],
        Mode::name,
    );
    let run = RunId::from_word(1);
    let (failures, max_restarts) = (3, 2);
    shown_by_name(
        &[
            (RestartPhase::Due, "due"),
            (RestartPhase::Waiting { until_ns: 1 }, "waiting"),
            (RestartPhase::Running { run }, "running"),
            (
                RestartPhase::Escalated {
                    failures,
                    max_restarts,
                },
                "escalated",
            ),
            (RestartPhase::Stopped, "stopped"),
        ],
        |phase| phase.name(),
    );
    let by = GaveUpBy::Advised;
    shown_by_name(&[(LinkPhase::GaveUp { by }, "gave-up")], |phase| {
        phase.name()
    });
}

#[test]
fn what_a_budget_is_told_and_asked_has_one_spelling() {
    shown_by_name(
        &[
            (RetryCause::Failure, "failure"),
            (RetryCause::Timeout, "timeout"),
            (RetryCause::Throttled, "throttled"),
        ],
        RetryCause::name,
    );
    shown_by_name(
        &[
            (AllowedWhen::CoversCost, "covers-cost"),
            (AllowedWhen::AboveHalf, "above-half"),
        ],
        AllowedWhen::name,
    );
}

#[cfg(feature = "alloc")]
#[test]
fn who_holds_denies_and_answers_has_one_spelling() {
    use evenkeel_core::table::{AnsweredBy, DeniedBy, HeldBy};

    shown_by_name(
        &[
            (HeldBy::Backoff, "backoff"),
            (HeldBy::Advice, "advice"),
            (HeldBy::Stopped, "stopped"),
            (HeldBy::Overflow, "overflow"),
        ],
        HeldBy::name,
    );
    shown_by_name(
        &[
            (DeniedBy::Spent, "spent"),
            (DeniedBy::TableFull, "table-full"),
            (DeniedBy::EndOfTime, "end-of-time"),
        ],
        DeniedBy::name,
    );
    shown_by_name(
        &[(AnsweredBy::Key, "key"), (AnsweredBy::Overflow, "overflow")],
        AnsweredBy::name,
    );
}

#[test]
fn a_report_counted_or_came_too_late() {
    let told = [Reported::Counted, Reported::Stale];
    assert_eq!(told.map(Reported::is_counted), [true, false]);
    assert_eq!(told.map(Reported::is_stale), [false, true]);
}

#[test]
fn a_spent_budget_says_what_is_there_and_what_had_to_be() {
    let spent = BudgetSpent::new(500, 1_000);
    assert_eq!(spent.name(), "budget-spent");
    assert_eq!(
        spent.to_string(),
        "retry budget spent: 500 of 1000 thousandths there"
    );
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
