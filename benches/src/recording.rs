//! What a journal costs the program that is recorded: the same calls with and without it.

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{Backoff, BackoffPolicy};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger, Window};
use evenkeel_replay::journal::Journal;
use evenkeel_replay::{Recorder, journal::Reader, verify};

use crate::Case;
use crate::inputs::rng;
use crate::repeat::repeated;

/// What a flight recorder keeps; the memory of a bench must have an end.
const KEPT: u64 = 200_000;
const WITHOUT: &str = "ours, not recorded";

/// What a recorded call may take more, in nanoseconds.
const A_CALL: f64 = 200.0;

/// The cases of recording, on top of the machine alone.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "recording: a breaker's ask and report (two calls)",
            repeated("recorded, in memory", || {
                let journal = Journal::last(KEPT);
                recorded_breaker(&journal)
            }),
            agrees,
        )
        .on_top_of(repeated(WITHOUT, plain_breaker), 2.0 * A_CALL),
        Case::new(
            "recording: a jittered wait (one call, one word)",
            repeated("recorded, in memory", || {
                let journal = Journal::last(KEPT);
                recorded_backoff(&journal)
            }),
            agrees,
        )
        .on_top_of(repeated(WITHOUT, plain_backoff), A_CALL),
    ]
}

fn breaker() -> Breaker {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let rate = Trigger::FailureRate {
        at_least: Ratio::percent(50),
        min_calls: 20,
    };
    let builder = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(rate)
        .window(Window::Count { calls: 100 });
    Breaker::new(builder.build().expect("a valid policy"))
}

fn backoff() -> Backoff {
    let builder = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(10));
    Backoff::new(builder.build().expect("a valid policy"))
}

/// One in ten calls fails.
fn outcome(calls: u64) -> Outcome {
    if calls.is_multiple_of(10) {
        Outcome::Failure
    } else {
        Outcome::Success
    }
}

fn plain_breaker() -> impl FnMut() -> bool {
    let (mut breaker, mut rng) = (breaker(), rng(1));
    let (mut calls, mut now_ns) = (0, 0);
    move || {
        calls += 1;
        now_ns += 1_000;
        let Ok(grant) = breaker.try_acquire(now_ns, &mut rng) else {
            return false;
        };
        let outcome = outcome(calls);
        let receipt = breaker.on_outcome(now_ns + 500, grant.permit, outcome, 500, &mut rng);
        receipt.is_stale()
    }
}

/// A recorded breaker and its calls.
pub fn recorded_breaker(journal: &Journal) -> impl FnMut() -> bool + use<> {
    let mut breaker: Recorder<Breaker> = journal.record("breaker", breaker());
    let mut rng = rng(1);
    let (mut calls, mut now_ns) = (0, 0);
    move || {
        calls += 1;
        now_ns += 1_000;
        let Ok(grant) = breaker.try_acquire(now_ns, &mut rng) else {
            return false;
        };
        let outcome = outcome(calls);
        let receipt = breaker.on_outcome(now_ns + 500, grant.permit, outcome, 500, &mut rng);
        receipt.is_stale()
    }
}

fn plain_backoff() -> impl FnMut() -> u64 {
    let (mut backoff, mut rng) = (backoff(), rng(1));
    let mut now_ns = 0;
    move || {
        now_ns += 1_000;
        backoff
            .next_wait(now_ns, &mut rng)
            .map_or(0, |wait| wait.at_ns)
    }
}

fn recorded_backoff(journal: &Journal) -> impl FnMut() -> u64 + use<> {
    let mut backoff = journal.record("backoff", backoff());
    let mut rng = rng(1);
    let mut now_ns = 0;
    move || {
        now_ns += 1_000;
        backoff
            .next_wait(now_ns, &mut rng)
            .map_or(0, |wait| wait.at_ns)
    }
}

/// Recorded and not, the answers are the same, and what was taken down verifies.
fn agrees() {
    let journal = Journal::in_memory();
    let (mut recorded, mut plain) = (recorded_breaker(&journal), plain_breaker());
    let (mut recorded_wait, mut plain_wait) = (recorded_backoff(&journal), plain_backoff());
    for _ in 0..10_000 {
        assert_eq!(recorded(), plain());
        assert_eq!(recorded_wait(), plain_wait());
    }
    let mut written = Vec::new();
    journal.dump(&mut written).expect("a journal in memory");
    let verified = verify(Reader::new(&written[..])).unwrap_or_else(|failed| panic!("{failed}"));
    assert_eq!(verified.ops, 30_000);
}
