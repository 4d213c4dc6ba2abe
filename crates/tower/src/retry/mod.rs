//! Retries around a service: what core's retry decides, done on tower's terms.
//!
//! The rules are core's ([`evenkeel_core::retry`]) and the loop is that of [`evenkeel_tokio::retry()`]; what is said
//! there of timeouts, panics and locks holds here. A layer adds what a service needs:
//!
//! - **Readiness.** The first attempt is made by the service that `poll_ready` found ready; the time for that counts
//!   into neither attempt timeout nor deadline (bound it with tower's `LoadShed`), and an error there is the end, as it
//!   came. Each retry makes a clone ready first; that counts into the attempt's time. While the breaker refuses, the
//!   layer is ready at once and says so in the answer (one of a table at the call: it needs the request). Who waits for
//!   the breaker keeps no service ready.
//! - **Requests.** A [`Replay`] says which requests may be sent again, and copies them. One that may not is sent once,
//!   under the same timeout, deadline and breaker. No copy is made for the last attempt.
//! - **Answers that are failures** (a 503) come back as the `Ok` that they are when no retry is left. Each is dropped
//!   before the next attempt is made: its body may hold the connection that this needs.
//!
//! **Cancel safe.** A response future that is dropped drops the attempt first; then the breaker hears that it was given
//! up, and the budget gets back what a waiting retry had taken. An attempt whose time is over is dropped.

mod attempt;
mod breaker;
mod failed;
mod future;
mod listener;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod observe;
#[cfg(feature = "journal")]
mod recorded;
mod replay;
mod service;

use std::fmt;
use std::hash::Hash;

use evenkeel_core::backoff::BackoffBuilder;
use evenkeel_core::retry::{RetryBudget, RetryPolicy};
use evenkeel_std::driver::{Lent, NoBreaker, NoBudget};
#[cfg(any(feature = "metrics", feature = "tracing"))]
use evenkeel_std::observe::RetryObserver;
use evenkeel_std::{Clock, RetryEvent, Streams};
use evenkeel_tokio::{SharedBreakerTable, Sleep, TokioClock};
use tower_layer::Layer;

use crate::classify::ByResult;

pub use breaker::{BreakerOf, Guarding, KeyedBy, Unguarded};
pub use failed::Failed;
pub use future::RetryFuture;
pub use listener::{Listener, NoListener, OnRetry};
#[cfg(feature = "journal")]
pub use recorded::RecordedRetryLayer;
pub use replay::{AnyRequest, Replay};
pub use service::RetryService;

/// Puts retries around a service. What it makes shares the breaker and the budget that it was given.
///
/// What may be sent again has no default: it is the one choice that no library can make. [`AnyRequest`] is for services
/// where every request can be repeated; for HTTP there is `IdempotentMethods`; a closure `|request| ..` says it request
/// by request.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_tower::{AnyRequest, RetryLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
/// let policy = RetryPolicy::builder(backoff).max_attempts(4).attempt_timeout(Duration::from_secs(2)).build()?;
///
/// let attempts = std::sync::atomic::AtomicU32::new(0);
/// let layer = RetryLayer::new(&policy, AnyRequest);
/// let service = ServiceBuilder::new().layer(layer).service_fn(|_path: &'static str| async {
///     match attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
///         0 | 1 => Err(std::io::Error::other("connection reset")),
///         _ => Ok("hello"),
///     }
/// });
/// assert_eq!(service.oneshot("/index").await?, "hello");
/// # Ok(())
/// # }
/// ```
pub struct RetryLayer<R, K = ByResult, B = Unguarded, G = NoBudget, H = NoListener, C = TokioClock>
{
    policy: RetryPolicy,
    replay: R,
    classify: K,
    breaker: B,
    lent: Lent<NoBreaker, G>,
    listener: H,
    clock: C,
    streams: Streams,
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    observer: Option<RetryObserver>,
}

impl<R> RetryLayer<R> {
    /// Retries by this policy of what `replay` says may be sent again. Every `Err` of the service is transient, every
    /// `Ok` a success; there is no breaker and no budget.
    pub fn new(policy: &RetryPolicy, replay: R) -> Self {
        Self {
            policy: *policy,
            replay,
            classify: ByResult,
            breaker: Unguarded,
            lent: Lent::none(),
            listener: NoListener,
            clock: TokioClock::default(),
            streams: Streams::of_the_process(),
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            observer: None,
        }
    }
}

