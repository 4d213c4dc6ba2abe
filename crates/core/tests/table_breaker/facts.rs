//! What users of a keyed breaker rely on.

use core::time::Duration;
use std::collections::BTreeSet;

use evenkeel_core::Rebase;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Health, Mode, Outcome, Permit, Phase, Trigger,
};
use evenkeel_core::table::{AnsweredBy, BreakerTable, BreakerTablePolicy};

use crate::words::Words;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// One failure opens for 20 ns, probes have 10 ns, keys are forgotten after `forget`.
pub(crate) fn table(max_keys: u32, forget: u64) -> BreakerTable<u64> {
    let open = BackoffPolicy::builder(ns(20)).jitter(Jitter::None);
    let breaker =
        BreakerPolicy::builder(open, ns(10)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a breaker");
    BreakerTable::new(
        BreakerTablePolicy::builder(breaker, max_keys, ns(forget))
            .build()
            .expect("a policy"),
    )
}

pub(crate) fn fail(table: &mut BreakerTable<u64>, now: u64, key: u64) -> AnsweredBy {
    let granted = table
        .try_acquire(now, &key, &mut Words::new(0))
        .expect("a grant");
    let permit = granted.answer.permit;
    let _ = table.on_outcome(now, &key, permit, Outcome::Failure, 0, &mut Words::new(0));
    granted.by
}

#[test]
fn one_key_that_fails_stops_nobody_else() {
    let mut table = table(10, 1_000);
    assert_eq!(fail(&mut table, 0, 7), AnsweredBy::Key);
    let refused = table
        .try_acquire(5, &7, &mut Words::new(0))
        .expect_err("open");
    assert_eq!(
        (refused.by, refused.answer.retry_at_ns()),
        (AnsweredBy::Key, Some(20))
    );
    assert!((0..5).all(|key| table.try_acquire(5, &key, &mut Words::new(0)).is_ok()));
}

#[test]
fn whose_transitions_fall_due_together_are_reported_in_the_order_in_which_the_keys_came() {
    let mut table = table(10, 1_000);
    for key in [5, 3, 9] {
        let _ = table.try_acquire(0, &key, &mut Words::new(0));
    }
    for key in [9, 5, 3] {
        let _ = fail(&mut table, 0, key);
    }
    let _ = fail(&mut table, 4, 1);
    assert_eq!(table.next_deadline_ns(), Some(20));
    let mut seen = Vec::new();
    while let Some(due) = table.poll(30) {
        seen.push((
            due.key.copied(),
            due.transitions.last().map(|made| made.at_ns),
        ));
    }
    let expected = [(5, 20), (3, 20), (9, 20), (1, 24)].map(|(key, at)| (Some(key), Some(at)));
    assert_eq!(seen, expected);
}

/// The order says when a key came in, not who noticed first that its wait was over.
#[test]
fn whoever_notices_first_the_list_is_the_same() {
    for early in [false, true] {
        let mut table = table(10, 1_000);
        let _ = fail(&mut table, 0, 2);
        if early {
            assert!(table.poll(20).is_some());
        }
        let _ = table.try_acquire(25, &0, &mut Words::new(0));
        while table.poll(25).is_some() {}
        let restored = BreakerTable::<u64>::restore(*table.policy(), table.state());
        for table in [&table, &restored.expect("its own state")] {
            let listed: Vec<_> = table.iter().map(|(key, phase)| (*key, phase)).collect();
            assert_eq!(listed, [(2, Phase::HalfOpen), (0, Phase::Closed)]);
        }
    }
}

#[test]
fn a_permit_of_an_earlier_stay_is_stale() {
    let mut table = table(10, 100);
    let permit = table
        .try_acquire(0, &7, &mut Words::new(0))
        .expect("a grant")
        .answer
        .permit
        .id();
    let again = table
        .try_acquire(100, &7, &mut Words::new(0))
        .expect("a grant")
        .answer
        .permit
        .id();
    assert_ne!(permit, again, "100 ns without a call: 7 was forgotten");
    let late = table.on_outcome(
        101,
        &7,
        Permit::from_id(permit),
        Outcome::Failure,
        0,
        &mut Words::new(0),
    );
    assert!(late.answer.is_stale());
    assert_eq!(table.phase(101, &7), Phase::Closed);
    assert_eq!(table.stats(101).stale, 1);
}

#[test]
fn no_two_stays_give_one_permit() {
    let mut table = table(2, 10);
    let mut seen = BTreeSet::new();
    for round in 0..500_u64 {
        for key in 0..4 {
            if let Ok(granted) = table.try_acquire(round * 15, &key, &mut Words::new(0)) {
                let [generation, tag] = granted.answer.permit.id().to_words();
                if granted.by == AnsweredBy::Key || seen.insert((generation, tag)) {
                    seen.insert((generation, tag));
                }
            }
        }
    }
    // Each round all keys were forgotten: two stays and one of the overflow breaker.
    assert_eq!(seen.len(), 500 * 3);
}

#[test]
fn a_permit_of_a_breaker_that_nobody_tagged_is_stale() {
    let mut table = table(1, 100);
    let mut foreign = Breaker::new(*table.policy().breaker());
    for key in [7, 8] {
        let _ = table.try_acquire(0, &key, &mut Words::new(0));
        let permit = foreign
            .try_acquire(0, &mut Words::new(0))
            .expect("closed")
            .permit;
        let told = table.on_outcome(1, &key, permit, Outcome::Failure, 0, &mut Words::new(0));
        assert!(told.answer.is_stale());
    }
}

#[test]
fn a_flood_of_new_keys_frees_nobody_and_is_stopped_together() {
    let mut table = table(100, 10_000);
    for key in 0..100 {
        assert_eq!(fail(&mut table, 0, key), AnsweredBy::Key);
    }
    assert_eq!(fail(&mut table, 1, 100), AnsweredBy::Overflow);
    for key in 101..5_000_u64 {
        let refused = table
            .try_acquire(2, &key, &mut Words::new(0))
            .expect_err("the overflow breaker is open");
        assert_eq!(
            (refused.by, refused.answer.retry_at_ns()),
            (AnsweredBy::Overflow, Some(21))
        );
    }
    assert_eq!(table.len(), 100);
    assert!((0..100).all(|key| table.phase(19, &key) == Phase::Open));
    // After its wait one probe of them goes out, and its success lets the others through.
    let probe = table
        .try_acquire(21, &4_000, &mut Words::new(0))
        .expect("a probe");
    assert!(table.try_acquire(21, &4_001, &mut Words::new(0)).is_err());
    let permit = probe.answer.permit;
    let _ = table.on_outcome(22, &4_000, permit, Outcome::Success, 0, &mut Words::new(0));
    assert!(table.try_acquire(22, &4_001, &mut Words::new(0)).is_ok());
}

#[test]
fn keys_that_opened_and_never_came_back_make_room() {
    let mut table = table(3, 100);
    for key in 0..3 {
        let _ = fail(&mut table, key, key);
    }
    // Open until 20, 21, 22, forgotten 100 later; nobody polled.
    assert_eq!(fail(&mut table, 119, 7), AnsweredBy::Overflow);
    assert!(!table.tracks(120, &0) && table.tracks(120, &1));
    let granted = table
        .try_acquire(240, &8, &mut Words::new(0))
        .expect("a grant");
    assert_eq!(granted.by, AnsweredBy::Key);
    assert_eq!(table.len(), 1);
}

#[test]
fn what_an_operator_holds_is_not_forgotten() {
    let mut table = table(1, 100);
    let _ = table.set_mode(0, &7, Mode::ForcedOpen).expect("room");
    assert!(table.try_acquire(1 << 50, &7, &mut Words::new(0)).is_err());
    assert!(
        table.set_mode(1 << 50, &8, Mode::Observe).is_err(),
        "no room"
    );
    let _ = table.reset(1 << 50, &7);
    assert!(table.try_acquire(1 << 50, &7, &mut Words::new(0)).is_ok());
}

/// The overflow breaker may wait for health too: what is said of any key that it answers for frees it.
#[test]
fn an_overflow_breaker_that_waits_for_health_does_not_wait_for_ever() {
    let open = BackoffPolicy::builder(ns(20)).jitter(Jitter::None);
    let breaker = BreakerPolicy::builder(open, ns(10))
        .trigger(Trigger::Consecutive { failures: 1 })
        .until_healthy(true)
        .build()
        .expect("a breaker");
    let policy = BreakerTablePolicy::builder(breaker, 1, ns(100))
        .build()
        .expect("a policy");
    let mut table: BreakerTable<u64> = BreakerTable::new(policy);
    for key in [7, 8] {
        let _ = fail(&mut table, 0, key);
    }
    assert_eq!(table.phase(50, &8), Phase::Open);
    let told = table.on_health(60, &8, Health::Up);
    assert_eq!(
        (told.by, table.phase(60, &8)),
        (AnsweredBy::Overflow, Phase::HalfOpen)
    );
    assert_eq!(table.phase(60, &7), Phase::Open, "7 has its own");
}

#[test]
fn another_process_goes_on_with_what_is_left_and_nothing_in_flight() {
    let mut one = table(10, 1_000);
    let _ = fail(&mut one, 500, 7);
    let permit = one
        .try_acquire(500, &8, &mut Words::new(0))
        .expect("a grant")
        .answer
        .permit;
    let rebase = Rebase {
        taken_at_ns: 505,
        now_ns: 50,
        away: ns(3),
    };
    let mut two = BreakerTable::<u64>::restore_rebased(*one.policy(), one.state(), rebase)
        .expect("its own state");
    assert_eq!(two.next_deadline_ns(), Some(62));
    let late = two.on_outcome(51, &8, permit, Outcome::Failure, 0, &mut Words::new(0));
    assert!(late.answer.is_stale());
    assert_eq!(two.phase(51, &8), Phase::Closed);
}

/// Those that are not tracked are held back together in the next process too, until they are forgotten.
#[test]
fn an_open_overflow_breaker_is_open_in_another_process() {
    let mut one = table(1, 1_000);
    let _ = fail(&mut one, 500, 7);
    assert_eq!(fail(&mut one, 500, 8), AnsweredBy::Overflow);
    for (away, phase) in [
        (3, Phase::Open),
        (30, Phase::HalfOpen),
        (2_000, Phase::Closed),
    ] {
        let rebase = Rebase {
            taken_at_ns: 505,
            now_ns: 50,
            away: ns(away),
        };
        let two = BreakerTable::<u64>::restore_rebased(*one.policy(), one.state(), rebase);
        assert_eq!(
            two.expect("its own state").overflow_phase(50),
            phase,
            "{away} away"
        );
    }
}

#[test]
fn who_was_forgotten_while_away_does_not_come_back_on_a_young_clock() {
    let mut table = table(1, 1_000);
    let _ = table.try_acquire(5_000, &7, &mut Words::new(0));
    let rebase = Rebase {
        taken_at_ns: 5_001,
        now_ns: 1,
        away: Duration::from_millis(1),
    };
    let restored = BreakerTable::<u64>::restore_rebased(*table.policy(), table.state(), rebase);
    let mut table = restored.expect("its own state");
    let _ = table.try_acquire(1, &8, &mut Words::new(0));
    assert!(table.tracks(1, &8) && !table.tracks(1, &7));
    assert_eq!(table.stats(1).admitted, 2, "what it counted is not lost");
}

/// All stays of the overflow breaker have one tag; its generations may run past those of the stays that follow.
#[test]
fn a_permit_of_a_long_stay_of_the_overflow_breaker_fits_no_later_one() {
    let open = BackoffPolicy::builder(ns(20))
        .cap(ns(20))
        .jitter(Jitter::None);
    let breaker =
        BreakerPolicy::builder(open, ns(10)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = breaker.build().expect("a breaker");
    let policy = BreakerTablePolicy::builder(breaker, 1, ns(1_000)).build();
    let mut table: BreakerTable<u64> = BreakerTable::new(policy.expect("a policy"));
    let _ = table.set_mode(0, &1, Mode::Observe); // it is full, for good
    let turn = |table: &mut BreakerTable<u64>, now: u64, outcome| {
        let granted = table.try_acquire(now, &2, &mut Words::new(0));
        let permit = granted.expect("a grant").answer.permit;
        let id = permit.id();
        let _ = table.on_outcome(now, &2, permit, outcome, 0, &mut Words::new(0));
        id
    };
    let (mut now, mut late) = (0, None);
    for round in 0..349_530_u64 {
        let id = turn(&mut table, now, Outcome::Failure);
        if late.is_none() && id.generation() >= 3 << 20 {
            late = Some(id);
        }
        now += 20;
        if round < 2 {
            let _ = turn(&mut table, now, Outcome::Failure);
            now += 20;
        }
        let _ = turn(&mut table, now, Outcome::Success);
    }
    let late = Permit::from_id(late.expect("2^20 transitions"));
    now += 5_000; // that stay is forgotten, and another begins
    let _ = table.try_acquire(now, &2, &mut Words::new(0));
    let receipt = table.on_outcome(now, &2, late, Outcome::Failure, 0, &mut Words::new(0));
    assert!(receipt.answer.is_stale());
}
