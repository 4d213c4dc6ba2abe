//! What users of a keyed backoff rely on.

use core::time::Duration;

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTableBuilder, BackoffTablePolicy, HeldBy};

use crate::words::{Flat, Words};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// O2's: 10 ms doubling to 60 s, no jitter.
fn peers() -> BackoffTableBuilder {
    let backoff = BackoffPolicy::builder(Duration::from_millis(10))
        .cap(Duration::from_secs(60))
        .jitter(Jitter::None);
    BackoffTablePolicy::builder(backoff, 1_000, Duration::from_secs(600))
}

/// Steps of 10 ns, up to 40 ns; forgotten after 100 ns.
pub(crate) fn small(max_keys: u32) -> BackoffTableBuilder {
    let backoff = BackoffPolicy::builder(Duration::from_nanos(10))
        .cap(Duration::from_nanos(40))
        .jitter(Jitter::None);
    BackoffTablePolicy::builder(backoff, max_keys, Duration::from_nanos(100))
}

pub(crate) fn table(builder: BackoffTableBuilder) -> BackoffTable<u64> {
    BackoffTable::new(builder.build().expect("a policy"))
}

pub(crate) fn no_words() -> Words {
    Words::new(0)
}

#[test]
fn each_failure_in_a_row_doubles_the_hold_up_to_the_cap() {
    let mut table = table(peers());
    let mut now_ns = 0;
    for attempt in 1..=20_u32 {
        let hold = table.on_failure(now_ns, &7, &mut no_words()).expect("room");
        let wait_ms = (10_u64 << (attempt - 1)).min(60_000);
        assert_eq!(hold.until_ns, Some(now_ns + wait_ms * MS));
        assert_eq!(hold.attempt, attempt);
        now_ns = hold.until_ns.expect("an end");
    }
}

#[test]
fn an_unknown_key_passes_and_a_held_one_passes_at_the_very_instant() {
    let mut table = table(peers());
    assert_eq!(table.try_acquire(0, &7), Ok(()));
    assert!(table.is_empty(), "asking is not remembered");
    let _ = table.on_failure(0, &7, &mut no_words());
    assert!(table.try_acquire(10 * MS - 1, &7).is_err());
    assert_eq!(table.try_acquire(10 * MS, &7), Ok(()));
    assert_eq!(
        table.try_acquire(10 * MS - 1, &7),
        Ok(()),
        "time does not run back"
    );
}

#[test]
fn advice_counts_as_an_attempt_so_that_the_next_failure_goes_on_one_step_further() {
    let mut table = table(peers().advisory_rule(AdvisoryRule::Exact));
    let hold = table
        .on_advice(
            0,
            &7,
            Advice::RetryAt { at_ns: 3 * SECOND },
            &mut no_words(),
        )
        .expect("room");
    assert_eq!(
        (hold.until_ns, hold.reason),
        (Some(3 * SECOND), HeldBy::Advice)
    );
    let hold = table
        .on_failure(3 * SECOND, &7, &mut no_words())
        .expect("room");
    assert_eq!(hold.until_ns, Some(3 * SECOND + 20 * MS));
}

#[test]
fn advice_is_capped() {
    let mut table = table(peers());
    let advice = Advice::RetryAt {
        at_ns: 3_600 * SECOND,
    };
    let hold = table
        .on_advice(0, &7, advice, &mut no_words())
        .expect("room");
    assert_eq!(hold.until_ns, Some(60 * SECOND));
}

/// O2's advisory could end a long hold at once.
#[test]
fn advice_never_shortens_a_hold_unless_it_is_taken_exactly() {
    for (rule, until_ns) in [
        (AdvisoryRule::AtLeast, 60),
        (AdvisoryRule::Within(Duration::from_nanos(80)), 60),
        (AdvisoryRule::Exact, 12),
    ] {
        let cap = Duration::from_nanos(80);
        let mut table = table(small(10).advisory_rule(rule).advisory_cap(cap));
        for (now_ns, at_ns) in [(0, 60), (11, 12)] {
            let advice = Advice::RetryAt { at_ns };
            let _ = table.on_advice(now_ns, &7, advice, &mut no_words());
        }
        let hold = table.get(11, &7).map(|hold| (hold.until_ns, hold.attempt));
        assert_eq!(hold, Some((Some(until_ns), 2)), "{rule:?}");
    }
}

