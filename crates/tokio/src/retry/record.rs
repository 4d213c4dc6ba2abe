//! An operation with retries that is recorded.

use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_std::journal::Recording;

use super::{Retry, Running};
use crate::clock::Sleep;

impl<F, A, T, E, C, B, G, K, O, H> Retry<F, A, T, E, C, B, G, K, O, H>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// The operation as a future that takes down what it decides: `calls` is a
    /// [`RetryRecorder`](crate::journal::RetryRecorder), or a [`Recording`] that was made of one. Said last, when breaker
    /// and budget are known; both must be handles that can be recorded, and the operation is recorded as long as they
    /// are, in the same journal. Dropped before its end it is cancelled, and that is recorded too. Feature `journal`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, budget::RetryTokensPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::{SharedTokens, retry};
    /// # use evenkeel_tokio::journal::{Journal, RetryRecorder};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// // Once:
    /// let tokens = SharedTokens::new(RetryTokensPolicy::builder(1_000).build()?);
    /// let journal = Journal::last(100_000);
    /// tokens.record(&journal, "checkout-retries");
    /// let calls = RetryRecorder::new(&journal, "checkout-call");
    /// // At each call:
    /// let failed = retry(&policy, |_| async { Err::<(), _>("reset") }).budget(&tokens).record(&calls).await;
    /// assert_eq!(failed.unwrap_err().attempts(), 2);
    /// # assert_eq!(calls.missed(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn record(
        self,
        calls: impl Into<Recording<B, G>>,
    ) -> Running<F, A, T, E, C, B, G, K, O, H> {
        self.run().record(calls)
    }
}
