//! AdaptiveThrottle under the laws.

use core::time::Duration;

use evenkeel_core::throttle::{
    AdaptiveThrottle, AdaptiveThrottlePolicy, AdaptiveThrottleState, RejectProbability, Throttled,
};
use evenkeel_core::{Ratio, Refusal, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum Throttles {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryRequest,
    Accepted,
    RejectProbability,
    Requests,
    Accepts,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Asked(Result<(), Refusal<Throttled>>),
    Accepted,
    RejectProbability(RejectProbability),
    Requests(u32),
    Accepts(u32),
}

impl Subject for Throttles {
    const NAME: &'static str = "adaptive_throttle";

    type Policy = AdaptiveThrottlePolicy;
    type Machine = AdaptiveThrottle;
    type State = AdaptiveThrottleState;
    type Op = Op;
    type Answer = Answer;
    type Made = NoReport;
    type Id = NoId;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::QuietBefore | Law::ProgressAt | Law::LazyIsEager => {
                Some("nothing falls due: no deadline and no poll")
            }
            Law::Strangers => Some("no ids: an acceptance says nothing of its request"),
            Law::Forgotten | Law::Order => Some("one throttle, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, AdaptiveThrottlePolicy)> {
        let of = |span, slices| {
            let builder = AdaptiveThrottlePolicy::builder();
            builder.history(Duration::from_nanos(span)).slices(slices)
        };
        let all = [
            ("ten of 100", of(1_000, 10)),
            ("eight of 1, k 1", of(8, 8).k(Ratio::ONE)),
            ("at most half", of(900, 3).max_rejection(Ratio::percent(50)).min_requests(4)),
            ("the longest", of(1 << 60, 4).k(Ratio::ONE)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name))).into()
    }

    fn grid_ns(policy: &AdaptiveThrottlePolicy) -> u64 {
        policy.history().as_nanos() as u64 / u64::from(policy.slices())
    }

    fn spans_ns(policy: &AdaptiveThrottlePolicy) -> Vec<u64> {
        vec![Self::grid_ns(policy), policy.history().as_nanos() as u64]
    }

    fn fresh(policy: &AdaptiveThrottlePolicy, _: u64) -> AdaptiveThrottle {
        AdaptiveThrottle::new(*policy)
    }

    fn state(throttle: &AdaptiveThrottle) -> AdaptiveThrottleState {
        throttle.state()
    }

    fn restore(
        policy: &AdaptiveThrottlePolicy,
        state: AdaptiveThrottleState,
    ) -> Result<AdaptiveThrottle, RestoreError> {
        AdaptiveThrottle::restore(*policy, state)
    }

    fn apply(throttle: &mut AdaptiveThrottle, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match op {
            Op::TryRequest => Answer::Asked(throttle.try_request(now_ns, words)),
            Op::Accepted => {
                throttle.on_accepted(now_ns);
                Answer::Accepted
            }
            Op::RejectProbability => Answer::RejectProbability(throttle.reject_probability(now_ns)),
            Op::Requests => Answer::Requests(throttle.requests(now_ns)),
            Op::Accepts => Answer::Accepts(throttle.accepts(now_ns)),
        }
    }

    fn generate(_: &AdaptiveThrottlePolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(8) {
            0 | 1 => Op::Accepted,
            _ => Op::TryRequest,
        }
    }

    fn queries() -> Vec<Op> {
        vec![Op::RejectProbability, Op::Requests, Op::Accepts]
    }

    fn moved(_: &AdaptiveThrottlePolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Asked(Err(no)) => {
                Answer::Asked(Err(Refusal::new(no.reason, mover.maybe(no.retry_at_ns))))
            }
            other => other,
        })
    }

    fn words_expected(
        (): &mut (),
        _: &AdaptiveThrottlePolicy,
        [before, _]: [&AdaptiveThrottle; 2],
        now_ns: u64,
        op: &Op,
        _: &Answer,
    ) -> u64 {
        let is_draw = matches!(op, Op::TryRequest) && !before.reject_probability(now_ns).is_zero();
        u64::from(is_draw)
    }
}