/// A call that was under way when the server named its instant fails: that is no reason to come back sooner.
#[test]
fn a_failure_does_not_shorten_what_a_server_named() {
    let mut table = table(peers());
    let advice = Advice::RetryAt { at_ns: 50 * SECOND };
    let _ = table.on_advice(0, &7, advice, &mut no_words());
    let hold = table.on_failure(1, &7, &mut no_words()).expect("room");
    let expected = (Some(50 * SECOND), 2, HeldBy::Advice);
    assert_eq!((hold.until_ns, hold.attempt, hold.reason), expected);
}

#[test]
fn a_stop_holds_until_a_success_or_until_it_is_forgotten() {
    for rule in [AdvisoryRule::AtLeast, AdvisoryRule::Exact] {
        let mut table = table(small(10).advisory_rule(rule).due_index(true));
        let hold = table
            .on_advice(5, &7, Advice::Stop, &mut no_words())
            .expect("room");
        assert_eq!((hold.until_ns, hold.reason), (Some(105), HeldBy::Stopped));
        let _ = table.on_failure(6, &7, &mut no_words());
        let refused = table.try_acquire(104, &7).expect_err("stopped");
        assert_eq!(
            (refused.reason, refused.retry_at_ns),
            (HeldBy::Stopped, Some(105))
        );
        assert_eq!(table.next_deadline_ns(), None, "a stop is not reported");
        assert_eq!(table.pop_ready(105), None);
        assert!(table.try_acquire(105, &7).is_ok());

        let _ = table.on_advice(200, &7, Advice::Stop, &mut no_words());
        assert!(table.on_success(201, &7));
        assert!(table.try_acquire(201, &7).is_ok());
    }
}

#[test]
fn a_success_makes_the_next_failure_a_first_one() {
    let mut table = table(small(10));
    for now_ns in [0, 10, 30] {
        let _ = table.on_failure(now_ns, &7, &mut no_words());
    }
    assert!(table.on_success(35, &7));
    assert!(table.try_acquire(35, &7).is_ok());
    assert_eq!(
        table
            .on_failure(36, &7, &mut no_words())
            .map(|hold| hold.attempt),
        Ok(1)
    );
}

#[test]
fn a_key_is_forgotten_exactly_so_long_after_the_end_of_its_hold() {
    for (quiet_ns, attempt) in [(99, 2), (100, 1)] {
        let mut table = table(small(10));
        let _ = table.on_failure(0, &7, &mut no_words());
        let hold = table.on_failure(10 + quiet_ns, &7, &mut no_words());
        assert_eq!(hold.map(|hold| hold.attempt), Ok(attempt));
    }
}

#[test]
fn whoever_is_due_is_reported_once_by_the_end_of_the_hold_then_by_arrival() {
    for indexed in [false, true] {
        let mut table = table(small(100).due_index(indexed));
        for key in [5, 3, 9, 1] {
            let _ = table.on_failure(0, &key, &mut no_words());
        }
        let _ = table.on_failure(0, &3, &mut no_words()); // until 20
        let mut seen = Vec::new();
        while let Some(&key) = table.pop_ready(15) {
            seen.push(key);
        }
        assert_eq!(seen, [5, 9, 1]);
        assert_eq!(table.next_deadline_ns(), Some(20));
        assert_eq!(table.pop_ready(20), Some(&3));
        assert_eq!(table.pop_ready(20), None);
        assert_eq!(table.next_deadline_ns(), None);
        assert_eq!(table.len(), 4, "reported, and not forgotten");
        let again = table.on_failure(21, &5, &mut no_words()).expect("room");
        assert_eq!((again.until_ns, again.attempt), (Some(41), 2));
        assert_eq!(table.pop_ready(41), Some(&5));
    }
}

