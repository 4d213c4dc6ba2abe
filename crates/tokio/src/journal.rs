//! Recording what handles and drivers decide: the journal of `evenkeel-replay`, as in [`evenkeel_std::journal`].
//! Feature `journal`.
//!
//! Handles have `record(&journal, name)` and `stop_recording()`, a [`Supervisor`](crate::Supervisor) has both for its
//! children, [`Reconnect`](crate::Reconnect) and [`HealthProbe`](crate::HealthProbe) have `record` as a setting. A retry
//! is recorded by a [`RetryRecorder`], made once with `new(&journal, name)` and given to each operation; one that is
//! dropped is recorded as cancelled.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{BreakerPolicy, Trigger};
//! use evenkeel_core::retry::RetryPolicy;
//! use evenkeel_tokio::journal::{Journal, RetryRecorder};
//! use evenkeel_tokio::{SharedBreaker, retry};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100));
//! let policy = RetryPolicy::builder(backoff).max_attempts(3).build()?;
//! let breaker = BreakerPolicy::builder(backoff, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
//! let breaker = SharedBreaker::new(breaker.build()?);
//!
//! let journal = Journal::last(100_000); // or `Journal::create("checkout.jsonl")?`
//! breaker.record(&journal, "checkout");
//! let calls = RetryRecorder::new(&journal, "checkout-call");
//!
//! let failed = retry(&policy, |_| async { Err::<(), _>("reset") }).breaker(&breaker).record(&calls).await;
//! assert_eq!(failed.unwrap_err().attempts(), 3);
//!
//! let mut written = Vec::new();
//! journal.dump(&mut written)?;
//! let verified = evenkeel_replay::verify(evenkeel_replay::journal::Reader::new(&written[..]))?;
//! assert_eq!(verified.ops, journal.ops());
//! # Ok(())
//! # }
//! ```

pub use evenkeel_std::journal::{
    Held, Journal, LendBreaker, LendBudget, Part, Recording, RetryRecorder,
};
