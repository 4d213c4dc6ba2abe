//! When a refused caller may come back, asked of any refusal and any error of the layers.

use std::time::Duration;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::Refused;
use evenkeel_core::table::Answered;
use evenkeel_core::time;
use evenkeel_std::{CallError, RetryError};

/// How long to wait before the same question is worth asking again.
///
/// The instant is that of the clock of the handle that refused: pass its `clock().now_ns()`.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::Refusal;
/// use evenkeel_tower::{CallError, RetryAfter};
///
/// let error: CallError<std::io::Error, _> = CallError::Refused(Refusal::new("open", Some(5_000)));
/// assert_eq!(error.retry_after(2_000), Some(Duration::from_nanos(3_000)));
/// ```
pub trait RetryAfter {
    /// From `now_ns` on; zero where it is past, `None` where no instant is known or nothing was refused.
    fn retry_after(&self, now_ns: u64) -> Option<Duration>;
}

impl<Reason> RetryAfter for Refusal<Reason> {
    fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        Self::retry_after(self, now_ns)
    }
}

impl RetryAfter for Refused {
    fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        self.refusal.retry_after(now_ns)
    }
}

impl<T: RetryAfter> RetryAfter for Answered<T> {
    fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        self.answer.retry_after(now_ns)
    }
}

impl<E, R: RetryAfter> RetryAfter for CallError<E, R> {
    fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        self.refused()?.retry_after(now_ns)
    }
}

impl<E> RetryAfter for RetryError<E> {
    fn retry_after(&self, now_ns: u64) -> Option<Duration> {
        let at_ns = self.end().retry_at_ns()?;
        Some(time::until(now_ns, at_ns))
    }
}
