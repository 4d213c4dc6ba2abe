//! Retry tokens whose calls are recorded.

use evenkeel_core::budget::{BudgetSpent, RetryCause, RetryTokens, Withdrawal};
use evenkeel_core::{Refusal, Reported};

use super::{Answer, Op};
use crate::recorder::Recorder;

impl Recorder<RetryTokens> {
    /// [`RetryTokens::try_withdraw`]
    ///
    /// # Errors
    ///
    /// The budget does not cover the retry.
    pub fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        self.record_plain(
            now_ns,
            Op::TryWithdraw { cause },
            |tokens| tokens.try_withdraw(now_ns, cause),
            Answer::asked,
        )
    }

    /// [`RetryTokens::on_request`]
    pub fn on_request(&mut self, now_ns: u64) {
        self.record_plain(
            now_ns,
            Op::OnRequest,
            |tokens| tokens.on_request(now_ns),
            Answer::done,
        );
    }

    /// [`RetryTokens::on_success`]
    pub fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        let id = withdrawal.as_ref().map(Withdrawal::id);
        self.record_plain(
            now_ns,
            Op::OnSuccess { withdrawal: id },
            |tokens| tokens.on_success(now_ns, withdrawal),
            Answer::done,
        );
    }

    /// [`RetryTokens::give_back`]
    pub fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        let id = withdrawal.id();
        self.record_plain(
            now_ns,
            Op::GiveBack { withdrawal: id },
            |tokens| tokens.give_back(now_ns, withdrawal),
            Answer::given_back,
        )
    }
}
