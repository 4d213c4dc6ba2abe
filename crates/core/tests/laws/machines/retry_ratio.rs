//! RetryRatio under the laws.

use core::time::Duration;

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryRatio, RetryRatioPolicy, RetryRatioState, Withdrawal, WithdrawalId,
};
use evenkeel_core::{Ratio, Refusal, Reported, RestoreError};

use crate::harness::{Law, Mover, NoReport, Pick, Subject, Words};

pub(crate) enum Ratios {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryWithdraw { cause: RetryCause },
    Request,
    Success { withdrawal: Option<WithdrawalId> },
    GiveBack { withdrawal: WithdrawalId },
    Balance,
    Requests,
    Retries,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Asked(Result<WithdrawalId, Refusal<BudgetSpent>>),
    Done,
    GivenBack(Reported),
    Balance(u64),
    Requests(u32),
    Retries(u32),
}

/// A withdrawal names its slice, which moves along.
fn later(policy: &RetryRatioPolicy, id: WithdrawalId, mover: &Mover) -> Option<WithdrawalId> {
    let [amount, slice] = id.to_words();
    let slices = mover.by_ns / Ratios::grid_ns(policy);
    Some(WithdrawalId::from_words([amount, slice.checked_add(slices)?]))
}

impl Subject for Ratios {
    const NAME: &'static str = "retry_ratio";

    type Policy = RetryRatioPolicy;
    type Machine = RetryRatio;
    type State = RetryRatioState;
    type Op = Op;
    type Answer = Answer;
    type Made = NoReport;
    type Id = WithdrawalId;
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

    fn policies() -> Vec<(&'static str, RetryRatioPolicy)> {
        let of = |percent, ttl, slices, floor| {
            RetryRatioPolicy::builder(Ratio::percent(percent))
                .ttl(Duration::from_nanos(ttl))
                .slices(slices)
                .floor_per_second(floor)
        };
        let all = [
            ("a fifth, ten of 100", of(20, 1_000, 10, 2_000_000)),
            ("half, eight of 1", of(50, 8, 8, 0)),
            ("one slice, 51%", of(51, 3_000_000_000, 1, 1)),
            ("the longest", of(20, 1 << 60, 4, 0)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name))).into()
    }

    fn grid_ns(policy: &RetryRatioPolicy) -> u64 {
        policy.ttl().as_nanos() as u64 / u64::from(policy.slices())
    }

    fn spans_ns(policy: &RetryRatioPolicy) -> Vec<u64> {
        vec![Self::grid_ns(policy), policy.ttl().as_nanos() as u64]
    }

    fn fresh(policy: &RetryRatioPolicy, _: u64) -> RetryRatio {
        RetryRatio::new(*policy)
    }

    fn state(budget: &RetryRatio) -> RetryRatioState {
        budget.state()
    }

    fn restore(policy: &RetryRatioPolicy, state: RetryRatioState) -> Result<RetryRatio, RestoreError> {
        RetryRatio::restore(*policy, state)
    }

    fn apply(budget: &mut RetryRatio, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
        match *op {
            Op::TryWithdraw { cause } => {
                let asked = budget.try_withdraw(now_ns, cause);
                Answer::Asked(asked.map(|withdrawal| withdrawal.id()))
            }
            Op::Request => {
                budget.on_request(now_ns);
                Answer::Done
            }
            Op::Success { withdrawal } => {
                budget.on_success(now_ns, withdrawal.map(Withdrawal::from_id));
                Answer::Done
            }
            Op::GiveBack { withdrawal } => {
                Answer::GivenBack(budget.give_back(now_ns, Withdrawal::from_id(withdrawal)))
            }
            Op::Balance => Answer::Balance(budget.retries_left(now_ns)),
            Op::Requests => Answer::Requests(budget.requests(now_ns)),
            Op::Retries => Answer::Retries(budget.retries(now_ns)),
        }
    }

    fn generate(_: &RetryRatioPolicy, pick: &mut Pick, _: u64, ids: &[WithdrawalId]) -> Op {
        let causes = [RetryCause::Failure, RetryCause::Timeout, RetryCause::Throttled];
        match (pick.below(16), pick.recent(ids)) {
            (0..=3, _) => Op::Request,
            (4, withdrawal) => Op::Success { withdrawal },
            (5, _) => Op::Success { withdrawal: None },
            (6..=8, Some(withdrawal)) => Op::GiveBack { withdrawal },
            _ => Op::TryWithdraw {
                cause: pick.of(&causes),
            },
        }
    }

    fn queries() -> Vec<Op> {
        vec![Op::Balance, Op::Requests, Op::Retries]
    }

    fn moved(policy: &RetryRatioPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Asked(Err(no)) => {
                Answer::Asked(Err(Refusal::new(no.reason, mover.maybe(no.retry_at_ns))))
            }
            Answer::Asked(Ok(withdrawal)) => {
                Answer::Asked(Ok(later(policy, withdrawal, mover)?))
            }
            other => other,
        })
    }

    fn moved_op(policy: &RetryRatioPolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
        Some(match *op {
            Op::Success { withdrawal: Some(withdrawal) } => Op::Success {
                withdrawal: Some(later(policy, withdrawal, mover)?),
            },
            Op::GiveBack { withdrawal } => Op::GiveBack {
                withdrawal: later(policy, withdrawal, mover)?,
            },
            ref other => other.clone(),
        })
    }

    fn given(_: &Op, answer: &Answer) -> Vec<WithdrawalId> {
        match answer {
            Answer::Asked(Ok(withdrawal)) => vec![*withdrawal],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<WithdrawalId> {
        match op {
            Op::GiveBack { withdrawal } => Some(*withdrawal),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        *answer == Answer::GivenBack(Reported::Stale)
    }

    /// Withdrawals of the same amount are not told apart.
    fn is_single(_: WithdrawalId) -> bool {
        false
    }

    fn report(withdrawal: WithdrawalId, _: &mut Pick) -> Option<Op> {
        Some(Op::GiveBack { withdrawal })
    }

    /// Of a slice that is gone, or not yet there.
    fn foreign(pick: &mut Pick, given: &[WithdrawalId]) -> Option<WithdrawalId> {
        let [amount, slice] = pick.recent(given)?.to_words();
        let slice = pick.of(&[slice.checked_sub(10)?, slice.checked_add(1_000_000)?, u64::MAX]);
        Some(WithdrawalId::from_words([amount, slice]))
    }
}
