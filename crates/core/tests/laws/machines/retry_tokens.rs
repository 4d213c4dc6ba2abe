//! RetryTokens under the laws.

use core::time::Duration;

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryTokens, RetryTokensPolicy, RetryTokensState, Withdrawal,
    WithdrawalId,
};
use evenkeel_core::{Refusal, Reported, RestoreError};

use crate::harness::{Law, Mover, NoReport, Pick, Subject, Words};

pub(crate) enum Tokens {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryWithdraw { cause: RetryCause },
    Request,
    Success { withdrawal: Option<WithdrawalId> },
    GiveBack { withdrawal: WithdrawalId },
    Balance,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Asked(Result<WithdrawalId, Refusal<BudgetSpent>>),
    Done,
    GivenBack(Reported),
    Balance(u64),
}

impl Subject for Tokens {
    const NAME: &'static str = "retry_tokens";

    type Policy = RetryTokensPolicy;
    type Machine = RetryTokens;
    type State = RetryTokensState;
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

    fn policies() -> Vec<(&'static str, RetryTokensPolicy)> {
        let of = RetryTokensPolicy::builder;
        let per = Duration::from_nanos;
        let all = [
            ("credits", of(5_000)),
            ("refill", of(10_000).refill_milli(3).refill_per(per(7)).credit_milli(0)),
            ("refund", of(3_000).refund(true).timeout_cost_milli(2_500).deposit_milli(40)),
            ("above half", RetryTokensPolicy::grpc(4, 100)),
            ("slow refill", of(1 << 62).refill_milli(1 << 62).refill_per(per(1 << 62))),
            ("none at all", of(0)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name))).into()
    }

    fn spans_ns(policy: &RetryTokensPolicy) -> Vec<u64> {
        vec![policy.refill_per().as_nanos() as u64, 100]
    }

    fn fresh(policy: &RetryTokensPolicy, _: u64) -> RetryTokens {
        RetryTokens::new(*policy)
    }

    fn state(budget: &RetryTokens) -> RetryTokensState {
        budget.state()
    }

    fn restore(policy: &RetryTokensPolicy, state: RetryTokensState) -> Result<RetryTokens, RestoreError> {
        RetryTokens::restore(*policy, state)
    }

    fn apply(budget: &mut RetryTokens, now_ns: u64, op: &Op, _: &mut Words) -> Answer {
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
            Op::Balance => Answer::Balance(budget.balance_milli(now_ns)),
        }
    }

    fn generate(_: &RetryTokensPolicy, pick: &mut Pick, _: u64, ids: &[WithdrawalId]) -> Op {
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
        vec![Op::Balance]
    }

    fn moved(_: &RetryTokensPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Asked(Err(no)) => {
                Answer::Asked(Err(Refusal::new(no.reason, mover.maybe(no.retry_at_ns))))
            }
            other => other,
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

    /// An amount that no retry costs, or a withdrawal of a budget with slices.
    fn foreign(pick: &mut Pick, _: &[WithdrawalId]) -> Option<WithdrawalId> {
        let words = pick.of(&[[777_777, 0], [1_000, 3], [u64::MAX, u64::MAX]]);
        Some(WithdrawalId::from_words(words))
    }
}
