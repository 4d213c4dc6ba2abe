//! Tables as collections: `for` over them, keys of any kind, `Debug` in one line however many keys there are, and an index
//! whose memory is bounded by the keys, whatever they wait for.
#![cfg(feature = "alloc")]

use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::collections::BTreeSet;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Phase, Trigger};
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, FixedState, RecoveryBudget,
    RecoveryBudgetPolicy,
};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

const MANY: u64 = 20_000;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn waits() -> evenkeel_core::backoff::BackoffBuilder {
    BackoffPolicy::builder(ns(10))
        .cap(ns(40))
        .jitter(Jitter::None)
}

fn backoffs<K>() -> BackoffTable<K> {
    let policy = BackoffTablePolicy::builder(waits(), 100_000, ns(1_000));
    BackoffTable::new(policy.build().expect("a policy"))
}

fn breakers<K>() -> BreakerTable<K> {
    let breaker =
        BreakerPolicy::builder(waits(), ns(10)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a breaker");
    let policy = BreakerTablePolicy::builder(breaker, 100_000, ns(1_000));
    BreakerTable::new(policy.build().expect("a policy"))
}

fn budgets<K>() -> RecoveryBudget<K> {
    let policy = RecoveryBudgetPolicy::builder(waits(), 3, ns(500), 100_000);
    RecoveryBudget::new(policy.build().expect("a policy"))
}

/// The index has room for each thing that a key can wait for.
#[test]
fn keys_that_wait_for_something_else_take_no_further_memory() {
    let mut rng = SplitMix64::seed_from_u64(1);
    let policy = BackoffTablePolicy::builder(waits(), 100_000, ns(1_000)).due_index(true);
    let mut table: BackoffTable<u64> = BackoffTable::new(policy.build().expect("a policy"));
    for key in 0..MANY {
        let _ = table.on_failure(0, &key, &mut rng);
    }
    let held = table.heap_bytes();
    // The holds are over: from now on each key waits to be forgotten.
    let mut over = 0;
    while table.pop_ready(10).is_some() {
        over += 1;
    }
    assert_eq!((over, table.len() as u64), (MANY, MANY));
    let idle = table.heap_bytes();
    assert_eq!(idle, held);
}

#[test]
fn a_table_is_shown_in_one_line_however_full() {
    let mut rng = SplitMix64::seed_from_u64(1);
    let (mut holds, mut breakers, mut budget) = (backoffs(), breakers(), budgets());
    for key in 0..1_000_u64 {
        let _ = holds.on_failure(0, &key, &mut rng);
        let _ = breakers.try_acquire(0, &key, &mut rng);
        let _ = budget.try_recover(0, &key, &mut rng);
    }
    for (name, shown) in [
        ("BackoffTable", format!("{holds:?}")),
        ("BreakerTable", format!("{breakers:?}")),
        ("RecoveryBudget", format!("{budget:?}")),
    ] {
        assert!(shown.starts_with(name), "{shown}");
        assert!(shown.contains("len: 1000"), "{shown}");
        assert!(shown.len() < 4_000, "{name} takes {} bytes", shown.len());
    }
    let mut left = holds.iter();
    let _ = left.next();
    assert_eq!(format!("{left:?}"), "BackoffTableIter { left: 999, .. }");
    let gate = format!("{:?}", breakers.gate(&7));
    assert_eq!(gate, "KeyGate { key: 7, .. }");
}

#[test]
fn a_for_loop_goes_through_all_keys() {
    let mut rng = SplitMix64::seed_from_u64(1);
    let (mut holds, mut breakers, mut budget) = (backoffs(), breakers(), budgets());
    for key in ["a", "b", "c"].map(String::from) {
        let _ = holds.on_failure(0, key.as_str(), &mut rng);
        let granted = breakers.try_acquire(0, key.as_str(), &mut rng);
        let permit = granted.expect("a new key").answer.permit;
        let _ = breakers.on_outcome(0, key.as_str(), permit, Outcome::Failure, 0, &mut rng);
        let _ = budget.try_recover(0, key.as_str(), &mut rng);
    }
    let mut keys = String::new();
    for (key, hold) in &holds {
        assert_eq!(hold.until_ns, Some(10));
        keys += key;
    }
    for (key, phase) in &breakers {
        assert_eq!(phase, Phase::Open);
        keys += key;
    }
    for (key, _) in &budget {
        keys += key;
    }
    assert_eq!(keys, "abcabcabc");
}

/// Each key is its own, and has a hash of its own, whichever of the hasher's methods it is fed through.
#[test]
fn keys_of_every_width_are_told_apart() {
    fn all_apart<K: Copy + Eq + Hash>(keys: impl Iterator<Item = K> + Clone) {
        let mut rng = SplitMix64::seed_from_u64(1);
        let mut table: BackoffTable<K> = backoffs();
        let mut hashes = BTreeSet::new();
        for key in keys.clone() {
            assert!(table.try_acquire(0, &key).is_ok());
            let _ = table.on_failure(0, &key, &mut rng);
            hashes.insert(FixedState.hash_one(key));
        }
        let count = keys.clone().count();
        assert_eq!((table.len(), hashes.len()), (count, count));
        for key in keys {
            assert!(table.try_acquire(0, &key).is_err());
        }
    }
    all_apart(0..=u8::MAX);
    all_apart(0..=u16::MAX);
    all_apart((0..1_000_u32).map(|key| key << 20));
    all_apart((0..1_000_u128).map(|key| key << 100));
    all_apart((0..1_000_usize).map(|key| (key as u16, key as u64)));
    all_apart((0..=u16::MAX).map(|key| [key as u8, (key >> 8) as u8]));
}
