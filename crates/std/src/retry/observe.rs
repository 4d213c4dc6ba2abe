//! `.observe(&checkout)`: the operation is counted, and has spans.

use super::Retry;
use crate::driver::Observed;
use crate::observe::RetryObserver;

impl<F, T, E, C, B, G, K, O, H> Retry<F, T, E, C, B, G, K, O, H> {
    /// Counts this operation and its attempts, and gives them spans. The retry takes a clone of the observer: see there
    /// for what it costs. Features `metrics` and `tracing`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_std::{TestClock, observe::Observer, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let observer = Observer::new();
    /// let lookups = observer.retry("lookup"); // once, for all calls of this kind
    /// let found = retry(&policy, |_| "42".parse::<u8>()).observe(&lookups).run();
    /// assert_eq!(found, Ok(42));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn observe(mut self, observer: &RetryObserver) -> Self {
        self.observed = Observed::by(observer);
        self
    }
}
