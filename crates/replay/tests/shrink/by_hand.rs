//! Planted facts: what is left of a long journal is what a person would have kept.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{AttemptId, AttemptOutcome, Retry, RetryPolicy};
use evenkeel_replay::any::{AnyAnswer, AnyId, AnyOp};
use evenkeel_replay::generate::Pick;
use evenkeel_replay::journal::Reader;
use evenkeel_replay::retry::{Lent, LentBreaker};
use evenkeel_replay::shrink::{EFFORT, ShrinkError, shrink};
use evenkeel_replay::{breaker, retry};

use crate::any::{property, shrunk};
use crate::tape::Tape;

const MS: u64 = 1_000_000;
const HOUR: u64 = 3_600_000 * MS;

fn breaker_policy(failures: u32) -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::Equal);
    let policy = BreakerPolicy::builder(open, Duration::from_millis(50));
    let policy = policy.trigger(Trigger::Consecutive { failures });
    policy.build().expect("a policy")
}

fn ask(tape: &mut Tape, id: u64, t_ns: u64) -> Option<AnyId> {
    let op = AnyOp::Breaker(breaker::Op::TryAcquire);
    tape.call(id, t_ns, op.clone()).given(&op)
}

fn report(tape: &mut Tape, id: u64, t_ns: u64, permit: AnyId, outcome: Outcome) -> AnyAnswer {
    let AnyId::Breaker(permit) = permit else {
        panic!("a permit of a breaker");
    };
    let latency_ns = 3 * MS;
    let op = breaker::Op::OnOutcome {
        permit,
        outcome,
        latency_ns,
    };
    tape.call(id, t_ns, AnyOp::Breaker(op))
}

