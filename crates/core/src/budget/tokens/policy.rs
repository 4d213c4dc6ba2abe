//! The policy of a token bucket for retries.

use core::time::Duration;

use super::builder::RetryTokensBuilder;
use crate::budget::RetryCause;

/// When the balance of a [`RetryTokens`](super::RetryTokens) allows a retry.
///
/// ```
/// use evenkeel_core::budget::{AllowedWhen, RetryCause, RetryTokens, RetryTokensPolicy};
///
/// let builder = RetryTokensPolicy::builder(4_000);
/// let retries = |rule| {
///     let mut tokens = RetryTokens::new(builder.allowed_when(rule).build()?);
///     Ok((0..9).filter(|_| tokens.try_withdraw(0, RetryCause::Failure).is_ok()).count())
/// };
/// assert_eq!(retries(AllowedWhen::CoversCost)?, 4);
/// assert_eq!(retries(AllowedWhen::AboveHalf)?, 1); // 3 is above 2, and 2 is not
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum AllowedWhen {
    /// The balance covers the whole cost. A retry that is refused costs nothing.
    #[default]
    CoversCost,
    /// The balance is strictly above half of the capacity after the cost was taken: gRPC's rule. The cost is the
    /// failure's and not the retry's: it is taken (never below 0) also when the retry is refused, and never given back.
    AboveHalf,
}

impl AllowedWhen {
    /// The rule's name in policy files.
    ///
    /// ```
    /// # use evenkeel_core::budget::AllowedWhen;
    /// assert_eq!(AllowedWhen::AboveHalf.name(), "above-half");
    /// assert_eq!(AllowedWhen::CoversCost.to_string(), "covers-cost");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CoversCost => "covers-cost",
            Self::AboveHalf => "above-half",
        }
    }
}

crate::named::display_by_name!(AllowedWhen);

/// A checked, immutable token bucket for retries; made by [`RetryTokensPolicy::builder`]. 80 bytes.
///
/// ```
/// use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
///
/// let policy = RetryTokensPolicy::builder(100_000).timeout_cost_milli(2_000).build()?;
/// assert_eq!(policy.capacity_milli(), 100_000);
/// assert_eq!(policy.cost_milli(RetryCause::Timeout), 2_000);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryTokensPolicy {
    pub(super) capacity_milli: u64,
    pub(super) initial_milli: u64,
    pub(super) costs: Costs,
    pub(super) credit_milli: u64,
    pub(super) refund: bool,
    pub(super) deposit_milli: u64,
    pub(super) refill_milli: u64,
    pub(super) refill_per_ns: u64,
    pub(super) allowed_when: AllowedWhen,
}

/// What a retry costs, by its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Costs {
    pub(super) failure: u64,
    pub(super) timeout: u64,
    pub(super) throttled: u64,
}

impl Costs {
    pub(super) const fn has(self, milli: u64) -> bool {
        milli == self.failure || milli == self.timeout || milli == self.throttled
    }

    pub(super) const fn least(self) -> u64 {
        let mut least = self.failure;
        if self.timeout < least {
            least = self.timeout;
        }
        if self.throttled < least {
            least = self.throttled;
        }
        least
    }
}

