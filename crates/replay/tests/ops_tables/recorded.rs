//! A recorder has the methods of its table, and its journal gives the same answers again.

use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Health, Mode, Outcome, Permit, Trigger};
use evenkeel_core::retry::BreakerGate;
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, RecoveryBudget,
    RecoveryBudgetPolicy,
};
use evenkeel_replay::any::AnyMachine;
use evenkeel_replay::generate::Words;
use evenkeel_replay::journal::{self, Journal};
use evenkeel_replay::words::Replaying;

use crate::json::text;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// The recorded calls as text, each of which gives the recorded answer again.
fn replayed(journal: &Journal) -> Vec<String> {
    let mut lines = Vec::new();
    let summary = journal.dump(&mut lines).expect("it is in memory");
    let loaded = journal::load(&lines[..]);
    assert_eq!(loaded.damage, None);
    assert_eq!(loaded.entries.len() as u64, summary.ops);
    let header = loaded.header(0).expect("it was recorded");
    let machine = AnyMachine::restore(header.kind, &header.policy, &header.state);
    let mut machine = machine.expect("its own state");
    let calls = loaded.entries.iter().map(|entry| {
        let mut words = Replaying::new(&entry.words);
        let answer = machine.apply(entry.t_ns, &entry.op, &mut words);
        assert_eq!(answer.as_ref(), Some(&entry.answer));
        assert_eq!((words.left(), words.missing()), (0, 0));
        format!("{}: {}", entry.t_ns, text(&entry.op))
    });
    calls.collect()
}

/// Makes the call of a table and of its recorder: both return the same.
macro_rules! both {
    ([$plain:ident, $recorded:ident, $words:ident], |$table:ident, $rng:ident| $call:expr) => {{
        let by_plain = {
            let ($table, $rng) = (&mut $plain, &mut $words.0);
            $call
        };
        let by_recorded = {
            let ($table, $rng) = (&mut $recorded, &mut $words.1);
            $call
        };
        assert_eq!(by_plain, by_recorded);
        by_recorded
    }};
}

#[test]
fn a_recorded_backoff_table_has_the_same_methods() {
    let backoff = BackoffPolicy::builder(ns(100));
    let policy = BackoffTablePolicy::builder(backoff, 2, ns(500)).due_index(true);
    let mut plain = BackoffTable::<String>::new(policy.build().expect("a policy"));
    let journal = Journal::in_memory();
    let mut table = journal.record("peers", plain.clone());
    let mut words = (Words::new(3), Words::new(3));

    let _ = both!([plain, table, words], |table, rng| table
        .on_failure(0, "anna", rng));
    let advice = Advice::RetryAt { at_ns: 250 };
    let _ = both!([plain, table, words], |table, rng| table
        .on_advice(1, "boris", advice, rng));
    let full = both!([plain, table, words], |table, rng| table
        .on_failure(2, "clara", rng));
    assert!(full.is_err());
    let refused = both!([plain, table, words], |table, _rng| table
        .try_acquire(3, "boris"));
    assert!(refused.is_err());
    assert_eq!(plain.pop_ready(300).cloned(), table.pop_ready(300));
    assert_eq!(plain.pop_ready(300).cloned(), table.pop_ready(300));
    assert_eq!(table.pop_ready(300), None);
    assert!(both!([plain, table, words], |table, _rng| table
        .on_success(301, "boris")));
    assert!(!both!([plain, table, words], |table, _rng| table
        .forget(301, "boris")));
    assert!(
        both!([plain, table, words], |table, _rng| table
            .try_acquire(302, "anna"))
        .is_ok()
    );
    let dropped = both!([plain, table, words], |table, _rng| table
        .drop_forgotten(9_999, 5));
    assert_eq!((dropped, table.len()), (1, 0));
    assert_eq!(plain.state(), table.into_machine().state());

    let calls = [
        r#"0: {"on_failure":{"key":"anna"}}"#,
        r#"1: {"on_advice":{"key":"boris","advice":{"retry-at":{"at_ns":250}}}}"#,
        r#"2: {"on_failure":{"key":"clara"}}"#,
        r#"3: {"try_acquire":{"key":"boris"}}"#,
        r#"300: "pop_ready""#,
        r#"300: "pop_ready""#,
        r#"300: "pop_ready""#,
        r#"301: {"on_success":{"key":"boris"}}"#,
        r#"301: {"forget":{"key":"boris"}}"#,
        r#"302: {"try_acquire":{"key":"anna"}}"#,
        r#"9999: {"drop_forgotten":{"at_most":5}}"#,
    ];
    assert_eq!(replayed(&journal), calls);
}

