//! What a retry asks and tells its breaker and its budget, one fact a test.

#[path = "retry_common/mod.rs"]
mod retry_common;

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::{Outcome, RefusedBy};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{AbandonedBy, AttemptOutcome, End, Retry, RetryAction, WhenRefused};
use evenkeel_core::{Rebase, Reported};

use retry_common::bench::{
    Bench, FAILED, abandon, advised, attempt, attempt_until, builder, done, ns,
};
use retry_common::script::{Heard, Says};

#[test]
fn each_operation_deposits_once_and_each_retry_withdraws_once() {
    let mut bench = Bench::plain(builder()).after(FAILED);
    assert_eq!(bench.poll(110), attempt(2));
    assert_eq!(bench.report(120, 2, FAILED), Reported::Counted);
    assert_eq!(bench.poll(320), attempt(3));
    assert_eq!(bench.report(330, 3, FAILED), Reported::Counted);
    let withdraw = |now_ns, paid| Heard::Withdraw {
        now_ns,
        cause: RetryCause::Failure,
        paid: Some(paid),
    };
    let expected = [
        Heard::Request { now_ns: 0 },
        withdraw(10, 1),
        withdraw(120, 2),
    ];
    assert_eq!(bench.of_budget(), expected);
}

#[test]
fn a_first_attempt_that_the_breaker_refuses_is_no_request() {
    let says = [Says::No(Some(40)), Says::No(Some(40)), Says::Yes];
    let patient = builder()
        .when_refused(WhenRefused::Wait)
        .deadline(ns(1_000));
    let mut bench = Bench::new(patient, &says, &[true]);
    assert_eq!(bench.poll(0), RetryAction::WaitUntil { at_ns: 40 });
    assert_eq!(bench.poll(40), RetryAction::WaitUntil { at_ns: 80 });
    assert_eq!(bench.of_budget(), []);
    assert_eq!(bench.poll(80), attempt_until(1, Some(1_000)));
    assert_eq!(bench.of_budget(), [Heard::Request { now_ns: 80 }]);
}

#[test]
fn a_refused_retry_gives_back_what_it_took_and_takes_it_again() {
    let says = [Says::Yes, Says::No(Some(40)), Says::Yes];
    let patient = builder()
        .when_refused(WhenRefused::Wait)
        .deadline(ns(1_000));
    let mut bench = Bench::new(patient, &says, &[true]).after(FAILED);
    assert_eq!(bench.poll(110), RetryAction::WaitUntil { at_ns: 150 });
    assert_eq!(bench.poll(150), attempt_until(2, Some(1_000)));
    assert_eq!(
        bench.report(160, 2, AttemptOutcome::Success),
        Reported::Counted
    );
    let cause = RetryCause::Failure;
    let expected = [
        Heard::Request { now_ns: 0 },
        Heard::Withdraw {
            now_ns: 10,
            cause,
            paid: Some(1),
        },
        Heard::GaveBack {
            now_ns: 110,
            paid: 1,
        },
        Heard::Withdraw {
            now_ns: 150,
            cause,
            paid: Some(2),
        },
        Heard::Success {
            now_ns: 160,
            paid: Some(2),
        },
    ];
    assert_eq!(bench.of_budget(), expected);
}

#[test]
fn a_refusal_ends_it_unless_it_may_wait_and_the_wait_is_in_time() {
    let ends = |later: Option<u64>| {
        done(End::BreakerOpen {
            reason: RefusedBy::Open,
            retry_at_ns: later,
        })
    };
    let patient = builder()
        .when_refused(WhenRefused::Wait)
        .deadline(ns(1_000));
    for (policy, later, action) in [
        (builder(), Some(40), ends(Some(40))),
        (patient, Some(999), RetryAction::WaitUntil { at_ns: 999 }),
        (patient, Some(1_000), ends(Some(1_000))),
        (patient, None, ends(None)),
        (patient, Some(0), ends(Some(0))), // "now", from one who has just said no, is no instant
    ] {
        let mut bench = Bench::new(policy, &[Says::No(later)], &[true]);
        assert_eq!(bench.poll(0), action);
    }
}

#[test]
fn what_the_deadline_cuts_short_says_nothing_of_the_dependency() {
    // Its own timeout was still to come; without one, the deadline is the timeout.
    let cut = builder().attempt_timeout(ns(400)).deadline(ns(500));
    let late = AbandonedBy::Deadline;
    for (policy, began, outcome, reason) in [
        (cut, 200, Outcome::Ignored, late),
        (cut, 100, Outcome::Failure, AbandonedBy::Timeout),
        (builder().deadline(ns(500)), 200, Outcome::Failure, late),
    ] {
        let mut bench = Bench::plain(policy);
        assert_eq!(bench.poll(began), attempt_until(1, Some(500)));
        assert_eq!(bench.poll(500), abandon(1, reason, 500));
        assert_eq!(bench.poll(500), done(End::Deadline));
        assert_eq!(bench.told(), [outcome], "began at {began}");
    }
}

