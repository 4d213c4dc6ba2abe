//! What a user of `Retry` relies on, one fact a test: when it tries, when it waits, when it stops.

#[path = "retry_common/mod.rs"]
mod retry_common;

use evenkeel_core::Ratio;
use evenkeel_core::Reported;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Exhausted};
use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{
    AbandonedBy, AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy,
};

use retry_common::bench::{
    Bench, FAILED, abandon, advised, attempt, attempt_until, backoff, builder, built, done, id, ns,
};
use retry_common::script::{Heard, Says};
use retry_common::words::Words;

#[test]
fn the_first_attempt_is_made_at_once_and_takes_nothing() {
    let mut bench = Bench::plain(builder());
    assert_eq!(bench.poll(0), attempt(1));
    assert_eq!(bench.of_budget(), [Heard::Request { now_ns: 0 }]);
    assert_eq!(bench.words.drawn(), 0);
}

#[test]
fn three_attempts_are_made_where_nothing_else_is_said() {
    let mut bench = Bench::plain(builder());
    let mut now_ns = 0;
    for number in 1..=3 {
        assert_eq!(bench.poll(now_ns), attempt(number));
        assert_eq!(
            bench.report(now_ns, number.into(), FAILED),
            Reported::Counted
        );
        now_ns = bench.retry.next_deadline_ns().unwrap_or(now_ns);
    }
    assert_eq!((now_ns, bench.poll(now_ns)), (300, done(End::Attempts)));
    assert_eq!(bench.retry.next_deadline_ns(), None);
}

#[test]
fn the_first_check_that_says_no_ends_it_and_nothing_behind_it_is_asked() {
    let stop = advised(RetryCause::Failure, Advice::Stop);
    let far = advised(RetryCause::Failure, Advice::RetryAt { at_ns: 5_000 });
    let jittered = RetryPolicy::builder(BackoffPolicy::builder(ns(100)));
    let one = RetryPolicy::builder(backoff().max_retries(0))
        .max_attempts(1)
        .deadline(ns(150));
    // Every case fails the check named and all that stand behind it.
    let cases = [
        (one, stop, End::Attempts),
        (
            RetryPolicy::builder(backoff().max_retries(0)),
            stop,
            End::Advised,
        ),
        (
            RetryPolicy::builder(backoff().max_retries(0)).deadline(ns(150)),
            far,
            End::Exhausted {
                limit: Exhausted::Retries,
            },
        ),
        (
            RetryPolicy::builder(backoff().max_total_wait(ns(100))).deadline(ns(150)),
            far,
            End::Exhausted {
                limit: Exhausted::TotalWait,
            },
        ),
        (jittered.deadline(ns(150)), far, End::Deadline),
        (
            builder(),
            FAILED,
            End::BudgetSpent {
                retry_at_ns: Some(1_010),
            },
        ),
    ];
    for (policy, outcome, end) in cases {
        let mut bench = Bench::new(policy, &[Says::Yes], &[false]).after(outcome);
        assert_eq!(bench.poll(10), done(end));
        let spent = matches!(end, End::BudgetSpent { .. });
        assert_eq!(bench.of_budget().len(), 1 + usize::from(spent), "{end}");
        let drawn = u64::from(end == End::Deadline);
        assert_eq!(bench.words.drawn(), drawn, "{end}");
    }
}

#[test]
fn the_deadline_comes_before_the_cap_of_attempts() {
    // The attempt is out at the deadline, and the last one: it is cut short.
    let mut bench = Bench::plain(builder().max_attempts(1).deadline(ns(500)));
    assert_eq!(bench.poll(0), attempt_until(1, Some(500)));
    assert_eq!(bench.poll(500), abandon(1, AbandonedBy::Deadline, 500));
    assert_eq!(bench.poll(500), done(End::Deadline));
}

#[test]
fn a_wait_must_end_before_the_deadline() {
    for (deadline, action) in [
        (111, RetryAction::WaitUntil { at_ns: 110 }),
        (110, done(End::Deadline)),
    ] {
        let mut bench = Bench::plain(builder().deadline(ns(deadline))).after(FAILED);
        assert_eq!(bench.poll(10), action);
    }
}

