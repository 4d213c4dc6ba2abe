//! Random calls of a breaker table.

use core::hash::BuildHasher;
use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Health, Mode, Outcome, PermitId, Trigger, Window};
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy};

use super::{Answer, Op};
use crate::generate::{Generate, Pick, slice_ns};
use crate::table_key::TableKey;

/// Some more than there is room for in most policies.
const KEYS: u64 = 5;
/// A key that is never asked for.
const STRANGER: u64 = 1_000;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn outcome(pick: &mut Pick, now_ns: u64) -> Outcome {
    match pick.below(16) {
        0..=7 => Outcome::Failure,
        8..=12 => Outcome::Success,
        13 => Outcome::Ignored,
        _ => Outcome::Overloaded {
            retry_at_ns: (!pick.one_in(3)).then(|| pick.instant(now_ns)),
        },
    }
}

impl<K: TableKey + From<u64>, S: BuildHasher + Default> Generate for BreakerTable<K, S> {
    const POLICIES: usize = 4;

    fn sample_policy(number: usize) -> Option<(&'static str, BreakerTablePolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let equal = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 60));
        let once = Trigger::Consecutive { failures: 1 };
        let twice = Trigger::Consecutive { failures: 2 };
        let rate = Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 2,
        };
        let window = Window::Time {
            span: ns(80),
            slices: 8,
        };
        let (name, breaker, keys, forget) = match number {
            0 => {
                let breaker = BreakerPolicy::builder(plain, ns(50)).trigger(once);
                ("three keys", breaker, 3, 400)
            }
            1 => {
                let breaker = BreakerPolicy::builder(equal, ns(60))
                    .trigger(twice)
                    .max_in_flight(2)
                    .trials(3);
                ("one key", breaker, 1, 60)
            }
            2 => {
                let breaker = BreakerPolicy::builder(equal, ns(30))
                    .trigger(rate)
                    .window(window)
                    .until_healthy(true)
                    .calm_after(ns(300));
                ("slices, all keys", breaker, 16, 90)
            }
            3 => {
                let breaker = BreakerPolicy::builder(longest, ns(1 << 60)).trigger(once);
                ("the longest", breaker, 2, 1 << 62)
            }
            _ => return None,
        };
        let builder = BreakerTablePolicy::builder(breaker.build().ok()?, keys, ns(forget));
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &BreakerTablePolicy) -> [u64; 5] {
        let breaker = policy.breaker();
        let base = breaker.open().base();
        let (lease, forget) = (breaker.probe_timeout(), policy.forget_after());
        [base, lease, forget, base, lease].map(|span| span.as_nanos() as u64)
    }

    fn grid_ns(policy: &BreakerTablePolicy) -> u64 {
        match policy.breaker().window() {
            Some(Window::Time { span, slices }) => slice_ns(span, slices),
            _ => 1,
        }
    }

    fn call(_: &BreakerTablePolicy, pick: &mut Pick, now_ns: u64, ids: &[(K, PermitId)]) -> Op<K> {
        let key = K::from(pick.below(KEYS));
        let modes = [
            Mode::Normal,
            Mode::Observe,
            Mode::ForcedOpen,
            Mode::ForcedClosed,
        ];
        match pick.below(48) {
            0..=20 => Op::TryAcquire { key },
            21 | 22 => Op::Poll,
            23 | 24 => Op::OnHealth {
                key,
                health: pick.of(&[Health::Up, Health::Up, Health::Down]),
            },
            25 => Op::SetMode {
                key,
                mode: pick.of(&modes),
            },
            26 => Op::SetMode {
                key,
                mode: Mode::Normal,
            },
            27 => Op::Reset { key },
            28 => Op::Forget { key },
            _ => match pick.recent(ids) {
                Some((key, permit)) => Op::OnOutcome {
                    key,
                    permit,
                    outcome: outcome(pick, now_ns),
                    latency_ns: pick.value(),
                },
                None => Op::TryAcquire { key },
            },
        }
    }

    fn query(_: &BreakerTablePolicy, pick: &mut Pick) -> Option<Op<K>> {
        let key = K::from(pick.below(KEYS));
        Some(match pick.below(12) {
            0 | 1 => Op::Phase { key },
            2 | 3 => Op::Peek { key },
            4 | 5 => Op::Tracks { key },
            6 | 7 => Op::StatsOf { key },
            8 => Op::OverflowPhase,
            9 => Op::Peek {
                key: STRANGER.into(),
            },
            10 => Op::Stats,
            _ => Op::Iter,
        })
    }

    fn report((key, permit): (K, PermitId), pick: &mut Pick) -> Option<Op<K>> {
        Some(Op::OnOutcome {
            key,
            permit,
            outcome: outcome(pick, 0),
            latency_ns: pick.value(),
        })
    }

    /// Of another generation or tag, or a probe that has not gone out.
    fn foreign(pick: &mut Pick, given: &[(K, PermitId)]) -> Option<(K, PermitId)> {
        let (key, permit) = pick.recent(given)?;
        let [generation, tag_and_number] = permit.to_words();
        let words = match pick.below(3) {
            0 => [generation.wrapping_add(1_000), tag_and_number],
            1 => [generation, tag_and_number.wrapping_add(99 << 32)],
            _ => [generation, tag_and_number | 1 << 30],
        };
        Some((key, PermitId::from_words(words)))
    }

    fn instants(answer: &Answer<K>, show: &mut dyn FnMut(u64)) {
        let at_ns = match answer {
            Answer::Granted { would_refuse, .. } => {
                would_refuse.and_then(|refusal| refusal.retry_at_ns)
            }
            Answer::Refused(refused) => refused.answer.retry_at_ns(),
            Answer::Peek(Err(refused)) => refused.answer.retry_at_ns,
            Answer::Full(full) => full.held_until_ns,
            _ => None,
        };
        at_ns.map(&mut *show);
        let made = answer.transitions();
        made.iter().for_each(|made| show(made.at_ns));
    }
}
