//! Retries that are counted, and have spans.

use evenkeel_std::observe::RetryObserver;

use super::RetryLayer;

impl<R, K, B, G, H, C> RetryLayer<R, K, B, G, H, C> {
    /// Counts each operation and its attempts, and gives them spans: as
    /// [`evenkeel_tokio::Retry::observe`](evenkeel_tokio::Retry::observe). Features `metrics` and `tracing`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// use evenkeel_tower::observe::Observer;
    /// use evenkeel_tower::{AnyRequest, RetryLayer};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let observer = Observer::new();
    /// let layer = RetryLayer::new(&policy, AnyRequest).observe(&observer.retry("lookup"));
    /// let lookup = service_fn(|text: &'static str| async move { text.parse::<u8>() });
    /// assert_eq!(layer.layer(lookup).oneshot("42").await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn observe(mut self, observer: &RetryObserver) -> Self {
        self.observer = Some(observer.clone());
        self
    }
}
