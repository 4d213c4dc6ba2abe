//! How an operation with retries failed: its end, its attempts, and the last error.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use evenkeel_core::retry::End;
use evenkeel_core::time;

use crate::opaque::Opaque;

/// The operation did not succeed: why it ended, after how many attempts, and the last error that an attempt ended with.
///
/// There is no error where no attempt ended with one: the breaker refused the first, or all timed out. The error is the
/// [`source`](Error::source) and is not part of the text, so that reporters which print the chain say it once.
///
/// ```
/// use std::{error::Error, io, time::Duration};
/// use evenkeel_core::{backoff::BackoffPolicy, retry::{End, RetryPolicy}};
/// use evenkeel_std::{TestClock, retry};
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error = retry(&policy, |_| Err::<(), _>(refused())).clock(TestClock::new()).run().unwrap_err();
/// assert_eq!((error.end(), error.attempts()), (End::Attempts, 3));
/// assert_eq!(error.to_string(), "the last attempt that is allowed has failed, after 3 attempts");
/// assert_eq!(error.source().map(|source| source.to_string()).as_deref(), Some("connection refused"));
/// assert_eq!(error.into_last().map(|last| last.kind()), Some(io::ErrorKind::ConnectionRefused));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// It is an [`Error`] where `E` is one. A `String`, a `Box<dyn Error + Send + Sync>` or an `anyhow::Error` is none:
/// there [`boxed`](Self::boxed) makes `?` possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryError<E> {
    end: End,
    attempts: u32,
    last: Option<E>,
}

impl<E> RetryError<E> {
    /// It ended with `end` after `attempts`: for drivers of your own.
    ///
    /// ```
    /// # use evenkeel_core::retry::End;
    /// # use evenkeel_std::RetryError;
    /// let error = RetryError::new(End::Cancelled, 1, Some("reset"));
    /// assert_eq!(error.last(), Some(&"reset"));
    /// ```
    #[must_use]
    pub const fn new(end: End, attempts: u32, last: Option<E>) -> Self {
        Self {
            end,
            attempts,
            last,
        }
    }

    /// Why it ended. [`End::retry_at_ns`] says when another operation may fare better.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// How long from `now_ns` until another operation may fare better: what the breaker, the budget or another gate
    /// said with its refusal; zero when that is past, `None` where nothing was refused or no instant is known.
    ///
    /// `now_ns` is on the clock of whatever refused: `breaker.clock().now_ns()`, with [`Clock`](crate::Clock) imported.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::{BreakerPolicy, Trigger}, retry::RetryPolicy};
    /// use evenkeel_std::{Clock, SharedBreaker, retry};
    ///
    /// let open = BackoffPolicy::builder(Duration::from_secs(60)).jitter(Jitter::None);
    /// let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// let breaker = SharedBreaker::new(breaker.build()?);
    /// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(1))).build()?;
    ///
    /// let error = retry(&policy, |_| Err::<(), _>("down")).breaker(&breaker).run().unwrap_err();
    /// let wait = error.retry_after(breaker.clock().now_ns()); // a server hands it on as Retry-After
    /// assert!(wait.is_some_and(|wait| wait <= Duration::from_secs(60)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        match self.end.retry_at_ns() {
            Some(at_ns) => Some(time::until(now_ns, at_ns)),
            None => None,
        }
    }

    /// How many attempts were made; 0 where the first was refused.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The last error that an attempt ended with.
    #[must_use]
    pub const fn last(&self) -> Option<&E> {
        self.last.as_ref()
    }

    /// The last error that an attempt ended with, by value.
    #[must_use]
    pub fn into_last(self) -> Option<E> {
        self.last
    }

    /// The same as an error without a type: `?` takes it in a function that returns a `Box<dyn Error + Send + Sync>`, a
    /// `Box<dyn Error>` or an `anyhow::Error`, also where `E` is no [`Error`] itself. In the box is a
    /// `RetryError<`[`Opaque`]`>`, whatever `E` was: who asks for that type has the end and the attempts back. For an `E` that cannot go to another thread, as `Box<dyn Error>`, say what is to be kept:
    /// `.map_err(|error| error.to_string())`, or [`into_last`](Self::into_last).
    ///
    /// ```
    /// use std::{error::Error, time::Duration};
    /// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// use evenkeel_std::{Opaque, RetryError, TestClock, retry};
    ///
    /// fn fetch(policy: &RetryPolicy) -> Result<u32, Box<dyn Error + Send + Sync>> {
    ///     let attempt = || Err("status 503".to_owned()); // a String, a Box<dyn Error + Send + Sync>, ..
    ///     let length = retry(policy, |_| attempt()).clock(TestClock::new()).run().map_err(RetryError::boxed)?;
    ///     Ok(length)
    /// }
    ///
    /// fn fetch_text(policy: &RetryPolicy) -> Result<u32, Box<dyn Error>> {
    ///     let attempt = || Err(Box::<dyn Error>::from("status 503")); // cannot go to another thread
    ///     let answer = retry(policy, |_| attempt()).clock(TestClock::new()).run();
    ///     Ok(answer.map_err(|error| format!("{error}: {:?}", error.last()))?)
    /// }
    ///
    /// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let error = fetch(&policy).unwrap_err();
    /// assert_eq!(error.downcast_ref::<RetryError<Opaque>>().map(RetryError::attempts), Some(3));
    /// assert_eq!(error.to_string(), "the last attempt that is allowed has failed, after 3 attempts");
    /// assert_eq!(error.source().map(|source| source.to_string()).as_deref(), Some("status 503"));
    /// assert!(fetch_text(&policy).unwrap_err().to_string().ends_with("attempts: Some(\"status 503\")"));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn boxed(self) -> Box<dyn Error + Send + Sync>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self {
            end,
            attempts,
            last,
        } = self;
        let last = last.map(|error| Opaque::from(error.into()));
        Box::new(RetryError::new(end, attempts, last))
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, attempts, .. } = self;
        match attempts {
            0 => write!(f, "{end}, before any attempt"),
            1 => write!(f, "{end}, after 1 attempt"),
            _ => write!(f, "{end}, after {attempts} attempts"),
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let last: &(dyn Error + 'static) = self.last.as_ref()?;
        // Whoever walks the chain looks for what is inside.
        let opaque = last.downcast_ref::<Opaque>();
        Some(opaque.map_or(last, |opaque| opaque.get_ref()))
    }
}