#[test]
fn long_advice_is_not_silently_the_end_of_retries() {
    // Longer than the deadline: it ends now, and says that it was the deadline. Longer than the cap: the cap.
    let far = advised(RetryCause::Failure, Advice::RetryAt { at_ns: 90_000 });
    let mut bench = Bench::plain(builder().deadline(ns(1_000))).after(far);
    assert_eq!(bench.poll(10), done(End::Deadline));
    let mut bench = Bench::plain(builder().deadline(ns(1_000)).advisory_cap(ns(700))).after(far);
    assert_eq!(bench.poll(10), RetryAction::WaitUntil { at_ns: 710 });
}

#[test]
fn an_attempt_is_given_up_at_its_timeout_and_counts_as_failed() {
    let mut bench = Bench::plain(builder().attempt_timeout(ns(50)));
    assert_eq!(bench.poll(7), attempt_until(1, Some(57)));
    assert_eq!(bench.retry.next_deadline_ns(), Some(57));
    let out = RetryAction::InFlight {
        attempt: id(1),
        timeout_at_ns: Some(57),
    };
    assert_eq!(bench.poll(56), out);
    assert_eq!(bench.poll(57), abandon(1, AbandonedBy::Timeout, 57));
    assert_eq!(bench.poll(57), RetryAction::WaitUntil { at_ns: 157 });
    assert_eq!(bench.told(), [Outcome::Failure]);
    let cause = RetryCause::Timeout;
    assert_eq!(
        bench.of_budget()[1],
        Heard::Withdraw {
            now_ns: 57,
            cause,
            paid: Some(1)
        }
    );
}

#[test]
fn a_report_at_the_very_timeout_comes_too_late() {
    for (now_ns, reported) in [(49, Reported::Counted), (50, Reported::Stale)] {
        let mut bench = Bench::plain(builder().attempt_timeout(ns(50)));
        assert_eq!(bench.poll(0), attempt_until(1, Some(50)));
        assert_eq!(bench.report(now_ns, 1, AttemptOutcome::Success), reported);
        let ended = reported == Reported::Counted;
        assert_eq!(bench.retry.end().is_some(), ended);
    }
}

#[test]
fn a_late_poll_acts_as_of_the_timeout() {
    let mut bench = Bench::plain(builder().attempt_timeout(ns(50)));
    assert_eq!(bench.poll(0), attempt_until(1, Some(50)));
    assert_eq!(bench.poll(140), abandon(1, AbandonedBy::Timeout, 50));
    assert_eq!(bench.poll(140), RetryAction::WaitUntil { at_ns: 150 });
    let told = Heard::Told {
        now_ns: 50,
        outcome: Outcome::Failure,
        latency_ns: 50,
    };
    assert_eq!(
        bench.heard(|heard| matches!(heard, Heard::Told { .. })),
        [told]
    );
}

#[test]
fn an_operation_begins_when_it_is_made_and_not_at_its_first_failure() {
    let policy = built(builder().deadline(ns(500)));
    let mut retry = Retry::new(policy, 1_000);
    let (mut parts, mut words) = (Parts::none(), Words::of(1));
    assert_eq!(
        retry.poll(1_450, &mut parts, &mut words).action,
        attempt_until(1, Some(1_500))
    );
    let _ = retry.on_outcome(1_460, id(1), FAILED, &mut parts, &mut words);
    assert_eq!(
        retry.poll(1_460, &mut parts, &mut words).action,
        done(End::Deadline)
    );
}

#[test]
fn what_has_ended_stays_as_it_ended() {
    let mut bench = Bench::plain(builder()).after(AttemptOutcome::Success);
    assert_eq!(bench.cancel(20), done(End::Succeeded));
    assert_eq!(bench.poll(u64::MAX), done(End::Succeeded));
    assert_eq!(bench.report(30, 1, FAILED), Reported::Stale);
    assert_eq!(bench.told(), [Outcome::Success]);
}

