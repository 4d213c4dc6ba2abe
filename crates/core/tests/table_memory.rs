//! The memory of tables: what `heap_bytes` says of a full one, that rows double while a table grows and never grow past what
//! its keys need, and that keys which come and go cost no memory and no new rows.
#![cfg(feature = "alloc")]

use core::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, BreakerState, Trigger};
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, RecoveryBudget,
    RecoveryBudgetPolicy,
};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

/// One more than a power of two: rows that only double would be nearly twice as long as they need be.
const MANY: u32 = 1_025;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn rng() -> SplitMix64 {
    SplitMix64::seed_from_u64(1)
}

fn waits(jitter: Jitter) -> BackoffBuilder {
    BackoffPolicy::builder(ns(10)).cap(ns(40)).jitter(jitter)
}

fn holds(max_keys: u32, due_index: bool) -> BackoffTable<u64> {
    let policy = BackoffTablePolicy::builder(waits(Jitter::None), max_keys, ns(1_000));
    BackoffTable::new(policy.due_index(due_index).build().expect("a policy"))
}

fn breakers(max_keys: u32) -> BreakerTable<u64> {
    let breaker = BreakerPolicy::builder(waits(Jitter::None), ns(10))
        .trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a breaker");
    let policy = BreakerTablePolicy::builder(breaker, max_keys, ns(1_000));
    BreakerTable::new(policy.build().expect("a policy"))
}

fn recoveries(jitter: Jitter, budget: u32, max_keys: u32) -> RecoveryBudget<u64> {
    let policy = RecoveryBudgetPolicy::builder(waits(jitter), budget, ns(500), max_keys);
    RecoveryBudget::new(policy.build().expect("a policy"))
}

/// Lets the keys of a table in, one by one; the bytes after each.
fn grown(keys: u32, mut come: impl FnMut(u64) -> usize) -> Vec<usize> {
    (0..u64::from(keys)).map(&mut come).collect()
}

fn grown_holds(max_keys: u32, due_index: bool) -> Vec<usize> {
    let mut table = holds(max_keys, due_index);
    grown(max_keys, |key| {
        let _ = table.on_failure(0, &key, &mut rng()).expect("room");
        table.heap_bytes()
    })
}

fn grown_recoveries(jitter: Jitter, budget: u32, max_keys: u32) -> Vec<usize> {
    let mut table = recoveries(jitter, budget, max_keys);
    grown(max_keys, |key| {
        let _ = table.try_recover(0, &key, &mut rng()).expect("room");
        table.heap_bytes()
    })
}

fn grown_breakers(max_keys: u32) -> Vec<usize> {
    let mut table = breakers(max_keys);
    grown(max_keys, |key| {
        let _ = table.try_acquire(0, &key, &mut rng()).expect("room");
        table.heap_bytes()
    })
}

fn full(grown: &[usize]) -> usize {
    *grown.last().expect("a key")
}

fn assert_each(bytes: usize, keys: u32, least: usize, most: usize) {
    let each = bytes as f64 / f64::from(keys);
    assert!(
        (least as f64..=most as f64).contains(&each),
        "{each} bytes for each of {keys} keys, not {least} to {most}"
    );
}

/// Slots are five in a group, beside a word. In a full table ten groups hold 32 keys, 40 of many, 45 of large slots.
const fn places(keys: usize, in_ten: usize) -> usize {
    (keys * 10).div_ceil(in_ten) * 5
}

/// Per key of 8 bytes, as the pages of the tables say it.
#[test]
fn a_full_table_takes_what_its_page_says() {
    for (keys, holds) in [(1_000, 40), (4_096, 40), (4_097, 32), (7_169, 32)] {
        assert_each(full(&grown_holds(keys, false)), keys, holds, holds + 1);
        // A third of it in the index.
        let (least, most) = (holds + holds / 3, holds + holds / 3 + 2);
        assert_each(full(&grown_holds(keys, true)), keys, least, most);
    }
    for keys in [5_000, 7_168] {
        // 32 bytes and a quarter more than that, and 2; three grants; 5 in the index.
        assert_each(full(&grown_recoveries(Jitter::None, 3, keys)), keys, 76, 79);
    }
    for keys in [1_000, 7_168] {
        // The key, the breaker and 32 bytes, a ninth more than that, and 2; 5 in the index.
        let slot = size_of::<BreakerState>() + 40;
        let each = slot * 10 / 9 + 7;
        assert_each(full(&grown_breakers(keys)), keys, each, each + 2);
    }
}

