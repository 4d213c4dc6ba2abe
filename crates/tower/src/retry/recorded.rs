//! Retries that a journal takes down.

use std::fmt;

use evenkeel_std::journal::{LendBreaker, LendBudget, Recording, RetryRecorder};
use tower_layer::Layer;

use super::RetryLayer;
use super::breaker::Guarding;
use super::service::RetryService;

impl<R, K, B, G, H, C> RetryLayer<R, K, B, G, H, C>
where
    B: Guarding<Gate: LendBreaker>,
    G: LendBudget,
{
    /// Takes down what each operation decides; said last. Breaker and budget must be recorded in the same journal, or
    /// the operation is not: see [`RetryRecorder`]. Feature `journal`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_core::backoff::BackoffPolicy;
    /// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
    /// use evenkeel_core::retry::RetryPolicy;
    /// use evenkeel_tower::journal::{Journal, RetryRecorder};
    /// use evenkeel_tower::{AnyRequest, RetryLayer, SharedBreaker};
    /// use tower::{Layer, ServiceExt, service_fn};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = RetryPolicy::builder(backoff).max_attempts(3).build()?;
    /// let breaker = BreakerPolicy::builder(backoff, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 9 });
    /// let breaker = SharedBreaker::new(breaker.build()?);
    ///
    /// let journal = Journal::last(100_000);
    /// breaker.record(&journal, "checkout");
    /// let calls = RetryRecorder::new(&journal, "checkout-call");
    /// let layer = RetryLayer::new(&policy, AnyRequest).breaker(&breaker).record(&calls);
    /// let down = service_fn(|()| async { Err::<(), _>("down") });
    /// assert!(layer.layer(down).oneshot(()).await.is_err());
    ///
    /// let mut written = Vec::new();
    /// journal.dump(&mut written)?;
    /// assert!(String::from_utf8(written)?.contains("checkout-call"));
    /// assert_eq!(calls.missed(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn record(self, calls: &RetryRecorder) -> RecordedRetryLayer<R, K, B, G, H, C> {
        RecordedRetryLayer {
            layer: self,
            recording: calls.into(),
        }
    }
}

/// A [`RetryLayer`] whose operations a journal takes down; made by [`RetryLayer::record`]. Feature `journal`.
pub struct RecordedRetryLayer<R, K, B: Guarding, G, H, C> {
    layer: RetryLayer<R, K, B, G, H, C>,
    recording: Recording<B::Gate, G>,
}

impl<S, R, K, B, G, H, C> Layer<S> for RecordedRetryLayer<R, K, B, G, H, C>
where
    B: Guarding,
    RetryLayer<R, K, B, G, H, C>: Clone,
{
    type Service = RetryService<S, R, K, B, G, H, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService::new(inner, self.layer.clone()).recorded(self.recording.clone())
    }
}

impl<R, K, B, G, H, C> Clone for RecordedRetryLayer<R, K, B, G, H, C>
where
    B: Guarding,
    RetryLayer<R, K, B, G, H, C>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            layer: self.layer.clone(),
            recording: self.recording.clone(),
        }
    }
}

impl<R, K, B: Guarding, G, H, C> fmt::Debug for RecordedRetryLayer<R, K, B, G, H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.fmt(f)
    }
}
