//! O2: the per-peer backoff table of a sans-IO node runtime.

use evenkeel_core::Rebase;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTableBuilder, BackoffTablePolicy, HeldBy};

use crate::{MS, SECOND, ms, rng};

/// 10 ms doubling to 60 s, no jitter.
fn builder() -> BackoffTableBuilder {
    let backoff = BackoffPolicy::builder(ms(10))
        .cap(ms(60_000))
        .jitter(Jitter::None);
    BackoffTablePolicy::builder(backoff, 1_000, ms(600_000))
}

fn table(builder: BackoffTableBuilder) -> BackoffTable<u64> {
    BackoffTable::new(builder.build().expect("a policy"))
}

#[test]
fn o2_the_delay_is_10_ms_doubled_for_each_failure_up_to_60_s() {
    let mut peers = table(builder());
    for n in 1..=20_u32 {
        let hold = peers.on_failure(0, &7, &mut rng()).expect("room");
        let delay = ((10 * MS) << (n - 1)).min(60 * SECOND);
        assert_eq!((hold.attempt, hold.until_ns), (n, Some(delay)));
    }
}

#[test]
fn o2_an_unknown_peer_may_be_tried_and_a_held_one_at_the_very_instant() {
    let mut peers = table(builder());
    assert!(peers.try_acquire(0, &7).is_ok());
    let _ = peers.on_failure(0, &7, &mut rng()).expect("room");
    let refused = peers.try_acquire(10 * MS - 1, &7).expect_err("held");
    assert_eq!(
        (refused.reason, refused.retry_at_ns),
        (HeldBy::Backoff, Some(10 * MS))
    );
    assert!(peers.try_acquire(10 * MS, &7).is_ok());
}

#[test]
fn o2_a_success_clears_the_peer() {
    let mut peers = table(builder());
    for _ in 0..5 {
        let _ = peers.on_failure(0, &7, &mut rng()).expect("room");
    }
    assert!(peers.on_success(1, &7));
    assert_eq!((peers.len(), peers.try_acquire(1, &7).is_ok()), (0, true));
    assert_eq!(
        peers.on_failure(1, &7, &mut rng()).expect("room").attempt,
        1
    );
}

#[test]
fn o2_exact_advice_is_the_hold_and_the_next_failure_goes_one_step_further() {
    let mut peers = table(builder().advisory_rule(AdvisoryRule::Exact));
    let _ = peers.on_failure(0, &7, &mut rng()).expect("room");
    let advice = Advice::RetryAt { at_ns: 500 * MS };
    let hold = peers.on_advice(0, &7, advice, &mut rng()).expect("room");
    assert_eq!((hold.until_ns, hold.attempt), (Some(500 * MS), 2));
    let hold = peers.on_failure(500 * MS, &7, &mut rng()).expect("room");
    assert_eq!((hold.until_ns, hold.attempt), (Some(540 * MS), 3));
}

#[test]
fn o2_advice_is_followed_up_to_the_cap() {
    for rule in [AdvisoryRule::Exact, AdvisoryRule::AtLeast] {
        let mut peers = table(builder().advisory_rule(rule));
        let advice = Advice::RetryAt {
            at_ns: 3_600 * SECOND,
        };
        let hold = peers.on_advice(0, &7, advice, &mut rng()).expect("room");
        assert_eq!(hold.until_ns, Some(60 * SECOND));
    }
}

#[test]
fn o2_advice_does_not_shorten_a_hold() {
    let mut peers = table(builder());
    for _ in 0..8 {
        let _ = peers.on_failure(0, &7, &mut rng()).expect("room");
    }
    let advice = Advice::RetryAt { at_ns: 1 };
    let hold = peers.on_advice(0, &7, advice, &mut rng()).expect("room");
    assert!(hold.until_ns >= Some(1_280 * MS), "{hold:?}");
}

#[test]
fn o2_a_snapshot_goes_on_where_it_was_taken() {
    let mut peers = table(builder());
    for (now_ns, peer) in [(0, 3), (1, 1), (2, 3), (3, 2)] {
        let _ = peers.on_failure(now_ns, &peer, &mut rng()).expect("room");
    }
    assert_eq!(peers.len(), 3);
    let policy = builder().build().expect("a policy");
    let mut again: BackoffTable<u64> =
        BackoffTable::restore(policy, peers.state()).expect("its own state");
    assert_eq!(again.state(), peers.state());
    assert_eq!(again.try_acquire(4, &3), peers.try_acquire(4, &3));

    let rebase = Rebase {
        taken_at_ns: 4,
        now_ns: 1_000,
        away: ms(0),
    };
    let mut moved: BackoffTable<u64> =
        BackoffTable::restore_rebased(policy, peers.state(), rebase).expect("its own state");
    let refused = moved.try_acquire(1_000, &3).expect_err("held");
    assert_eq!(refused.retry_at_ns, Some(20 * MS + 2 - 4 + 1_000));
}

#[test]
fn o2_peers_are_listed_by_the_end_of_their_hold_and_not_at_random() {
    let mut peers = table(builder().due_index(true));
    for peer in [9, 4, 7, 1, 8] {
        let _ = peers.on_failure(peer, &peer, &mut rng()).expect("room");
    }
    let listed: Vec<u64> = peers.iter().map(|(peer, _)| *peer).collect();
    // time stands at 9 from the first on: all holds end together, and arrival decides
    assert_eq!(listed, [9, 4, 7, 1, 8]);
}

#[test]
fn o2_the_next_peer_that_is_due_is_found() {
    let mut peers = table(builder().due_index(true));
    for (now_ns, peer) in [(0, 3), (1, 1), (2, 3)] {
        let _ = peers.on_failure(now_ns, &peer, &mut rng()).expect("room");
    }
    assert_eq!(peers.next_deadline_ns(), Some(10 * MS + 1));
    assert_eq!(peers.pop_ready(SECOND), Some(&1));
    assert_eq!(peers.pop_ready(SECOND), Some(&3));
    assert_eq!(peers.pop_ready(SECOND), None);
}

#[test]
fn o2_the_number_of_peers_is_bounded() {
    let mut peers = table(builder());
    for peer in 0..5_000 {
        let _ = peers.on_failure(0, &peer, &mut rng());
    }
    assert_eq!(peers.len(), 1_000);
    // who could not be tracked is held back with all others that are not
    let refused = peers.try_acquire(0, &4_000).expect_err("held");
    assert_eq!(refused.reason, HeldBy::Overflow);
}
