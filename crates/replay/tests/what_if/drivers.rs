//! Drivers with other policies, worked out by hand.

use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::Breaker;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::health::{HealthProbe, HealthProbePolicy, Probed};
use evenkeel_core::restart::{Exit, Restart, RestartPolicy};
use evenkeel_core::retry::{AttemptOutcome, Retry, RetryPolicy};
use evenkeel_replay::any::{AnyId, AnyOp, Kind};
use evenkeel_replay::retry::{Lent, LentBreaker, Op};
use evenkeel_replay::what_if::{Compared, Policies, what_if};
use evenkeel_replay::{Assumed, Verdict, health_probe, restart};

use crate::gates::{json, policy};
use crate::tape::Tape;

fn backoff(base_ns: u64) -> evenkeel_core::backoff::BackoffBuilder {
    BackoffPolicy::builder(Duration::from_nanos(base_ns)).jitter(Jitter::None)
}

fn retry(attempts: u32, base_ns: u64) -> RetryPolicy {
    RetryPolicy::builder(backoff(base_ns))
        .max_attempts(attempts)
        .build()
        .expect("a policy")
}

/// As a caller would: polls, makes the attempt, which fails after 10 ns, sleeps, until the operation is over.
fn operate(tape: &mut Tape, mut now_ns: u64, lent: &Lent, outcome: AttemptOutcome) -> u64 {
    loop {
        let lent = lent.clone();
        let poll = AnyOp::Retry(Op::Poll { lent: lent.clone() });
        let answer = tape.call(1, now_ns, poll.clone());
        match answer.verdict(&poll) {
            Some(Verdict::Waits { until_ns }) => now_ns = until_ns,
            Some(Verdict::Ended { .. }) => return now_ns,
            _ => {
                let Some(AnyId::Retry(attempt)) = answer.given(&poll) else {
                    panic!("an attempt");
                };
                now_ns += 10;
                let op = Op::OnOutcome {
                    attempt,
                    outcome,
                    lent,
                };
                tape.call(1, now_ns, AnyOp::Retry(op));
            }
        }
    }
}

const FAILS: AttemptOutcome = AttemptOutcome::transient(RetryCause::Failure);

/// Attempts at 0, 110 and 320, each fails after 10 ns, and the third was the last. Long after that somebody looks.
fn three_attempts() -> Tape {
    let mut tape = Tape::new(1);
    tape.add(1, &Retry::new(retry(3, 100), 0));
    assert_eq!(operate(&mut tape, 0, &Lent::NONE, FAILS), 330);
    tape.call(1, 5_000, AnyOp::Retry(Op::Attempts));
    tape
}

fn only(tape: &Tape, policy: &RetryPolicy) -> Compared {
    let policies = Policies::new().of_kind(Kind::Retry, json(policy));
    let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
    let mut machines = found.machines.into_iter();
    let compared = machines.find(|compared| compared.kind == Kind::Retry);
    compared.expect("a retry")
}

#[test]
fn fewer_attempts_leave_reports_out() {
    let found = only(&three_attempts(), &retry(1, 100));
    assert_eq!((found.before.admitted, found.after.admitted), (3, 1));
    assert_eq!((found.before.waits, found.before.waited_ns), (2, 300));
    assert_eq!((found.after.waits, found.after.waited_ns), (0, 0));
    assert_eq!(
        (
            found.before.ended["attempts"],
            found.after.ended["attempts"]
        ),
        (1, 1)
    );
    assert_eq!((found.skipped, found.unknown, found.added_polls), (2, 0, 0));
    let parted = found.parted.expect("they part");
    assert_eq!(parted.t_ns, 10);
    assert_eq!(parted.op, AnyOp::Retry(Op::Poll { lent: Lent::NONE }));
}

