//! Recording what handles and drivers decide: the journal of `evenkeel-replay`, fed by this crate. Feature `journal`.
//!
//! Every shared handle has `record(&journal, name)` and `stop_recording()`, at any moment, on a handle in use; a
//! [`Supervisor`](crate::Supervisor) has both for its children. [`Reconnect`](crate::Reconnect) and
//! [`HealthProbe`](crate::HealthProbe) have `record` as a setting. A retry is recorded by a [`RetryRecorder`]: what stands
//! for many operations is made once, with `new(&journal, name)`, and given to each.
//!
//! ```
//! use std::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{BreakerPolicy, Trigger};
//! use evenkeel_core::budget::RetryTokensPolicy;
//! use evenkeel_core::retry::RetryPolicy;
//! use evenkeel_std::journal::{Journal, RetryRecorder};
//! use evenkeel_std::{SharedBreaker, SharedTokens, TestClock, retry};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100));
//! let policy = RetryPolicy::builder(backoff).max_attempts(3).build()?;
//! let breaker = BreakerPolicy::builder(backoff, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
//! let clock = TestClock::new();
//! let breaker = SharedBreaker::builder(breaker.build()?).clock(clock.clone()).build();
//! let tokens = SharedTokens::with_clock(RetryTokensPolicy::builder(10_000).build()?, clock.clone());
//!
//! let journal = Journal::last(100_000); // or `Journal::create("checkout.jsonl")?`
//! breaker.record(&journal, "checkout");
//! tokens.record(&journal, "checkout-retries");
//! let calls = RetryRecorder::new(&journal, "checkout-call");
//!
//! for _ in 0..2 {
//!     let failed = retry(&policy, |_| Err::<(), _>("reset")).clock(&clock).breaker(&breaker).budget(&tokens);
//!     assert!(failed.record(&calls).run().is_err());
//! }
//!
//! let mut written = Vec::new();
//! journal.dump(&mut written)?;
//! let verified = evenkeel_replay::verify(evenkeel_replay::journal::Reader::new(&written[..]))?;
//! assert_eq!(verified.ops, journal.ops());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Recording never changes a decision. It costs a lock and well under a microsecond a call: a
//! [`SharedBreaker`](crate::SharedBreaker) or [`SharedTokens`](crate::SharedTokens) that is recorded has no path without
//! a lock, so that the journal's order is the order of effects. One that is not recorded is as fast as without the feature.
//!
//! What the journal says of its order, its losses and its disk: [`Journal`].

mod lend;
mod recording;
mod retry_recorder;

pub use evenkeel_replay::journal::Journal;
pub use lend::{Held, LendBreaker, LendBudget, Part};
pub(crate) use recording::Recorded;
pub use recording::Recording;
pub use retry_recorder::RetryRecorder;
