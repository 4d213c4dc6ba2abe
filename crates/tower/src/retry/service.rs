//! The service that retries.

use std::fmt;
use std::mem;
use std::task::{Context, Poll, ready};

use evenkeel_core::retry::{End, RetryBudget, RetryPolicy};
use evenkeel_std::RetryError;
use evenkeel_std::driver::NoBudget;
#[cfg(feature = "journal")]
use evenkeel_std::journal::Recording;
use evenkeel_tokio::{Sleep, TokioClock};
use tower_service::Service;

use super::breaker::{BreakerOf, Guarding, Unguarded};
use super::future::RetryFuture;
use super::listener::{Listener, NoListener};
use super::replay::Replay;
use super::{RetryLayer, once};
use crate::classify::{ByResult, Classify};

/// A service with retries; made by [`RetryLayer`].
pub struct RetryService<
    S,
    R,
    K = ByResult,
    B = Unguarded,
    G = NoBudget,
    H = NoListener,
    C = TokioClock,
> where
    B: Guarding,
{
    inner: S,
    layer: RetryLayer<R, K, B, G, H, C>,
    /// For what may be sent once only.
    once: RetryPolicy,
    asked: Asked,
    #[cfg(feature = "journal")]
    recording: Option<Recording<B::Gate, G>>,
}

/// What the service inside was asked by `poll_ready` since it was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    Pending,
    Ready,
}

impl<S, R, K, B: Guarding, G, H, C> RetryService<S, R, K, B, G, H, C> {
    pub(super) fn new(inner: S, layer: RetryLayer<R, K, B, G, H, C>) -> Self {
        let once = once(&layer.policy);
        Self {
            inner,
            layer,
            once,
            asked: Asked::Nothing,
            #[cfg(feature = "journal")]
            recording: None,
        }
    }

    #[cfg(feature = "journal")]
    pub(super) fn recorded(mut self, recording: Recording<B::Gate, G>) -> Self {
        self.recording = Some(recording);
        self
    }

    /// What `poll_ready` has reserved or queued for is given back: a clone holds nothing.
    fn leave_alone(&mut self)
    where
        S: Clone,
    {
        if mem::take(&mut self.asked) != Asked::Nothing {
            self.inner = self.inner.clone();
        }
    }

    /// The service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S, R, K, B, G, H, C, Req> Service<Req> for RetryService<S, R, K, B, G, H, C>
where
    S: Service<Req> + Clone,
    R: Replay<Req> + Clone,
    K: Classify<S::Response, S::Error> + Clone,
    B: BreakerOf<Req>,
    G: RetryBudget + Clone + Send,
    H: Listener<S::Response, S::Error>,
    C: Sleep,
{
    type Response = S::Response;
    type Error = RetryError<S::Error>;
    type Future = RetryFuture<S, Req, R, K, B::Gate, G, H::Hook, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.layer.breaker.refuses() {
            self.leave_alone();
            return Poll::Ready(Ok(()));
        }
        self.asked = Asked::Pending;
        let ready = ready!(self.inner.poll_ready(cx));
        self.asked = Asked::Ready;
        Poll::Ready(ready.map_err(|error| RetryError::new(End::Permanent, 0, Some(error))))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        // The one that is ready is the one that is called; its clone must become ready first.
        let clone = self.inner.clone();
        let service = mem::replace(&mut self.inner, clone);
        let is_ready = mem::take(&mut self.asked) == Asked::Ready;
        let policy = if self.layer.replay.may_replay(&request) {
            self.layer.policy
        } else {
            self.once
        };
        let future = RetryFuture::new(&self.layer, (service, is_ready), request, policy);
        #[cfg(feature = "journal")]
        if let Some(recording) = &self.recording {
            return future.recorded(recording.clone());
        }
        future
    }
}

impl<S, R, K, B, G, H, C> Clone for RetryService<S, R, K, B, G, H, C>
where
    S: Clone,
    B: Guarding,
    RetryLayer<R, K, B, G, H, C>: Clone,
{
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
            once: self.once,
            asked: Asked::Nothing,
            #[cfg(feature = "journal")]
            recording: self.recording.clone(),
        }
    }
}

impl<S: fmt::Debug, R, K, B: Guarding, G, H, C> fmt::Debug for RetryService<S, R, K, B, G, H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryService")
            .field("inner", &self.inner)
            .field("policy", &self.layer.policy)
            .finish_non_exhaustive()
    }
}
