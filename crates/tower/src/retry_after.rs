//! When a refused caller may come back, asked of any refusal and any error of the layers.

use std::error::Error;
use std::time::Duration;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::Refused;
use evenkeel_core::table::Answered;
use evenkeel_core::time;
use evenkeel_std::{CallError, Opaque, RetryError};

use crate::refused::refusal_in;

/// How long to wait before the same question is worth asking again.
///
/// The instant is on the clock of the handle that refused: pass `TokioClock::default().now_ns()`, with
/// [`Clock`](crate::Clock) imported, unless you gave the handle another clock.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::Refusal;
/// use evenkeel_tower::{CallError, RetryAfter};
///
/// let error: CallError<std::io::Error, _> = CallError::Refused(Refusal::new("open", Some(5_000)));
/// assert_eq!(error.retry_after(2_000), Some(Duration::from_nanos(3_000)));
/// ```
///
/// A refusal is also found behind other layers, and in a box:
///
/// ```
/// # use std::{error::Error, io, time::Duration};
/// # use evenkeel_core::{Refusal, throttle::Throttled};
/// # use evenkeel_tower::{CallError, RetryAfter};
/// # fn found(throttled: Refusal<Throttled>) {
/// let inner: CallError<io::Error, _> = CallError::Refused(throttled);
/// let nested: CallError<_> = CallError::Failed(inner); // a breaker around a throttle
/// assert_eq!(nested.retry_at_ns(), throttled.retry_at_ns);
/// let boxed: Box<dyn Error + Send + Sync> = nested.into(); // tower's `Timeout` around both
/// assert_eq!(boxed.retry_at_ns(), throttled.retry_at_ns);
/// # }
/// ```
pub trait RetryAfter {
    /// The first instant at which it is worth asking; `None` where no instant is known or nothing was refused.
    fn retry_at_ns(&self) -> Option<u64>;

    /// From `now_ns` on; zero where it is past, `None` where no instant is known or nothing was refused.
    fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        Some(time::until(now_ns, self.retry_at_ns()?))
    }
}

impl<Reason> RetryAfter for Refusal<Reason> {
    fn retry_at_ns(&self) -> Option<u64> {
        self.retry_at_ns
    }
}

impl RetryAfter for Refused {
    fn retry_at_ns(&self) -> Option<u64> {
        self.refusal.retry_at_ns
    }
}

impl<T: RetryAfter> RetryAfter for Answered<T> {
    fn retry_at_ns(&self) -> Option<u64> {
        self.answer.retry_at_ns()
    }
}

impl<E: Error + 'static, R: RetryAfter> RetryAfter for CallError<E, R> {
    fn retry_at_ns(&self) -> Option<u64> {
        match self {
            Self::Refused(refused) => refused.retry_at_ns(),
            Self::Failed(error) => refusal_in(error)?,
        }
    }
}

impl<E> RetryAfter for RetryError<E> {
    fn retry_at_ns(&self) -> Option<u64> {
        self.end().retry_at_ns()
    }
}

impl RetryAfter for Opaque {
    fn retry_at_ns(&self) -> Option<u64> {
        refusal_in(self)?
    }
}

impl RetryAfter for Box<dyn Error + Send + Sync> {
    fn retry_at_ns(&self) -> Option<u64> {
        refusal_in(&**self)?
    }
}