/// Keys that come and go leave nothing behind that takes memory.
#[test]
fn a_table_that_has_seen_many_keys_takes_what_its_page_says() {
    for (keys, each) in [(1_000, 40), (7_169, 32)] {
        let mut table = holds(keys, false);
        for key in 0..20 * u64::from(keys) {
            if let Some(old) = key.checked_sub(keys.into()) {
                assert!(table.on_success(0, &old));
            }
            let _ = table.on_failure(0, &key, &mut rng()).expect("room");
            if key > keys.into() {
                assert_each(table.heap_bytes(), keys, each, each + 1);
            }
        }
    }
}

/// The nodes of a tournament over so many groups that are no leaves have four children each, of 16 bytes.
const fn tournament(groups: usize) -> usize {
    (groups - 1).div_ceil(3) * 64
}

#[test]
fn the_index_takes_a_tournament_for_each_queue_a_grant_8_a_place_and_a_wait_8() {
    let keys = MANY as usize;
    let index = full(&grown_holds(MANY, true)) - full(&grown_holds(MANY, false));
    assert_eq!(index, 2 * tournament(places(keys, 32) / 5));
    let recoveries = |jitter, budget| full(&grown_recoveries(jitter, budget, MANY));
    let one = recoveries(Jitter::None, 1);
    assert_eq!(recoveries(Jitter::None, 4) - one, 3 * 8 * places(keys, 32));
    assert_eq!(
        recoveries(Jitter::Decorrelated, 1) - one,
        8 * places(keys, 32)
    );
}

/// Each growth moves all that is there, so it must be rare: a few times for each doubling of the keys.
#[test]
fn rows_double_while_a_table_grows() {
    let tables = [
        ("holds", grown_holds(MANY, false)),
        ("indexed holds", grown_holds(MANY, true)),
        ("breakers", grown_breakers(MANY)),
        ("recoveries", grown_recoveries(Jitter::None, 3, MANY)),
    ];
    for (name, grown) in tables {
        let growths = grown.windows(2).filter(|pair| pair[0] != pair[1]).count();
        // All that a table has grows together, at most 11 times up to 2^11 keys.
        assert!(growths <= 11, "{name} grew {growths} times");
        assert!(grown.is_sorted(), "{name} became smaller");
    }
}

/// What a key waits for, and that it is no longer there, changes nothing in the memory of the index.
#[test]
fn the_index_takes_the_same_whatever_the_keys_wait_for() {
    let mut table = holds(MANY, true);
    for key in 0..u64::from(MANY) {
        let _ = table.on_failure(0, &key, &mut rng());
    }
    let full = table.heap_bytes();
    while table.pop_ready(10).is_some() {
        assert_eq!(table.heap_bytes(), full);
    }
    for key in 0..u64::from(MANY) {
        assert!(table.on_success(11, &key));
    }
    assert_eq!(table.heap_bytes(), full);
}

#[test]
fn keys_that_come_and_go_need_no_new_rows() {
    for keys in [100_u64, 600] {
        let mut table = holds(1_000, true);
        for key in 0..keys {
            let _ = table.on_failure(0, &key, &mut rng());
        }
        let mut now_ns = 0;
        let mut turn = || {
            let mut bytes = Vec::new();
            for _ in 0..8 {
                // A hold is over, the key fails again; another answers, and fails anew.
                now_ns += 40;
                let key = *table.pop_ready(now_ns).expect("a hold is over");
                bytes.push(table.heap_bytes());
                let _ = table.on_failure(now_ns, &key, &mut rng());
                bytes.push(table.heap_bytes());
                let _ = table.on_success(now_ns, &(keys - 1));
                bytes.push(table.heap_bytes());
                let _ = table.on_failure(now_ns, &(keys - 1), &mut rng());
                bytes.push(table.heap_bytes());
            }
            bytes
        };
        let first = turn();
        let settled = first.last().expect("some");
        assert!(turn().iter().all(|bytes| bytes == settled), "{keys} keys");
    }
}
