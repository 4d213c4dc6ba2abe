//! What can happen to a [`RetryRatio`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryRatio, RetryRatioPolicy, RetryRatioState, Withdrawal,
    WithdrawalId,
};
use evenkeel_core::random::Rng;
use evenkeel_core::{Refusal, Reported, RestoreError};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Verdict};

/// A call of a [`RetryRatio`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`RetryRatio::try_withdraw`]
    TryWithdraw {
        /// Why the attempt before failed.
        cause: RetryCause,
    },
    /// [`RetryRatio::on_request`]
    OnRequest,
    /// [`RetryRatio::on_success`]
    OnSuccess {
        /// What the retry that succeeded was paid with; `None` for a first attempt.
        withdrawal: Option<WithdrawalId>,
    },
    /// [`RetryRatio::give_back`]
    GiveBack {
        /// What the retry that is not made was paid with.
        withdrawal: WithdrawalId,
    },
    /// [`RetryRatio::retries_left`]
    RetriesLeft,
    /// [`RetryRatio::requests`]
    Requests,
    /// [`RetryRatio::retries`]
    Retries,
}

/// What a [`RetryRatio`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// The retry may be made.
    Withdrawn(WithdrawalId),
    /// The retry may not be made.
    Refused(Refusal<BudgetSpent>),
    /// Nothing is returned.
    Done,
    /// What became of what was given back.
    GivenBack(Reported),
    /// How many retries would be allowed.
    RetriesLeft(u64),
    /// How many requests count.
    Requests(u32),
    /// How many retries count.
    Retries(u32),
}

impl Answer {
    const fn asked(asked: &Result<Withdrawal, Refusal<BudgetSpent>>) -> Self {
        match asked {
            Ok(withdrawal) => Self::Withdrawn(withdrawal.id()),
            Err(refusal) => Self::Refused(*refusal),
        }
    }

    const fn done((): &()) -> Self {
        Self::Done
    }

    const fn given_back(reported: &Reported) -> Self {
        Self::GivenBack(*reported)
    }
}

/// What was withdrawn has an id. A retry whose end nobody knows was made, and so it stays counted: there is no
/// [`unknown`](Machine::unknown) report.
impl Machine for RetryRatio {
    const NAME: &'static str = "retry_ratio";

    type Policy = RetryRatioPolicy;
    type State = RetryRatioState;
    type Op = Op;
    type Answer = Answer;
    type Id = WithdrawalId;

    fn begin(policy: RetryRatioPolicy, _: u64) -> Self {
        Self::new(policy)
    }

    fn restore(policy: RetryRatioPolicy, state: RetryRatioState) -> Result<Self, RestoreError> {
        Self::restore(policy, state)
    }

    fn policy(&self) -> &RetryRatioPolicy {
        self.policy()
    }

    fn state(&self) -> RetryRatioState {
        self.state()
    }

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, _: &mut R) -> Answer {
        match *op {
            Op::TryWithdraw { cause } => Answer::asked(&self.try_withdraw(now_ns, cause)),
            Op::OnRequest => Answer::done(&self.on_request(now_ns)),
            Op::OnSuccess { withdrawal } => {
                Answer::done(&self.on_success(now_ns, withdrawal.map(Withdrawal::from_id)))
            }
            Op::GiveBack { withdrawal } => {
                Answer::given_back(&self.give_back(now_ns, Withdrawal::from_id(withdrawal)))
            }
            Op::RetriesLeft => Answer::RetriesLeft(self.retries_left(now_ns)),
            Op::Requests => Answer::Requests(self.requests(now_ns)),
            Op::Retries => Answer::Retries(self.retries(now_ns)),
        }
    }

    fn given(_: &Op, answer: &Answer) -> Option<WithdrawalId> {
        match answer {
            Answer::Withdrawn(withdrawal) => Some(*withdrawal),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<WithdrawalId> {
        match op {
            Op::GiveBack { withdrawal } => Some(*withdrawal),
            Op::OnSuccess { withdrawal } => *withdrawal,
            _ => None,
        }
    }

    fn with_id(op: &Op, id: WithdrawalId) -> Op {
        match op {
            Op::GiveBack { .. } => Op::GiveBack { withdrawal: id },
            Op::OnSuccess {
                withdrawal: Some(_),
            } => Op::OnSuccess {
                withdrawal: Some(id),
            },
            other => other.clone(),
        }
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        match answer {
            Answer::Withdrawn(_) => Some(Verdict::Admitted),
            Answer::Refused(refusal) => Some(Verdict::Refused {
                reason: refusal.reason.name(),
                retry_at_ns: refusal.retry_at_ns,
            }),
            _ => None,
        }
    }
}
