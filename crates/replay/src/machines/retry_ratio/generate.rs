//! Random calls of a retry ratio.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::budget::{RetryRatio, RetryRatioPolicy, WithdrawalId};

use super::{Answer, Op};
use crate::generate::{Generate, Pick, slice_ns};

impl Generate for RetryRatio {
    const POLICIES: usize = 4;

    fn sample_policy(number: usize) -> Option<(&'static str, RetryRatioPolicy)> {
        let of = |percent, ttl, slices, floor| {
            RetryRatioPolicy::builder(Ratio::percent(percent))
                .ttl(Duration::from_nanos(ttl))
                .slices(slices)
                .floor_per_second(floor)
        };
        let (name, builder) = match number {
            0 => ("a fifth, ten of 100", of(20, 1_000, 10, 2_000_000)),
            1 => ("half, eight of 1", of(50, 8, 8, 0)),
            2 => ("one slice, 51%", of(51, 3_000_000_000, 1, 1)),
            3 => ("the longest", of(20, 1 << 60, 4, 0)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &RetryRatioPolicy) -> [u64; 5] {
        let slice_ns = Self::grid_ns(policy);
        let ttl_ns = policy.ttl().as_nanos() as u64;
        [slice_ns, ttl_ns, slice_ns, ttl_ns, slice_ns]
    }

    fn grid_ns(policy: &RetryRatioPolicy) -> u64 {
        slice_ns(policy.ttl(), policy.slices())
    }

    fn call(_: &RetryRatioPolicy, pick: &mut Pick, _: u64, ids: &[WithdrawalId]) -> Op {
        Op::call(pick, ids)
    }

    fn query(_: &RetryRatioPolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::RetriesLeft, Op::Requests, Op::Retries]))
    }

    fn report(withdrawal: WithdrawalId, _: &mut Pick) -> Option<Op> {
        Some(Op::GiveBack { withdrawal })
    }

    /// Of a slice that is gone, or not yet there.
    fn foreign(pick: &mut Pick, given: &[WithdrawalId]) -> Option<WithdrawalId> {
        let [amount, slice] = pick.recent(given)?.to_words();
        let slice = pick.of(&[
            slice.checked_sub(10)?,
            slice.checked_add(1_000_000)?,
            u64::MAX,
        ]);
        Some(WithdrawalId::from_words([amount, slice]))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        if let Answer::Refused(refusal) = answer {
            refusal.retry_at_ns.map(show);
        }
    }
}
