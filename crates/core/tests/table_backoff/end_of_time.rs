//! Holds that end past the last instant, and holds in another process, whose clock ends or begins elsewhere.

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::advice::Advice;
use evenkeel_core::table::{BackoffTable, HeldBy};

use crate::facts::{no_words, small, table};

#[test]
fn at_the_end_of_time_a_hold_has_no_end() {
    let mut table = table(small(10).due_index(true));
    let now_ns = u64::MAX - 5;
    let hold = table.on_failure(now_ns, &7, &mut no_words()).expect("room");
    assert_eq!(hold.until_ns, None);
    let refused = table.try_acquire(u64::MAX, &7).expect_err("held");
    assert_eq!(refused.retry_at_ns, None);
    assert_eq!(table.next_deadline_ns(), None);
    assert_eq!(table.pop_ready(u64::MAX), None);
    assert!(table.on_success(u64::MAX, &7));
    assert!(table.try_acquire(u64::MAX, &7).is_ok());
}

#[test]
fn at_the_end_of_time_no_report_shortens_a_hold() {
    let stops = [(40, 15, HeldBy::Stopped), (90, 5, HeldBy::Backoff)];
    for (stop_ns, failure_ns, reason) in stops {
        // The stop ends 60 or 10 ns after the last instant, the second wait, of 20 ns, 5 or 15 ns.
        let mut table = table(small(10));
        let stop_at_ns = u64::MAX - stop_ns;
        let _ = table.on_advice(stop_at_ns, &7, Advice::Stop, &mut no_words());
        table = BackoffTable::restore(*table.policy(), table.state()).expect("its own state");
        let hold = table.on_failure(u64::MAX - failure_ns, &7, &mut no_words());
        let hold = hold.map(|hold| (hold.until_ns, hold.reason));
        assert_eq!(hold, Ok((None, reason)));
    }
}

#[test]
fn holds_without_an_end_are_never_forgotten_and_listed_last() {
    for indexed in [false, true] {
        let mut table = table(small(3).due_index(indexed));
        let _ = table.on_failure(u64::MAX - 5, &7, &mut no_words()); // 5 ns past the last instant
        let _ = table.on_failure(u64::MAX - 8, &8, &mut no_words()); // the same: time does not run back
        let _ = table.on_advice(u64::MAX - 5, &9, Advice::Stop, &mut no_words());
        let full = table.on_failure(u64::MAX, &1, &mut no_words());
        assert_eq!(full.map_err(|full| full.held_until_ns), Err(None));
        let listed: Vec<_> = table.iter().map(|(key, _)| *key).collect();
        assert_eq!((listed, table.next_deadline_ns()), (vec![9, 7, 8], None));
        assert!((7..10).all(|key| table.try_acquire(u64::MAX, &key).is_err()));
    }
}

#[test]
fn a_hold_without_an_end_has_one_on_another_clock() {
    let policy = small(10).build().expect("a policy");
    let mut table: BackoffTable<u64> = BackoffTable::new(policy);
    let _ = table.on_failure(u64::MAX - 5, &7, &mut no_words()); // 10 ns
    let rebase = Rebase {
        taken_at_ns: u64::MAX - 3,
        now_ns: 50,
        away: Duration::from_nanos(1),
    };
    let next: BackoffTable<u64> =
        BackoffTable::restore_rebased(policy, table.state(), rebase).expect("its own state");
    assert_eq!(next.get(50, &7).and_then(|hold| hold.until_ns), Some(57));
}

#[test]
fn a_hold_has_no_end_on_another_clock_that_ends_before_it() {
    let policy = small(10).build().expect("a policy");
    let mut table: BackoffTable<u64> = BackoffTable::new(policy);
    let _ = table.on_failure(1_000, &7, &mut no_words()); // 10 ns
    for (now_ns, until_ns) in [
        (u64::MAX - 11, Some(u64::MAX - 1)),
        (u64::MAX - 10, Some(u64::MAX)),
        (u64::MAX - 9, None),
        (u64::MAX, None),
    ] {
        let rebase = Rebase {
            taken_at_ns: 1_000,
            now_ns,
            away: Duration::ZERO,
        };
        let next = BackoffTable::<u64>::restore_rebased(policy, table.state(), rebase);
        let refused = next.expect("its own state").try_acquire(now_ns, &7);
        assert_eq!(
            refused.map_err(|refused| refused.retry_at_ns),
            Err(until_ns)
        );
    }
}

#[test]
fn another_process_goes_on_with_what_is_left() {
    let policy = small(10).due_index(true).build().expect("a policy");
    let mut table: BackoffTable<u64> = BackoffTable::new(policy);
    let _ = table.on_failure(1_000, &7, &mut no_words()); // until 1 010
    let _ = table.on_failure(990, &8, &mut no_words()); // until 1 010, later in order
    let _ = table.on_advice(1_001, &9, Advice::Stop, &mut no_words()); // until 1 101
    let rebase = Rebase {
        taken_at_ns: 1_004,
        now_ns: 50,
        away: Duration::from_nanos(2),
    };
    let mut next: BackoffTable<u64> =
        BackoffTable::restore_rebased(policy, table.state(), rebase).expect("its own state");
    assert_eq!(next.next_deadline_ns(), Some(54));
    assert_eq!(next.get(50, &9).and_then(|hold| hold.until_ns), Some(145));
    assert_eq!(next.pop_ready(54), Some(&7));
    assert_eq!(next.pop_ready(54), Some(&8));
}
