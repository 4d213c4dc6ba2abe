//! Random calls of a backoff.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Growth, Jitter};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};
use crate::machine::NoId;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl Generate for Backoff {
    const POLICIES: usize = 7;

    fn sample_policy(number: usize) -> Option<(&'static str, BackoffPolicy)> {
        let short = BackoffPolicy::builder(ns(10));
        let half = Jitter::Spread(Ratio::percent(50));
        let (name, builder) = match number {
            0 => (
                "constant",
                short.growth(Growth::Constant).jitter(Jitter::None),
            ),
            1 => ("full, capped, 5 retries", short.cap(ns(300)).max_retries(5)),
            2 => (
                "equal, 400 ns in all",
                short.jitter(Jitter::Equal).max_total_wait(ns(400)),
            ),
            3 => (
                "decorrelated",
                short.jitter(Jitter::Decorrelated).cap(ns(1 << 40)),
            ),
            4 => (
                "spread, linear",
                short.growth(Growth::Linear { step: ns(7) }).jitter(half),
            ),
            5 => (
                "the longest",
                BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Equal),
            ),
            6 => ("nothing", BackoffPolicy::builder(ns(0)).max_retries(0)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &BackoffPolicy) -> [u64; 5] {
        let base_ns = policy.base().as_nanos() as u64;
        [base_ns, 1_000, base_ns, 1_000, base_ns]
    }

    fn call(_: &BackoffPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(10) {
            0 => Op::Reset,
            _ => Op::NextWait,
        }
    }

    fn query(_: &BackoffPolicy, _: &mut Pick) -> Option<Op> {
        Some(Op::Attempts)
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        if let Answer::Wait(wait) = answer {
            show(wait.at_ns);
        }
    }
}
