//! Four thousand million probes in one half-open phase: their numbers begin again, and nothing else does.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, BreakerState, Outcome, Permit, PermitId, Phase, Trigger,
};
use evenkeel_core::random::Rng;
use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
use serde_json::json;

/// The last number of a probe; u32::MAX marks calls that do not count.
const LAST: u64 = u32::MAX as u64 - 1;

/// Open waits with jitter; at most `max_in_flight` probes, of which all of 8 trials must pass.
fn policy(max_in_flight: u32) -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_nanos(1_000)).jitter(Jitter::Full);
    BreakerPolicy::builder(open, Duration::from_secs(3_600))
        .trigger(Trigger::Consecutive { failures: 1 })
        .max_in_flight(max_in_flight)
        .trials(8)
        .build()
        .expect("a policy")
}

/// Half-open at 2 000, with one probe out: number 1.
fn with_one_probe(policy: BreakerPolicy) -> (Breaker, PermitId, SplitMix64) {
    let mut rng = SplitMix64::seed_from_u64(1);
    let mut breaker = Breaker::new(policy);
    let call = breaker.try_acquire(0, &mut rng).expect("closed").permit;
    let _ = breaker.on_outcome(0, call, Outcome::Failure, 0, &mut rng);
    let probe = breaker
        .try_acquire(2_000, &mut rng)
        .expect("half-open")
        .permit;
    (breaker, probe.id(), rng)
}

/// As if so many probes had gone out that `next` is the number of the next one.
fn far_on(breaker: &Breaker, next: u64) -> Breaker {
    let mut state = serde_json::to_value(breaker.state()).expect("plain data");
    state["stage"]["half-open"]["next"] = json!(next);
    let state: BreakerState = serde_json::from_value(state).expect("well formed");
    Breaker::restore(*breaker.policy(), state).expect("as many probes as that can have gone out")
}

fn number(id: PermitId) -> u64 {
    id.to_words()[1] & u64::from(u32::MAX)
}

#[test]
fn numbers_begin_again_at_1_and_pass_over_the_one_that_is_still_out() {
    let (breaker, first, mut rng) = with_one_probe(policy(4));
    let mut breaker = far_on(&breaker, LAST - 1);
    let mut numbers = Vec::new();
    for _ in 0..6 {
        let probe = breaker
            .try_acquire(2_000, &mut rng)
            .expect("a free place")
            .permit;
        numbers.push(number(probe.id()));
        assert!(probe.id().is_probe());
        // Its own state, with the numbers in any order, is one that it takes.
        assert_eq!(
            Breaker::restore(*breaker.policy(), breaker.state()).as_ref(),
            Ok(&breaker)
        );
        let receipt = breaker.on_outcome(2_000, probe, Outcome::Ignored, 0, &mut rng);
        assert!(!receipt.is_stale());
        assert_eq!(
            Breaker::restore(*breaker.policy(), breaker.state()).as_ref(),
            Ok(&breaker)
        );
    }
    assert_eq!(numbers, [LAST - 1, LAST, 2, 3, 4, 5]);

    // The one that was out all the time has its place, once.
    let report = |breaker: &mut Breaker| {
        breaker.on_outcome(
            2_000,
            Permit::from_id(first),
            Outcome::Ignored,
            0,
            &mut SplitMix64::seed_from_u64(0),
        )
    };
    assert!(!report(&mut breaker).is_stale());
    assert!(report(&mut breaker).is_stale());
}

#[test]
fn several_that_are_still_out_are_passed_over_together() {
    let (breaker, _, mut rng) = with_one_probe(policy(8));
    let mut breaker = far_on(&breaker, LAST);
    let mut ask = |breaker: &mut Breaker| {
        let number = number(
            breaker
                .try_acquire(2_000, &mut rng)
                .expect("a free place")
                .permit
                .id(),
        );
        assert_eq!(
            Breaker::restore(*breaker.policy(), breaker.state()).as_ref(),
            Ok(&*breaker)
        );
        number
    };
    // 1 is out; then LAST, 2, 3, and once more around.
    assert_eq!([(); 3].map(|()| ask(&mut breaker)), [LAST, 2, 3]);
    let mut breaker = far_on(&breaker, LAST - 1);
    assert_eq!([(); 3].map(|()| ask(&mut breaker)), [LAST - 1, 4, 5]);
}

#[test]
fn the_word_for_the_wait_that_may_follow_is_drawn_once_in_a_phase() {
    let mut rng = SplitMix64::seed_from_u64(9);
    let mut untouched = rng.clone();
    let (mut breaker, first, _) = with_one_probe(policy(4));
    let _ = breaker.on_outcome(2_000, Permit::from_id(first), Outcome::Ignored, 0, &mut rng);
    let mut breaker = far_on(&breaker, LAST);
    let [last, again, second] = [(); 3].map(|()| {
        let grant = breaker.try_acquire(2_000, &mut rng);
        grant.expect("a free place").permit.id()
    });
    assert_eq!([last, again, second].map(number), [LAST, 1, 2]);
    assert_eq!(rng.next_u64(), untouched.next_u64(), "number 1 draws again");

    // The same phase ends in the same wait, whether or not the numbers began again.
    let (mut plain, probe, _) = with_one_probe(policy(4));
    assert_eq!(probe, again);
    let mut wait = |breaker: &mut Breaker| {
        let _ = breaker.on_outcome(2_000, Permit::from_id(probe), Outcome::Failure, 0, &mut rng);
        assert_eq!(breaker.phase(2_000), Phase::Open);
        breaker.next_deadline_ns()
    };
    assert_eq!(wait(&mut breaker), wait(&mut plain));
}

#[test]
fn a_state_in_which_two_probes_or_a_probe_and_the_next_share_a_number_is_refused() {
    let (mut breaker, ..) = with_one_probe(policy(4));
    let _ = breaker
        .try_acquire(2_000, &mut SplitMix64::seed_from_u64(1))
        .expect("a free place");
    let damaged = |path: &str, value: u64| {
        let mut state = serde_json::to_value(breaker.state()).expect("plain data");
        *state.pointer_mut(path).expect("it is there") = json!(value);
        let state: BreakerState = serde_json::from_value(state).expect("well formed");
        Breaker::restore(*breaker.policy(), state).is_err()
    };
    // The words: how many there are, then the end and the number of each probe.
    let next = "/stage/half-open/next";
    for (path, value) in [
        ("/words/2", 2),
        ("/words/4", 1),
        (next, 1),
        (next, 2),
        (next, 0),
        (next, LAST + 1),
    ] {
        assert!(damaged(path, value), "{path} {value}");
    }
    assert!(!damaged(next, LAST));
}

#[test]
fn a_phase_without_a_word_that_fails_under_a_policy_with_jitter_waits_the_longest() {
    let open = BackoffPolicy::builder(Duration::from_nanos(1_000)).jitter(Jitter::None);
    let plain = BreakerPolicy::builder(open, Duration::from_secs(3_600))
        .trigger(Trigger::Consecutive { failures: 1 })
        .build()
        .expect("a policy");
    let (breaker, probe, mut rng) = with_one_probe(plain);
    let mut breaker = Breaker::restore(policy(1), breaker.state()).expect("it fits");
    let _ = breaker.on_outcome(2_000, Permit::from_id(probe), Outcome::Failure, 0, &mut rng);
    assert_eq!(breaker.next_deadline_ns(), Some(4_000));
}
