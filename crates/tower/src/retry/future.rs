//! The response of a service with retries.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::retry::{BreakerGate, RetryBudget, RetryPolicy};
use evenkeel_std::driver::Rules;
use evenkeel_std::{Classified, RetryError, RetryEvent};
use evenkeel_tokio::Sleep;
use evenkeel_tokio::retry::Running;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::RetryLayer;
use super::attempt::{Attempting, Sender};
use super::breaker::BreakerOf;
use super::failed::Failed;
use super::listener::Listener;
use super::replay::Replay;
use crate::classify::Classify;

type FailedBy<S, Req> = Failed<<S as Service<Req>>::Response, <S as Service<Req>>::Error>;

type MeaningOf<E> = fn(&E) -> Classified;

/// Rules where nothing is chosen yet.
type Plain<S, Req> = Rules<
    MeaningOf<FailedBy<S, Req>>,
    fn(&<S as Service<Req>>::Response) -> Option<Classified>,
    fn(&RetryEvent<'_, FailedBy<S, Req>>),
>;

/// The loop of evenkeel-tokio: what fails is an error there, whatever it was, and brings its meaning along.
type Loop<S, Req, R, K, B, G, H, C> = Running<
    Sender<S, Req, R, K>,
    Attempting<S, Req, K>,
    <S as Service<Req>>::Response,
    FailedBy<S, Req>,
    C,
    B,
    G,
    MeaningOf<FailedBy<S, Req>>,
    fn(&<S as Service<Req>>::Response) -> Option<Classified>,
    H,
>;

pin_project! {
    /// The response of a [`RetryService`](super::RetryService); it holds the attempt itself, without a box.
    ///
    /// Nothing is sent before it is polled. For what happens when it is dropped see the [module](super).
    #[must_use = "a future does nothing unless it is polled"]
    pub struct RetryFuture<S, Req, R, K, B, G, H, C>
    where
        S: Service<Req>,
        B: BreakerGate,
        B: Send,
        G: RetryBudget,
        G: Send,
        C: Sleep,
    {
        #[pin]
        running: Loop<S, Req, R, K, B, G, H, C>,
    }
}

impl<S, Req, R, K, B, G, H, C> RetryFuture<S, Req, R, K, B, G, H, C>
where
    S: Service<Req>,
    R: Clone,
    K: Clone,
    B: BreakerGate + Send,
    G: RetryBudget + Clone + Send,
    C: Sleep,
{
    pub(super) fn new<B2, H2>(
        layer: &RetryLayer<R, K, B2, G, H2, C>,
        service: (S, bool),
        request: Req,
        policy: RetryPolicy,
    ) -> Self
    where
        B2: BreakerOf<Req, Gate = B>,
        H2: Listener<S::Response, S::Error, Hook = H>,
    {
        let rules = Plain::<S, Req>::new()
            .with_classify(Failed::classified as MeaningOf<FailedBy<S, Req>>)
            .with_on_retry(layer.listener.hook());
        let lent = layer.breaker.lend(layer.lent.clone(), &request);
        let (replay, classify) = (layer.replay.clone(), layer.classify.clone());
        let sender = Sender::new(service, request, &policy, replay, classify);
        let (clock, stream) = (layer.clock.clone(), layer.streams.next());
        let running = Running::new(sender, policy, clock, stream, lent, rules);
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        if let Some(observer) = &layer.observer {
            let running = running.observe(observer);
            return Self { running };
        }
        Self { running }
    }

    #[cfg(feature = "journal")]
    pub(super) fn recorded(self, recording: evenkeel_std::journal::Recording<B, G>) -> Self {
        Self {
            running: self.running.record(recording),
        }
    }
}

impl<S, Req, R, K, B, G, H, C> Future for RetryFuture<S, Req, R, K, B, G, H, C>
where
    S: Service<Req> + Clone,
    R: Replay<Req>,
    K: Classify<S::Response, S::Error> + Clone,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    H: FnMut(&RetryEvent<'_, FailedBy<S, Req>>),
    C: Sleep,
{
    type Output = Result<S::Response, RetryError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failed = match ready!(self.project().running.poll(cx)) {
            Ok(answer) => return Poll::Ready(Ok(answer)),
            Err(failed) => failed,
        };
        let (end, attempts) = (failed.end(), failed.attempts());
        let last = match failed.into_last().map(Failed::into_result) {
            // The service gave an answer; it is handed on, whatever it means.
            Some(Ok(answer)) => return Poll::Ready(Ok(answer)),
            Some(Err(error)) => Some(error),
            None => None,
        };
        Poll::Ready(Err(RetryError::new(end, attempts, last)))
    }
}

impl<S, Req, R, K, B, G, H, C> fmt::Debug for RetryFuture<S, Req, R, K, B, G, H, C>
where
    S: Service<Req>,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    C: Sleep,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut future = f.debug_struct("RetryFuture");
        future.field("running", &self.running).finish()
    }
}
