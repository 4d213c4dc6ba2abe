//! A circuit breaker that threads share, whose healthy path takes no lock.

mod builder;
mod commands;
mod error;
mod gate;
mod guard;
mod inner;
mod leave;
mod locked;
mod outbox;
mod plain;
mod plan;
#[cfg(feature = "journal")]
mod record;
mod stripes;
mod word;

use std::fmt;
use std::sync::Arc;

use evenkeel_core::breaker::{BreakerPolicy, Outcome, Refused};

use crate::clock::{Clock, MonotonicClock};
use guard::Owner;
use inner::Inner;
use leave::PlainCall;

pub use builder::SharedBreakerBuilder;
pub use error::CallError;
pub use guard::Guard;
pub use plain::PlainLeave;

/// A circuit breaker that threads share. A clone is another handle to the same breaker.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
/// use evenkeel_std::{CallError, SharedBreaker};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .trigger(Trigger::Consecutive { failures: 5 })
///     .build()?;
/// let breaker = SharedBreaker::new(policy);
///
/// let answer = breaker.call(|| std::fs::read_to_string("/proc/uptime"));
/// match answer {
///     Ok(text) => println!("{text}"),
///     Err(CallError::Refused(refused)) => println!("not asked: {refused}"),
///     Err(CallError::Failed(error)) => println!("{error}"),
/// }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// # Decisions
///
/// They are those of the core's [`Breaker`](evenkeel_core::breaker::Breaker): what threads do at the same time has the
/// outcome of some order of their calls, one after the other, in which no call comes before one that had returned when it
/// began. `tests/loom.rs` tries every schedule of small cases.
///
/// # What it costs
///
/// | the breaker is | an ask | a success | a failure |
/// |---|---|---|---|
/// | closed; only failures in a row count, and there is none | a load | a load | the lock |
/// | closed; other triggers | a load | two loads and a step on a counter of this thread's | the lock |
/// | open | a load, the clock, a step on a counter of this thread's | (late) the lock | (late) the lock |
/// | half-open, on the ramp, observed, forced closed | the lock | the lock | the lock |
///
/// - A success takes the lock, too: the first after a failure where failures in a row count; one that is slow; while a
///   window that holds failures has fewer results than a trigger's `min_calls`; the first in each slice of a window of time;
///   each 1 024th of a thread, so that no lock is held for long.
/// - The clock is read once an ask and once a report where a trigger looks at latencies, once a report for a window of
///   time, and otherwise only under the lock or when open.
///
/// # Statistics
///
/// [`stats`](Self::stats) counts everything, with two exceptions. A call in closed is counted as admitted when it reports.
/// And where only failures in a row count, a success that finds none is free, which means that nobody counts it: then
/// `admitted` and `successes` lack those calls, unless [`count_all`](SharedBreakerBuilder::count_all) was chosen. Refusals,
/// failures, openings and all the rest are exact.
///
/// # Panics, drops, shutdown
///
/// See [`Guard`]. Nothing runs in the background. A panic in a listener goes on to the caller whose step made the
/// transition, when the breaker has done its part.
pub struct SharedBreaker<C: Clock = MonotonicClock> {
    inner: Arc<Inner<C>>,
}

impl SharedBreaker {
    /// A closed breaker on the monotonic clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = policy.build()?;
    /// assert_eq!(SharedBreaker::new(policy).phase(), Phase::Closed);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: BreakerPolicy) -> Self {
        Self::builder(policy).build()
    }

    /// Another clock, fixed random words, a stored state: see [`SharedBreakerBuilder`].
    pub fn builder(policy: BreakerPolicy) -> SharedBreakerBuilder {
        SharedBreakerBuilder::new(policy)
    }
}

impl<C: Clock> SharedBreaker<C> {
    /// Makes the call, if it may be made: `Ok` is a success, `Err` a failure.
    ///
    /// # Errors
    /// The refusal, or the call's own error.
    ///
    /// # Panics
    /// When `operation` does, which counts as a failure.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// assert_eq!(breaker.call(|| "42".parse::<u8>()), Ok(42));
    /// assert!(breaker.call(|| "4 2".parse::<u8>()).is_err_and(|error| error.failed().is_some()));
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn call<T, E>(&self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        let by_result = |result: &Result<T, E>| match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        };
        self.call_with(by_result, operation)
    }

    /// Makes the call, if it may be made; `classify` says what its result means to the breaker.
    ///
    /// # Errors
    /// The refusal, or the call's own error.
    ///
    /// # Panics
    /// When `operation` or `classify` does, which counts as a failure.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Outcome, Phase, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let by_status = |answer: &Result<u16, ()>| match answer {
    ///     Ok(429) => Outcome::Overloaded { retry_at_ns: None },
    ///     Ok(500..) | Err(()) => Outcome::Failure,
    ///     Ok(400..) => Outcome::Ignored, // our own mistake
    ///     Ok(_) => Outcome::Success,
    /// };
    /// assert_eq!(breaker.call_with(by_status, || Ok(404)), Ok(404));
    /// assert_eq!(breaker.phase(), Phase::Closed);
    /// assert_eq!(breaker.call_with(by_status, || Ok(503)), Ok(503));
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn call_with<T, E>(
        &self,
        classify: impl FnOnce(&Result<T, E>) -> Outcome,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E>> {
        let Some(leave) = self.inner.plain() else {
            return self.call_if_let(classify, operation);
        };
        let call = PlainCall::new(&self.inner, leave);
        let result = operation();
        call.tell(classify(&result));
        result.map_err(CallError::Failed)
    }

    #[cold]
    fn call_if_let<T, E>(
        &self,
        classify: impl FnOnce(&Result<T, E>) -> Outcome,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E>> {
        let inner = &*self.inner;
        if let Some(refused) = inner.refusal(|| inner.clock.now_ns()) {
            return Err(CallError::Refused(refused));
        }
        let leave = inner.ask_locked().map_err(CallError::Refused)?;
        let guard = Guard::new(Owner::Borrowed(inner), leave);
        let result = operation();
        let _ = guard.outcome(classify(&result));
        result.map_err(CallError::Failed)
    }

    /// Leave to make one call, as a guard to be told how it ended.
    ///
    /// # Errors
    /// A [`Refused`] with the reason, and the instant of the breaker's clock at which to ask again.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, RefusedBy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure();
    /// assert_eq!(breaker.try_acquire().map(drop).map_err(|no| no.reason()), Err(RefusedBy::Open));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<Guard<'_, C>, Refused> {
        let leave = self.inner.leave()?;
        Ok(Guard::new(Owner::Borrowed(&self.inner), leave))
    }

    /// [`try_acquire`](Self::try_acquire), with a guard that keeps the breaker: it can be sent away.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let guard = breaker.try_acquire_owned()?;
    /// std::thread::spawn(move || guard.failure()).join().expect("it only reports");
    /// assert!(breaker.try_acquire().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_acquire_owned(&self) -> Result<Guard<'static, C>, Refused> {
        let leave = self.inner.leave()?;
        Ok(Guard::new(Owner::Own(Arc::clone(&self.inner)), leave))
    }
}

impl<C: Clock> Clone for SharedBreaker<C> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<C: Clock> fmt::Debug for SharedBreaker<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBreaker")
            .field("phase", &self.phase())
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}
