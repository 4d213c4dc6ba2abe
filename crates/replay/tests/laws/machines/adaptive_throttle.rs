//! AdaptiveThrottle under the laws.

use evenkeel_core::Refusal;
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use evenkeel_replay::adaptive_throttle::{Answer, Op};

use crate::harness::{Law, Mover, NoReport, Subject};

impl Subject for AdaptiveThrottle {
    type Made = NoReport;
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

    fn queries() -> Vec<Op> {
        vec![Op::RejectProbability, Op::Requests, Op::Accepts]
    }

    fn moved(_: &AdaptiveThrottlePolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Refused(no) => {
                Answer::Refused(Refusal::new(no.reason, mover.maybe(no.retry_at_ns)))
            }
            other => other,
        })
    }

    fn words_expected(
        (): &mut (),
        _: &AdaptiveThrottlePolicy,
        [before, _]: [&Self; 2],
        now_ns: u64,
        op: &Op,
        _: &Answer,
    ) -> u64 {
        let is_draw = matches!(op, Op::TryRequest) && !before.reject_probability(now_ns).is_zero();
        u64::from(is_draw)
    }
}
