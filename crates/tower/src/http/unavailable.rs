//! Refusals answered with 503, so that a server has no error left to explain.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use evenkeel_std::{CallError, Clock};
use http::Response;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::service_unavailable;
use crate::retry_after::RetryAfter;

/// Answers what a layer inside of it refused with [`service_unavailable`]; the service's own errors stay as they are.
///
/// For servers: around a breaker or throttle before a route. `clock` is that of the gate, which says how long
/// `Retry-After` is.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
/// use evenkeel_tower::{BreakerLayer, SharedBreaker, UnavailableLayer};
/// use http::Response;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = BackoffPolicy::builder(Duration::from_millis(1_500)).jitter(Jitter::None);
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let breaker = SharedBreaker::new(policy.build()?);
/// breaker.try_acquire()?.failure();
///
/// let service = ServiceBuilder::new()
///     .layer(UnavailableLayer::new(breaker.clock()))
///     .layer(BreakerLayer::new(&breaker))
///     .service_fn(|()| async { Ok::<_, Infallible>(Response::new("hello".to_owned())) });
/// let response = service.oneshot(()).await?; // `Infallible`: as axum wants it
/// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"2".parse()?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct UnavailableLayer<C> {
    clock: C,
}

impl<C: Clock + Clone> UnavailableLayer<C> {
    /// On this clock: that of the gate inside, `breaker.clock()`.
    pub fn new(clock: &C) -> Self {
        let clock = clock.clone();
        Self { clock }
    }
}

impl<S, C: Clone> Layer<S> for UnavailableLayer<C> {
    type Service = UnavailableService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        UnavailableService {
            inner,
            clock: self.clock.clone(),
            refused: None,
        }
    }
}

/// A service that answers refusals with 503; made by [`UnavailableLayer`].
#[derive(Clone)]
pub struct UnavailableService<S, C> {
    inner: S,
    clock: C,
    /// What `poll_ready` was told: the call is answered with it.
    refused: Option<Option<Duration>>,
}

impl<S, C, Req, B, E, R> Service<Req> for UnavailableService<S, C>
where
    S: Service<Req, Response = Response<B>, Error = CallError<E, R>>,
    C: Clock + Clone,
    B: Default,
    R: RetryAfter,
{
    type Response = Response<B>;
    type Error = E;
    type Future = UnavailableFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        self.refused = None;
        Poll::Ready(match ready!(self.inner.poll_ready(cx)) {
            Ok(()) => Ok(()),
            Err(CallError::Failed(error)) => Err(error),
            Err(CallError::Refused(refused)) => {
                self.refused = Some(refused.retry_after(self.clock.now_ns()));
                Ok(())
            }
        })
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let stage = match self.refused.take() {
            Some(retry_after) => Stage::Refused { retry_after },
            None => Stage::Calling {
                future: self.inner.call(request),
                clock: self.clock.clone(),
            },
        };
        UnavailableFuture { stage }
    }
}

pin_project! {
    /// The response of an [`UnavailableService`], without a box. Dropped, it drops the call.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct UnavailableFuture<F, C> {
        #[pin]
        stage: Stage<F, C>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<F, C> {
        Refused {
            retry_after: Option<Duration>,
        },
        Calling {
            #[pin]
            future: F,
            clock: C,
        },
    }
}

impl<F, C, B, E, R> Future for UnavailableFuture<F, C>
where
    F: Future<Output = Result<Response<B>, CallError<E, R>>>,
    C: Clock,
    B: Default,
    R: RetryAfter,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().stage.project() {
            StageProjected::Refused { retry_after } => Ok(service_unavailable(*retry_after)),
            StageProjected::Calling { future, clock } => match ready!(future.poll(cx)) {
                Ok(response) => Ok(response),
                Err(CallError::Failed(error)) => Err(error),
                Err(CallError::Refused(refused)) => {
                    Ok(service_unavailable(refused.retry_after(clock.now_ns())))
                }
            },
        })
    }
}

impl<C> fmt::Debug for UnavailableLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnavailableLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, C> fmt::Debug for UnavailableService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnavailableService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F, C> fmt::Debug for UnavailableFuture<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnavailableFuture").finish_non_exhaustive()
    }
}