#[test]
fn advice_and_our_own_wait_make_the_wait() {
    let at = |at_ns| advised(RetryCause::Failure, Advice::RetryAt { at_ns });
    let within = AdvisoryRule::Within(ns(50));
    for (rule, at_ns, until) in [
        (AdvisoryRule::AtLeast, 400, 400),
        (AdvisoryRule::AtLeast, 60, 110),
        (AdvisoryRule::Exact, 60, 60),
        (AdvisoryRule::Exact, 3, 10), // past: now
        (within, 60, 110),
        (within, 130, 130),
        (within, 400, 160),
    ] {
        let mut bench = Bench::plain(builder().advisory_rule(rule)).after(at(at_ns));
        let action = bench.poll(9);
        let expected = if until == 10 {
            attempt(2)
        } else {
            RetryAction::WaitUntil { at_ns: until }
        };
        assert_eq!(action, expected, "{rule:?} {at_ns}");
    }
}

#[test]
fn words_are_drawn_for_waits_alone() {
    let full = RetryPolicy::builder(BackoffPolicy::builder(ns(100)));
    let spread = full.advisory_spread(Ratio::percent(20));
    let advice = advised(RetryCause::Failure, Advice::RetryAt { at_ns: 500 });
    for (policy, outcome, drawn) in [
        (full, AttemptOutcome::Success, 0),
        (full, AttemptOutcome::permanent(), 0),
        (full, FAILED, 1),
        (builder(), FAILED, 0),
        (full, advice, 1),
        (full.advisory_rule(AdvisoryRule::Exact), advice, 0),
        (spread, FAILED, 1),
        (spread, advice, 2),
        (spread.advisory_rule(AdvisoryRule::Exact), advice, 1),
    ] {
        let bench = Bench::plain(policy).after(outcome);
        assert_eq!(bench.words.drawn(), drawn, "{policy:?} {outcome:?}");
    }
}

#[test]
fn a_spread_lengthens_an_advised_wait_and_never_shortens_it() {
    let policy = built(
        builder()
            .advisory_spread(Ratio::percent(50))
            .advisory_rule(AdvisoryRule::Exact),
    );
    let mut seen = [false; 2];
    for seed in 0..200 {
        let (mut retry, mut words) = (Retry::new(policy, 0), Words::of(seed));
        let _ = retry.poll(0, &mut Parts::none(), &mut words);
        let outcome = advised(RetryCause::Failure, Advice::RetryAt { at_ns: 1_000 });
        let _ = retry.on_outcome(0, id(1), outcome, &mut Parts::none(), &mut words);
        let at_ns = retry.next_deadline_ns().expect("a wait");
        assert!((1_000..=1_500).contains(&at_ns));
        seen[usize::from(at_ns > 1_250)] = true;
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut bench = Bench::plain(builder()).after(FAILED);
    assert_eq!(bench.poll(3), RetryAction::WaitUntil { at_ns: 110 });
    assert_eq!(bench.poll(110), attempt(2));
    assert_eq!(bench.report(50, 2, FAILED), Reported::Counted);
    assert_eq!(bench.poll(0), RetryAction::WaitUntil { at_ns: 310 });
}

#[test]
fn an_operation_at_the_end_of_time_ends_and_does_not_wrap() {
    let policy = built(builder().attempt_timeout(ns(500)).deadline(ns(1_000)));
    let mut retry = Retry::new(policy, u64::MAX - 10);
    let (mut parts, mut words) = (Parts::none(), Words::of(1));
    assert_eq!(retry.deadline_at_ns(), None);
    assert_eq!(
        retry.poll(u64::MAX - 10, &mut parts, &mut words).action,
        attempt(1)
    );
    assert_eq!(retry.next_deadline_ns(), None);
    let _ = retry.on_outcome(u64::MAX, id(1), FAILED, &mut parts, &mut words);
    let limit = Exhausted::EndOfTime;
    assert_eq!(retry.end(), Some(End::Exhausted { limit }));
}

#[test]
fn a_wait_past_the_last_instant_is_past_the_deadline_too() {
    let policy = built(builder().deadline(ns(1_000)));
    let mut retry = Retry::new(policy, u64::MAX - 1_050);
    let (mut parts, mut words) = (Parts::none(), Words::of(1));
    let _ = retry.poll(u64::MAX - 1_050, &mut parts, &mut words);
    assert_eq!(retry.deadline_at_ns(), Some(u64::MAX - 50));
    let _ = retry.on_outcome(u64::MAX - 60, id(1), FAILED, &mut parts, &mut words);
    assert_eq!(retry.end(), Some(End::Deadline));
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
