//! RetryRatio under the laws.

use evenkeel_core::budget::{RetryRatio, RetryRatioPolicy, WithdrawalId};
use evenkeel_core::{Refusal, Reported};
use evenkeel_replay::generate::Generate;
use evenkeel_replay::retry_ratio::{Answer, Op};

use crate::harness::{Law, Mover, NoReport, Subject};

/// A withdrawal names its slice, which moves along.
fn later(policy: &RetryRatioPolicy, id: WithdrawalId, mover: &Mover) -> Option<WithdrawalId> {
    let [amount, slice] = id.to_words();
    let slices = mover.by_ns / RetryRatio::grid_ns(policy);
    Some(WithdrawalId::from_words([
        amount,
        slice.checked_add(slices)?,
    ]))
}

impl Subject for RetryRatio {
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
        vec![Op::RetriesLeft, Op::Requests, Op::Retries]
    }

    fn moved(policy: &RetryRatioPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Refused(no) => {
                Answer::Refused(Refusal::new(no.reason, mover.maybe(no.retry_at_ns)))
            }
            Answer::Withdrawn(withdrawal) => Answer::Withdrawn(later(policy, withdrawal, mover)?),
            other => other,
        })
    }

    fn moved_op(policy: &RetryRatioPolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
        Some(match *op {
            Op::OnSuccess {
                withdrawal: Some(withdrawal),
            } => Op::OnSuccess {
                withdrawal: Some(later(policy, withdrawal, mover)?),
            },
            Op::GiveBack { withdrawal } => Op::GiveBack {
                withdrawal: later(policy, withdrawal, mover)?,
            },
            ref other => other.clone(),
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