impl RetryTokensPolicy {
    /// A bucket that holds `capacity_milli` thousandths of a token: 100 000 is room for 100 retries that cost one each.
    /// A capacity of 0 allows no retry at all.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(100_000).build()?;
    /// assert_eq!((policy.cost_milli(RetryCause::Failure), policy.credit_milli()), (1_000, 100));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn builder(capacity_milli: u64) -> RetryTokensBuilder {
        RetryTokensBuilder::new(capacity_milli)
    }

    /// gRPC's retry throttling (gRFC A6): each failure takes one of `max_tokens` tokens, each success gives
    /// `token_ratio_milli` thousandths back, retried or not, and a retry is allowed while more than half are there.
    /// A6 wants 1 to 1 000 tokens; with fewer than 3 no retry is ever allowed, and `build()` says so.
    ///
    /// A6 takes a token for the failure of a last attempt, too; a [`Retry`](crate::retry::Retry) asks its budget only
    /// for a retry that it would make. Who wants A6 to the letter calls `try_withdraw` after every failure.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
    /// // The settings of A6's example.
    /// let mut tokens = RetryTokens::new(RetryTokensPolicy::grpc(10, 100).build()?);
    /// let allowed = [(); 6].map(|()| tokens.try_withdraw(0, RetryCause::Failure).is_ok());
    /// assert_eq!(allowed, [true, true, true, true, false, false]);
    /// assert_eq!(tokens.balance_milli(0), 4_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn grpc(max_tokens: u32, token_ratio_milli: u64) -> RetryTokensBuilder {
        Self::builder((max_tokens as u64).wrapping_mul(1_000))
            .credit_milli(token_ratio_milli)
            .refund(false)
            .allowed_when(AllowedWhen::AboveHalf)
    }

    /// The retry quota of the AWS SDKs' standard mode up to 2026 ("retry behavior 2.0"): 500 tokens, a retry costs 5
    /// and after a timeout 10, a clean success gives 1, a retried one the cost of its last retry.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::aws_standard_2_0().build()?;
    /// let cost = |cause| policy.cost_milli(cause) / 1_000;
    /// assert_eq!([RetryCause::Failure, RetryCause::Timeout, RetryCause::Throttled].map(cost), [5, 10, 5]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn aws_standard_2_0() -> RetryTokensBuilder {
        Self::builder(500_000)
            .failure_cost_milli(5_000)
            .timeout_cost_milli(10_000)
            .throttled_cost_milli(5_000)
            .credit_milli(1_000)
            .refund(true)
    }

    /// The same as changed in 2026 ("retry behavior 2.1", `AWS_NEW_RETRIES_2026=true`): a retry costs 14, a timeout is
    /// a failure like any other, and after throttling it costs 5. (aws/aws-sdk-go-v2 pull request 3400, and the
    /// announcement in its issue 3416.)
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::aws_standard_2_1().build()?;
    /// let cost = |cause| policy.cost_milli(cause) / 1_000;
    /// assert_eq!([RetryCause::Failure, RetryCause::Timeout, RetryCause::Throttled].map(cost), [14, 14, 5]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn aws_standard_2_1() -> RetryTokensBuilder {
        Self::aws_standard_2_0()
            .failure_cost_milli(14_000)
            .timeout_cost_milli(14_000)
    }

    /// The most that the bucket holds, in thousandths.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// assert_eq!(RetryTokensPolicy::builder(5_000).build()?.capacity_milli(), 5_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn capacity_milli(&self) -> u64 {
        self.capacity_milli
    }

    /// What it holds at first.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// let builder = RetryTokensPolicy::builder(5_000);
    /// assert_eq!(builder.build()?.initial_milli(), 5_000);
    /// assert_eq!(builder.initial_milli(1_000).build()?.initial_milli(), 1_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn initial_milli(&self) -> u64 {
        self.initial_milli
    }

    /// What a retry because of `cause` costs.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(5_000).throttled_cost_milli(500).build()?;
    /// assert_eq!(policy.cost_milli(RetryCause::Throttled), 500);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn cost_milli(&self, cause: RetryCause) -> u64 {
        match cause {
            RetryCause::Failure => self.costs.failure,
            RetryCause::Timeout => self.costs.timeout,
            RetryCause::Throttled => self.costs.throttled,
        }
    }

    /// What a success gives.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// assert_eq!(RetryTokensPolicy::builder(5_000).credit_milli(250).build()?.credit_milli(), 250);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn credit_milli(&self) -> u64 {
        self.credit_milli
    }

    /// Whether a retried success gives its last cost back, instead of the credit.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// assert!(RetryTokensPolicy::builder(5_000).refund(true).build()?.refund());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn refund(&self) -> bool {
        self.refund
    }

    /// What each request gives.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// assert_eq!(RetryTokensPolicy::builder(5_000).deposit_milli(200).build()?.deposit_milli(), 200);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn deposit_milli(&self) -> u64 {
        self.deposit_milli
    }

    /// What comes back in each [`refill_per`](Self::refill_per).
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// assert_eq!(RetryTokensPolicy::builder(5_000).refill_milli(500).build()?.refill_milli(), 500);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn refill_milli(&self) -> u64 {
        self.refill_milli
    }

    /// The span in which [`refill_milli`](Self::refill_milli) come back.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// let minute = Duration::from_secs(60);
    /// let policy = RetryTokensPolicy::builder(5_000).refill_milli(1).refill_per(minute).build()?;
    /// assert_eq!(policy.refill_per(), minute);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn refill_per(&self) -> Duration {
        Duration::from_nanos(self.refill_per_ns)
    }

    /// When a retry is allowed.
    ///
    /// ```
    /// # use evenkeel_core::budget::{AllowedWhen, RetryTokensPolicy};
    /// assert_eq!(RetryTokensPolicy::builder(5_000).build()?.allowed_when(), AllowedWhen::CoversCost);
    /// assert_eq!(RetryTokensPolicy::grpc(10, 100).build()?.allowed_when(), AllowedWhen::AboveHalf);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn allowed_when(&self) -> AllowedWhen {
        self.allowed_when
    }

    /// The least balance, before the cost is taken, that allows a retry of this cost. May be above the capacity.
    pub(super) const fn needed_milli(&self, cost_milli: u64) -> u64 {
        match self.allowed_when {
            AllowedWhen::CoversCost => cost_milli,
            // The rest, doubled, must be above the capacity. Amounts are at most 2^62.
            AllowedWhen::AboveHalf => {
                cost_milli.saturating_add((self.capacity_milli / 2).saturating_add(1))
            }
        }
    }
}
