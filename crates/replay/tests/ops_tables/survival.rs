//! Random calls and their answers survive JSON, and a restored copy answers the same.

use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};
use evenkeel_replay::generate::{Generate, Words};
use evenkeel_replay::{Key, Machine, backoff_table};

use crate::made_up::made_up;

#[test]
fn backoff_table_calls_survive() {
    let calls = made_up::<BackoffTable<u64>>();
    let [ops, answers] = calls.clone();
    let names = "drop_forgotten forget get iter on_advice on_failure on_success overflow peek \
                 pop_ready try_acquire";
    assert_eq!(ops, names);
    let names = "admitted cleared dropped full held hold holds peek ready refused";
    assert_eq!(answers, names);
    assert_eq!(made_up::<BackoffTable<Key>>(), calls);
}

#[test]
fn recovery_budget_calls_survive() {
    let calls = made_up::<RecoveryBudget<u64>>();
    let [ops, answers] = calls.clone();
    let names = "attempts forget iter on_success peek remaining try_recover";
    assert_eq!(ops, names);
    let names = "attempts cleared grants peek recovery refused remaining";
    assert_eq!(answers, names);
    assert_eq!(made_up::<RecoveryBudget<Key>>(), calls);
}

#[test]
fn breaker_table_calls_survive() {
    let calls = made_up::<BreakerTable<u64>>();
    let [ops, answers] = calls.clone();
    let names = "forget iter on_health on_outcome overflow_phase peek phase poll reset set_mode \
                 stats stats_of tracks try_acquire";
    assert_eq!(ops, names);
    let names = "due forgotten full granted health peek phase phases receipt refused stats \
                 stats-of tracks transitions";
    assert_eq!(answers, names);
    assert_eq!(made_up::<BreakerTable<Key>>(), calls);
}

/// A file may begin with a snapshot, which does not hold what is forgotten: no answer may tell whether it is there.
#[test]
fn how_many_keys_were_dropped_is_no_answer() {
    let (_, policy) = BackoffTable::<u64>::sample_policy(0).expect("with the index");
    let mut kept = BackoffTable::<u64>::new(policy);
    let _ = kept.on_failure(0, &7, &mut Words::new(1));
    assert!(kept.try_acquire(1 << 40, &8).is_ok()); // 7 is forgotten
    let mut restored = BackoffTable::<u64>::restore(policy, kept.state()).expect("its own state");
    let (drop, words) = (
        backoff_table::Op::DropForgotten { at_most: 9 },
        &mut Words::new(1),
    );
    assert_eq!([kept.len(), restored.len()], [1, 0]);
    let answers = [&mut kept, &mut restored].map(|table| table.apply(1 << 40, &drop, words));
    assert_eq!(answers[0], answers[1]);
    assert_eq!([kept.len(), restored.len()], [0, 0]);
}
