//! Random calls of a breaker.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Health, Mode, Outcome, PermitId, Trigger, Window,
};
use evenkeel_core::{Quantile, Ratio};

use super::{Answer, Op};
use crate::generate::{Generate, Pick, slice_ns};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn outcome(pick: &mut Pick, now_ns: u64) -> Outcome {
    match pick.below(16) {
        0..=6 => Outcome::Failure,
        7..=12 => Outcome::Success,
        13 => Outcome::Ignored,
        _ => Outcome::Overloaded {
            retry_at_ns: (!pick.one_in(3)).then(|| pick.instant(now_ns)),
        },
    }
}

/// Two failures in a row; half of three calls failed; half of two were slow; the median of two is above a limit.
fn triggers() -> [Trigger; 4] {
    let half = Ratio::percent(50);
    [
        Trigger::Consecutive { failures: 2 },
        Trigger::FailureRate {
            at_least: half,
            min_calls: 3,
        },
        Trigger::SlowRate {
            slower_than: ns(50),
            at_least: half,
            min_calls: 2,
        },
        Trigger::Latency {
            quantile: Quantile::P50,
            above: ns(9),
            min_calls: 2,
        },
    ]
}

impl Generate for Breaker {
    const POLICIES: usize = 5;

    fn sample_policy(number: usize) -> Option<(&'static str, BreakerPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let equal = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let decorrelated = equal.jitter(Jitter::Decorrelated);
        let longest = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Full);
        let [twice, rate, slow, latency] = triggers();
        let span = |span, slices| Window::Time {
            span: ns(span),
            slices,
        };
        let calls = |calls| Window::Count { calls };
        let (name, builder) = match number {
            0 => (
                "consecutive",
                BreakerPolicy::builder(plain, ns(50)).trigger(twice),
            ),
            1 => (
                "rate of 4, three probes, ramp",
                BreakerPolicy::builder(equal, ns(300))
                    .trigger(rate)
                    .window(calls(4))
                    .max_in_flight(3)
                    .trials(5)
                    .successes(3)
                    .ramp(ns(500))
                    .calm_after(ns(900)),
            ),
            2 => (
                "slow in slices, healthy",
                BreakerPolicy::builder(decorrelated, ns(70))
                    .trigger(slow)
                    .trigger(twice)
                    .window(span(80, 8))
                    .until_healthy(true)
                    .trials(2)
                    .max_in_flight(2),
            ),
            3 => (
                "latency in slices",
                BreakerPolicy::builder(equal, ns(1))
                    .trigger(latency)
                    .window(span(1_000, 4))
                    .trials(3)
                    .successes(1)
                    .max_in_flight(2)
                    .advisory_cap(ns(5_000)),
            ),
            4 => (
                "the longest",
                BreakerPolicy::builder(longest, ns(1 << 62))
                    .trigger(rate)
                    .trigger(latency)
                    .window(calls(3))
                    .calm_after(ns(1))
                    .ramp(ns(1 << 62)),
            ),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &BreakerPolicy) -> [u64; 5] {
        let base = policy.open().base();
        let spans = [
            base,
            policy.probe_timeout(),
            policy.ramp().unwrap_or(base),
            policy.calm_after().unwrap_or(base),
            ns(Self::grid_ns(policy)),
        ];
        spans.map(|span| span.as_nanos() as u64)
    }

    fn grid_ns(policy: &BreakerPolicy) -> u64 {
        match policy.window() {
            Some(Window::Time { span, slices }) => slice_ns(span, slices),
            _ => 1,
        }
    }

    fn sample(policy: BreakerPolicy, _: u64) -> Self {
        Self::tagged(policy, 9)
    }

    fn call(_: &BreakerPolicy, pick: &mut Pick, now_ns: u64, ids: &[PermitId]) -> Op {
        let modes = [
            Mode::Normal,
            Mode::Observe,
            Mode::ForcedOpen,
            Mode::ForcedClosed,
        ];
        match pick.below(40) {
            0..=16 => Op::TryAcquire,
            17 | 18 => Op::Poll,
            19..=21 => Op::OnHealth {
                health: pick.of(&[Health::Up, Health::Up, Health::Down]),
            },
            22 => Op::SetMode {
                mode: pick.of(&modes),
            },
            23 => Op::SetMode { mode: Mode::Normal },
            24 if pick.one_in(2) => Op::Reset,
            _ => match pick.recent(ids) {
                Some(permit) => Op::OnOutcome {
                    permit,
                    outcome: outcome(pick, now_ns),
                    latency_ns: pick.value(),
                },
                None => Op::TryAcquire,
            },
        }
    }

    fn query(_: &BreakerPolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::Phase, Op::Peek, Op::Window, Op::Stats]))
    }

    fn report(permit: PermitId, pick: &mut Pick) -> Option<Op> {
        Some(Op::OnOutcome {
            permit,
            outcome: outcome(pick, 0),
            latency_ns: pick.value(),
        })
    }

    /// Of another breaker, or a probe that has not gone out.
    fn foreign(pick: &mut Pick, given: &[PermitId]) -> Option<PermitId> {
        let [generation, tag_and_number] = pick.recent(given)?.to_words();
        Some(PermitId::from_words(match pick.below(3) {
            0 => [generation.wrapping_add(1_000), tag_and_number],
            1 => [generation, tag_and_number.wrapping_add(1 << 32)],
            _ => [generation, tag_and_number | 1 << 30],
        }))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        let refusal = match answer {
            Answer::Granted { would_refuse, .. } => *would_refuse,
            Answer::Refused(refused) => Some(refused.refusal),
            Answer::Peek(peeked) => peeked.err(),
            _ => None,
        };
        refusal
            .and_then(|refusal| refusal.retry_at_ns)
            .map(&mut *show);
        answer
            .transitions()
            .iter()
            .for_each(|made| show(made.at_ns));
    }
}
