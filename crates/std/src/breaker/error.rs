//! Why a call through a gate gave no value.

use evenkeel_core::breaker::Refused;
use thiserror::Error;

/// The gate refused the call, or the call was made and failed.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
/// use evenkeel_std::{CallError, SharedBreaker};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let breaker = SharedBreaker::new(policy.build()?);
///
/// let failed = breaker.call(|| Err::<(), _>("no route")).unwrap_err();
/// assert_eq!(failed.failed(), Some(&"no route"));
/// let refused = breaker.call(|| Err::<(), _>("not called")).unwrap_err();
/// assert_eq!(refused.to_string(), "refused: open");
/// assert!(refused.refused().is_some_and(|no| no.retry_at_ns().is_some()));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// `R` is what the gate answers instead of yes: a breaker [`Refused`], a table of breakers the same with whose breaker it
/// was, a throttle a [`Refusal`](evenkeel_core::Refusal) with the probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError<E, R = Refused> {
    /// The call was not made.
    #[error(transparent)]
    Refused(R),
    /// The call was made, and this is its error.
    #[error(transparent)]
    Failed(E),
}

impl<E, R> CallError<E, R> {
    /// The refusal, if the call was not made.
    #[must_use]
    pub const fn refused(&self) -> Option<&R> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::Failed(_) => None,
        }
    }

    /// The call's own error, if it was made.
    #[must_use]
    pub const fn failed(&self) -> Option<&E> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }
}
