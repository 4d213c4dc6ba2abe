//! Why a budget refuses a retry.

use core::fmt;

/// The budget does not cover a retry: what is there, and what had to be there.
///
/// ```
/// use evenkeel_core::budget::{BudgetSpent, RetryCause, RetryTokens, RetryTokensPolicy};
///
/// let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(1_500).build()?);
/// let _retry = tokens.try_withdraw(0, RetryCause::Failure)?;
/// let refused = tokens.try_withdraw(0, RetryCause::Failure).unwrap_err();
/// assert_eq!(refused.reason, BudgetSpent::new(500, 1_000));
/// assert_eq!(refused.to_string(), "refused: retry budget spent: 500 of 1000 thousandths there");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BudgetSpent {
    /// What the budget held when it was asked, in thousandths.
    pub there_milli: u64,
    /// The least balance with which the answer would have been yes, in thousandths.
    pub needed_milli: u64,
}

impl BudgetSpent {
    /// What is there and what had to be, in thousandths: for a [`RetryBudget`](crate::retry::RetryBudget) of your own.
    ///
    /// ```
    /// # use evenkeel_core::budget::BudgetSpent;
    /// assert_eq!(BudgetSpent::new(0, 1_000).needed_milli, 1_000);
    /// ```
    #[must_use]
    pub const fn new(there_milli: u64, needed_milli: u64) -> Self {
        Self {
            there_milli,
            needed_milli,
        }
    }

    /// The reason's name in reports and journals.
    ///
    /// ```
    /// # use evenkeel_core::budget::BudgetSpent;
    /// assert_eq!(BudgetSpent::new(0, 1_000).name(), "budget-spent");
    /// ```
    #[must_use]
    pub const fn name(&self) -> &'static str {
        "budget-spent"
    }
}

impl fmt::Display for BudgetSpent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "retry budget spent: {} of {} thousandths there",
            self.there_milli, self.needed_milli
        )
    }
}