/// Some hours of calls of three breakers; one call in eight fails, and machine 2 fails for good after `until`.
fn outage(calls: u64, until: u64) -> Tape {
    let mut tape = Tape::new(4);
    for id in 1..=3 {
        tape.add(id, &Breaker::new(breaker_policy(5)));
    }
    let mut pick = Pick::new(4);
    for call in 0..calls {
        let (id, t_ns) = (1 + call % 3, HOUR + call * 10 * MS);
        let Some(permit) = ask(&mut tape, id, t_ns) else {
            continue;
        };
        let fails = pick.one_in(8) || (id == 2 && call > until);
        let outcome = if fails {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        report(&mut tape, id, t_ns + 3 * MS, permit, outcome);
    }
    tape
}

#[test]
fn five_failures_in_a_row_are_five_asks_and_five_reports() {
    let tape = outage(3_000, 2_900);
    let shrunk = shrunk(&tape.loaded, "change:consecutive");
    assert_eq!(shrunk.ops_before, tape.loaded.entries.len());
    assert_eq!(
        (shrunk.ops_before > 5_900, shrunk.machines_before),
        (true, 3)
    );
    assert_eq!((shrunk.ops, shrunk.machines), (10, 1));
    assert_eq!(shrunk.text().lines().count(), 12);
    // It was moved from an hour after the begin to the first second of all times, and its latencies do not matter.
    let first = &shrunk.journal.entries[0];
    assert!(first.t_ns < 1_000 * MS, "{}", first.t_ns);
    assert!(!shrunk.text().contains("\"latency_ns\":3000000"));
    assert!(shrunk.text().contains("machine 2"));
}

#[test]
fn a_lost_probe_needs_the_outage_and_the_wait() {
    let mut tape = outage(3_000, 1_000);
    // The probe of the half-open phase is never reported.
    let t_ns = 2 * HOUR;
    assert!(ask(&mut tape, 2, t_ns).is_some());
    assert!(ask(&mut tape, 2, t_ns + 60 * MS).is_none());
    let shrunk = shrunk(&tape.loaded, "change:probe-lost@machine 2");
    assert_eq!((shrunk.ops, shrunk.machines), (12, 1));
}

#[test]
fn a_machine_is_named_by_its_name_or_its_id() {
    let tape = outage(900, 300);
    let by_name = shrunk(&tape.loaded, "refused:open@machine 2");
    assert_eq!(by_name, shrunk(&tape.loaded, "refused:open@2"));
    assert_eq!((by_name.ops, by_name.machines), (11, 1));
    for nobody in [
        "refused:open@machine 1",
        "refused:open@9",
        "refused:full",
        "differs",
    ] {
        let error = shrink(&tape.loaded, &property(nobody), EFFORT).expect_err(nobody);
        assert!(matches!(error, ShrinkError::NotShown(_)), "{error}");
        assert!(error.to_string().ends_with(nobody), "{error}");
    }
}

#[test]
fn a_state_that_matters_is_kept() {
    // Four failures stand in the snapshot: one more, and the breaker opens.
    let mut tape = outage(30, 30);
    let mut breaker = Breaker::new(breaker_policy(5));
    let mut words = evenkeel_replay::generate::Words::new(1);
    for _ in 0..4 {
        let grant = breaker.try_acquire(7, &mut words).expect("closed");
        let _ = breaker.on_outcome(7, grant.permit, Outcome::Failure, 0, &mut words);
    }
    tape.add(9, &breaker);
    for call in 0..30 {
        if let Some(permit) = ask(&mut tape, 9, HOUR + call) {
            report(&mut tape, 9, HOUR + call, permit, Outcome::Failure);
        }
    }
    let kept = shrunk(&tape.loaded, "change:consecutive");
    // The fresh machine is tried first, as its journal tells the whole story.
    assert_eq!((kept.ops, kept.machines), (2, 1));
    assert_eq!(kept.journal.headers[0].state, tape.loaded.headers[3].state);
}

#[test]
fn a_snapshot_after_a_gap_can_be_where_it_begins() {
    let mut tape = Tape::new(1);
    tape.add(2, &Breaker::new(breaker_policy(5)));
    let held = ask(&mut tape, 2, 5).expect("closed");
    // Four failures are lost.
    let mut breaker = Breaker::new(breaker_policy(5));
    let mut words = evenkeel_replay::generate::Words::new(1);
    for _ in 0..4 {
        let grant = breaker.try_acquire(7, &mut words).expect("closed");
        let _ = breaker.on_outcome(7, grant.permit, Outcome::Failure, 0, &mut words);
    }
    tape.header(2, &breaker, Some(8));
    report(&mut tape, 2, 9, held, Outcome::Failure);
    let kept = shrunk(&tape.loaded, "change:consecutive");
    assert_eq!((kept.ops, kept.journal.headers.len()), (1, 1));
    assert_eq!(kept.journal.headers[0].state, tape.loaded.headers[1].state);
    assert_eq!(kept.journal.headers[0].dropped, None);
}

/// A retry that is lent a breaker and tokens, which opens the breaker.
fn lending() -> Tape {
    let mut tape = Tape::new(2);
    let backoff = BackoffPolicy::builder(Duration::from_millis(5)).jitter(Jitter::Full);
    let policy = RetryPolicy::builder(backoff).max_attempts(3);
    let tokens = RetryTokensPolicy::builder(100_000).build().expect("tokens");
    tape.add(1, &Breaker::new(breaker_policy(4)));
    tape.add(2, &RetryTokens::new(tokens));
    tape.add(3, &Retry::new(policy.build().expect("a policy"), HOUR));
    let lent = Lent {
        breaker: Some(LentBreaker::Breaker(1)),
        budget: Some(2),
    };
    let mut t_ns = HOUR;
    for operation in 0..100 {
        tape.call(3, t_ns, AnyOp::Retry(retry::Op::Begin));
        loop {
            let op = AnyOp::Retry(retry::Op::Poll { lent: lent.clone() });
            let answer = tape.call(3, t_ns, op.clone());
            t_ns += 20 * MS;
            let Some(AnyId::Retry(attempt)) = answer.given(&op) else {
                match answer.verdict(&op) {
                    Some(evenkeel_replay::Verdict::Ended { .. }) => break,
                    _ => continue,
                }
            };
            let outcome = if operation < 90 && attempt == AttemptId::from_word(2) {
                AttemptOutcome::Success
            } else {
                AttemptOutcome::transient(RetryCause::Failure)
            };
            let lent = lent.clone();
            let op = retry::Op::OnOutcome {
                attempt,
                outcome,
                lent,
            };
            tape.call(3, t_ns, AnyOp::Retry(op));
        }
    }
    tape
}

#[test]
fn what_is_lent_stays_where_it_is_needed() {
    let tape = lending();
    let opened = shrunk(&tape.loaded, "change:consecutive@1");
    // Two operations of two attempts, or one of three and one of one: four polls and four reports, and a begin.
    assert_eq!((opened.ops, opened.machines), (9, 2), "{}", opened.text());
    let refused = shrunk(&tape.loaded, "ended:breaker-open");
    assert_eq!(
        (refused.ops, refused.machines),
        (10, 2),
        "{}",
        refused.text()
    );
    let used_up = shrunk(&tape.loaded, "ended:attempts");
    // Three attempts need neither the breaker nor the tokens.
    assert_eq!(
        (used_up.ops, used_up.machines),
        (7, 1),
        "{}",
        used_up.text()
    );
}

#[test]
fn effort_that_runs_out_is_told() {
    let tape = outage(3_000, 2_900);
    let fact = property("change:consecutive");
    let mut last = usize::MAX;
    for effort in [1, 8_000, 12_000, EFFORT] {
        let shrunk = shrink(&tape.loaded, &fact, effort).expect("the fact is there");
        assert_eq!(shrunk.is_minimal, effort == EFFORT);
        assert!(shrunk.ops <= last);
        assert!(evenkeel_replay::verify(Reader::new(shrunk.text().as_bytes())).is_ok());
        last = shrunk.ops;
    }
}
