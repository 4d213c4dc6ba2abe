//! Sets up a retry policy: setters with defaults, and one check of the whole.

use core::time::Duration;

use super::policy::{RetryPolicy, WhenRefused};
use crate::advice::{AdvisoryFields, AdvisoryRule};
use crate::backoff::{BackoffBuilder, BackoffPolicy};
use crate::config::{checked, count, optional_positive_ns};
use crate::error::{ConfigError, Problem};
use crate::ratio::Ratio;

pub(super) const SCOPE: &str = "retry";
pub(super) const BACKOFF: &str = "retry.backoff";

/// Attempts where nothing else was said.
const DEFAULT_ATTEMPTS: u32 = 3;

#[derive(Clone, Copy, Debug)]
enum Attempts {
    Default,
    AtMost(u32),
    Unlimited,
}

/// Sets up a [`RetryPolicy`]; every setter has a default, only the backoff has none.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::retry::RetryPolicy;
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100));
/// let policy = RetryPolicy::builder(backoff).deadline(Duration::from_secs(5)).build()?;
/// assert_eq!(policy.max_attempts(), Some(3));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a builder does nothing until `build()`"]
#[derive(Clone, Copy, Debug)]
pub struct RetryBuilder {
    backoff: BackoffBuilder,
    attempts: Attempts,
    attempt_timeout: Option<Duration>,
    deadline: Option<Duration>,
    when_refused: WhenRefused,
    advisory: AdvisoryFields,
}

impl RetryBuilder {
    pub(super) const fn new(backoff: BackoffBuilder) -> Self {
        Self {
            backoff,
            attempts: Attempts::Default,
            attempt_timeout: None,
            deadline: None,
            when_refused: WhenRefused::End,
            advisory: AdvisoryFields::new(),
        }
    }

    /// At most this many attempts, the first included; at least 1. Default: 3, or, where the backoff has `max_retries`,
    /// no limit but that one. Three, because what two retries do not mend is an outage, and an outage needs fewer
    /// calls, not more: layers that each try three times already make nine calls of one.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// assert_eq!(RetryPolicy::builder(backoff).build()?.max_attempts(), Some(3));
    /// assert_eq!(RetryPolicy::builder(backoff.max_retries(7)).build()?.max_attempts(), None);
    /// let error = RetryPolicy::builder(backoff.max_retries(7)).max_attempts(4).build().unwrap_err();
    /// assert_eq!(error.path().to_string(), "retry.max_attempts");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = Attempts::AtMost(attempts);
        self
    }

    /// No limit of attempts: the deadline is the limit (or the backoff's `max_retries`), and one of them must be there.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// let builder = RetryPolicy::builder(backoff).unlimited_attempts();
    /// assert_eq!(builder.deadline(Duration::from_secs(60)).build()?.max_attempts(), None);
    /// assert_eq!(builder.build().unwrap_err().path().to_string(), "retry.deadline");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn unlimited_attempts(mut self) -> Self {
        self.attempts = Attempts::Unlimited;
        self
    }

    /// How long one attempt may take, from the poll that starts it: 1 ns to 2^62 ns, and not above the deadline. Then
    /// it is abandoned and counts as failed. Default: no limit but the deadline; set it wherever a call can hang, or
    /// one that does takes all the time there is.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// assert_eq!(builder.build()?.attempt_timeout(), None);
    /// assert!(builder.attempt_timeout(Duration::from_secs(2)).build().is_ok());
    /// assert!(builder.attempt_timeout(Duration::ZERO).build().is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn attempt_timeout(mut self, span: Duration) -> Self {
        self.attempt_timeout = Some(span);
        self
    }

    /// How long the operation may take with all attempts and waits, from [`Retry::new`](super::Retry::new) on: 1 ns to
    /// 2^62 ns. At that instant it is over. Default: none.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::{Retry, RetryPolicy}};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let policy = builder.deadline(Duration::from_secs(10)).build()?;
    /// assert_eq!(Retry::new(policy, 500).deadline_at_ns(), Some(10_000_000_500));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn deadline(mut self, span: Duration) -> Self {
        self.deadline = Some(span);
        self
    }

    /// What a breaker's refusal means. Default: [`WhenRefused::End`], because an open breaker is there to answer fast.
    /// [`WhenRefused::Wait`] needs a deadline.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::{RetryPolicy, WhenRefused}};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let patient = builder.when_refused(WhenRefused::Wait);
    /// assert!(patient.deadline(Duration::from_secs(60)).build().is_ok());
    /// assert_eq!(patient.build().unwrap_err().path().to_string(), "retry.when_refused");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn when_refused(mut self, when_refused: WhenRefused) -> Self {
        self.when_refused = when_refused;
        self
    }

    /// How a server's advice and our own wait make the wait. Default: [`AdvisoryRule::AtLeast`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::AdvisoryRule, backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let policy = builder.advisory_rule(AdvisoryRule::Exact).build()?;
    /// assert_eq!(policy.advisory_rule(), AdvisoryRule::Exact);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_rule(mut self, rule: AdvisoryRule) -> Self {
        self.advisory.rule = rule;
        self
    }

    /// How far a server's advice is followed: 0 to 2^62 ns. Default: the backoff's cap; where that has none, nothing
    /// but the deadline bounds a server's advice.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let policy = builder.advisory_cap(Duration::from_secs(90)).build()?;
    /// assert_eq!(policy.advisory_cap(), Duration::from_secs(90));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_cap(mut self, span: Duration) -> Self {
        self.advisory.cap = Some(span);
        self
    }

    /// An advised wait is lengthened by a draw from 0 to this share of it, at most 1. Default: 0. Clients that were
    /// given one instant come back at one instant; set it where they are many.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, retry::RetryPolicy};
    /// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100)));
    /// let policy = builder.advisory_spread(Ratio::percent(20)).build()?;
    /// assert_eq!(policy.advisory_spread(), Ratio::percent(20));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn advisory_spread(mut self, spread: Ratio) -> Self {
        self.advisory.spread = spread;
        self
    }

    /// Checks the whole and makes the policy.
    ///
    /// # Errors
    /// - in the backoff, as `retry.backoff.*`;
    /// - 0 attempts, a timeout or a deadline of 0, a span above [`MAX_SPAN`](crate::time::MAX_SPAN), a spread above 1;
    /// - `max_attempts` and the backoff's `max_retries` that say different things;
    /// - unlimited attempts without a deadline (or `max_retries`);
    /// - a timeout above the deadline, or a deadline that not even the shortest first wait fits into;
    /// - [`WhenRefused::Wait`] without a deadline.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, retry::RetryPolicy};
    /// let backoff = BackoffPolicy::builder(Duration::from_secs(5)).jitter(Jitter::Equal);
    /// let error = RetryPolicy::builder(backoff).deadline(Duration::from_secs(2)).build().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "retry.deadline conflicts with backoff.base: \
    ///      no wait is over before it; raise the deadline, lower the base, or set max_attempts = 1",
    /// );
    /// ```
    pub const fn build(self) -> Result<RetryPolicy, ConfigError> {
        let backoff = match self.backoff.build() {
            Ok(policy) => policy,
            Err(error) => return Err(error.within(BACKOFF)),
        };
        let timeout = optional_positive_ns(SCOPE, "attempt_timeout", self.attempt_timeout);
        let attempt_timeout_ns = checked!(timeout);
        let deadline_ns = checked!(optional_positive_ns(SCOPE, "deadline", self.deadline));
        let max_attempts = checked!(resolved(self.attempts, &backoff, deadline_ns.is_some()));
        let advisory = checked!(self.advisory.build(SCOPE, &backoff));
        let policy = RetryPolicy {
            backoff,
            max_attempts,
            attempt_timeout_ns,
            deadline_ns,
            when_refused: self.when_refused,
            advisory,
        };
        checked!(check_deadline(&policy));
        Ok(policy)
    }
}

