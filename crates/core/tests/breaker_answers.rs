//! What a breaker answers to whoever made a call or watches it: whose permit it is, what counted, how often it opened
//! in a row, and that all of its conditions may hold at once.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Cause, Outcome, Permit, PermitId, Phase, Receipt, Trigger, Window,
};

use breaker_common::plain::*;
use breaker_common::words::Words;

fn tagged(tag: u32) -> Breaker {
    Breaker::tagged(builder(30).build().expect("a policy"), tag)
}

/// Two plain words carry all of it, to another language and back.
#[test]
fn a_permit_that_travels_as_words_is_still_that_breakers() {
    for tag in [0, 1, 7, u32::MAX] {
        let (mut breaker, mut other) = (tagged(tag), tagged(tag ^ 1));
        assert_eq!((breaker.tag(), other.tag()), (tag, tag ^ 1));
        let permit = granted(&mut breaker, 5);
        let words = permit.id().to_words();
        assert_eq!(words, [0, u64::from(tag) << 32]);
        let id = PermitId::from_words(words);
        assert_eq!(id, permit.id());
        drop(permit);
        let stale = report(&mut other, 5, Permit::from_id(id), Outcome::Failure);
        assert!(stale.is_stale() && !stale.is_counted());
        let counted = report(&mut breaker, 5, Permit::from_id(id), Outcome::Failure);
        assert!(counted.is_counted() && !counted.is_stale());
        assert_eq!(breaker.consecutive_failures(), 1);
    }
}

#[test]
fn a_probe_that_travels_as_words_keeps_its_number() {
    let mut breaker = tagged(7);
    trip(&mut breaker, 0);
    let [first, second] = [(); 2].map(|()| granted(&mut breaker, 30 * SECOND).id().to_words());
    assert_eq!([first, second], [[2, 7 << 32 | 1], [2, 7 << 32 | 2]]);
    let permit = Permit::from_id(PermitId::from_words(second));
    assert!(report(&mut breaker, 31 * SECOND, permit, Outcome::Success).is_counted());
    let again = Permit::from_id(PermitId::from_words(second));
    assert!(report(&mut breaker, 31 * SECOND, again, Outcome::Success).is_stale());
}

/// As keys of an ordered map, and in a log.
#[test]
fn permits_are_ordered_and_told_by_generation_tag_and_number() {
    let ids = [[0, 7 << 32], [0, 7 << 32 | 1], [0, 8 << 32], [1, 0]].map(PermitId::from_words);
    assert!(ids.is_sorted() && ids[0] < ids[1]);
    let told = format!("{:?}", ids[1]);
    assert_eq!(told, "PermitId { generation: 0, tag: 7, number: 1 }");
}

#[test]
fn a_result_counts_unless_it_is_ignored_or_too_late() {
    let mut breaker = breaker(builder(30).build());
    let calls = [(); 7].map(|()| granted(&mut breaker, 0));
    let outcomes = [Outcome::Ignored, Outcome::Success]
        .into_iter()
        .chain([Outcome::Failure; 5]);
    let receipts = calls
        .into_iter()
        .zip(outcomes)
        .map(|(permit, outcome)| report(&mut breaker, 0, permit, outcome));
    let counted: Vec<bool> = receipts.map(|receipt| receipt.is_counted()).collect();
    assert_eq!(counted, [false, true, true, true, true, true, true]);
    assert_eq!(breaker.phase(0), Phase::Open);
    let late = Permit::from_id(PermitId::from_words([0, 0]));
    assert!(matches!(
        report(&mut breaker, 0, late, Outcome::Success),
        Receipt::Stale(_)
    ));
}

#[test]
fn a_dashboard_sees_how_often_it_opened_in_a_row() {
    let mut breaker = breaker(builder(30).build());
    assert_eq!(breaker.consecutive_opens(), 0);
    trip(&mut breaker, 0);
    assert_eq!(breaker.consecutive_opens(), 1);
    let mut now_ns = 0;
    for opens in 2..=4 {
        now_ns += 30 * SECOND;
        let probe = granted(&mut breaker, now_ns);
        let _ = report(&mut breaker, now_ns, probe, Outcome::Failure);
        assert_eq!(breaker.consecutive_opens(), opens);
    }
    now_ns += 30 * SECOND;
    for _ in 0..3 {
        let _ = call(&mut breaker, now_ns, Outcome::Success);
    }
    assert_eq!(breaker.phase(now_ns), Phase::Closed);
    assert_eq!(breaker.consecutive_opens(), 0);
}

/// A dependency that goes down fails and is slow by every measure, within one window.
#[test]
fn it_opens_when_every_condition_is_met_by_the_same_call() {
    let at_least = Ratio::percent(50);
    let slow_rate = |slower_than: u64| Trigger::SlowRate {
        slower_than: Duration::from_nanos(slower_than),
        at_least,
        min_calls: 4,
    };
    let failure_rate = Trigger::FailureRate {
        at_least,
        min_calls: 4,
    };
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
        .window(Window::Count { calls: 4 })
        .trigger(failure_rate)
        .trigger(slow_rate(10))
        .trigger(slow_rate(20))
        .trigger(slow_rate(30));
    let mut breaker = breaker(policy.build());
    for made in [vec![], vec![], vec![], vec![Cause::FailureRate]] {
        let permit = granted(&mut breaker, 0);
        let receipt = breaker.on_outcome(0, permit, Outcome::Failure, 31, &mut Words::of(1));
        assert_eq!(causes(&receipt), made);
    }
}