#[test]
fn the_deadline_also_ends_who_waits_and_gives_back_what_it_took() {
    let mut bench = Bench::plain(builder().deadline(ns(150))).after(FAILED);
    assert_eq!(bench.poll(10), RetryAction::WaitUntil { at_ns: 110 });
    assert_eq!(bench.poll(900), done(End::Deadline)); // nobody polled in between
    assert_eq!(
        bench.of_budget().last(),
        Some(&Heard::GaveBack {
            now_ns: 150,
            paid: 1
        })
    );
    let mut bench = Bench::plain(builder().deadline(ns(150)));
    assert_eq!(bench.poll(150), done(End::Deadline)); // before the first attempt
    assert_eq!(bench.log.lock().expect("one thread").len(), 0);
}

#[test]
fn who_is_cancelled_while_waiting_gives_back_and_while_out_releases_its_permit() {
    let mut bench = Bench::plain(builder()).after(FAILED);
    assert_eq!(bench.cancel(50), done(End::Cancelled));
    assert_eq!(
        bench.of_budget().last(),
        Some(&Heard::GaveBack {
            now_ns: 50,
            paid: 1
        })
    );

    // A retry that is out was made: its load was there.
    let mut bench = Bench::plain(builder()).after(FAILED);
    assert_eq!(bench.poll(110), attempt(2));
    assert_eq!(bench.cancel(120), abandon(2, AbandonedBy::Cancelled, 120));
    assert_eq!(bench.told(), [Outcome::Failure, Outcome::Ignored]);
    assert!(
        bench
            .heard(|heard| matches!(heard, Heard::GaveBack { .. }))
            .is_empty()
    );
    assert_eq!(
        bench.report(121, 2, AttemptOutcome::Success),
        Reported::Stale
    );
    assert_eq!(bench.poll(121), done(End::Cancelled));
}

/// The load was not there: unlike what was cancelled.
#[test]
fn a_retry_that_was_refused_before_it_was_sent_ends_and_costs_nothing() {
    let mut bench = Bench::plain(builder()).after(FAILED);
    assert_eq!(bench.poll(110), attempt(2));
    let refused = AttemptOutcome::Refused {
        retry_at_ns: Some(900),
    };
    assert_eq!(bench.report(120, 2, refused), Reported::Counted);
    let end = End::Refused {
        retry_at_ns: Some(900),
    };
    assert_eq!(bench.poll(121), done(end));
    assert_eq!((end.name(), end.retry_at_ns()), ("refused", Some(900)));
    assert_eq!(bench.told(), [Outcome::Failure, Outcome::Ignored]);
    assert_eq!(
        bench.of_budget().last(),
        Some(&Heard::GaveBack {
            now_ns: 120,
            paid: 1
        })
    );
}

#[test]
fn the_breaker_is_told_what_each_outcome_means_for_it() {
    let at_ns = 5_000;
    let throttled = |advice: Option<Advice>| {
        AttemptOutcome::transient(RetryCause::Throttled).with_advice(advice)
    };
    for (outcome, told) in [
        (AttemptOutcome::Success, Outcome::Success),
        (AttemptOutcome::permanent(), Outcome::Success),
        (
            AttemptOutcome::Permanent {
                breaker: Outcome::Failure,
            },
            Outcome::Failure,
        ),
        (AttemptOutcome::Cancelled, Outcome::Ignored),
        (
            AttemptOutcome::Refused { retry_at_ns: None },
            Outcome::Ignored,
        ),
        (FAILED, Outcome::Failure),
        (
            AttemptOutcome::transient(RetryCause::Timeout),
            Outcome::Failure,
        ),
        (throttled(None), Outcome::Failure),
        (
            throttled(Some(Advice::RetryAt { at_ns })),
            Outcome::Overloaded {
                retry_at_ns: Some(at_ns),
            },
        ),
        (
            throttled(Some(Advice::Stop)),
            Outcome::Overloaded { retry_at_ns: None },
        ),
        (
            advised(RetryCause::Failure, Advice::RetryAt { at_ns }),
            Outcome::Failure,
        ),
    ] {
        assert_eq!(
            Bench::plain(builder()).after(outcome).told(),
            [told],
            "{outcome:?}"
        );
    }
}