impl<R, K, B, G, H, C> RetryLayer<R, K, B, G, H, C> {
    /// Says what the results of attempts mean to retry and breaker: see [`Classify`](crate::Classify). Around another
    /// layer of this crate say [`Through(..)`](crate::Through); without it refusals are retried and count as failures.
    #[must_use]
    pub fn classify<K2>(self, classify: K2) -> RetryLayer<R, K2, B, G, H, C> {
        self.with(|_, breaker, lent, listener, clock| (classify, breaker, lent, listener, clock))
    }

    /// Asks this breaker before each attempt and tells it how each went. The layer takes a clone of the handle, which
    /// must be on the layer's clock.
    ///
    /// It combines with the budget in the order that core documents: what the breaker refuses costs no token, and is
    /// answered at once although the service may not be ready. A
    /// [`BreakerLayer`](crate::BreakerLayer) inside of the retry would be asked when the retry is paid for.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # use evenkeel_core::breaker::{BreakerPolicy, Trigger};
    /// # use evenkeel_tower::{AnyRequest, RetryLayer, SharedBreaker};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let builder = BreakerPolicy::builder(BackoffPolicy::builder(Duration::from_secs(9)), Duration::from_secs(5));
    /// # let down = service_fn(|()| async { Err::<(), _>("reset") });
    /// let breaker = SharedBreaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
    /// let layer = RetryLayer::new(&policy, AnyRequest).breaker(&breaker);
    /// assert_eq!(layer.layer(down).oneshot(()).await.unwrap_err().end().name(), "breaker-open");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn breaker<B2: Guarding + Clone>(self, breaker: &B2) -> RetryLayer<R, K, B2, G, H, C> {
        let breaker = breaker.clone();
        self.with(|classify, _, lent, listener, clock| (classify, breaker, lent, listener, clock))
    }

    /// Asks a breaker for each key of the requests, say each host: as [`breaker`](Self::breaker).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
    /// # use evenkeel_core::table::BreakerTablePolicy;
    /// # use evenkeel_tower::{AnyRequest, RetryLayer, SharedBreakerTable};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let builder = BreakerPolicy::builder(BackoffPolicy::builder(Duration::from_secs(9)), Duration::from_secs(5));
    /// # let breaker = builder.trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// # let table = BreakerTablePolicy::builder(breaker, 1_000, Duration::from_secs(3_600)).build()?;
    /// # let down = service_fn(|_: u64| async { Err::<(), _>("reset") });
    /// let shards = SharedBreakerTable::<u64>::new(table);
    /// let layer = RetryLayer::new(&policy, AnyRequest).breaker_table(&shards, |user: &u64| user % 10);
    /// assert!(layer.layer(down).oneshot(17).await.is_err());
    /// assert_eq!((shards.phase(&7), shards.phase(&8)), (Phase::Open, Phase::Closed));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn breaker_table<Req, Q, F, D>(
        self,
        table: &SharedBreakerTable<Q, D>,
        key: F,
    ) -> RetryLayer<R, K, KeyedBy<Q, F, D>, G, H, C>
    where
        Q: Clone + Hash + Eq,
        F: Fn(&Req) -> Q,
        D: Clock,
    {
        let breaker = KeyedBy::new(table, key);
        self.with(|classify, _, lent, listener, clock| (classify, breaker, lent, listener, clock))
    }

    /// Pays each retry from this budget. The layer takes a clone of the handle, which must be on the layer's clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # use evenkeel_core::budget::RetryTokensPolicy;
    /// # use evenkeel_tower::{AnyRequest, RetryLayer, SharedTokens, TokioClock};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let down = service_fn(|()| async { Err::<(), _>("reset") });
    /// let one_retry = RetryTokensPolicy::builder(1_000).build()?;
    /// let tokens = SharedTokens::with_clock(one_retry, TokioClock::default());
    /// let layer = RetryLayer::new(&policy, AnyRequest).budget(&tokens);
    /// let error = layer.layer(down).oneshot(()).await.unwrap_err();
    /// assert_eq!((error.end().name(), error.attempts()), ("budget-spent", 2));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn budget<G2>(self, budget: &G2) -> RetryLayer<R, K, B, G2, H, C>
    where
        G2: RetryBudget + Clone + Send,
    {
        let budget = budget.clone();
        self.with(|classify, breaker, lent, listener, clock| {
            let lent = lent.with_budget(budget);
            (classify, breaker, lent, listener, clock)
        })
    }

    /// Called once before each wait, never under a lock: with a [`RetryEvent`] of what [`Failed`]. Each operation takes a
    /// clone of it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tower::{AnyRequest, RetryLayer};
    /// # use tower::{Layer, ServiceExt, service_fn};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let down = service_fn(|()| async { Err::<u8, _>("down") });
    /// let layer = RetryLayer::new(&policy, AnyRequest).on_retry(|event| {
    ///     let error = event.error().and_then(|failed| failed.error());
    ///     println!("attempt {} failed ({error:?}); again in {:?}", event.attempts(), event.wait());
    /// });
    /// assert!(layer.layer(down).oneshot(()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_retry<H2, Res, Err>(
        self,
        on_retry: H2,
    ) -> RetryLayer<R, K, B, G, OnRetry<H2, Res, Err>, C>
    where
        H2: FnMut(&RetryEvent<'_, Failed<Res, Err>>) + Clone,
    {
        let listener = OnRetry::new(on_retry);
        self.with(|classify, breaker, lent, _, clock| (classify, breaker, lent, listener, clock))
    }

    /// Reads and sleeps on this clock: that of the breaker and the budget.
    #[must_use]
    pub fn clock<C2: Sleep>(self, clock: C2) -> RetryLayer<R, K, B, G, H, C2> {
        self.with(|classify, breaker, lent, listener, _| (classify, breaker, lent, listener, clock))
    }

    /// Draws the jitter of each operation from a stream of its own of these, instead of those of the process.
    #[must_use]
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = streams.clone();
        self
    }

    fn with<K2, B2, G2, H2, C2>(
        self,
        change: impl FnOnce(K, B, Lent<NoBreaker, G>, H, C) -> (K2, B2, Lent<NoBreaker, G2>, H2, C2),
    ) -> RetryLayer<R, K2, B2, G2, H2, C2> {
        let (classify, breaker, lent, listener, clock) = change(
            self.classify,
            self.breaker,
            self.lent,
            self.listener,
            self.clock,
        );
        RetryLayer {
            policy: self.policy,
            replay: self.replay,
            classify,
            breaker,
            lent,
            listener,
            clock,
            streams: self.streams,
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            observer: self.observer,
        }
    }
}

