//! Many forgotten keys at once: a call drops a share of them, and every answer is as if all were gone already.
#![cfg(feature = "alloc")]

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Trigger};
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, TableFull,
};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

const KEYS: u64 = 1_000;
/// Of them these are forgotten at `LATE_NS`, the rest is not.
const FORGOTTEN: u64 = 600;
const SECOND_NS: u64 = 500;
const LATE_NS: u64 = 1_200;
/// What one call drops of a thousand keys: 64, and a 256th of them.
const A_CALL: usize = 67;

fn rng() -> SplitMix64 {
    SplitMix64::seed_from_u64(1)
}

/// A full table: the first keys are held until 10 and forgotten at 1010, the rest until 510 and forgotten at 1510.
fn holds(due_index: bool) -> BackoffTable<u64> {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    let forget_after = Duration::from_nanos(1_000);
    let policy = BackoffTablePolicy::builder(backoff, KEYS as u32, forget_after);
    let mut table = BackoffTable::new(policy.due_index(due_index).build().expect("a policy"));
    for key in 0..KEYS {
        let now_ns = if key < FORGOTTEN { 0 } else { SECOND_NS };
        let _ = table.on_failure(now_ns, &key, &mut rng()).expect("room");
    }
    table
}

#[test]
fn pop_ready_drops_a_share_of_the_forgotten_and_answers_as_if_it_were_all() {
    let mut table = holds(true);
    let mut cleared = table.clone();
    assert_eq!(cleared.drop_forgotten(LATE_NS, u32::MAX), FORGOTTEN as u32);
    let mut popped = 0;
    loop {
        let before = table.len();
        let key = table.pop_ready(LATE_NS).copied();
        assert_eq!(key, cleared.pop_ready(LATE_NS).copied());
        assert!(before - table.len() <= A_CALL);
        assert_eq!(table.next_deadline_ns(), cleared.next_deadline_ns());
        assert_eq!(table.state(), cleared.state());
        popped += u64::from(key.is_some());
        if key.is_none() {
            break;
        }
    }
    assert_eq!(popped, KEYS - FORGOTTEN);
    assert_eq!(table.len(), cleared.len(), "calls enough drop them all");
}

#[test]
fn as_many_new_keys_come_in_as_were_forgotten_and_no_call_drops_them_all() {
    let mut table = holds(false);
    for key in KEYS..KEYS + FORGOTTEN {
        let before = table.len();
        let _ = table.on_failure(LATE_NS, &key, &mut rng()).expect("room");
        assert!(before + 1 - table.len() <= A_CALL);
    }
    let full = table.on_failure(LATE_NS, &u64::MAX, &mut rng());
    assert!(matches!(
        full,
        Err(TableFull {
            max_keys: 1_000,
            ..
        })
    ));
    let kept = (FORGOTTEN..KEYS + FORGOTTEN).filter(|key| table.get(LATE_NS, key).is_some());
    assert_eq!(kept.count() as u64, KEYS);
}

/// A full table of breakers that one failure opens, until 10 or until 510.
fn breakers() -> BreakerTable<u64> {
    let open = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::None);
    let breaker = BreakerPolicy::builder(open, Duration::from_nanos(10))
        .trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a breaker");
    let forget_after = Duration::from_nanos(1_000);
    let policy = BreakerTablePolicy::builder(breaker, KEYS as u32, forget_after);
    let mut table = BreakerTable::new(policy.build().expect("a policy"));
    for key in 0..KEYS {
        let now_ns = if key < FORGOTTEN { 0 } else { SECOND_NS };
        let granted = table.try_acquire(now_ns, &key, &mut rng()).expect("closed");
        let permit = granted.answer.permit;
        let _ = table.on_outcome(now_ns, &key, permit, Outcome::Failure, 1, &mut rng());
    }
    table
}

#[test]
fn a_poll_of_breakers_drops_a_share_of_the_forgotten_and_answers_as_if_it_were_all() {
    let mut table = breakers();
    let mut due = Vec::new();
    loop {
        let before = table.len();
        let Some(key) = table.poll(LATE_NS).map(|due| due.key.copied()) else {
            break;
        };
        assert!(before - table.len() <= A_CALL);
        due.extend(key);
    }
    assert_eq!(due, (FORGOTTEN..KEYS).collect::<Vec<_>>());
    assert_eq!(table.len() as u64, KEYS - FORGOTTEN);
}

#[test]
fn new_breakers_come_in_as_forgotten_ones_go_and_no_call_drops_them_all() {
    let mut table = breakers();
    for key in KEYS..KEYS + FORGOTTEN {
        let before = table.len();
        let granted = table.try_acquire(LATE_NS, &key, &mut rng());
        assert_eq!(granted.expect("closed").by.name(), "key");
        assert!(before + 1 - table.len() <= A_CALL);
    }
    let granted = table.try_acquire(LATE_NS, &u64::MAX, &mut rng());
    assert_eq!(granted.expect("closed").by.name(), "overflow");
}
