//! Why an attempt is given up, and how an operation ends.

use thiserror::Error;

use crate::backoff::Exhausted;
use crate::breaker::RefusedBy;

/// Why an attempt that is out is to be cancelled.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let builder = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_nanos(10)));
/// let [timeout, deadline] = [60, 100].map(Duration::from_nanos);
/// let policy = builder.attempt_timeout(timeout).deadline(deadline).build()?;
/// let (mut retry, mut parts) = (Retry::new(policy, 0), Parts::none());
/// let mut reasons = Vec::new();
/// for now_ns in 0..=100 {
///     let action = retry.poll(now_ns, &mut parts, &mut rng).action;
///     if let RetryAction::Abandon { reason, at_ns, .. } = action {
///         reasons.push((reason.name(), at_ns));
///     }
/// }
/// assert_eq!(reasons, [("timeout", 60), ("deadline", 100)]); // the second attempt had not its 60 ns
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum AbandonedBy {
    /// Its own timeout, `attempt_timeout`, was over.
    Timeout,
    /// The deadline of the operation came first.
    Deadline,
    /// The operation was [cancelled](super::Retry::cancel).
    Cancelled,
}

impl AbandonedBy {
    /// Its name in journals, such as `"timeout"`.
    ///
    /// ```
    /// # use evenkeel_core::retry::AbandonedBy;
    /// assert_eq!([AbandonedBy::Deadline, AbandonedBy::Cancelled].map(AbandonedBy::name), ["deadline", "cancelled"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
        }
    }
}

crate::named::display_by_name!(AbandonedBy);

/// How an operation ended. As an [`Error`](core::error::Error) it says so in a sentence; [`name`](Self::name) is short.
///
/// ```
/// use evenkeel_core::backoff::Exhausted;
/// use evenkeel_core::retry::End;
///
/// let end = End::Exhausted { limit: Exhausted::Retries };
/// assert_eq!(end.name(), "exhausted");
/// assert_eq!(end.to_string(), "the backoff allows no further attempt: all retries are used up");
/// assert_eq!(End::BudgetSpent { retry_at_ns: Some(9) }.retry_at_ns(), Some(9));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum End {
    /// The last attempt succeeded.
    #[error("the operation succeeded")]
    Succeeded,
    /// The last attempt failed for good.
    #[error("the last attempt failed in a way that no retry mends")]
    Permanent,
    /// The last of `max_attempts` attempts failed.
    #[error("the last attempt that is allowed has failed")]
    Attempts,
    /// The deadline came, or would have come before the wait was over.
    #[error("the deadline of the operation leaves no time for another attempt")]
    Deadline,
    /// The server said not to come back.
    #[error("the server said not to come back")]
    Advised,
    /// The backoff has no further wait.
    #[error("the backoff allows no further attempt: {limit}")]
    Exhausted {
        /// Which of its limits was reached.
        limit: Exhausted,
    },
    /// The retry budget refused the next attempt.
    #[error("the retry budget refused another attempt")]
    BudgetSpent {
        /// When it would have agreed, as far as it knew.
        retry_at_ns: Option<u64>,
    },
    /// The breaker refused the next attempt, perhaps the first.
    #[error("the breaker refused the attempt: {reason}")]
    BreakerOpen {
        /// Why it did.
        reason: RefusedBy,
        /// When it would have agreed, as far as it knew.
        retry_at_ns: Option<u64>,
    },
    /// A gate behind the operation, another breaker or a throttle, refused the last attempt: it was not sent.
    #[error("the attempt was refused before it was sent")]
    Refused {
        /// When the gate would have agreed, as far as it knew.
        retry_at_ns: Option<u64>,
    },
    /// It was cancelled.
    #[error("the operation was cancelled")]
    Cancelled,
}

impl End {
    /// `Ok` if the last attempt succeeded; else the end, as the error.
    ///
    /// ```
    /// # use evenkeel_core::retry::End;
    /// assert_eq!(End::Succeeded.into_result(), Ok(()));
    /// let failed: Box<dyn core::error::Error> = match End::Attempts.into_result() {
    ///     Ok(()) => unreachable!("it failed"),
    ///     Err(end) => end.into(),
    /// };
    /// assert_eq!(failed.to_string(), "the last attempt that is allowed has failed");
    /// ```
    ///
    /// # Errors
    /// With any end but [`Succeeded`](Self::Succeeded).
    pub const fn into_result(self) -> Result<(), Self> {
        match self {
            Self::Succeeded => Ok(()),
            failed => Err(failed),
        }
    }

    /// Its name in journals, such as `"budget-spent"`.
    ///
    /// ```
    /// # use evenkeel_core::retry::End;
    /// assert_eq!([End::Succeeded, End::Deadline].map(End::name), ["succeeded", "deadline"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Permanent => "permanent",
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::Advised => "advised",
            Self::Exhausted { .. } => "exhausted",
            Self::BudgetSpent { .. } => "budget-spent",
            Self::BreakerOpen { .. } => "breaker-open",
            Self::Refused { .. } => "refused",
            Self::Cancelled => "cancelled",
        }
    }

    /// When another operation may fare better: what the breaker, the budget or another gate said with its refusal.
    ///
    /// ```
    /// # use evenkeel_core::{breaker::RefusedBy, retry::End};
    /// let end = End::BreakerOpen { reason: RefusedBy::Open, retry_at_ns: Some(5_000) };
    /// assert_eq!(end.retry_at_ns(), Some(5_000)); // a server hands it on as Retry-After
    /// assert_eq!(End::Attempts.retry_at_ns(), None);
    /// ```
    #[must_use]
    pub const fn retry_at_ns(self) -> Option<u64> {
        match self {
            Self::BudgetSpent { retry_at_ns }
            | Self::BreakerOpen { retry_at_ns, .. }
            | Self::Refused { retry_at_ns } => retry_at_ns,
            _ => None,
        }
    }
}
