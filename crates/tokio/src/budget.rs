//! Retry budgets that all calls of a service share: those of evenkeel-std, on tokio's clock.

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryRatioPolicy, RetryTokensPolicy, Withdrawal,
};
use evenkeel_core::retry::RetryBudget;
use evenkeel_core::{Refusal, Reported};
use evenkeel_std::Clock;
#[cfg(feature = "journal")]
use evenkeel_std::journal::{Journal, LendBudget, Part};

use crate::clock::TokioClock;
use crate::handle::std_handle;

/// What both have in common.
macro_rules! budget {
    ($Shared:ident, $Policy:ident) => {
        std_handle!($Shared);

        impl $Shared {
            /// A fresh budget on tokio's clock.
            #[must_use]
            pub fn new(policy: $Policy) -> Self {
                Self::with_clock(policy, TokioClock::default())
            }
        }

        impl<C: Clock> $Shared<C> {
            /// A fresh budget on `clock`.
            #[must_use]
            pub fn with_clock(policy: $Policy, clock: C) -> Self {
                evenkeel_std::$Shared::with_clock(policy, clock).into()
            }
        }

        /// For a retry, which brings its own instants: they must come from this budget's clock.
        impl<C: Clock> RetryBudget for $Shared<C> {
            fn on_request(&mut self, now_ns: u64) {
                RetryBudget::on_request(&mut self.handle, now_ns);
            }

            fn try_withdraw(
                &mut self,
                now_ns: u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                RetryBudget::try_withdraw(&mut self.handle, now_ns, cause)
            }

            fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
                RetryBudget::give_back(&mut self.handle, now_ns, withdrawal)
            }

            fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
                RetryBudget::on_success(&mut self.handle, now_ns, withdrawal);
            }
        }

        #[cfg(feature = "journal")]
        impl<C: Clock> LendBudget for $Shared<C> {
            fn lend(&mut self, to: &Journal, step: &mut dyn FnMut(&mut dyn Part)) {
                self.handle.lend(to, step);
            }
        }
    };
}

/// A bucket of tokens that all handles pay their retries from: [`evenkeel_std::SharedTokens`], to which it
/// dereferences. A clone is another handle to the same bucket. Its lock is held for one step at a time, never over an
/// `await`.
///
/// ```
/// use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
/// use evenkeel_tokio::SharedTokens;
///
/// let tokens = SharedTokens::new(RetryTokensPolicy::builder(10).failure_cost_milli(5).build()?);
/// let handle = tokens.clone();
/// let _first = handle.try_withdraw(RetryCause::Failure)?;
/// let _second = tokens.try_withdraw(RetryCause::Failure)?;
/// assert!(tokens.try_withdraw(RetryCause::Failure).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedTokens<C: Clock = TokioClock> {
    handle: evenkeel_std::SharedTokens<C>,
}

budget!(SharedTokens, RetryTokensPolicy);

/// A share of the recent requests that all handles may retry: [`evenkeel_std::SharedRatio`], to which it dereferences.
/// A clone is another handle to the same budget. Its lock is held for one step at a time, never over an `await`.
///
/// ```
/// use evenkeel_core::Ratio;
/// use evenkeel_core::budget::{RetryCause, RetryRatioPolicy};
/// use evenkeel_tokio::SharedRatio;
///
/// let ratio = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).floor_per_second(0).build()?);
/// (0..5).for_each(|_| ratio.on_request());
/// let _retry = ratio.try_withdraw(RetryCause::Failure)?;
/// assert!(ratio.try_withdraw(RetryCause::Failure).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SharedRatio<C: Clock = TokioClock> {
    handle: evenkeel_std::SharedRatio<C>,
}

budget!(SharedRatio, RetryRatioPolicy);