/// The same policy for what may be sent once only.
fn once(policy: &RetryPolicy) -> RetryPolicy {
    let backoff = BackoffBuilder::from(*policy.backoff()).max_retries(0);
    let mut once = RetryPolicy::builder(backoff)
        .max_attempts(1)
        .when_refused(policy.when_refused())
        .advisory_rule(policy.advisory_rule())
        .advisory_cap(policy.advisory_cap())
        .advisory_spread(policy.advisory_spread());
    if let Some(span) = policy.attempt_timeout() {
        once = once.attempt_timeout(span);
    }
    if let Some(span) = policy.deadline() {
        once = once.deadline(span);
    }
    // Fewer attempts take away what could be wrong, and nothing else has changed.
    once.build().unwrap_or(*policy)
}

impl<S, R, K, B, G, H, C> Layer<S> for RetryLayer<R, K, B, G, H, C>
where
    B: Guarding,
    Self: Clone,
{
    type Service = RetryService<S, R, K, B, G, H, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService::new(inner, self.clone())
    }
}

impl<R, K, B, G, H, C> Clone for RetryLayer<R, K, B, G, H, C>
where
    R: Clone,
    K: Clone,
    B: Clone,
    G: Clone,
    H: Clone,
    C: Clone,
{
    fn clone(&self) -> Self {
        Self {
            policy: self.policy,
            replay: self.replay.clone(),
            classify: self.classify.clone(),
            breaker: self.breaker.clone(),
            lent: self.lent.clone(),
            listener: self.listener.clone(),
            clock: self.clock.clone(),
            streams: self.streams.clone(),
            #[cfg(any(feature = "metrics", feature = "tracing"))]
            observer: self.observer.clone(),
        }
    }
}

impl<R, K, B, G, H, C> fmt::Debug for RetryLayer<R, K, B, G, H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layer = f.debug_struct("RetryLayer");
        layer.field("policy", &self.policy).finish_non_exhaustive()
    }
}
