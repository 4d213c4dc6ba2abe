//! An operation with retries that is recorded.

use std::fmt;

use evenkeel_core::retry::{BreakerGate, RetryBudget};

use super::{MakeAttempt, Retry};
use crate::attempt::RetryEvent;
use crate::classified::Classified;
use crate::journal::Recording;
use crate::retry_error::RetryError;
use crate::sleep::Sleep;

/// An operation with retries that is recorded: what [`Retry::record`] makes. All other settings come before it.
#[must_use = "nothing is called before `run`"]
pub struct RecordedRetry<F, T, E, C, B, G, K, O, H> {
    retry: Retry<F, T, E, C, B, G, K, O, H>,
    recording: Recording<B, G>,
}

/// Feature `journal`; see the module [`journal`](crate::journal).
impl<F, T, E, C, B, G, K, O, H> Retry<F, T, E, C, B, G, K, O, H> {
    /// Takes down what the operation decides: `calls` is a [`RetryRecorder`](crate::journal::RetryRecorder), or a
    /// [`Recording`] that was made of one. Said last, when breaker and budget are known; both must be handles that can be
    /// recorded, and the operation is recorded as long as they are, in the same journal.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, budget::RetryTokensPolicy, retry::RetryPolicy};
    /// # use evenkeel_std::{SharedTokens, TestClock, retry};
    /// # use evenkeel_std::journal::{Journal, RetryRecorder};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// // Once:
    /// let tokens = SharedTokens::new(RetryTokensPolicy::builder(1_000).build()?);
    /// let journal = Journal::last(100_000);
    /// tokens.record(&journal, "checkout-retries");
    /// let calls = RetryRecorder::new(&journal, "checkout-call");
    /// // At each call:
    /// let failed = retry(&policy, |_| Err::<(), _>("reset")).budget(&tokens).clock(TestClock::new()).record(&calls).run();
    /// assert_eq!(failed.unwrap_err().attempts(), 2);
    /// # assert_eq!(calls.missed(), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn record(
        self,
        calls: impl Into<Recording<B, G>>,
    ) -> RecordedRetry<F, T, E, C, B, G, K, O, H> {
        RecordedRetry {
            retry: self,
            recording: calls.into(),
        }
    }
}

impl<F, T, E, C, B, G, K, O, H> RecordedRetry<F, T, E, C, B, G, K, O, H>
where
    F: MakeAttempt<T, E>,
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    /// As [`Retry::run`].
    ///
    /// # Errors
    /// As [`Retry::run`].
    ///
    /// # Panics
    /// As [`Retry::run`].
    pub fn run(self) -> Result<T, RetryError<E>> {
        let Self { retry, recording } = self;
        retry.run_as(|operation, now_ns| operation.record(now_ns, &recording))
    }
}

impl<F, T, E, C, B, G, K, O, H> fmt::Debug for RecordedRetry<F, T, E, C, B, G, K, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRetry")
            .field("retry", &self.retry)
            .field("recording", &self.recording)
            .finish()
    }
}
