//! Why a call through a gate gave no value.

use std::error::Error;

use evenkeel_core::breaker::Refused;

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
/// assert_eq!(refused.to_string(), "the call was not made");
/// let why = refused.refused().expect("not called");
/// assert!(why.to_string() == "refused: open" && why.retry_at_ns().is_some());
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// A refusal is the [`source`](Error::source), so that whoever walks the chain of an error without a type finds it; the
/// call's own error is as it is.
///
/// `R` is what the gate answers instead of yes: a breaker [`Refused`], a table of breakers the same with whose breaker it
/// was, a throttle a [`Refusal`](evenkeel_core::Refusal) with the probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError<E, R = Refused> {
    /// The call was not made.
    #[error("the call was not made")]
    Refused(#[source] R),
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

    /// The call's own error, if it was made, by value.
    #[must_use]
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Refused(_) => None,
            Self::Failed(error) => Some(error),
        }
    }

    /// The refusal or the call's own error, without a type: `?` takes it in a function that returns a
    /// `Box<dyn Error + Send + Sync>`, a `Box<dyn Error>` or an `anyhow::Error`, also where `E` is no [`Error`] itself.
    /// For an `E` that cannot go to another thread, as `Box<dyn Error>`, say what is to be kept:
    /// `.map_err(|error| error.to_string())`, or [`into_failed`](Self::into_failed).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// use std::error::Error;
    /// use evenkeel_std::{CallError, SharedBreaker};
    ///
    /// fn fetch(breaker: &SharedBreaker) -> Result<u32, Box<dyn Error + Send + Sync>> {
    ///     let call = || Err("status 503".to_owned()); // a String, a Box<dyn Error + Send + Sync>, ..
    ///     let length = breaker.call(call).map_err(CallError::boxed)?;
    ///     Ok(length)
    /// }
    ///
    /// fn fetch_text(breaker: &SharedBreaker) -> Result<u32, Box<dyn Error>> {
    ///     let call = || Err(Box::<dyn Error>::from("status 503")); // cannot go to another thread
    ///     Ok(breaker.call(call).map_err(|error| error.to_string())?)
    /// }
    ///
    /// let breaker = SharedBreaker::new(policy.build()?);
    /// assert_eq!(fetch(&breaker).unwrap_err().to_string(), "status 503");
    /// assert_eq!(fetch(&breaker).unwrap_err().to_string(), "refused: open");
    /// assert_eq!(fetch_text(&breaker).unwrap_err().to_string(), "the call was not made");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn boxed(self) -> Box<dyn Error + Send + Sync>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        R: Into<Box<dyn Error + Send + Sync>>,
    {
        match self {
            Self::Refused(refused) => refused.into(),
            Self::Failed(error) => error.into(),
        }
    }
}