#[test]
fn an_attempt_lost_with_its_process_counts_and_is_retried_by_the_rules() {
    let mut bench = Bench::plain(builder().max_attempts(2));
    assert_eq!(bench.poll(0), attempt(1));
    let rebase = Rebase {
        taken_at_ns: 30,
        now_ns: 5_000,
        away: ns(10),
    };
    let (policy, state) = (*bench.retry.policy(), bench.retry.state());
    bench.retry = Retry::restore_rebased(policy, state, rebase).expect("its own state");
    assert_eq!(
        bench.report(5_000, 1, AttemptOutcome::Success),
        Reported::Stale
    );
    let RetryAction::WaitUntil { at_ns } = bench.poll(5_000) else {
        panic!("a wait before the next")
    };
    assert_eq!(bench.poll(at_ns), attempt(2));
    assert_eq!(bench.report(at_ns, 2, FAILED), Reported::Counted);
    assert_eq!(bench.poll(at_ns), done(End::Attempts));
    assert_eq!(
        bench.told(),
        [Outcome::Failure],
        "the lost one's permit went with the process"
    );
}

#[test]
fn a_waiting_retry_in_another_process_asks_its_budget_again() {
    let mut bench = Bench::plain(builder()).after(FAILED);
    let rebase = Rebase {
        taken_at_ns: 10,
        now_ns: 10,
        away: ns(0),
    };
    let (policy, state) = (*bench.retry.policy(), bench.retry.state());
    bench.retry = Retry::restore_rebased(policy, state, rebase).expect("its own state");
    assert_eq!(bench.poll(110), attempt(2));
    assert_eq!(
        bench.report(115, 2, AttemptOutcome::Success),
        Reported::Counted
    );
    let paid = Some(2);
    assert_eq!(
        bench.of_budget().last(),
        Some(&Heard::Success { now_ns: 115, paid })
    );
}

#[test]
fn nobody_is_told_to_abandon_what_went_with_its_process() {
    let mut bench = Bench::plain(builder().attempt_timeout(ns(50)));
    assert_eq!(bench.poll(0), attempt_until(1, Some(50)));
    assert_eq!(
        bench.report(50, 1, AttemptOutcome::Success),
        Reported::Stale
    );
    let rebase = Rebase {
        taken_at_ns: 50,
        now_ns: 50,
        away: ns(0),
    };
    let (policy, state) = (*bench.retry.policy(), bench.retry.state());
    bench.retry = Retry::restore_rebased(policy, state, rebase).expect("its own state");
    assert_eq!(bench.poll(50), RetryAction::WaitUntil { at_ns: 150 });
    bench.retry = Retry::restore(policy, state).expect("its own state");
    assert_eq!(bench.poll(50), abandon(1, AbandonedBy::Timeout, 50));
}

#[test]
fn a_deadline_does_not_move_away_on_a_clock_that_is_younger_than_the_operation() {
    // 400 of 1 000 ns are over when it is stored, and 500 when the next process, whose clock has just begun, goes on.
    let mut bench = Bench::plain(builder().max_attempts(9).deadline(ns(1_000)));
    assert_eq!(bench.poll(0), attempt_until(1, Some(1_000)));
    assert_eq!(bench.report(390, 1, FAILED), Reported::Counted);
    let rebase = Rebase {
        taken_at_ns: 400,
        now_ns: 3,
        away: ns(100),
    };
    let (policy, state) = (*bench.retry.policy(), bench.retry.state());
    let moved = Retry::restore_rebased(policy, state, rebase).expect("its own state");
    assert_eq!(moved.deadline_at_ns(), Some(503));
    assert_eq!(Retry::restore(policy, moved.state()), Ok(moved.clone()));

    // Once more, 50 ns later, to a clock on which it began at an instant.
    let again = |now_ns| Rebase {
        taken_at_ns: 53,
        now_ns,
        away: ns(0),
    };
    let deadline_on = |now_ns| {
        let there = Retry::restore_rebased(policy, moved.state(), again(now_ns));
        there.expect("its own state").deadline_at_ns()
    };
    assert_eq!(deadline_on(0), Some(450));
    assert_eq!(deadline_on(549), Some(999));
    assert_eq!(deadline_on(550), Some(1_000));
    assert_eq!(deadline_on(10_000), Some(10_450));
}

#[test]
fn an_operation_whose_deadline_came_while_nobody_ran_it_is_over_on_any_clock() {
    for (away, now_ns) in [(600, 0), (600, 1), (601, 0), (u64::MAX, 0), (600, 7_000)] {
        for in_flight in [false, true] {
            let mut bench = Bench::plain(builder().max_attempts(9).deadline(ns(1_000)));
            assert_eq!(bench.poll(0), attempt_until(1, Some(1_000)));
            if !in_flight {
                assert_eq!(bench.report(390, 1, FAILED), Reported::Counted);
            }
            let rebase = Rebase {
                taken_at_ns: 400,
                now_ns,
                away: ns(away),
            };
            let (policy, state) = (*bench.retry.policy(), bench.retry.state());
            bench.retry = Retry::restore_rebased(policy, state, rebase).expect("its own state");
            let again = Retry::restore(policy, bench.retry.state());
            assert_eq!(again, Ok(bench.retry.clone()));
            assert_eq!(bench.poll(now_ns), done(End::Deadline), "{away} {now_ns}");
        }
    }
}