#[test]
fn more_attempts_end_in_what_nobody_knows() {
    let found = only(&three_attempts(), &retry(5, 100));
    // The fourth is at 330 + 400. It is cancelled at once, which the caller hears when it asks.
    assert_eq!((found.before.admitted, found.after.admitted), (3, 4));
    assert_eq!((found.skipped, found.unknown, found.added_polls), (0, 1, 2));
    assert_eq!((found.after.waits, found.after.waited_ns), (3, 700));
    assert_eq!(found.after.ended["cancelled"], 1);
    assert_eq!(found.parted.expect("they part").t_ns, 330);
}

#[test]
fn attempts_that_begin_earlier_fail_earlier() {
    let found = only(&three_attempts(), &retry(3, 50));
    // At 0, 60, 170; they fail at 10, 70, 180.
    assert_eq!((found.before.admitted, found.after.admitted), (3, 3));
    assert_eq!((found.after.waits, found.after.waited_ns), (2, 150));
    assert_eq!(found.after.ended["attempts"], 1);
    assert_eq!((found.skipped, found.unknown, found.pending), (0, 0, 0));
    // One to begin and one after the report, twice.
    assert_eq!(found.added_polls, 4);
}

#[test]
fn a_recorded_poll_at_the_right_time_is_poll_enough() {
    let mut tape = Tape::new(1);
    tape.add(1, &Retry::new(retry(2, 100), 0));
    let poll = || AnyOp::Retry(Op::Poll { lent: Lent::NONE });
    let report = |word| {
        AnyOp::Retry(Op::OnOutcome {
            attempt: evenkeel_core::retry::AttemptId::from_word(word),
            outcome: FAILS,
            lent: Lent::NONE,
        })
    };
    tape.call(1, 0, poll());
    tape.call(1, 10, report(1));
    // Too early for a wait of 100, and just right for one of 50.
    tape.call(1, 60, poll());
    tape.call(1, 110, poll());
    tape.call(1, 120, report(2));
    tape.call(1, 130, poll());
    let found = only(&tape, &retry(2, 50));
    assert_eq!((found.before.admitted, found.after.admitted), (2, 2));
    // The report at 70 alone is followed by a poll of its own.
    assert_eq!((found.added_polls, found.differing), (1, 2));
    assert_eq!(found.parted.expect("they part").t_ns, 60);
}

#[test]
fn attempts_that_begin_later_fail_later() {
    let found = only(&three_attempts(), &retry(3, 1_000));
    // At 0, 1 010, 3 020.
    assert_eq!((found.after.admitted, found.after.waited_ns), (3, 3_000));
    assert_eq!(found.after.ended["attempts"], 1);
    assert_eq!((found.skipped, found.unknown, found.pending), (0, 0, 0));
    let found = only(&three_attempts(), &retry(3, 1_663));
    // At 0, 1 673 and 5 009, after the end of the journal.
    assert_eq!((found.after.admitted, found.skipped), (2, 1));
    // At 0, 1 667 and 4 997, but its report would come at 5 007.
    let found = only(&three_attempts(), &retry(3, 1_657));
    assert_eq!(
        (found.after.admitted, found.skipped, found.pending),
        (3, 0, 1)
    );
}

#[test]
fn advice_moves_with_the_report() {
    let mut tape = Tape::new(1);
    tape.add(1, &Retry::new(retry(3, 100), 0));
    let op = |lent| AnyOp::Retry(Op::Poll { lent });
    tape.call(1, 0, op(Lent::NONE));
    let report = |attempt, outcome| {
        let attempt = evenkeel_core::retry::AttemptId::from_word(attempt);
        let lent = Lent::NONE;
        AnyOp::Retry(Op::OnOutcome {
            attempt,
            outcome,
            lent,
        })
    };
    tape.call(1, 10, report(1, FAILS));
    tape.call(1, 110, op(Lent::NONE));
    // At 120 the server says: come back at 1 120, a second from now.
    let advised = FAILS.with_advice(Advice::RetryAt { at_ns: 1_120 });
    tape.call(1, 120, report(2, advised));
    tape.call(1, 120, op(Lent::NONE));
    tape.call(1, 1_120, op(Lent::NONE));
    tape.call(1, 1_130, report(3, FAILS));
    tape.call(1, 5_000, op(Lent::NONE));
    let found = only(&tape, &retry(3, 50));
    // It hears that at 70, and comes back at 1 070: a second later, as told. (Nobody asked during the first wait.)
    assert_eq!(
        (found.before.waited_ns, found.after.waited_ns),
        (1_000, 1_000)
    );
    assert_eq!((found.before.admitted, found.after.admitted), (3, 3));
}

