//! A circuit breaker for each key of the requests, say each host.

use std::convert::identity;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::breaker::Refused;
use evenkeel_std::{CallError, Clock, Streams};
use evenkeel_tokio::{SharedBreakerTable, TokioClock};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::leave::KeyLeave;
use crate::classify::{ByResult, Classify};
use crate::guarded::Guarded;

/// Puts a [`SharedBreakerTable`] around a service: `key` says of a request whose breaker it asks.
///
/// It refuses and never waits: before there is a request there is no key. A key is made for each call, so one that
/// clones without a copy is best: for hosts `|request| request.uri().authority().cloned()`, which also ignores case.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
/// use evenkeel_core::table::BreakerTablePolicy;
/// use evenkeel_tower::{BreakerTableLayer, CallError, SharedBreakerTable};
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
/// let shards = SharedBreakerTable::<u64>::new(policy);
///
/// let mut service = ServiceBuilder::new()
///     .layer(BreakerTableLayer::new(&shards, |user: &u64| user % 10))
///     .service_fn(|user: u64| async move {
///         if user % 10 == 7 { Err(std::io::Error::other("shard 7 is down")) } else { Ok(user) }
///     });
/// assert!(service.ready().await?.call(17).await.is_err());
/// assert!(matches!(service.ready().await?.call(27).await, Err(CallError::Refused(_))));
/// assert_eq!(service.ready().await?.call(28).await?, 28);
/// assert_eq!((shards.phase(&7), shards.phase(&8)), (Phase::Open, Phase::Closed));
/// # Ok(())
/// # }
/// ```
pub struct BreakerTableLayer<Q, F, K = ByResult, C: Clock = TokioClock> {
    table: SharedBreakerTable<Q, C>,
    key: F,
    classify: K,
    streams: Streams,
}

impl<Q, F, C: Clock> BreakerTableLayer<Q, F, ByResult, C> {
    /// Around this table; every `Err` of the service is a failure, every `Ok` a success.
    pub fn new<Req>(table: &SharedBreakerTable<Q, C>, key: F) -> Self
    where
        F: Fn(&Req) -> Q,
    {
        Self {
            table: table.clone(),
            key,
            classify: ByResult,
            streams: Streams::of_the_process(),
        }
    }
}

impl<Q, F, K, C: Clock> BreakerTableLayer<Q, F, K, C> {
    /// Says what the results of calls mean to the breakers: see [`Classify`].
    #[must_use]
    pub fn classify<K2>(self, classify: K2) -> BreakerTableLayer<Q, F, K2, C> {
        BreakerTableLayer {
            table: self.table,
            key: self.key,
            classify,
            streams: self.streams,
        }
    }

    /// Takes the random words of calls from these streams, instead of those of the process.
    #[must_use]
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = streams.clone();
        self
    }
}

impl<S, Q, F: Clone, K: Clone, C: Clock> Layer<S> for BreakerTableLayer<Q, F, K, C> {
    type Service = BreakerTableService<S, Q, F, K, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        BreakerTableService { inner, layer }
    }
}

/// A service behind a breaker for each key; made by [`BreakerTableLayer`].
pub struct BreakerTableService<S, Q, F, K = ByResult, C: Clock = TokioClock> {
    inner: S,
    layer: BreakerTableLayer<Q, F, K, C>,
}

impl<S, Q, F, K, C, Req> Service<Req> for BreakerTableService<S, Q, F, K, C>
where
    S: Service<Req>,
    Q: Clone + Hash + Eq,
    F: Fn(&Req) -> Q,
    K: Classify<S::Response, S::Error> + Clone,
    C: Clock + Clone,
{
    type Response = S::Response;
    type Error = CallError<S::Error, Refused>;
    type Future = BreakerTableFuture<S::Future, Q, K, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Failed)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let layer = &self.layer;
        let gate = layer.table.gate((layer.key)(&request));
        let clock = layer.table.clock().clone();
        let guarded = match KeyLeave::take(gate, clock, layer.streams.next()) {
            Ok(leave) => {
                let classify = layer.classify.clone();
                Guarded::calling(leave, identity, classify, || self.inner.call(request))
            }
            Err(refused) => Guarded::refused(refused),
        };
        BreakerTableFuture { guarded }
    }
}

pin_project! {
    /// The response of a [`BreakerTableService`], without a box.
    ///
    /// **Cancel safe.** Dropped before its end it reports that the call was given up, after the call itself was
    /// dropped.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct BreakerTableFuture<F, Q, K, C>
    where
        Q: Clone,
        Q: Hash,
        Q: Eq,
        C: Clock,
    {
        #[pin]
        guarded: Guarded<F, KeyLeave<Q, C>, K>,
    }
}

impl<F, Q, K, C, Res, Err> Future for BreakerTableFuture<F, Q, K, C>
where
    F: Future<Output = Result<Res, Err>>,
    Q: Clone + Hash + Eq,
    K: Classify<Res, Err>,
    C: Clock,
{
    type Output = Result<Res, CallError<Err, Refused>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx)
    }
}

impl<Q, F: Clone, K: Clone, C: Clock> Clone for BreakerTableLayer<Q, F, K, C> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            key: self.key.clone(),
            classify: self.classify.clone(),
            streams: self.streams.clone(),
        }
    }
}

impl<S: Clone, Q, F: Clone, K: Clone, C: Clock> Clone for BreakerTableService<S, Q, F, K, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<Q, F, K, C: Clock> fmt::Debug for BreakerTableLayer<Q, F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerTableLayer").finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, Q, F, K, C: Clock> fmt::Debug for BreakerTableService<S, Q, F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerTableService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<F, Q: Clone + Hash + Eq, K, C: Clock> fmt::Debug for BreakerTableFuture<F, Q, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut future = f.debug_struct("BreakerTableFuture");
        let stage = self.guarded.stage();
        future.field("stage", &stage).finish_non_exhaustive()
    }
}
