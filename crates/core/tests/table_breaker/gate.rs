//! One key of a table in the place of a breaker: a retry for each host, through one table.

use core::time::Duration;
use std::error::Error;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Outcome, Phase};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, BreakerGate, End, Parts, Retry, RetryPolicy,
};
use evenkeel_core::table::{BreakerTable, FixedState, KeyGate};

use crate::facts::{fail, table};
use crate::words::Words;

const fn is_send<T: Send>() {}

/// A gate may be held across an await by whoever may hold its table and key.
const _: () = is_send::<KeyGate<'_, String, str, FixedState>>();
const _: () = is_send::<KeyGate<'_, u64, u64, FixedState>>();

fn one_call(hosts: &mut BreakerTable<u64>, now_ns: u64, host: u64, fails: bool) -> Option<End> {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).build();
    let mut retry = Retry::new(policy.expect("a policy"), now_ns);
    let words = &mut Words::new(0);
    for attempt in (1..4).map(AttemptId::from_word) {
        let mut gate = hosts.gate(&host);
        let _ = retry.poll(now_ns, &mut Parts::none().with_breaker(&mut gate), words);
        let outcome = if fails {
            AttemptOutcome::transient(RetryCause::Failure)
        } else {
            AttemptOutcome::Success
        };
        let mut gate = hosts.gate(&host);
        let mut parts = Parts::none().with_breaker(&mut gate);
        let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, words);
    }
    retry.end()
}

#[test]
fn a_retry_goes_through_the_breaker_of_its_host_and_no_other() {
    let mut hosts = table(10, 1_000);
    let end = one_call(&mut hosts, 0, 7, true).map(End::name);
    assert_eq!(end, Some("breaker-open"), "one failure opens");
    let end = one_call(&mut hosts, 0, 8, false);
    assert_eq!(end.map(End::name), Some("succeeded"));
    let phases = [7, 8, 9].map(|host| hosts.phase(0, &host));
    assert_eq!(phases, [Phase::Open, Phase::Closed, Phase::Closed]);
    // After its wait the probe goes out through the same gate, and closes it.
    let end = one_call(&mut hosts, 20, 7, false);
    assert_eq!(
        (end.map(End::name), hosts.phase(20, &7)),
        (Some("succeeded"), Phase::Closed)
    );
}

/// What the gate says is what the table says.
#[test]
fn a_gate_answers_as_its_table_does() {
    let [mut hosts, mut plain] = [table(2, 100), table(2, 100)];
    for now_ns in 0..400 {
        let (key, words) = (now_ns % 4, &mut Words::new(now_ns));
        let outcome = if now_ns % 3 == 0 {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let told = hosts.gate(&key).try_acquire(now_ns, words);
        let expected = plain.try_acquire(now_ns, &key, words);
        match (told, expected) {
            (Ok(grant), Ok(expected)) => {
                let (permit, other) = (grant.permit, expected.answer.permit);
                assert_eq!(permit.id(), other.id());
                let told = hosts
                    .gate(&key)
                    .on_outcome(now_ns, permit, outcome, 0, words);
                let expected = plain.on_outcome(now_ns, &key, other, outcome, 0, words);
                assert_eq!(told, expected.answer);
            }
            (Err(refused), Err(expected)) => assert_eq!(refused, expected.answer),
            (told, expected) => panic!("{told:?} where the table says {expected:?}"),
        }
        assert_eq!(hosts.state(), plain.state());
    }
}

/// Refusals of either question go through `?`.
#[test]
fn refusals_are_errors() {
    fn asked(table: &mut BreakerTable<u64>) -> Result<(), Box<dyn Error>> {
        table.peek(5, &7)?;
        let _ = table.try_acquire(5, &7, &mut Words::new(0))?;
        Ok(())
    }
    let mut table = table(1, 100);
    assert!(asked(&mut table).is_ok());
    let _ = fail(&mut table, 5, 7);
    let refused = asked(&mut table).expect_err("open").to_string();
    assert_eq!(refused, "refused: open");
    let _ = fail(&mut table, 5, 8);
    let refused = table.peek(5, &9).expect_err("open").to_string();
    assert_eq!(refused, "refused: open, of all keys that are not tracked");
}
