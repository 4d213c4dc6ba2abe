//! Machines of every kind that make random calls while they are recorded.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use evenkeel_core::{
    backoff, breaker, budget, estimator, health, reconnect, restart, retry, table, throttle,
};
use evenkeel_replay::any::{Journaled, Kind};
use evenkeel_replay::generate::{Generate, Pick, Pilot, Times, Words};
use evenkeel_replay::journal::{self, Journal, Loaded, Reader, Writer};
use evenkeel_replay::{Key, Recorder, Unverified, Verified, verify};

pub(crate) trait Play {
    /// Makes a random call, or a few.
    fn play(&mut self);
}

struct Player<M: Journaled + Generate> {
    pilot: Pilot<M>,
    recorder: Recorder<M>,
    words: Words,
}

impl<M: Journaled + Generate> Play for Player<M> {
    fn play(&mut self) {
        let (now_ns, op) = self.pilot.next_call();
        let answer = self.recorder.apply(now_ns, op.clone(), &mut self.words);
        assert_eq!(answer, self.pilot.go(now_ns, &op), "{op:?}");
        if let Some(query) = self.pilot.query() {
            self.recorder.apply(now_ns, query, &mut self.words);
        }
    }
}

fn player<M>(journal: &Journal, seed: u64) -> Box<dyn Play + Send>
where
    M: Journaled + Generate + Clone + Send + 'static,
    M::Policy: Send,
    M::Id: Send,
{
    let (name, policy) = M::sample_policy(seed as usize % M::POLICIES).expect("a policy");
    let times = if seed % 2 == 0 {
        Times::Tame
    } else {
        Times::Wild
    };
    let pilot = Pilot::<M>::new(policy, times, seed);
    let recorder = journal.record(name, pilot.machine().clone());
    let words = Words::new(seed);
    Box::new(Player {
        pilot,
        recorder,
        words,
    })
}

/// A machine of this kind that makes random calls.
pub(crate) fn play(journal: &Journal, kind: Kind, seed: u64) -> Box<dyn Play + Send> {
    match kind {
        Kind::AdaptiveThrottle => player::<throttle::AdaptiveThrottle>(journal, seed),
        Kind::Backoff => player::<backoff::Backoff>(journal, seed),
        Kind::BackoffTable => player::<table::BackoffTable<Key>>(journal, seed),
        Kind::Breaker => player::<breaker::Breaker>(journal, seed),
        Kind::BreakerTable => player::<table::BreakerTable<Key>>(journal, seed),
        Kind::HealthProbe => player::<health::HealthProbe>(journal, seed),
        Kind::LogHistogram => player::<estimator::LogHistogram>(journal, seed),
        Kind::QuantileWindow => player::<estimator::QuantileWindow>(journal, seed),
        Kind::Reconnect => player::<reconnect::Reconnect>(journal, seed),
        Kind::RecoveryBudget => player::<table::RecoveryBudget<Key>>(journal, seed),
        Kind::Restart => player::<restart::Restart>(journal, seed),
        Kind::Retry => player::<retry::Retry>(journal, seed),
        Kind::RetryRatio => player::<budget::RetryRatio>(journal, seed),
        Kind::RetryTokens => player::<budget::RetryTokens>(journal, seed),
        Kind::RollingHistogram => player::<estimator::RollingHistogram>(journal, seed),
        Kind::SampleWindow => player::<estimator::SampleWindow>(journal, seed),
        Kind::ThresholdWindow => player::<estimator::ThresholdWindow>(journal, seed),
        kind => panic!("{kind:?} has no player"),
    }
}

/// One machine of each kind.
pub(crate) fn play_all(journal: &Journal, seed: u64) -> Vec<Box<dyn Play + Send>> {
    let kinds = Kind::ALL.iter();
    kinds.map(|kind| play(journal, *kind, seed)).collect()
}

/// Random calls, in a random order of machines.
pub(crate) fn mix(players: &mut [Box<dyn Play + Send>], calls: usize, seed: u64) {
    let mut pick = Pick::new(seed);
    for _ in 0..calls {
        let at = pick.below(players.len() as u64) as usize;
        players[at].play();
    }
}

/// A journal of random calls to machines of these kinds.
pub(crate) fn sample(kinds: &[Kind], calls: usize, seed: u64) -> Vec<u8> {
    let journal = Journal::in_memory();
    let players = kinds.iter().map(|kind| play(&journal, *kind, seed));
    mix(&mut players.collect::<Vec<_>>(), calls, seed);
    dump(&journal)
}

pub(crate) fn dump(journal: &Journal) -> Vec<u8> {
    let mut bytes = Vec::new();
    journal.dump(&mut bytes).expect("no disk is needed");
    bytes
}

pub(crate) fn verify_bytes(bytes: &[u8]) -> Result<Verified, Box<Unverified>> {
    verify(Reader::new(bytes))
}

/// What this crate writes for what it has read.
pub(crate) fn written(loaded: &Loaded) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for line in loaded.lines() {
        match line {
            journal::LoadedLine::Header(header) => writer.header(header),
            journal::LoadedLine::Entry(entry) => writer.entry(entry),
        }
        .expect("no disk is needed");
    }
    writer.end(0).expect("no disk is needed").0
}
