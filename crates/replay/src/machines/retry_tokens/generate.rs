//! Random calls of retry tokens.

use core::time::Duration;

use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy, WithdrawalId};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};

impl Generate for RetryTokens {
    const POLICIES: usize = 6;

    fn sample_policy(number: usize) -> Option<(&'static str, RetryTokensPolicy)> {
        let of = RetryTokensPolicy::builder;
        let per = Duration::from_nanos;
        let (name, builder) = match number {
            0 => ("credits", of(5_000)),
            1 => (
                "refill",
                of(10_000)
                    .refill_milli(3)
                    .refill_per(per(7))
                    .credit_milli(0),
            ),
            2 => (
                "refund",
                of(3_000)
                    .refund(true)
                    .timeout_cost_milli(2_500)
                    .deposit_milli(40),
            ),
            3 => ("above half", RetryTokensPolicy::grpc(4, 100)),
            4 => (
                "slow refill",
                of(1 << 62).refill_milli(1 << 62).refill_per(per(1 << 62)),
            ),
            5 => ("none at all", of(0)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &RetryTokensPolicy) -> [u64; 5] {
        let refill_ns = policy.refill_per().as_nanos() as u64;
        [refill_ns, 100, refill_ns, 100, refill_ns]
    }

    fn call(_: &RetryTokensPolicy, pick: &mut Pick, _: u64, ids: &[WithdrawalId]) -> Op {
        Op::call(pick, ids)
    }

    fn query(_: &RetryTokensPolicy, _: &mut Pick) -> Option<Op> {
        Some(Op::BalanceMilli)
    }

    fn report(withdrawal: WithdrawalId, _: &mut Pick) -> Option<Op> {
        Some(Op::GiveBack { withdrawal })
    }

    /// An amount that no retry costs, or a withdrawal of a budget with slices.
    fn foreign(pick: &mut Pick, _: &[WithdrawalId]) -> Option<WithdrawalId> {
        let words = pick.of(&[[777_777, 0], [1_000, 3], [u64::MAX, u64::MAX]]);
        Some(WithdrawalId::from_words(words))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        if let Answer::Refused(refusal) = answer {
            refusal.retry_at_ns.map(show);
        }
    }
}
