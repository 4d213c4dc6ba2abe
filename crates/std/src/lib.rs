//! evenkeel for threads: the machines of [`evenkeel_core`] as handles that threads share, blocking retry, links, probes
//! and supervision, on a clock that tests can move.
//!
//! ```
//! use std::time::Duration;
//! use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, retry::RetryPolicy};
//! use evenkeel_std::{SharedBreaker, retry};
//! # let mut answers = [Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)), Ok("hello")].into_iter();
//! # let mut fetch = |_: &str, _: Option<Duration>| answers.next().expect("two calls");
//!
//! // Once, for all calls of a service:
//! let backoff = BackoffPolicy::builder(Duration::from_millis(10)).cap(Duration::from_secs(5));
//! let policy = RetryPolicy::builder(backoff).max_attempts(4).attempt_timeout(Duration::from_secs(2)).build()?;
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 10 });
//! let breaker = SharedBreaker::new(breaker.build()?);
//!
//! // At each call. A blocking call cannot be interrupted, so its socket is told how long it may take:
//! let page = retry(&policy, |attempt| fetch("/index", attempt.timeout())).breaker(&breaker).run()?;
//! # assert_eq!(page, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | what | for |
//! |---|---|
//! | [`retry()`], [`RetryExt`] | one operation: attempts, waits, deadline, Retry-After |
//! | [`SharedBreaker`], [`SharedBreakerTable`] | `call(f)` while the dependency is up; one, or one for each key |
//! | [`SharedTokens`], [`SharedRatio`], [`SharedThrottle`] | how much may be retried, or asked at all |
//! | [`Reconnect`] | a link that is made again when it is lost |
//! | [`Supervisor`] | threads that are started again when they fail |
//! | [`HealthProbe`] | a thread that asks whether a dependency is up, and tells breakers |
//! | [`Clock`], [`Sleep`], [`TestClock`], [`Stop`] | time that tests can move, and waits that end at once |
//! | `observe::Observer` | what goes on in metrics and logs: features `metrics`, `tracing` |
//! | `journal::Journal` | what was decided, in a file that replays bit for bit: feature `journal` |
//!
//! # What holds for all
//!
//! - **A clone of a handle is the same machine.** The healthy path of a breaker takes no lock.
//! - **No lock is held while a call, hook or listener of yours runs**, and a panic in one leaves nothing held.
//! - **No wait is early**: the clock is looked at again after waking. All that works together must be on one clock;
//!   what `new` makes is on [`MonotonicClock`].
//! - **Jitter** comes from a stream of its own for each operation, seeded by the operating system unless
//!   [`Streams::seeded`] is given.
//!
//! Features are off by default.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
pub mod breaker;
pub mod budget;
mod classified;
pub mod clock;
pub mod driver;
pub mod health;
#[cfg(feature = "journal")]
pub mod journal;
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub mod observe;
mod observed;
mod opaque;
pub mod reconnect;
pub mod retry;
mod retry_after;
mod retry_error;
mod sleep;
mod stop;
pub mod streams;
pub mod supervisor;
#[cfg(not(loom))]
mod sync;
#[cfg(loom)]
#[doc(hidden)]
pub mod sync;
pub mod table;
pub mod throttle;

pub use attempt::{Attempt, RetryEvent, WaitCause};
pub use breaker::{CallError, Guard, SharedBreaker, SharedBreakerBuilder};
pub use budget::{SharedRatio, SharedTokens};
pub use classified::Classified;
pub use clock::{Clock, MonotonicClock, TestClock};
pub use health::HealthProbe;
pub use opaque::Opaque;
pub use reconnect::Reconnect;
pub use retry::{Retry, RetryExt, retry};
pub use retry_after::retry_after;
pub use retry_error::RetryError;
pub use sleep::Sleep;
pub use stop::Stop;
pub use streams::{Stream, Streams};
pub use supervisor::Supervisor;
pub use table::{KeyGuard, SharedBreakerTable, SharedKeyGate};
pub use throttle::SharedThrottle;
