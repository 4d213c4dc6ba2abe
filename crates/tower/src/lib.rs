//! evenkeel for tower: the machines of [`evenkeel_core`] as layers, for clients and servers.
//!
//! A whole HTTP client. In place of `client` stands any service, say `hyper_util::client::legacy::Client` (see
//! `examples/http_stack.rs`):
//!
//! ```
//! # #[cfg(feature = "http")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let attempts = std::sync::atomic::AtomicU32::new(0);
//! # let client = tower::service_fn(|_: Request<String>| {
//! #     let first = attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
//! #     let status = if first { 503 } else { 200 };
//! #     std::future::ready(Response::builder().status(status).header("retry-after", "2").body("hello".to_owned()))
//! # });
//! use std::time::Duration;
//! use evenkeel_core::{Ratio, backoff::BackoffPolicy, breaker::BreakerPolicy, breaker::Trigger};
//! use evenkeel_core::{budget::RetryRatioPolicy, retry::RetryPolicy, throttle::AdaptiveThrottlePolicy};
//! use evenkeel_tower::{AdaptiveThrottleLayer, HttpStatus, IdempotentMethods, RetryLayer, Through};
//! use evenkeel_tower::{SharedBreaker, SharedRatio, SharedThrottle};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! // Once, for all calls of a service: a clone of a handle is the same breaker, the same budget.
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
//! let policy = RetryPolicy::builder(backoff)
//!     .max_attempts(4)
//!     .attempt_timeout(Duration::from_secs(2))
//!     .deadline(Duration::from_secs(10))
//!     .build()?;
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 10 });
//! let breaker = SharedBreaker::new(breaker.build()?);
//! let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
//! let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
//!
//! // The first layer is the outermost.
//! let retry = RetryLayer::new(&policy, IdempotentMethods).breaker(&breaker).budget(&budget);
//! let service = ServiceBuilder::new()
//!     .layer(retry.classify(Through(HttpStatus::new())))
//!     .layer(AdaptiveThrottleLayer::new(&throttle).classify(HttpStatus::new()))
//!     .service(client);
//! let response = service.oneshot(Request::get("http://example.org/").body(String::new())?).await?;
//! assert_eq!(response.status(), 200);
//! # assert_eq!(attempts.into_inner(), 2);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "http"))]
//! # fn main() {}
//! ```
//!
//! | layer | does | its error |
//! |---|---|---|
//! | [`RetryLayer`] | sends again, within budget, deadline and breaker; heeds Retry-After | [`RetryError`] |
//! | [`BreakerLayer`] | refuses while the service is down, or is not ready until it is up | [`CallError`] |
//! | [`BreakerTableLayer`] | the same with a breaker for each key, say each host | [`CallError`] |
//! | [`AdaptiveThrottleLayer`] | rejects here what would be rejected there | [`CallError`] |
//! | `UnavailableLayer` | answers refusals with 503 and `Retry-After`: for servers | the service's own |
//!
//! # Order
//!
//! - **Retry with its breaker**, as above: what the breaker refuses costs no token of the budget. It ends the operation
//!   at once, also while the service is not ready; with [`WhenRefused::Wait`] it waits until the instant that the
//!   breaker names. A [`BreakerLayer`] is for services without retries, and for servers that shed load.
//! - **The throttle inside the retry**: it counts attempts, as the service does.
//! - **A time limit** for each attempt, and for all together, is the policy's ([`attempt_timeout`], [`deadline`]):
//!   tower's `Timeout` outside is fine as well, and cancels.
//! - **A concurrency limit inside**, so that an attempt holds a slot and a wait does not.
//! - A classifier sees the errors of the layer inside of it, which wrap the service's own: [`Through`] takes that off.
//!   Forgotten, what the inner layer refused is retried and counts as a failure.
//! - **Around tower's `Timeout`, `Buffer`, `LoadShed`**, whose errors are boxes, say `.map_err(Opaque::from)` between
//!   them and these layers: a box is no error, so that nothing around it would be one. See [`Opaque`].
//!
//! # What holds for all
//!
//! - **No box, no allocation** on the way of a call that succeeds: futures have names and hold the call itself. (A
//!   request that may be sent again is cloned, which may allocate.)
//! - **One meaning of an answer**, a [`Classify`], for retry, breaker and throttle.
//! - **Dropping a response future** gives back all that it held; a panic in the service is a failure and goes on up.
//! - **Time is tokio's** and can be paused, or a clock of yours; jitter is seeded where you say so.
//! - Errors wrap the service's own without a box: [`CallError::into_failed`], [`RetryError::into_last`]; where `?`
//!   needs one, [`CallError::boxed`]. [`RetryAfter`] says when to come back, and `service_unavailable` says it to HTTP.
//!
//! [`attempt_timeout`]: evenkeel_core::retry::RetryBuilder::attempt_timeout
//! [`deadline`]: evenkeel_core::retry::RetryBuilder::deadline
//! [`WhenRefused::Wait`]: evenkeel_core::retry::WhenRefused::Wait
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod breaker;
mod classify;
mod guarded;
#[cfg(feature = "http")]
mod http;
mod refused;
pub mod retry;
mod retry_after;
pub mod throttle;

#[cfg(feature = "http")]
pub use self::http::{
    GrpcStatus, GrpcUnary, HttpStatus, IdempotentMethods, UnavailableFuture, UnavailableLayer,
    UnavailableService, service_unavailable,
};
pub use breaker::{BreakerLayer, BreakerService, BreakerTableLayer, BreakerTableService};
pub use classify::{By, ByResult, Classify, Through, by};
#[cfg(feature = "journal")]
pub use evenkeel_tokio::journal;
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub use evenkeel_tokio::observe;
pub use evenkeel_tokio::{
    Attempt, CallError, Classified, Clock, Opaque, RetryError, RetryEvent, SharedBreaker,
    SharedBreakerBuilder, SharedBreakerTable, SharedRatio, SharedThrottle, SharedTokens, Sleep,
    Streams, TestClock, TokioClock, WaitCause, retry_after,
};
pub use retry::{AnyRequest, Replay, RetryLayer, RetryService};
pub use retry_after::RetryAfter;
pub use throttle::{AdaptiveThrottleLayer, AdaptiveThrottleService};