#[test]
fn a_recorded_recovery_budget_has_the_same_methods() {
    let backoff = BackoffPolicy::builder(ns(100));
    let policy = RecoveryBudgetPolicy::builder(backoff, 1, ns(500), 2);
    let mut plain = RecoveryBudget::<u64>::new(policy.build().expect("a policy"));
    let journal = Journal::in_memory();
    let mut budget = journal.record("", plain.clone());
    let mut words = (Words::new(3), Words::new(3));

    assert!(
        both!([plain, budget, words], |budget, rng| budget
            .try_recover(0, &7, rng))
        .is_ok()
    );
    assert!(
        both!([plain, budget, words], |budget, rng| budget
            .try_recover(1, &7, rng))
        .is_err()
    );
    assert!(
        both!([plain, budget, words], |budget, rng| budget
            .try_recover(2, &8, rng))
        .is_ok()
    );
    assert!(both!([plain, budget, words], |budget, _rng| budget
        .on_success(3, &7)));
    assert!(both!([plain, budget, words], |budget, _rng| budget.forget(4, &8)));
    assert_eq!(budget.remaining(5, &8), 1);
    assert_eq!(plain.state(), budget.into_machine().state());

    let calls = [
        r#"0: {"try_recover":{"key":7}}"#,
        r#"1: {"try_recover":{"key":7}}"#,
        r#"2: {"try_recover":{"key":8}}"#,
        r#"3: {"on_success":{"key":7}}"#,
        r#"4: {"forget":{"key":8}}"#,
    ];
    assert_eq!(replayed(&journal), calls);
}

fn breaker_table() -> BreakerTable<String> {
    let open = BackoffPolicy::builder(ns(100)).jitter(Jitter::Equal);
    let breaker =
        BreakerPolicy::builder(open, ns(50)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a policy");
    let policy = BreakerTablePolicy::builder(breaker, 2, ns(1_000));
    BreakerTable::new(policy.build().expect("a policy"))
}

#[test]
fn a_recorded_breaker_table_has_the_same_methods() {
    let mut plain = breaker_table();
    let journal = Journal::in_memory();
    let mut table = journal.record("hosts", plain.clone());
    let mut words = (Words::new(3), Words::new(3));

    let granted = both!([plain, table, words], |table, rng| table
        .try_acquire(0, "a", rng));
    let of_a = granted.expect("it is closed").answer.permit.id();
    let _ = both!([plain, table, words], |table, rng| {
        let permit = Permit::from_id(of_a);
        table.on_outcome(5, "a", permit, Outcome::Failure, 5, rng)
    });
    assert!(
        both!([plain, table, words], |table, rng| table
            .try_acquire(6, "a", rng))
        .is_err()
    );
    let due = plain
        .poll(200)
        .map(|due| (due.key.cloned(), due.transitions));
    let told = table.poll(200).map(|due| (due.key, due.transitions));
    assert!(due.is_some());
    assert_eq!(due, told);
    assert_eq!(table.poll(200), None);
    let _ = both!([plain, table, words], |table, _rng| table.on_health(
        201,
        "a",
        Health::Up
    ));
    let mode = Mode::ForcedOpen;
    let set = both!([plain, table, words], |table, _rng| table
        .set_mode(202, "b", mode));
    let full = both!([plain, table, words], |table, _rng| table
        .set_mode(203, "c", mode));
    assert!(set.is_ok() && full.is_err());
    let reset = both!([plain, table, words], |table, _rng| table.reset(204, "a"));
    assert!(!reset.is_empty());
    assert!(both!([plain, table, words], |table, _rng| table.forget(205, "b")));
    assert_eq!(plain.state(), table.into_machine().state());

    let failed = r#""outcome":"failure","latency_ns":5"#;
    let failed = format!(r#"{{"key":"a","permit":{},{failed}}}"#, text(&of_a));
    let calls = [
        r#"0: {"try_acquire":{"key":"a"}}"#,
        &format!(r#"5: {{"on_outcome":{failed}}}"#),
        r#"6: {"try_acquire":{"key":"a"}}"#,
        r#"200: "poll""#,
        r#"200: "poll""#,
        r#"201: {"on_health":{"key":"a","health":"up"}}"#,
        r#"202: {"set_mode":{"key":"b","mode":"forced-open"}}"#,
        r#"203: {"set_mode":{"key":"c","mode":"forced-open"}}"#,
        r#"204: {"reset":{"key":"a"}}"#,
        r#"205: {"forget":{"key":"b"}}"#,
    ];
    assert_eq!(replayed(&journal), calls);
}

/// What goes through a gate is a call of the table.
#[test]
fn a_recorded_gate_is_recorded() {
    let mut plain = breaker_table();
    let journal = Journal::in_memory();
    let mut table = journal.record("hosts", plain.clone());
    let mut words = (Words::new(3), Words::new(3));

    for at_ns in [0, 10] {
        let grant = both!([plain, table, words], |table, rng| {
            table.gate("a").try_acquire(at_ns, rng)
        });
        let Ok(grant) = grant else { continue };
        let _ = both!([plain, table, words], |table, rng| {
            let permit = Permit::from_id(grant.permit.id());
            let mut gate = table.gate("a");
            gate.on_outcome(at_ns, permit, Outcome::Failure, 1, rng)
        });
    }
    assert_eq!(plain.state(), table.into_machine().state());
    let calls = replayed(&journal);
    assert_eq!(calls.len(), 3, "it is open at the second ask: {calls:?}");
    assert_eq!(calls[0], r#"0: {"try_acquire":{"key":"a"}}"#);
    assert!(calls[1].starts_with(r#"0: {"on_outcome":{"key":"a","permit":"#));
    assert_eq!(calls[2], r#"10: {"try_acquire":{"key":"a"}}"#);
}