#[test]
fn another_operation_counts_its_attempts_anew() {
    let mut tape = Tape::new(1);
    tape.add(1, &Retry::new(retry(3, 100), 0));
    operate(&mut tape, 0, &Lent::NONE, FAILS);
    for at_ns in [1_000, 2_000] {
        tape.call(1, at_ns, AnyOp::Retry(Op::Begin));
        operate(&mut tape, at_ns, &Lent::NONE, FAILS);
    }
    let found = only(&tape, &retry(2, 100));
    assert_eq!((found.before.admitted, found.after.admitted), (9, 6));
    assert_eq!(
        (
            found.before.ended["attempts"],
            found.after.ended["attempts"]
        ),
        (3, 3)
    );
    assert_eq!((found.skipped, found.unknown), (3, 0));
    // Slow ones are cut off by the next operation: the third attempt would begin after it, 1 220 ns from the begin. The
    // journal ends before the second attempt of the last one.
    let found = only(&tape, &retry(3, 400));
    assert_eq!((found.after.admitted, found.skipped), (5, 4));
    assert!(found.after.ended.is_empty());
    // 400 and 580 of 800, twice, and 400.
    assert_eq!((found.after.waits, found.after.waited_ns), (5, 2_360));
}

#[test]
fn another_breaker_behind_a_retry() {
    let mut tape = Tape::new(1);
    tape.add(1, &Retry::new(retry(3, 100), 0));
    tape.add(2, &Breaker::new(policy(5)));
    let lent = Lent {
        breaker: Some(LentBreaker::Breaker(2)),
        budget: None,
    };
    operate(&mut tape, 0, &lent, FAILS);
    let policies = Policies::new().of_kind(Kind::Breaker, json(&policy(2)));
    let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
    let [retry, breaker] = &found.machines[..] else {
        panic!("two machines");
    };
    // The second failure, at 120, opens it; the third attempt is refused at 320.
    assert_eq!((retry.before.admitted, retry.after.admitted), (3, 2));
    assert_eq!(retry.after.ended["breaker-open"], 1);
    assert_eq!((retry.skipped, retry.unknown, retry.added_polls), (1, 0, 0));
    assert_eq!(retry.parted.as_ref().map(|parted| parted.t_ns), Some(120));
    // The change is the breaker's, though the retry's answer tells of it.
    assert!(retry.after.changes.is_empty());
    assert_eq!(breaker.after.changes["consecutive"], 1);
    assert_eq!(breaker.changes_after.list[0].at_ns, 120);
    assert!(breaker.before.changes.is_empty());
}

fn restart(base_ns: u64) -> RestartPolicy {
    RestartPolicy::builder(backoff(base_ns))
        .build()
        .expect("a policy")
}

