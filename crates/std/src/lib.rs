//! evenkeel for threads: clocks, random streams, and the machines of [`evenkeel_core`] as handles that threads share.
//!
//! A clone of a handle is the same machine. No handle runs a callback of yours while it holds a lock.
//!
//! Feature `journal` (off by default): handles, retries and drivers can be recorded, and their decisions replayed bit for
//! bit; see the module `journal`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
pub mod breaker;
pub mod budget;
mod classified;
pub mod clock;
mod discard;
pub mod driver;
pub mod health;
#[cfg(feature = "journal")]
pub mod journal;
mod line;
mod link_report;
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub mod observe;
mod observed;
mod opaque;
pub mod reconnect;
pub mod retry;
mod retry_after;
mod retry_error;
mod running;
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
