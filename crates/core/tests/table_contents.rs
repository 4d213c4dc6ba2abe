//! What a table says of its contents: whether there are keys, how many a snapshot holds, what one key's breaker counted,
//! and what is left after an operator's command to forget.
#![cfg(feature = "alloc")]

use core::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, RecoveryBudget,
    RecoveryBudgetPolicy,
};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn rng() -> SplitMix64 {
    SplitMix64::seed_from_u64(1)
}

fn waits() -> BackoffBuilder {
    BackoffPolicy::builder(ns(10)).jitter(Jitter::None)
}

/// Forgotten 100 ns after the end of a hold.
fn holds(due_index: bool) -> BackoffTable<u64> {
    let policy = BackoffTablePolicy::builder(waits(), 100, ns(100)).due_index(due_index);
    BackoffTable::new(policy.build().expect("a policy"))
}

/// One failure opens for 10 ns, probes have 10 ns; forgotten after 100 ns.
fn breakers() -> BreakerTable<u64> {
    let breaker =
        BreakerPolicy::builder(waits(), ns(10)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a breaker");
    let policy = BreakerTablePolicy::builder(breaker, 100, ns(100));
    BreakerTable::new(policy.build().expect("a policy"))
}

/// Two recoveries in 100 ns.
fn recoveries() -> RecoveryBudget<u64> {
    let policy = RecoveryBudgetPolicy::builder(waits(), 2, ns(100), 100);
    RecoveryBudget::new(policy.build().expect("a policy"))
}

/// Empty, then with the keys 7 and 8: the number of keys, of the table and of its snapshot, and whether there are none.
macro_rules! counts {
    ($table:expr, $told:expr) => {{
        let mut table = $table;
        let state = table.state();
        assert_eq!((table.len(), state.len()), (0, 0));
        assert!(table.is_empty() && state.is_empty());
        for key in [7, 8] {
            $told(&mut table, key);
        }
        let state = table.state();
        assert_eq!((table.len(), state.len()), (2, 2));
        assert!(!table.is_empty() && !state.is_empty());
    }};
}

#[test]
fn a_table_and_its_snapshot_say_how_many_keys_they_hold() {
    counts!(holds(false), |table: &mut BackoffTable<u64>, key| {
        let _ = table.on_failure(0, &key, &mut rng());
    });
    counts!(breakers(), |table: &mut BreakerTable<u64>, key| {
        let _ = table.try_acquire(0, &key, &mut rng());
    });
    counts!(recoveries(), |table: &mut RecoveryBudget<u64>, key| {
        let _ = table.try_recover(0, &key, &mut rng());
    });
}

#[test]
fn a_key_that_an_operator_forgets_is_as_if_it_had_never_failed() {
    let mut table = holds(false);
    let _ = table.on_failure(0, &7, &mut rng());
    let _ = table.on_failure(0, &7, &mut rng());
    assert!(table.forget(3, &7), "something was held against it");
    assert!(table.try_acquire(3, &7).is_ok());
    assert!(!table.forget(3, &7), "nothing is known any more");
    let hold = table.on_failure(3, &7, &mut rng()).expect("room");
    assert_eq!((hold.attempt, hold.until_ns), (1, Some(13)));

    let mut budget = recoveries();
    for _ in 0..2 {
        let _ = budget.try_recover(0, &7, &mut rng());
    }
    assert!(budget.try_recover(3, &7, &mut rng()).is_err());
    assert!(budget.forget(3, &7), "grants were remembered");
    assert!(!budget.forget(3, &7), "nothing is known any more");
    let recovery = budget.try_recover(3, &7, &mut rng()).expect("a new budget");
    assert_eq!((recovery.attempt, recovery.remaining), (1, 1));
}

#[test]
fn what_one_keys_breaker_counted_is_told_while_it_is_there() {
    let mut table = breakers();
    for now_ns in [0, 1, 2] {
        let _ = table.try_acquire(now_ns, &7, &mut rng());
    }
    let _ = table.try_acquire(2, &8, &mut rng());
    let admitted = |now_ns, key| table.stats_of(now_ns, &key).map(|stats| stats.admitted);
    assert_eq!(
        [7, 8, 9].map(|key| admitted(2, key)),
        [Some(3), Some(1), None]
    );
    assert_eq!(
        [101, 102].map(|now_ns| admitted(now_ns, 7)),
        [Some(3), None]
    );
}

/// Without the index there is nothing to spread over calls: forgotten keys are dropped all at once, when room is needed.
#[test]
fn without_the_index_nothing_is_dropped_by_measure() {
    for (due_index, dropped) in [(true, 3), (false, 0)] {
        let mut table = holds(due_index);
        for key in 0..3 {
            let _ = table.on_failure(0, &key, &mut rng());
        }
        assert_eq!(table.drop_forgotten(1_000, 100), dropped);
        assert_eq!(table.len() as u32, 3 - dropped);
    }
}

/// A table of many keys has grown since they came: what it knew of each, it still does.
#[test]
fn what_is_known_of_a_key_is_the_same_among_many_as_alone() {
    let table = |max_keys, due_index| {
        let backoff = waits().cap(ns(1 << 40)).jitter(Jitter::Decorrelated);
        let policy = BackoffTablePolicy::builder(backoff, max_keys, ns(100)).due_index(due_index);
        BackoffTable::<u64>::new(policy.build().expect("a policy"))
    };
    for due_index in [false, true] {
        let keys = 5_000;
        let mut many = table(keys, due_index);
        let mut alone: Vec<_> = (0..keys).map(|_| table(1, due_index)).collect();
        for turn in 0..4 {
            for (key, alone) in (0..).zip(&mut alone) {
                let [mut one, mut other] =
                    [turn, turn].map(|it| SplitMix64::seed_from_u64(key * 4 + it));
                let held = many.on_failure(turn, &key, &mut one).expect("room");
                assert_eq!(Ok(held), alone.on_failure(turn, &key, &mut other), "{key}");
            }
        }
        // Each fourth goes, and others come: nobody has what another had.
        for key in (0..u64::from(keys)).step_by(4) {
            assert!(many.on_success(4, &key));
            let new = key + u64::from(keys);
            let [mut one, mut other] = [0; 2].map(SplitMix64::seed_from_u64);
            let held = many.on_failure(4, &new, &mut one).expect("room");
            assert_eq!(
                Ok(held),
                table(1, due_index).on_failure(4, &new, &mut other)
            );
        }
        for (key, alone) in (0..).zip(&alone).filter(|(key, _)| key % 4 != 0) {
            assert_eq!(many.get(4, &key), alone.get(4, &key));
        }
    }
}