#[test]
fn runs_that_start_later_fail_later() {
    let mut tape = Tape::new(1);
    tape.add(1, &Restart::new(restart(100)));
    let poll = AnyOp::Restart(restart::Op::Poll);
    let mut now_ns = 0;
    let mut runs = 0;
    // Runs of 1 000 ns; the fifth goes on.
    while runs < 5 {
        let answer = tape.call(1, now_ns, poll.clone());
        match answer.verdict(&poll) {
            Some(Verdict::Waits { until_ns }) => now_ns = until_ns,
            _ => {
                let Some(AnyId::Restart(run)) = answer.given(&poll) else {
                    panic!("a run");
                };
                runs += 1;
                if runs < 5 {
                    now_ns += 1_000;
                    let exit = Exit::Failure;
                    tape.call(1, now_ns, AnyOp::Restart(restart::Op::OnExit { run, exit }));
                }
            }
        }
    }
    // 4 000 ns of runs, and waits of 100, 200, 400, 800.
    assert_eq!(now_ns, 5_500);
    tape.call(1, 20_000, AnyOp::Restart(restart::Op::Phase));
    let policies = Policies::new().of_kind(Kind::Restart, json(&restart(200)));
    let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
    let found = &found.machines[0];
    assert_eq!((found.before.admitted, found.after.admitted), (5, 5));
    assert_eq!(
        (found.before.waited_ns, found.after.waited_ns),
        (1_500, 3_000)
    );
    assert_eq!((found.skipped, found.unknown, found.pending), (0, 0, 0));
    let parted = found.parted.as_ref().expect("they part");
    assert_eq!((parted.t_ns, &parted.op), (1_000, &poll));
}

#[test]
fn a_probe_of_which_nothing_is_known_ends_what_is_told() {
    let interval = |ns| {
        let policy = HealthProbePolicy::builder(Duration::from_nanos(ns), Duration::from_nanos(5));
        policy.build().expect("a policy")
    };
    let mut tape = Tape::new(1);
    tape.add(1, &HealthProbe::new(interval(100)));
    let poll = AnyOp::HealthProbe(health_probe::Op::Poll);
    let mut now_ns = 0;
    let mut sent = 0;
    while sent < 10 {
        let answer = tape.call(1, now_ns, poll.clone());
        match answer.verdict(&poll) {
            Some(Verdict::Waits { until_ns }) => now_ns = until_ns,
            _ => {
                let Some(AnyId::HealthProbe(probe)) = answer.given(&poll) else {
                    panic!("a probe");
                };
                sent += 1;
                now_ns += 2;
                let found = Probed::Passed;
                let op = health_probe::Op::OnReport { probe, found };
                tape.call(1, now_ns, AnyOp::HealthProbe(op));
            }
        }
    }
    let policies = Policies::new().of_kind(Kind::HealthProbe, json(&interval(50)));
    let found = what_if(&tape.loaded, &policies, Assumed::Ignored, 1).expect("it verifies");
    let found = &found.machines[0];
    // Ten probes are known; the eleventh is not, and no report of a probe counts for nothing.
    assert_eq!((found.before.admitted, found.after.admitted), (10, 11));
    assert_eq!(found.unknown, 1);
    assert!(found.known_until_ns.is_some_and(|ns| ns > 400 && ns < 600));
    // The server was up all the time, and no silence is taken for a failure.
    for changed in [&found.changes_before, &found.changes_after] {
        let all: Vec<&str> = changed.list.iter().map(|change| change.to).collect();
        assert_eq!(all, ["up"]);
    }
}

#[test]
fn a_driver_that_never_rests_is_left_alone() {
    let mut tape = Tape::new(1);
    let unlimited = |base_ns: u64| {
        RetryPolicy::builder(backoff(base_ns).growth(Growth::Constant))
            .unlimited_attempts()
            .attempt_timeout(Duration::from_nanos(1))
            .deadline(Duration::from_secs(1_000_000))
            .build()
            .expect("a policy")
    };
    tape.add(1, &Retry::new(unlimited(1_000_000_000), 0));
    // Each attempt is abandoned; nobody reports.
    let poll = AnyOp::Retry(Op::Poll { lent: Lent::NONE });
    let mut now_ns = 0;
    while now_ns < 100_000_000_000 {
        let answer = tape.call(1, now_ns, poll.clone());
        now_ns = match answer.verdict(&poll) {
            Some(Verdict::Waits { until_ns }) => until_ns,
            _ => now_ns + 1,
        };
    }
    let found = only(&tape, &unlimited(1));
    // It goes round a hundred times as the recorded one did, and the next attempt is cancelled.
    assert_eq!((found.unknown, found.after.ended["cancelled"]), (1, 1));
    assert!(found.added_polls > 100 && found.added_polls < 1_000);
}