#[test]
fn a_key_that_was_forgotten_before_anyone_asked_is_not_reported() {
    for indexed in [false, true] {
        let mut table = table(small(100).due_index(indexed));
        let _ = table.on_failure(0, &7, &mut no_words());
        let _ = table.on_failure(50, &8, &mut no_words());
        assert!(table.try_acquire(110, &7).is_ok());
        assert_eq!(table.next_deadline_ns(), Some(60));
        assert_eq!(table.pop_ready(110), Some(&8));
        assert_eq!(table.pop_ready(110), None);
    }
}

#[test]
fn what_is_dropped_step_by_step_changes_no_answer() {
    let mut table = table(small(100).due_index(true));
    for key in 0..20 {
        let _ = table.on_failure(key, &key, &mut no_words());
    }
    assert_eq!(table.pop_ready(15), Some(&0)); // reported, and forgotten at 110
    let mut stepwise = table.clone();
    // of 20 keys those whose hold ended by 20 are forgotten at 120: eleven
    assert_eq!(
        [4, 4, 4].map(|at_most| stepwise.drop_forgotten(120, at_most)),
        [4, 4, 3]
    );
    assert_eq!((stepwise.len(), table.len()), (9, 20));
    for _ in 0..10 {
        assert_eq!(
            stepwise.pop_ready(120).copied(),
            table.pop_ready(120).copied()
        );
    }
    assert_eq!(stepwise.state(), table.state());
}

/// Ever new keys: held ones keep their hold, memory is bounded.
#[test]
fn a_flood_of_new_keys_frees_nobody_and_takes_no_memory() {
    for indexed in [false, true] {
        let mut table = table(peers().due_index(indexed));
        for key in 0..1_000_u64 {
            let _ = table.on_failure(0, &key, &mut no_words()).expect("room");
        }
        let bytes = table.heap_bytes();
        for key in 1_000..50_000_u64 {
            let full = table
                .on_failure(5 * MS, &key, &mut no_words())
                .expect_err("full");
            assert_eq!(full.max_keys, 1_000);
            assert!(full.held_until_ns.is_some());
        }
        assert_eq!((table.len(), table.heap_bytes()), (1_000, bytes));
        assert!((0..1_000).all(|key| table.peek(5 * MS, &key).is_err()));
        // All who are not tracked are held back together: at the cap, after so many failures.
        let refused = table
            .try_acquire(6 * MS, &99_999_999)
            .expect_err("overflow");
        assert_eq!(refused.reason, HeldBy::Overflow);
        assert_eq!(refused.retry_at_ns, Some(5 * MS + 60 * SECOND));
        // Those who are tracked are not affected.
        assert!(table.try_acquire(10 * MS, &0).is_ok());
    }
}

#[test]
fn a_forgotten_key_makes_room_and_the_overflow_hold_stays_until_its_end() {
    for indexed in [false, true] {
        let mut table = table(small(2).due_index(indexed));
        let _ = table.on_failure(0, &1, &mut no_words());
        let _ = table.on_failure(40, &2, &mut no_words());
        let full = table.on_failure(109, &3, &mut no_words());
        let full = full.map_err(|full| (full.max_keys, full.held_until_ns));
        assert_eq!(full, Err((2, Some(119))));
        let held = table.overflow(109).map(|hold| (hold.reason, hold.until_ns));
        assert_eq!(held, Some((HeldBy::Overflow, Some(119))));
        // 1 is forgotten at 110; a new key has its place, and one that is not tracked waits for the overflow's end.
        assert!(table.on_failure(110, &4, &mut no_words()).is_ok());
        assert_eq!(table.len(), 2);
        assert_eq!(
            table.try_acquire(118, &5).map_err(|no| no.reason),
            Err(HeldBy::Overflow)
        );
        assert!(table.try_acquire(119, &5).is_ok());
    }
}

#[test]
fn a_success_of_an_untracked_key_is_no_amnesty_for_the_others() {
    let mut table = table(small(1));
    let _ = table.on_failure(0, &1, &mut no_words());
    let _ = table.on_failure(0, &2, &mut no_words());
    assert!(!table.on_success(1, &3));
    assert!(table.try_acquire(2, &2).is_err());
}

