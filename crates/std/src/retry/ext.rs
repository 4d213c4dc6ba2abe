//! `fetch.retry(&policy)`: the extension style, for closures that do not want to know their attempt.

use std::fmt;

use evenkeel_core::retry::RetryPolicy;

use super::Retry;
use super::make::MakeAttempt;
use crate::attempt::Attempt;

/// `fetch.retry(&policy)` for a closure without arguments: [`retry`](super::retry()) where the attempt does not matter.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_std::{RetryExt, TestClock};
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let mut answers = ["reset", "reset", "hello"].into_iter();
/// let fetch = || answers.next().filter(|answer| *answer == "hello").ok_or("connection reset");
/// assert_eq!(fetch.retry(&policy).clock(TestClock::new()).run(), Ok("hello"));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// The policy is copied, so the operation can outlive it:
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// # use evenkeel_std::RetryExt;
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10));
/// let operation = (|| "42".parse::<u8>()).retry(&RetryPolicy::builder(backoff).build()?);
/// assert_eq!(operation.run()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait RetryExt<T, E>: FnMut() -> Result<T, E> + Sized {
    /// An operation with retries around this closure.
    fn retry(self, policy: &RetryPolicy) -> Retry<Plain<Self>, T, E> {
        Retry::new(policy, Plain(self))
    }
}

impl<F: FnMut() -> Result<T, E>, T, E> RetryExt<T, E> for F {}

/// A closure that does not want to know its attempt: what [`RetryExt`] retries.
#[derive(Clone, Copy)]
pub struct Plain<F>(F);

impl<F: FnMut() -> Result<T, E>, T, E> MakeAttempt<T, E> for Plain<F> {
    fn make(&mut self, _: Attempt) -> Result<T, E> {
        (self.0)()
    }
}

impl<F> fmt::Debug for Plain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}
