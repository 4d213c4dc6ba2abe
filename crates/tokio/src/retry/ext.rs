//! `fetch.retry(&policy)`: the extension style, for functions that do not want to know their attempt.

use std::fmt;
use std::future::Future;

use evenkeel_core::retry::RetryPolicy;
use evenkeel_std::Attempt;

use super::Retry;
use super::make::MakeAttempt;

/// `fetch.retry(&policy)` for a function without arguments: [`retry`](super::retry) where the attempt does not matter.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_tokio::RetryExt;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let mut answers = ["reset", "reset", "hello"].into_iter();
/// let fetch = || {
///     let answer = answers.next().filter(|answer| *answer == "hello").ok_or("connection reset");
///     async move { answer }
/// };
/// assert_eq!(fetch.retry(&policy).await, Ok("hello"));
/// # Ok(())
/// # }
/// ```
pub trait RetryExt<A, T, E>: FnMut() -> A + Sized
where
    A: Future<Output = Result<T, E>>,
{
    /// An operation with retries around this function.
    fn retry(self, policy: &RetryPolicy) -> Retry<Plain<Self>, A, T, E> {
        Retry::new(policy, Plain(self))
    }
}

impl<F, A, T, E> RetryExt<A, T, E> for F
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, E>>,
{
}

/// A function that does not want to know its attempt: what [`RetryExt`] retries.
#[derive(Clone, Copy)]
pub struct Plain<F>(F);

impl<F: FnMut() -> A, A> MakeAttempt<A> for Plain<F> {
    fn make(&mut self, _: Attempt) -> A {
        (self.0)()
    }
}

impl<F> fmt::Debug for Plain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}
