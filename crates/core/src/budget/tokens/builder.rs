//! Sets up a token bucket for retries: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::{AllowedWhen, Costs, RetryTokensPolicy};
use crate::config::{checked, positive_ns};
use crate::error::{Amount, ConfigError, Problem};

const SCOPE: &str = "retry_tokens";
/// As far as spans go, and within what TOML can write.
const MAX_MILLI: u64 = 1 << 62;

/// Sets up a [`RetryTokensPolicy`]. All amounts are thousandths of a token, 0 to 2^62.
///
/// ```
/// use evenkeel_core::budget::RetryTokensPolicy;
///
/// const POLICY: RetryTokensPolicy = match RetryTokensPolicy::aws_standard_2_1().refill_milli(1_000).build() {
///     Ok(policy) => policy,
///     Err(_) => panic!("not a policy"), // the program would not compile
/// };
/// assert_eq!(POLICY.refill_milli(), 1_000);
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct RetryTokensBuilder {
    capacity_milli: u64,
    initial_milli: Option<u64>,
    costs: Costs,
    credit_milli: u64,
    refund: bool,
    deposit_milli: u64,
    refill_milli: u64,
    refill_per: Duration,
    allowed_when: AllowedWhen,
}

impl RetryTokensBuilder {
    pub(super) const fn new(capacity_milli: u64) -> Self {
        Self {
            capacity_milli,
            initial_milli: None,
            costs: Costs {
                failure: 1_000,
                timeout: 1_000,
                throttled: 1_000,
            },
            credit_milli: 100,
            refund: false,
            deposit_milli: 0,
            refill_milli: 0,
            refill_per: Duration::from_secs(1),
            allowed_when: AllowedWhen::CoversCost,
        }
    }

