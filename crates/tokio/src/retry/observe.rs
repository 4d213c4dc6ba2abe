//! `.observe(&checkout)`: the operation is counted, and has spans.

use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_std::driver::Observed;
use evenkeel_std::observe::RetryObserver;

use super::{Retry, Running};
use crate::clock::Sleep;

impl<F, A, T, E, C, B, G, K, O, H> Retry<F, A, T, E, C, B, G, K, O, H> {
    /// Counts this operation and its attempts, and gives them spans: each poll of an attempt is in its span, so that
    /// what it logs shows it. One that is dropped before its end counts as cancelled. The retry takes a clone of the
    /// observer: see there for what it costs. Features `metrics` and `tracing`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::{observe::Observer, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let observer = Observer::new();
    /// let lookups = observer.retry("lookup"); // once, for all calls of this kind
    /// let found = retry(&policy, |_| async { "42".parse::<u8>() }).observe(&lookups).await;
    /// assert_eq!(found, Ok(42));
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(mut self, observer: &RetryObserver) -> Self {
        self.observed = Observed::by(observer);
        self
    }
}

impl<F, A, T, E, C, B, G, K, O, H> Running<F, A, T, E, C, B, G, K, O, H>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// As [`Retry::observe`]: for layers of your own. Once it has been polled it is too late, and this does nothing.
    pub fn observe(self, observer: &RetryObserver) -> Self {
        self.observed(Observed::by(observer))
    }
}
