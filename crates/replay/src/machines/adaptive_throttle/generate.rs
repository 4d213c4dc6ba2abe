//! Random calls of an adaptive throttle.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};

use super::{Answer, Op};
use crate::generate::{Generate, Pick, slice_ns};
use crate::machine::NoId;

impl Generate for AdaptiveThrottle {
    const POLICIES: usize = 4;

    fn sample_policy(number: usize) -> Option<(&'static str, AdaptiveThrottlePolicy)> {
        let of = |span, slices| {
            let builder = AdaptiveThrottlePolicy::builder();
            builder.history(Duration::from_nanos(span)).slices(slices)
        };
        let (name, builder) = match number {
            0 => ("ten of 100", of(1_000, 10)),
            1 => ("eight of 1, k 1", of(8, 8).k(Ratio::ONE)),
            2 => (
                "at most half",
                of(900, 3).max_rejection(Ratio::percent(50)).min_requests(4),
            ),
            3 => ("the longest", of(1 << 60, 4).k(Ratio::ONE)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &AdaptiveThrottlePolicy) -> [u64; 5] {
        let slice_ns = Self::grid_ns(policy);
        let history_ns = policy.history().as_nanos() as u64;
        [slice_ns, history_ns, slice_ns, history_ns, slice_ns]
    }

    fn grid_ns(policy: &AdaptiveThrottlePolicy) -> u64 {
        slice_ns(policy.history(), policy.slices())
    }

    fn call(_: &AdaptiveThrottlePolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(8) {
            0 | 1 => Op::OnAccepted,
            _ => Op::TryRequest,
        }
    }

    fn query(_: &AdaptiveThrottlePolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::RejectProbability, Op::Requests, Op::Accepts]))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        if let Answer::Refused(refusal) = answer {
            refusal.retry_at_ns.map(show);
        }
    }
}
