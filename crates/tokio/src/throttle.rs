//! An adaptive throttle that all calls to a service share: that of evenkeel-std, and `call_with` for a future.

use std::future::Future;

use evenkeel_core::Refusal;
use evenkeel_core::throttle::{AdaptiveThrottlePolicy, Throttled};
use evenkeel_std::{CallError, Clock, Streams};

use crate::clock::TokioClock;
use crate::handle::std_handle;

/// Rejects requests here that the service would reject there: [`evenkeel_std::SharedThrottle`], to which it
/// dereferences. A clone is another handle to the same throttle.
///
/// ```
/// use evenkeel_core::throttle::AdaptiveThrottlePolicy;
/// use evenkeel_tokio::SharedThrottle;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
/// let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);
/// // Anything but "I am overloaded" was accepted.
/// let accepted = |answer: &Result<u16, ()>| answer.is_ok_and(|status| status != 503);
/// assert_eq!(throttle.call_with(accepted, async { Ok(200) }).await, Ok(200));
/// assert_eq!(throttle.call_with(accepted, async { Ok(503) }).await, Ok(503));
/// assert_eq!((throttle.requests(), throttle.accepts()), (2, 1));
/// # Ok(())
/// # }
/// ```
pub struct SharedThrottle<C: Clock = TokioClock> {
    handle: evenkeel_std::SharedThrottle<C>,
}

std_handle!(SharedThrottle);

impl SharedThrottle {
    /// A fresh throttle on tokio's clock, with random words of this process.
    #[must_use]
    pub fn new(policy: AdaptiveThrottlePolicy) -> Self {
        Self::with_clock(policy, TokioClock::default(), &Streams::of_the_process())
    }
}

impl<C: Clock> SharedThrottle<C> {
    /// A fresh throttle on `clock`; its random words are the next of `streams`.
    #[must_use]
    pub fn with_clock(policy: AdaptiveThrottlePolicy, clock: C, streams: &Streams) -> Self {
        evenkeel_std::SharedThrottle::with_clock(policy, clock, streams).into()
    }

    /// Makes the request, if it may be made; `accepted` says of its result whether the service took it on. The throttle
    /// is asked at the first poll.
    ///
    /// Cancel safe: a request that was let through and then dropped, or that panicked, counts as one that the service
    /// did not accept.
    ///
    /// # Errors
    /// The refusal, or the request's own error.
    pub async fn call_with<T, E>(
        &self,
        accepted: impl FnOnce(&Result<T, E>) -> bool,
        operation: impl Future<Output = Result<T, E>>,
    ) -> Result<T, CallError<E, Refusal<Throttled>>> {
        self.try_request().map_err(CallError::Refused)?;
        let result = operation.await;
        if accepted(&result) {
            self.on_accepted();
        }
        result.map_err(CallError::Failed)
    }
}
