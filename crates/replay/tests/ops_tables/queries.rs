//! A query as a value is the query of the table.

use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::{Machine, backoff_table, breaker_table, recovery_budget};

/// Tables in the middle of their work, under every policy, and the time.
fn at_work<M: Generate + Clone>(mut show: impl FnMut(u64, &M)) {
    for number in 0..M::POLICIES {
        let (_, policy) = M::sample_policy(number).expect("a policy for each number");
        let mut pilot = Pilot::<M>::new(policy, Times::Tame, 9);
        for _ in 0..100 {
            let (now_ns, op) = pilot.next_call();
            let _ = pilot.go(now_ns, &op);
            show(now_ns, pilot.machine());
        }
    }
}

fn ask<M: Machine + Clone>(table: &M, now_ns: u64, op: &M::Op) -> M::Answer {
    table.clone().apply(now_ns, op, &mut Words::new(1))
}

#[test]
fn of_a_backoff_table() {
    use backoff_table::{Answer, Op};

    at_work(|now_ns, table: &BackoffTable<u64>| {
        for key in 0..7 {
            let peeked = Answer::Peek(table.peek(now_ns, &key));
            assert_eq!(ask(table, now_ns, &Op::Peek { key }), peeked);
            let hold = Answer::Hold(table.get(now_ns, &key));
            assert_eq!(ask(table, now_ns, &Op::Get { key }), hold);
        }
        let hold = Answer::Hold(table.overflow(now_ns));
        assert_eq!(ask(table, now_ns, &Op::Overflow), hold);
        let holds = table.iter().map(|(key, hold)| (*key, hold)).collect();
        assert_eq!(ask(table, now_ns, &Op::Iter), Answer::Holds(holds));
    });
}

#[test]
fn of_a_recovery_budget() {
    use recovery_budget::{Answer, Op};

    at_work(|now_ns, budget: &RecoveryBudget<u64>| {
        for key in 0..6 {
            let peeked = Answer::Peek(budget.peek(now_ns, &key));
            assert_eq!(ask(budget, now_ns, &Op::Peek { key }), peeked);
            let left = Answer::Remaining(budget.remaining(now_ns, &key));
            assert_eq!(ask(budget, now_ns, &Op::Remaining { key }), left);
            let made = Answer::Attempts(budget.attempts(now_ns, &key));
            assert_eq!(ask(budget, now_ns, &Op::Attempts { key }), made);
        }
        let grants = budget.iter().map(|(key, at_ns)| (*key, at_ns)).collect();
        assert_eq!(ask(budget, now_ns, &Op::Iter), Answer::Grants(grants));
    });
}

#[test]
fn of_a_breaker_table() {
    use breaker_table::{Answer, Op};

    at_work(|now_ns, table: &BreakerTable<u64>| {
        for key in 0..6 {
            let phase = Answer::Phase(table.phase(now_ns, &key));
            assert_eq!(ask(table, now_ns, &Op::Phase { key }), phase);
            let peeked = Answer::Peek(table.peek(now_ns, &key));
            assert_eq!(ask(table, now_ns, &Op::Peek { key }), peeked);
            let tracked = Answer::Tracks(table.tracks(now_ns, &key));
            assert_eq!(ask(table, now_ns, &Op::Tracks { key }), tracked);
            let stats = Answer::StatsOf(table.stats_of(now_ns, &key));
            assert_eq!(ask(table, now_ns, &Op::StatsOf { key }), stats);
        }
        let phase = Answer::Phase(table.overflow_phase(now_ns));
        assert_eq!(ask(table, now_ns, &Op::OverflowPhase), phase);
        let stats = Answer::Stats(table.stats(now_ns));
        assert_eq!(ask(table, now_ns, &Op::Stats), stats);
        let phases = table.iter().map(|(key, phase)| (*key, phase)).collect();
        assert_eq!(ask(table, now_ns, &Op::Iter), Answer::Phases(phases));
    });
}
