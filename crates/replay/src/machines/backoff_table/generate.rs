//! Random calls of a backoff table.

use core::hash::BuildHasher;
use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, Hold};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};
use crate::machine::NoId;
use crate::table_key::TableKey;

/// Some more than there is room for in most policies.
const KEYS: u64 = 6;
/// A key that never fails.
const STRANGER: u64 = 1_000;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl<K: TableKey + From<u64>, S: BuildHasher + Default> Generate for BackoffTable<K, S> {
    const POLICIES: usize = 6;

    fn sample_policy(number: usize) -> Option<(&'static str, BackoffTablePolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 60)).jitter(Jitter::Equal);
        let of = |backoff, keys, forget| BackoffTablePolicy::builder(backoff, keys, ns(forget));
        let (name, builder) = match number {
            0 => ("plain, index", of(plain, 4, 500).due_index(true)),
            1 => ("plain, no index", of(plain, 4, 500)),
            2 => (
                "decorrelated, index, spread",
                of(full.jitter(Jitter::Decorrelated), 3, 300)
                    .due_index(true)
                    .advisory_spread(Ratio::percent(40)),
            ),
            3 => (
                "exact, one key",
                of(full, 1, 5_000).advisory_rule(AdvisoryRule::Exact),
            ),
            4 => (
                "within, all keys",
                of(full, 16, 1)
                    .due_index(true)
                    .advisory_rule(AdvisoryRule::Within(ns(70)))
                    .advisory_cap(ns(900)),
            ),
            5 => ("the longest", of(longest, 2, 1 << 62).due_index(true)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &BackoffTablePolicy) -> [u64; 5] {
        let base = policy.backoff().base();
        let forget = policy.forget_after();
        [base, forget, base, forget, base].map(|span| span.as_nanos() as u64)
    }

    fn call(_: &BackoffTablePolicy, pick: &mut Pick, now_ns: u64, _: &[NoId]) -> Op<K> {
        let key = K::from(pick.below(KEYS));
        match pick.below(25) {
            0..=4 => Op::TryAcquire { key },
            5..=7 => Op::PopReady,
            8 => Op::OnSuccess { key },
            9 => Op::Forget { key },
            10 if pick.one_in(3) => Op::OnAdvice {
                key,
                advice: Advice::Stop,
            },
            11..=14 => Op::OnAdvice {
                key,
                advice: Advice::RetryAt {
                    at_ns: pick.instant(now_ns),
                },
            },
            24 => Op::DropForgotten {
                at_most: pick.below(KEYS) as u32,
            },
            _ => Op::OnFailure { key },
        }
    }

    fn query(_: &BackoffTablePolicy, pick: &mut Pick) -> Option<Op<K>> {
        let key = K::from(pick.below(KEYS));
        Some(match pick.below(8) {
            0..=2 => Op::Peek { key },
            3..=5 => Op::Get { key },
            6 if pick.one_in(2) => Op::Peek {
                key: STRANGER.into(),
            },
            6 => Op::Overflow,
            _ => Op::Iter,
        })
    }

    fn instants(answer: &Answer<K>, show: &mut dyn FnMut(u64)) {
        let at_ns = match answer {
            Answer::Refused(refusal) | Answer::Peek(Err(refusal)) => refusal.retry_at_ns,
            Answer::Held(hold) => hold.until_ns,
            Answer::Full(full) => full.held_until_ns,
            Answer::Hold(hold) => hold.and_then(|hold| hold.until_ns),
            Answer::Holds(holds) => {
                let until_ns = |(_, hold): &(K, Hold)| hold.until_ns;
                holds.iter().filter_map(until_ns).for_each(&mut *show);
                None
            }
            Answer::Admitted
            | Answer::Cleared(_)
            | Answer::Ready(_)
            | Answer::Dropped
            | Answer::Peek(Ok(())) => None,
        };
        at_ns.map(show);
    }
}