#[test]
fn tables_of_one_content_are_listed_in_one_order_whatever_came_before() {
    let policy = small(64).due_index(true).build().expect("a policy");
    let mut plain: BackoffTable<u64> = BackoffTable::new(small(64).build().expect("a policy"));
    let mut other: BackoffTable<u64, Flat> = BackoffTable::new(policy);
    // The other one has known many more keys, which left holes everywhere.
    for key in 1_000..1_060 {
        let _ = other.on_failure(0, &key, &mut no_words());
    }
    for key in (1_000..1_060).rev() {
        other.on_success(0, &key);
        let _ = other.on_failure(0, &(key + 100), &mut no_words());
        other.on_success(0, &(key + 100));
    }
    let keys: Vec<u64> = (0..40).map(|n| n * 37 % 41).collect();
    for &key in &keys {
        let _ = plain.on_failure(0, &key, &mut no_words());
        let _ = other.on_failure(0, &key, &mut no_words());
    }
    let listed: Vec<_> = plain.iter().map(|(key, _)| *key).collect();
    assert_eq!(listed, keys);
    assert_eq!(plain.state(), other.state());
    let mut popped = Vec::new();
    while let Some(&key) = other.pop_ready(10) {
        popped.push(key);
    }
    assert_eq!(popped, keys);
}

/// Past the last instant too the hold that ends later stands, and a restored table knows which one that is.
/// Many keys whose holds have no end do not make each new key a search, nor are they forgotten.
/// What is left of it where time begins anew is what was left of it.
/// On a clock that is near its end: a hold that ends at the last instant has an end, one that ends later has none.
#[test]
fn words_are_drawn_where_a_choice_is_made() {
    let jittered = |rule, spread| {
        let backoff = BackoffPolicy::builder(Duration::from_nanos(10)).jitter(Jitter::Full);
        let builder = BackoffTablePolicy::builder(backoff, 1, Duration::from_secs(1));
        table(builder.advisory_rule(rule).advisory_spread(spread))
    };
    let none = evenkeel_core::Ratio::ZERO;
    let some = evenkeel_core::Ratio::percent(10);
    let advice = Advice::RetryAt { at_ns: 50 };
    for (rule, spread, drawn) in [
        (AdvisoryRule::AtLeast, none, 1),
        (AdvisoryRule::AtLeast, some, 2),
        (AdvisoryRule::Exact, none, 0),
        (AdvisoryRule::Exact, some, 1),
    ] {
        let mut table = jittered(rule, spread);
        let mut words = Words::new(1);
        let _ = table.on_advice(0, &7, advice, &mut words);
        assert_eq!(words.drawn, drawn);
        let _ = table.on_advice(0, &7, Advice::Stop, &mut words);
        assert_eq!(words.drawn, drawn, "a stop draws none");
        let _ = table.on_failure(0, &7, &mut words);
        let _ = table.on_failure(0, &8, &mut words); // no room
        assert_eq!(words.drawn, drawn + 2);
    }
}

#[test]
fn a_factor_that_is_no_power_of_two_grows_step_by_step() {
    let growth = Growth::Exponential {
        factor: evenkeel_core::Ratio::new(3, 2).expect("a ratio"),
    };
    let backoff = BackoffPolicy::builder(Duration::from_nanos(100))
        .growth(growth)
        .cap(Duration::from_nanos(300))
        .jitter(Jitter::None);
    let mut table = table(BackoffTablePolicy::builder(
        backoff,
        5,
        Duration::from_secs(1),
    ));
    let waits: Vec<_> = (0..5)
        .map(|_| {
            let now_ns = table.get(0, &7).and_then(|hold| hold.until_ns).unwrap_or(0);
            let hold = table.on_failure(now_ns, &7, &mut no_words()).expect("room");
            hold.until_ns.expect("an end") - now_ns
        })
        .collect();
    assert_eq!(waits, [100, 150, 225, 300, 300]);
}

#[test]
fn attempts_are_counted_up_to_a_large_number_and_stay_there() {
    let mut table = table(small(10));
    let _ = table.on_failure(0, &7, &mut no_words());
    let hold = (0..200)
        .map(|_| table.on_failure(0, &7, &mut no_words()).expect("room"))
        .last();
    assert_eq!(
        hold.map(|hold| (hold.attempt, hold.until_ns)),
        Some((201, Some(40)))
    );
}