    /// What the bucket holds at first, at most its capacity. Default: all of it, so that a client that has just started
    /// may retry.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
    /// let tokens = RetryTokens::new(RetryTokensPolicy::builder(5_000).initial_milli(2_000).build()?);
    /// assert_eq!(tokens.balance_milli(0), 2_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn initial_milli(mut self, initial_milli: u64) -> Self {
        self.initial_milli = Some(initial_milli);
        self
    }

    /// What a retry after a failure costs. Default: 1 000, one token.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(100_000).failure_cost_milli(5_000).build()?;
    /// assert_eq!(policy.cost_milli(RetryCause::Failure), 5_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn failure_cost_milli(mut self, cost_milli: u64) -> Self {
        self.costs.failure = cost_milli;
        self
    }

    /// What a retry after a timeout costs. Default: 1 000, one token. More for a backend that timeouts hold up.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(100_000).timeout_cost_milli(10_000).build()?;
    /// assert_eq!(policy.cost_milli(RetryCause::Timeout), 10_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn timeout_cost_milli(mut self, cost_milli: u64) -> Self {
        self.costs.timeout = cost_milli;
        self
    }

    /// What a retry costs after the backend asked for fewer calls. Default: 1 000, one token. Less where it also says
    /// when to come back.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(100_000).throttled_cost_milli(500).build()?;
    /// assert_eq!(policy.cost_milli(RetryCause::Throttled), 500);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn throttled_cost_milli(mut self, cost_milli: u64) -> Self {
        self.costs.throttled = cost_milli;
        self
    }

    /// What a success gives. Default: 100, so that ten successes pay for one retry.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(5_000).initial_milli(0).credit_milli(250).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// tokens.on_success(0, None);
    /// assert_eq!(tokens.balance_milli(0), 250);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn credit_milli(mut self, credit_milli: u64) -> Self {
        self.credit_milli = credit_milli;
        self
    }

    /// Whether an operation that succeeded by a retry gets that retry's cost back, instead of the credit. Default: no:
    /// a retry that helped was load too. The AWS SDKs do.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
    /// let builder = RetryTokensPolicy::builder(5_000);
    /// let after = |refund| {
    ///     let mut tokens = RetryTokens::new(builder.refund(refund).build()?);
    ///     let retry = tokens.try_withdraw(0, RetryCause::Failure)?;
    ///     tokens.on_success(0, Some(retry));
    ///     Ok::<_, Box<dyn core::error::Error>>(tokens.balance_milli(0))
    /// };
    /// assert_eq!((after(false)?, after(true)?), (4_100, 5_000));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub const fn refund(mut self, refund: bool) -> Self {
        self.refund = refund;
        self
    }

    /// What each request gives, whatever becomes of it. Default: 0. With 200 and a cost of 1 000 retries are a fifth of
    /// the requests in the long run, also while nothing succeeds.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(5_000).initial_milli(0).deposit_milli(200).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// tokens.on_request(0);
    /// assert_eq!(tokens.balance_milli(0), 200);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn deposit_milli(mut self, deposit_milli: u64) -> Self {
        self.deposit_milli = deposit_milli;
        self
    }

    /// What comes back in each [`refill_per`](Self::refill_per), evenly and without rounding away anything. Default: 0,
    /// no refill by time. A client that seldom asks needs one, or a bad hour leaves it without retries for days.
    ///
    /// ```
    /// # use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(5_000).initial_milli(0).refill_milli(500).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// tokens.on_request(0); // its time begins
    /// assert_eq!(tokens.balance_milli(3_000_000_000), 1_500);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn refill_milli(mut self, refill_milli: u64) -> Self {
        self.refill_milli = refill_milli;
        self
    }

    /// The span in which [`refill_milli`](Self::refill_milli) come back, above zero. Default: 1 s.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
    /// let hour = Duration::from_secs(3600);
    /// let builder = RetryTokensPolicy::builder(5_000).refill_milli(1_000);
    /// assert_eq!(builder.refill_per(hour).build()?.refill_per(), hour);
    /// assert!(builder.refill_per(Duration::ZERO).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn refill_per(mut self, refill_per: Duration) -> Self {
        self.refill_per = refill_per;
        self
    }

    /// When a retry is allowed. Default: when the balance covers its cost.
    ///
    /// ```
    /// # use evenkeel_core::budget::{AllowedWhen, RetryTokensPolicy};
    /// let policy = RetryTokensPolicy::builder(10_000).allowed_when(AllowedWhen::AboveHalf).build()?;
    /// assert_eq!(policy.allowed_when(), AllowedWhen::AboveHalf);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn allowed_when(mut self, allowed_when: AllowedWhen) -> Self {
        self.allowed_when = allowed_when;
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    /// - An amount is above 2^62, or the initial balance above the capacity; the refill's span is zero or above
    ///   [`MAX_SPAN`](crate::time::MAX_SPAN).
    /// - No retry of any cause could ever be paid from a full bucket. Most often amounts were given in tokens.
    /// - Nothing ever comes back: credit, deposit and refill are all 0 (and the capacity is not).
    /// - A refund together with [`AllowedWhen::AboveHalf`], which gives nothing back.
    ///
    /// ```
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// let error = RetryTokensPolicy::builder(10).build().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "retry_tokens.capacity_milli conflicts with the costs: \
    ///      no retry could ever be paid; amounts are thousandths, one token is 1000"
    /// );
    /// let error = RetryTokensPolicy::builder(10_000).credit_milli(0).build().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "retry_tokens.credit_milli conflicts with deposit_milli and refill_milli: \
    ///      one of the three must be above 0, or what is spent never comes back"
    /// );
    /// ```
    pub const fn build(self) -> Result<RetryTokensPolicy, ConfigError> {
        let refill_per_ns = checked!(positive_ns(SCOPE, "refill_per", self.refill_per));
        if let Some(error) = self.too_large() {
            return Err(error);
        }
        let initial_milli = match self.initial_milli {
            Some(initial_milli) => initial_milli,
            None => self.capacity_milli,
        };
        if initial_milli > self.capacity_milli {
            let problem = Problem::AboveMax {
                given: Amount::Count(initial_milli),
                max: Amount::Count(self.capacity_milli),
            };
            return Err(ConfigError::new(SCOPE, "initial_milli", problem));
        }
        let policy = RetryTokensPolicy {
            capacity_milli: self.capacity_milli,
            initial_milli,
            costs: self.costs,
            credit_milli: self.credit_milli,
            refund: self.refund,
            deposit_milli: self.deposit_milli,
            refill_milli: self.refill_milli,
            refill_per_ns,
            allowed_when: self.allowed_when,
        };
        match self.conflict(&policy) {
            None => Ok(policy),
            Some(error) => Err(error),
        }
    }

    const fn too_large(&self) -> Option<ConfigError> {
        let amounts = [
            ("capacity_milli", self.capacity_milli),
            ("failure_cost_milli", self.costs.failure),
            ("timeout_cost_milli", self.costs.timeout),
            ("throttled_cost_milli", self.costs.throttled),
            ("credit_milli", self.credit_milli),
            ("deposit_milli", self.deposit_milli),
            ("refill_milli", self.refill_milli),
        ];
        let mut rest: &[(&'static str, u64)] = &amounts;
        while let Some(((field, given), more)) = rest.split_first() {
            if *given > MAX_MILLI {
                let problem = Problem::AboveMax {
                    given: Amount::Count(*given),
                    max: Amount::Count(MAX_MILLI),
                };
                return Some(ConfigError::new(SCOPE, field, problem));
            }
            rest = more;
        }
        None
    }

    const fn conflict(&self, policy: &RetryTokensPolicy) -> Option<ConfigError> {
        let least = policy.needed_milli(self.costs.least());
        // A capacity of 0 says that there shall be no retries.
        if self.capacity_milli > 0 && least > self.capacity_milli {
            return Some(conflict(
                "capacity_milli",
                "the costs",
                "no retry could ever be paid; amounts are thousandths, one token is 1000",
            ));
        }
        if self.capacity_milli > 0
            && self.credit_milli == 0
            && self.deposit_milli == 0
            && self.refill_milli == 0
        {
            return Some(conflict(
                "credit_milli",
                "deposit_milli and refill_milli",
                "one of the three must be above 0, or what is spent never comes back",
            ));
        }
        if self.refund && matches!(self.allowed_when, AllowedWhen::AboveHalf) {
            return Some(conflict(
                "refund",
                "allowed_when",
                "above-half takes the cost of the failure for good; leave the refund out",
            ));
        }
        None
    }
}

/// The builder that makes this policy again, to change it.
impl From<RetryTokensPolicy> for RetryTokensBuilder {
    fn from(policy: RetryTokensPolicy) -> Self {
        Self {
            capacity_milli: policy.capacity_milli,
            initial_milli: Some(policy.initial_milli),
            costs: policy.costs,
            credit_milli: policy.credit_milli,
            refund: policy.refund,
            deposit_milli: policy.deposit_milli,
            refill_milli: policy.refill_milli,
            refill_per: policy.refill_per(),
            allowed_when: policy.allowed_when,
        }
    }
}

const fn conflict(field: &'static str, with: &'static str, fix: &'static str) -> ConfigError {
    ConfigError::new(SCOPE, field, Problem::Conflict { with, fix })
}
