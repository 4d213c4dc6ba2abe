//! RetryTokens under the laws.

use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy, WithdrawalId};
use evenkeel_core::{Refusal, Reported};
use evenkeel_replay::retry_tokens::{Answer, Op};

use crate::harness::{Law, Mover, NoReport, Subject};

impl Subject for RetryTokens {
    type Made = NoReport;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::QuietBefore | Law::ProgressAt | Law::LazyIsEager => {
                Some("nothing falls due: no deadline and no poll")
            }
            Law::Words => Some("no call takes a generator"),
            Law::Forgotten | Law::Order => Some("one budget, no keys"),
            _ => None,
        }
    }

    fn queries() -> Vec<Op> {
        vec![Op::BalanceMilli]
    }

    fn moved(_: &RetryTokensPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Refused(no) => {
                Answer::Refused(Refusal::new(no.reason, mover.maybe(no.retry_at_ns)))
            }
            other => other,
        })
    }

    fn is_stale(answer: &Answer) -> bool {
        *answer == Answer::GivenBack(Reported::Stale)
    }

    /// Withdrawals of the same amount are not told apart.
    fn is_single(_: WithdrawalId) -> bool {
        false
    }
}
