//! A million mixed calls over all kinds of machines, recorded side by side into one file by a thread of its own, verify
//! bit for bit.
#![cfg(feature = "std")]

use evenkeel_core::backoff::Backoff;
use evenkeel_core::breaker::Breaker;
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::estimator::{
    LogHistogram, QuantileWindow, RollingHistogram, SampleWindow, ThresholdWindow,
};
use evenkeel_core::health::HealthProbe;
use evenkeel_core::reconnect::Reconnect;
use evenkeel_core::restart::Restart;
use evenkeel_core::retry::Retry;
use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};
use evenkeel_core::throttle::AdaptiveThrottle;
use evenkeel_replay::any::{Journaled, Kind};
use evenkeel_replay::generate::{Generate, Pick, Pilot, Times};
use evenkeel_replay::journal::Journal;
use evenkeel_replay::{Feed, verify_file};

const CALLS: u64 = 1_000_000;

/// A machine that makes up its next call, and makes it.
trait Caller {
    fn call(&mut self);
}

struct Recorded<M: Generate> {
    pilot: Pilot<M>,
    feed: Feed<M>,
}

impl<M: Generate + Journaled> Caller for Recorded<M> {
    fn call(&mut self) {
        let (now_ns, op) = self.pilot.next_call();
        let feed = &mut self.feed;
        let call = op.clone();
        let _ = self.pilot.go_by(&op, |machine, words| {
            feed.apply(machine, now_ns, call, words)
        });
    }
}

/// A recorded machine for each sample policy.
fn callers<M: Generate + Journaled + 'static>(journal: &Journal) -> Vec<Box<dyn Caller>> {
    let recorded = |number| {
        let (name, policy) = M::sample_policy(number).expect("a sample policy");
        let pilot = Pilot::<M>::new(policy, Times::Tame, number as u64);
        let feed = journal.feed(name, pilot.machine());
        Box::new(Recorded { pilot, feed }) as Box<dyn Caller>
    };
    (0..M::POLICIES).map(recorded).collect()
}

#[test]
fn a_million_mixed_calls_verify() {
    let path = std::env::temp_dir().join(format!("evenkeel-million-{}.jsonl", std::process::id()));
    // A buffer for all of them: how fast the disk is must not matter here.
    let journal = Journal::options()
        .buffer(2_000_000)
        .create(&path)
        .expect("a journal");
    let mut callers: Vec<Box<dyn Caller>> = [
        callers::<AdaptiveThrottle>(&journal),
        callers::<Backoff>(&journal),
        callers::<BackoffTable<u64>>(&journal),
        callers::<Breaker>(&journal),
        callers::<BreakerTable<u64>>(&journal),
        callers::<HealthProbe>(&journal),
        callers::<LogHistogram>(&journal),
        callers::<QuantileWindow>(&journal),
        callers::<Reconnect>(&journal),
        callers::<RecoveryBudget<u64>>(&journal),
        callers::<Restart>(&journal),
        callers::<Retry>(&journal),
        callers::<RetryRatio>(&journal),
        callers::<RetryTokens>(&journal),
        callers::<RollingHistogram>(&journal),
        callers::<SampleWindow>(&journal),
        callers::<ThresholdWindow>(&journal),
    ]
    .into_iter()
    .flatten()
    .collect();
    let machines = callers.len() as u64;
    let mut pick = Pick::new(1);
    for _ in 0..CALLS {
        let at = pick.below(machines);
        callers[at as usize].call();
    }
    let summary = journal.finish().expect("written");
    assert_eq!((summary.ops, summary.dropped), (CALLS, 0));

    let verified = verify_file(&path);
    let bytes = std::fs::metadata(&path).map(|file| file.len());
    std::fs::remove_file(&path).expect("the journal is there");
    let verified = verified.expect("the same answers");
    assert_eq!((verified.ops, verified.dropped), (CALLS, 0));
    println!(
        "{CALLS} calls of {machines} machines of {} kinds, {} bytes: verified",
        Kind::ALL.len(),
        bytes.expect("a length")
    );
}
