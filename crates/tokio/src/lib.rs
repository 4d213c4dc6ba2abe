//! evenkeel for tokio: the machines of [`evenkeel_core`] as futures, on a clock that follows paused time.
//!
//! One line around a call, right under cancellation, panic, paused time and shutdown:
//!
//! ```
//! # async fn fetch(_: &str) -> std::io::Result<String> {
//! #     Ok("hello".into())
//! # }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, retry::RetryPolicy};
//! use evenkeel_tokio::{SharedBreaker, retry};
//!
//! // Once, for all calls of a service:
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
//! let policy = RetryPolicy::builder(backoff).max_attempts(4).attempt_timeout(Duration::from_secs(2));
//! let policy = policy.deadline(Duration::from_secs(10)).build()?;
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 10 });
//! let breaker = SharedBreaker::new(breaker.build()?);
//!
//! // At each call:
//! let page = retry(&policy, |_attempt| fetch("/index")).breaker(&breaker).await?;
//! # assert_eq!(page, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! With a budget, Retry-After, and what an error means:
//!
//! ```
//! use std::time::Duration;
//! use evenkeel_core::Ratio;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{BreakerPolicy, Trigger};
//! use evenkeel_core::budget::RetryRatioPolicy;
//! use evenkeel_core::retry::RetryPolicy;
//! use evenkeel_tokio::{Classified, SharedBreaker, SharedRatio, retry};
//!
//! enum Error {
//!     Status(u16),
//!     Throttled { retry_after: Option<Duration> },
//! }
//! # async fn fetch(attempt: u32) -> Result<&'static str, Error> {
//! #     match attempt {
//! #         1 => Err(Error::Status(502)),
//! #         2 => Err(Error::Throttled { retry_after: Some(Duration::from_secs(2)) }),
//! #         _ => Ok("hello"),
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
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
//!
//! // At each call:
//! let answer = retry(&policy, |attempt| fetch(attempt.number()))
//!     .breaker(&breaker)
//!     .budget(&budget)
//!     .classify(|error| match error {
//!         Error::Status(500..) => Classified::transient(),
//!         Error::Status(_) => Classified::permanent(),
//!         Error::Throttled { retry_after } => Classified::throttled()
//!             .retry_after(*retry_after)
//!             .breaker(evenkeel_core::breaker::Outcome::Ignored), // our own limit, not theirs
//!     })
//!     .on_retry(|event| println!("attempt {} failed; again in {:?}", event.attempts(), event.wait()))
//!     .await;
//! assert_eq!(answer.ok(), Some("hello"));
//! # Ok(())
//! # }
//! ```
//!
//! | what | for |
//! |---|---|
//! | [`retry()`], [`RetryExt`] | one operation: attempts, waits, deadline, Retry-After |
//! | [`SharedBreaker`], [`SharedBreakerTable`] | `call(fut)` while the dependency is up; one, or one for each key |
//! | [`SharedTokens`], [`SharedRatio`], [`SharedThrottle`] | how much may be retried, or asked at all |
//! | [`Reconnect`] | a link that is made again when it is lost |
//! | [`Supervisor`] | tasks that are started again when they fail |
//! | [`HealthProbe`] | a task that asks whether a dependency is up, and tells breakers |
//! | `observe::Observer` | what goes on in metrics and logs: features `metrics`, `tracing`; docs/observability.md |
//! | `journal::Journal` | what was decided, in a file that replays bit for bit: feature `journal` |
//!
//! Features are off by default. What holds when a real redis or PostgreSQL is killed, stopped and slowed under load is
//! in docs/real-servers.md.
//!
//! # What holds for all
//!
//! - **Time is tokio's**, so a test under `#[tokio::test(start_paused = true)]` goes through an hour of outage at once.
//!   No wait is early: the clock is looked at again after waking. All that works together must be on one clock; what
//!   `new` makes is on [`TokioClock::default`].
//! - **Dropping a future is safe at every point**, and is how a call is cancelled: what it held is given back.
//! - **No lock is held over an `await`**, nor while a hook or listener of yours runs.
//! - **Jitter** comes from a stream of its own for each operation, seeded by the operating system unless
//!   [`Streams::seeded`] is given.
//! - What is the same for threads is that of [`evenkeel_std`], under the same name. A handle of that crate becomes one
//!   of this by `into()`; give it a [`TokioClock`] first.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod breaker;
pub mod budget;
pub mod clock;
mod guarded;
mod handle;
pub mod health;
#[cfg(feature = "journal")]
pub mod journal;
pub mod reconnect;
pub mod retry;
pub mod supervisor;
pub mod table;
pub mod throttle;

pub use breaker::{SharedBreaker, SharedBreakerBuilder};
pub use budget::{SharedRatio, SharedTokens};
pub use clock::{Sleep, TokioClock};
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub use evenkeel_std::observe;
pub use evenkeel_std::{
    Attempt, CallError, Classified, Clock, Guard, KeyGuard, Opaque, RetryError, RetryEvent,
    SharedKeyGate, Stream, Streams, TestClock, WaitCause, retry_after,
};
pub use health::HealthProbe;
pub use reconnect::Reconnect;
pub use retry::{Retry, RetryExt, retry};
pub use supervisor::Supervisor;
pub use table::SharedBreakerTable;
pub use throttle::SharedThrottle;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/simulators.md")]
struct Simulators;
