//! Leave that a closed breaker gives to everybody: two words, without a guard.

use evenkeel_core::breaker::Outcome;

use super::SharedBreaker;
use crate::clock::Clock;

/// Leave to make one call, as a closed breaker gives it to everybody: two words to be told back. For a driver that has a
/// place of its own for it, such as a future; others take a [`Guard`](crate::Guard), which settles itself.
///
/// It is to be told once, to the breaker that gave it: another one cannot tell, and counts it. Dropped without a word it says nothing, not even that the call was given up: then the call is
/// missing in the [statistics](crate::SharedBreaker#statistics).
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Outcome, Trigger}};
/// use evenkeel_std::SharedBreaker;
/// use evenkeel_std::driver::PlainLeave;
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// # let breaker = SharedBreaker::new(policy.build()?);
///
/// let leave = PlainLeave::take(&breaker).expect("closed");
/// // .. the call ..
/// leave.tell(&breaker, Outcome::Failure);
/// assert!(PlainLeave::take(&breaker).is_none());
/// assert!(breaker.try_acquire().is_err()); // which says why, and when to ask again
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "tell the breaker how the call ended"]
#[derive(Debug)]
pub struct PlainLeave {
    pub(super) generation: u64,
    /// When the call began, where its latency matters.
    pub(super) began_ns: u64,
}

impl PlainLeave {
    /// None where [`try_acquire`](SharedBreaker::try_acquire) has to be asked: where the breaker is not closed, is forced
    /// closed, only observed or recorded, or is on its ramp or restored with one.
    #[must_use = "tell the breaker how the call ended"]
    #[inline(always)]
    pub fn take<C: Clock>(breaker: &SharedBreaker<C>) -> Option<Self> {
        breaker.inner.plain()
    }

    /// The call ended; `breaker` is the one that gave leave.
    #[inline(always)]
    pub fn tell<C: Clock>(self, breaker: &SharedBreaker<C>, outcome: Outcome) {
        breaker.inner.tell_plain(self, outcome);
    }
}
