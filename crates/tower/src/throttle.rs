//! Adaptive throttling around a service: what it would reject there is rejected here, without a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::Refusal;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::AttemptOutcome;
use evenkeel_core::throttle::Throttled;
use evenkeel_std::{CallError, Classified, Clock};
use evenkeel_tokio::{SharedThrottle, TokioClock};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::classify::{ByResult, Classify};

/// Puts a [`SharedThrottle`] around a service. All services that it makes share that throttle.
///
/// Which answers count as accepted, the [table](Classify) of classifications says: all but throttled ones, timeouts and
/// calls that brought no answer. A call that was dropped or that panicked was not accepted.
///
/// Inside a retry it counts attempts, as the load on the service counts them; put it there.
///
/// ```
/// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
/// use evenkeel_tower::{AdaptiveThrottleLayer, Classified, SharedThrottle};
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
/// let classify = |result: Result<&u16, &std::io::Error>| match result {
///     Ok(503) => Some(Classified::throttled()),
///     _ => None,
/// };
/// let mut service = ServiceBuilder::new()
///     .layer(AdaptiveThrottleLayer::new(&throttle).classify(classify))
///     .service_fn(|status: u16| async move { Ok::<_, std::io::Error>(status) });
/// service.ready().await?.call(200).await?;
/// service.ready().await?.call(503).await?;
/// assert_eq!((throttle.requests(), throttle.accepts()), (2, 1));
/// # Ok(())
/// # }
/// ```
pub struct AdaptiveThrottleLayer<K = ByResult, C: Clock = TokioClock> {
    throttle: SharedThrottle<C>,
    classify: K,
}

impl<C: Clock> AdaptiveThrottleLayer<ByResult, C> {
    /// Around this throttle; every `Ok` of the service was accepted, and no `Err`.
    pub fn new(throttle: &SharedThrottle<C>) -> Self {
        Self {
            throttle: throttle.clone(),
            classify: ByResult,
        }
    }
}

impl<K, C: Clock> AdaptiveThrottleLayer<K, C> {
    /// Says which answers mean that the service took the request on: see [`Classify`].
    #[must_use]
    pub fn classify<K2>(self, classify: K2) -> AdaptiveThrottleLayer<K2, C> {
        AdaptiveThrottleLayer {
            throttle: self.throttle,
            classify,
        }
    }
}

impl<S, K: Clone, C: Clock> Layer<S> for AdaptiveThrottleLayer<K, C> {
    type Service = AdaptiveThrottleService<S, K, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        AdaptiveThrottleService { inner, layer }
    }
}

/// A service behind an adaptive throttle; made by [`AdaptiveThrottleLayer`].
pub struct AdaptiveThrottleService<S, K = ByResult, C: Clock = TokioClock> {
    inner: S,
    layer: AdaptiveThrottleLayer<K, C>,
}

impl<S, K, C, Req> Service<Req> for AdaptiveThrottleService<S, K, C>
where
    S: Service<Req>,
    K: Classify<S::Response, S::Error> + Clone,
    C: Clock,
{
    type Response = S::Response;
    type Error = CallError<S::Error, Refusal<Throttled>>;
    type Future = AdaptiveThrottleFuture<S::Future, K, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let layer = &self.layer;
        let stage = match layer.throttle.try_request() {
            Ok(()) => Stage::Calling {
                future: self.inner.call(request),
                layer: layer.clone(),
            },
            Err(refused) => Stage::Refused {
                refused: Some(refused),
            },
        };
        AdaptiveThrottleFuture { stage }
    }
}

pin_project! {
    /// The response of an [`AdaptiveThrottleService`], without a box.
    ///
    /// **Cancel safe.** Dropped before its end, the request counts as one that the service did not accept.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct AdaptiveThrottleFuture<F, K, C: Clock> {
        #[pin]
        stage: Stage<F, K, C>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<F, K, C: Clock> {
        Refused {
            refused: Option<Refusal<Throttled>>,
        },
        Calling {
            #[pin]
            future: F,
            layer: AdaptiveThrottleLayer<K, C>,
        },
    }
}

impl<F, K, C, Res, Err> Future for AdaptiveThrottleFuture<F, K, C>
where
    F: Future<Output = Result<Res, Err>>,
    K: Classify<Res, Err>,
    C: Clock,
{
    type Output = Result<Res, CallError<Err, Refusal<Throttled>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().stage.project() {
            StageProjected::Refused { refused } => {
                let refused = refused.take().expect("polled after it was over");
                Poll::Ready(Err(CallError::Refused(refused)))
            }
            StageProjected::Calling { future, layer } => {
                let result = ready!(future.poll(cx));
                let classified = layer.classify.classify(result.as_ref());
                if accepted(classified, result.is_ok()) {
                    layer.throttle.on_accepted();
                }
                Poll::Ready(result.map_err(CallError::Failed))
            }
        }
    }
}

impl<K: Clone, C: Clock> Clone for AdaptiveThrottleLayer<K, C> {
    fn clone(&self) -> Self {
        Self {
            throttle: self.throttle.clone(),
            classify: self.classify.clone(),
        }
    }
}

impl<S: Clone, K: Clone, C: Clock> Clone for AdaptiveThrottleService<S, K, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<K, C: Clock> fmt::Debug for AdaptiveThrottleLayer<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveThrottleLayer")
            .field("throttle", &self.throttle)
            .finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, K, C: Clock> fmt::Debug for AdaptiveThrottleService<S, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveThrottleService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F, K, C: Clock> fmt::Debug for AdaptiveThrottleFuture<F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Refused { .. } => "refused",
            Stage::Calling { .. } => "calling",
        };
        let mut future = f.debug_struct("AdaptiveThrottleFuture");
        future.field("stage", &stage).finish_non_exhaustive()
    }
}

/// Whether the service took the request on: it answered, and not with "too much".
fn accepted(classified: Option<Classified>, answered: bool) -> bool {
    // The instant matters only to advice, which is not looked at.
    match classified.map(|classified| classified.outcome(0)) {
        None | Some(AttemptOutcome::Success | AttemptOutcome::Permanent { .. }) => true,
        Some(AttemptOutcome::Transient {
            cause: RetryCause::Failure,
            ..
        }) => answered,
        Some(_) => false,
    }
}
