//! A circuit breaker around a service: refuses fast, or makes callers wait by saying that it is not ready.
//!
//! **Refuses (the default).** `call` answers [`CallError::Refused`](crate::CallError) at once, with the reason and the
//! instant at which to come back. `poll_ready` is that of the service; where the call would be refused anyway it is
//! ready at once, and the service is left alone.
//!
//! **Waits** ([`wait_when_open`](BreakerLayer::wait_when_open)). `poll_ready` is pending while the breaker would
//! refuse, so that a balancer goes elsewhere.
//!
//! **Cancel safe.** A response future that is dropped reports that the call was given up (`Ignored`), after the call
//! itself was dropped. A panic in the service or in the classifier is a failure, and goes on up.
//!
//! The breaker hears of a call when its response is there; what happens to the response's body later it does not see.

mod future;
mod leave;
mod readiness;
mod service;
mod table;

use std::fmt;

use evenkeel_tokio::{SharedBreaker, Sleep, TokioClock};
use tower_layer::Layer;

use crate::classify::ByResult;
use readiness::Waiters;

pub use future::BreakerFuture;
pub use service::BreakerService;
pub use table::{BreakerTableFuture, BreakerTableLayer, BreakerTableService};

/// Puts a [`SharedBreaker`] around a service. All services that it makes share that breaker.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
/// use evenkeel_tower::{BreakerLayer, CallError, SharedBreaker};
/// use tower::{Service, ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let breaker = SharedBreaker::new(policy.build()?);
///
/// let mut service = ServiceBuilder::new()
///     .layer(BreakerLayer::new(&breaker))
///     .service_fn(|_: ()| async { Err::<(), _>(std::io::Error::other("no route")) });
/// let failed = service.ready().await?.call(()).await;
/// assert!(matches!(failed, Err(CallError::Failed(_))));
/// let refused = service.ready().await?.call(()).await;
/// assert!(matches!(refused, Err(CallError::Refused(_))));
/// # Ok(())
/// # }
/// ```
pub struct BreakerLayer<K = ByResult, C: Sleep = TokioClock> {
    breaker: SharedBreaker<C>,
    classify: K,
    waiters: Option<Waiters>,
}

impl<C: Sleep> BreakerLayer<ByResult, C> {
    /// Around this breaker; every `Err` of the service is a failure, every `Ok` a success.
    pub fn new(breaker: &SharedBreaker<C>) -> Self {
        Self {
            breaker: breaker.clone(),
            classify: ByResult,
            waiters: None,
        }
    }
}

impl<K, C: Sleep> BreakerLayer<K, C> {
    /// Says what the results of calls mean to the breaker: see [`Classify`](crate::Classify).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_tower::{BreakerLayer, Classified, SharedBreaker};
    /// # use tower::{Layer, Service, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let layer = BreakerLayer::new(&breaker).classify(|result: Result<&u16, &std::io::Error>| match result {
    ///     Ok(..=499) => None,
    ///     _ => Some(Classified::transient()),
    /// });
    /// let mut service = layer.layer(service_fn(|()| async { Ok::<u16, std::io::Error>(500) }));
    /// assert_eq!(service.ready().await?.call(()).await?, 500);
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn classify<K2>(self, classify: K2) -> BreakerLayer<K2, C> {
        BreakerLayer {
            breaker: self.breaker,
            classify,
            waiters: self.waiters,
        }
    }

    /// Makes callers wait in `poll_ready` while the breaker would refuse, instead of refusing their calls.
    ///
    /// - Ready means that the call may be made. A probe's place is taken by `poll_ready` and kept for the call; it is
    ///   given back when the service is dropped, and taken anew when `poll_ready` is asked again. A clone has to ask
    ///   for itself. A place that is neither used nor given back for `probe_timeout` counts as a lost probe, as any
    ///   other, and is no leave any more; nor is one that was kept while the breaker opened again.
    /// - Who waits is woken at the instant that the breaker names, on its transitions, and when a probe of this layer
    ///   frees its place. Where no instant is known (forced open, awaiting health), it looks again after each
    ///   `probe_timeout` of the policy.
    /// - A call can still be refused: when the breaker opens between `poll_ready` and `call`, and on the ramp after it
    ///   has closed, whose draw is made at the call. To wait there would bring all who lost their draw at its end, at
    ///   once.
    ///
    /// While the breaker refuses, the service behind it is left alone and reserves nothing. The breaker keeps a
    /// listener for each layer that waits: make one layer for a breaker and clone it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_tower::{BreakerLayer, SharedBreaker};
    /// # use tower::{Layer, Service, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure(); // open, for at most a second
    /// let layer = BreakerLayer::new(&breaker).wait_when_open();
    /// let mut service = layer.layer(service_fn(|()| async { Ok::<_, std::io::Error>("hello") }));
    /// assert_eq!(service.ready().await?.call(()).await?, "hello"); // a probe, when the second is over
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn wait_when_open(mut self) -> Self {
        let waiters = self.waiters.take();
        self.waiters = Some(waiters.unwrap_or_else(|| Waiters::of(&self.breaker)));
        self
    }
}

impl<S, K: Clone, C: Sleep + 'static> Layer<S> for BreakerLayer<K, C> {
    type Service = BreakerService<S, K, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService::new(
            inner,
            self.breaker.clone(),
            self.classify.clone(),
            self.waiters.clone(),
        )
    }
}

impl<K: Clone, C: Sleep> Clone for BreakerLayer<K, C> {
    fn clone(&self) -> Self {
        Self {
            breaker: self.breaker.clone(),
            classify: self.classify.clone(),
            waiters: self.waiters.clone(),
        }
    }
}

impl<K, C: Sleep> fmt::Debug for BreakerLayer<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerLayer")
            .field("breaker", &self.breaker)
            .field("waits", &self.waiters.is_some())
            .finish_non_exhaustive()
    }
}
