//! Keys that there is no room for, and keys of which nothing is known any more.

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, HeldBy};

use crate::facts::{no_words, small, table};

#[test]
fn a_failure_does_not_free_a_key_from_the_hold_of_all_that_are_not_tracked() {
    let mut table = table(small(1));
    let _ = table.on_failure(0, &1, &mut no_words()).expect("room");
    let advice = Advice::RetryAt { at_ns: 40 };
    let full = table.on_advice(95, &2, Advice::RetryAt { at_ns: 135 }, &mut no_words());
    assert_eq!(full.expect_err("full").held_until_ns, Some(135));
    // 1 is forgotten at 110, and its place is free
    let hold = table.on_failure(115, &2, &mut no_words()).expect("room");
    assert_eq!(hold.until_ns, Some(135), "its own wait would end at 125");
    let hold = table
        .on_advice(116, &2, advice, &mut no_words())
        .expect("tracked");
    assert!(hold.until_ns >= Some(135));
}

#[test]
fn a_stop_says_when_the_hold_of_all_that_are_not_tracked_is_over() {
    let mut table = table(small(1));
    let _ = table
        .on_advice(0, &1, Advice::Stop, &mut no_words())
        .expect("room");
    let advice = Advice::RetryAt { at_ns: 130 };
    let _ = table
        .on_advice(95, &2, advice, &mut no_words())
        .expect_err("full");
    // at 100 the stop of 1 is over and forgotten, and 1 is one of those that are not tracked
    let refused = table.try_acquire(96, &1).expect_err("stopped");
    assert_eq!(
        (refused.reason, refused.retry_at_ns),
        (HeldBy::Stopped, Some(130))
    );
    assert!(table.try_acquire(129, &1).is_err());
    assert!(table.try_acquire(130, &1).is_ok());
}

#[test]
fn who_was_forgotten_while_away_does_not_come_back_on_a_young_clock() {
    let mut table = table(small(1));
    let _ = table.on_failure(5_000, &1, &mut no_words()).expect("room");
    let away = Duration::from_millis(1);
    let rebase = Rebase {
        taken_at_ns: 5_001,
        now_ns: 1,
        away,
    };
    let restored = BackoffTable::<u64>::restore_rebased(*table.policy(), table.state(), rebase);
    let mut table = restored.expect("its own state");
    assert_eq!(table.get(1, &1), None);
    assert!(table.on_failure(1, &2, &mut no_words()).is_ok());
}

#[test]
fn decorrelated_jitter_takes_8_bytes_a_place() {
    let bytes = |jitter| {
        let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(jitter);
        let mut table = table(BackoffTablePolicy::builder(
            backoff,
            1_025,
            Duration::from_nanos(100),
        ));
        for key in 0..1_025 {
            let _ = table.on_failure(0, &key, &mut no_words()).expect("room");
        }
        table.heap_bytes()
    };
    // Ten groups of five places to 32 keys.
    let places = 10_250_usize.div_ceil(32) * 5;
    assert_eq!(
        bytes(Jitter::Decorrelated) - bytes(Jitter::Full),
        8 * places
    );
}
