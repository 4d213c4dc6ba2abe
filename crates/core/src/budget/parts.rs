//! Both budgets as what a [`Retry`](crate::retry::Retry) pays its retries from.

use core::borrow::Borrow;

use super::{
    BudgetSpent, RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy,
    Withdrawal,
};
use crate::refusal::Refusal;
use crate::reported::Reported;
use crate::retry::RetryBudget;

macro_rules! budgets {
    ($($(#[$doc:meta])* $Budget:ident of $Policy:ident)*) => {$(
        $(#[$doc])*
        impl<P: Borrow<$Policy>> RetryBudget for $Budget<P> {
            fn on_request(&mut self, now_ns: u64) {
                Self::on_request(self, now_ns);
            }

            fn try_withdraw(
                &mut self,
                now_ns: u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                Self::try_withdraw(self, now_ns, cause)
            }

            fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
                Self::give_back(self, now_ns, withdrawal)
            }

            fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
                Self::on_success(self, now_ns, withdrawal);
            }
        }
    )*};
}

budgets! {
    /// With [`AllowedWhen::AboveHalf`](super::AllowedWhen::AboveHalf) a refused retry takes the failure's cost, too:
    /// nothing is withdrawn that could be given back.
    RetryTokens of RetryTokensPolicy
    RetryRatio of RetryRatioPolicy
}