/// The limit of attempts that `attempts` and the backoff's `max_retries` make together.
const fn resolved(
    attempts: Attempts,
    backoff: &BackoffPolicy,
    has_deadline: bool,
) -> Result<Option<u32>, ConfigError> {
    match (attempts, backoff.max_retries()) {
        (Attempts::Default | Attempts::Unlimited, Some(_)) => Ok(None),
        (Attempts::Default, None) => Ok(Some(DEFAULT_ATTEMPTS)),
        (Attempts::Unlimited, None) if has_deadline => Ok(None),
        (Attempts::Unlimited, None) => Err(ConfigError::new(
            SCOPE,
            "deadline",
            Problem::Missing {
                fix: "attempts without limit need it; set it, or max_attempts, or backoff.max_retries",
            },
        )),
        (Attempts::AtMost(given), retries) => {
            let attempts = checked!(count(SCOPE, "max_attempts", given, u32::MAX));
            match retries {
                Some(retries) if retries.saturating_add(1) != attempts => Err(conflict(
                    "max_attempts",
                    "backoff.max_retries",
                    "attempts are the retries and the first; set one of the two",
                )),
                _ => Ok(Some(attempts)),
            }
        }
    }
}

/// What the deadline makes possible.
const fn check_deadline(policy: &RetryPolicy) -> Result<(), ConfigError> {
    let Some(deadline_ns) = policy.deadline_ns else {
        return match policy.when_refused {
            WhenRefused::End => Ok(()),
            WhenRefused::Wait => Err(conflict(
                "when_refused",
                "deadline",
                "to wait for a breaker without a deadline may be to wait for ever; set a deadline, or end",
            )),
        };
    };
    if let Some(timeout_ns) = policy.attempt_timeout_ns {
        if timeout_ns > deadline_ns {
            return Err(conflict(
                "attempt_timeout",
                "deadline",
                "an attempt cannot take longer than the whole; lower the timeout or raise the deadline",
            ));
        }
    }
    let once =
        matches!(policy.max_attempts, Some(1)) || matches!(policy.backoff.max_retries(), Some(0));
    let (least, _) = policy.backoff.range(1);
    if !once && least.as_nanos() >= deadline_ns as u128 {
        return Err(conflict(
            "deadline",
            "backoff.base",
            "no wait is over before it; raise the deadline, lower the base, or set max_attempts = 1",
        ));
    }
    Ok(())
}

const fn conflict(field: &'static str, with: &'static str, fix: &'static str) -> ConfigError {
    ConfigError::new(SCOPE, field, Problem::Conflict { with, fix })
}

/// The builder that makes this policy again, to change it.
impl From<RetryPolicy> for RetryBuilder {
    fn from(policy: RetryPolicy) -> Self {
        Self {
            backoff: policy.backoff.into(),
            attempts: match (policy.max_attempts, policy.backoff.max_retries()) {
                (Some(attempts), _) => Attempts::AtMost(attempts),
                (None, Some(_)) => Attempts::Default,
                (None, None) => Attempts::Unlimited,
            },
            attempt_timeout: policy.attempt_timeout(),
            deadline: policy.deadline(),
            when_refused: policy.when_refused,
            advisory: policy.advisory.into(),
        }
    }
}
