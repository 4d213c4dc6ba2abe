//! An adaptive throttle that all calls to a service share.

use std::fmt;
use std::sync::Arc;

use evenkeel_core::throttle::{
    AdaptiveThrottle, AdaptiveThrottlePolicy, AdaptiveThrottleState, RejectProbability, Throttled,
};
use evenkeel_core::{Refusal, RestoreError};
#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use crate::breaker::CallError;
use crate::clock::{Clock, MonotonicClock};
use crate::driver::Kept;
use crate::streams::{Stream, Streams};
use crate::sync::{Mutex, MutexGuard, lock};

/// Rejects requests here that the service would reject there: the core's [`AdaptiveThrottle`] behind a lock. A clone is
/// another handle to the same throttle.
///
/// A request that was let through and never reported, because its caller gave it up or panicked, counts as one that
/// the service did not accept.
///
/// ```
/// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
/// use evenkeel_std::SharedThrottle;
///
/// let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
/// let handle = throttle.clone();
/// if handle.try_request().is_ok() {
///     // .. the request; the service took it:
///     handle.on_accepted();
/// }
/// assert_eq!((throttle.requests(), throttle.accepts()), (1, 1));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub struct SharedThrottle<C: Clock = MonotonicClock> {
    inner: Arc<Inner<C>>,
}

struct Inner<C> {
    locked: Mutex<Locked>,
    clock: C,
}

struct Locked {
    throttle: Kept<AdaptiveThrottle>,
    /// Its words are drawn under the lock; nothing else draws from it.
    stream: Stream,
}

impl SharedThrottle {
    /// A fresh throttle on the monotonic clock, with random words of this process.
    #[must_use]
    pub fn new(policy: AdaptiveThrottlePolicy) -> Self {
        Self::with_clock(policy, MonotonicClock, &Streams::of_the_process())
    }
}

impl<C: Clock> SharedThrottle<C> {
    /// A fresh throttle on `clock`; its random words are the next of `streams`.
    ///
    /// ```
    /// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// use evenkeel_std::{SharedThrottle, Streams, TestClock};
    ///
    /// let policy = AdaptiveThrottlePolicy::builder().build()?;
    /// let passed = || {
    ///     let throttle = SharedThrottle::with_clock(policy, TestClock::new(), &Streams::seeded(7));
    ///     (0..100).filter(|_| throttle.try_request().is_ok()).count()
    /// };
    /// assert_eq!(passed(), passed());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_clock(policy: AdaptiveThrottlePolicy, clock: C, streams: &Streams) -> Self {
        Self::around(AdaptiveThrottle::new(policy), clock, streams)
    }

    /// Takes over a state, of this process and clock.
    ///
    /// # Errors
    /// When the state contradicts itself or does not fit the policy.
    pub fn restore(
        policy: AdaptiveThrottlePolicy,
        state: AdaptiveThrottleState,
        clock: C,
        streams: &Streams,
    ) -> Result<Self, RestoreError> {
        let throttle = AdaptiveThrottle::restore(policy, state)?;
        Ok(Self::around(throttle, clock, streams))
    }

    fn around(throttle: AdaptiveThrottle, clock: C, streams: &Streams) -> Self {
        let stream = streams.next();
        let locked = Mutex::new(Locked {
            throttle: Kept::new(throttle),
            stream,
        });
        Self {
            inner: Arc::new(Inner { locked, clock }),
        }
    }

    /// May this request be made?
    ///
    /// # Errors
    /// A refusal, with the probability that it was drawn with.
    pub fn try_request(&self) -> Result<(), Refusal<Throttled>> {
        let now_ns = self.inner.clock.now_ns();
        let mut locked = self.lock();
        let Locked { throttle, stream } = &mut *locked;
        throttle.try_request(now_ns, stream)
    }

    /// The service took a request on (whether it could then do it is another matter).
    pub fn on_accepted(&self) {
        let now_ns = self.inner.clock.now_ns();
        self.lock().throttle.on_accepted(now_ns);
    }

    /// Makes the request, if it may be made; `accepted` says of its result whether the service took it on.
    ///
    /// # Errors
    /// The refusal, or the request's own error.
    ///
    /// ```
    /// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// use evenkeel_std::SharedThrottle;
    ///
    /// let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// // Anything but "I am overloaded" was accepted.
    /// let accepted = |answer: &Result<u16, ()>| answer.is_ok_and(|status| status != 503);
    /// assert_eq!(throttle.call_with(accepted, || Ok(200)), Ok(200));
    /// assert_eq!(throttle.call_with(accepted, || Ok(503)), Ok(503));
    /// assert_eq!((throttle.requests(), throttle.accepts()), (2, 1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn call_with<T, E>(
        &self,
        accepted: impl FnOnce(&Result<T, E>) -> bool,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E, Refusal<Throttled>>> {
        self.try_request().map_err(CallError::Refused)?;
        let result = operation();
        if accepted(&result) {
            self.on_accepted();
        }
        result.map_err(CallError::Failed)
    }

    /// With which probability a request is rejected now.
    #[must_use]
    pub fn reject_probability(&self) -> RejectProbability {
        let now_ns = self.inner.clock.now_ns();
        self.lock().throttle.reject_probability(now_ns)
    }

    /// The requests that it remembers now, rejected ones included.
    #[must_use]
    pub fn requests(&self) -> u32 {
        let now_ns = self.inner.clock.now_ns();
        self.lock().throttle.requests(now_ns)
    }

    /// How many of them the service accepted.
    #[must_use]
    pub fn accepts(&self) -> u32 {
        let now_ns = self.inner.clock.now_ns();
        self.lock().throttle.accepts(now_ns)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> AdaptiveThrottlePolicy {
        *self.lock().throttle.policy()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &C {
        &self.inner.clock
    }

    /// A snapshot, to store and restore.
    #[must_use]
    pub fn state(&self) -> AdaptiveThrottleState {
        self.lock().throttle.state()
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        lock(&self.inner.locked)
    }
}

/// Feature `journal`; see the module [`journal`](crate::journal).
#[cfg(feature = "journal")]
impl<C: Clock> SharedThrottle<C> {
    /// Takes down every call from now on, whichever handle makes it: the journal begins with the state as it is now.
    /// Recorded before, it goes on as another machine, of this journal.
    ///
    /// ```
    /// # use evenkeel_core::throttle::AdaptiveThrottlePolicy;
    /// # use evenkeel_std::{SharedThrottle, journal::Journal};
    /// let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
    /// let journal = Journal::in_memory();
    /// throttle.record(&journal, "search");
    /// let _ = throttle.try_request();
    /// assert_eq!(journal.ops(), 1);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn record(&self, journal: &Journal, name: &str) {
        let before = self.lock().throttle.record(journal, name);
        drop(before); // without the lock
    }

    /// Takes nothing down any more.
    pub fn stop_recording(&self) {
        let before = self.lock().throttle.stop_recording();
        drop(before); // without the lock
    }
}

impl<C: Clock> Clone for SharedThrottle<C> {
    fn clone(&self) -> Self {
        let inner = Arc::clone(&self.inner);
        Self { inner }
    }
}

impl<C: Clock> fmt::Debug for SharedThrottle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedThrottle")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
