//! How the blocking drivers wait: one trait, and the loop around it that is never early.

use std::sync::Arc;
use std::thread;

use evenkeel_core::time;

use crate::clock::{Clock, MonotonicClock, TestClock};

/// A clock that a thread can wait for.
///
/// Every driver here looks at the clock again after it woke, so an implementation may come back early, and must where
/// the thread is [unparked](thread::Thread::unpark): that is how a [`Stop`](crate::Stop) ends a wait at once.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_std::{Clock, Sleep};
///
/// /// The wall's nanoseconds, counted from the start of 1970. (It may run backwards: see `MonotonicClock`.)
/// struct Wall;
///
/// impl Clock for Wall {
///     fn now_ns(&self) -> u64 {
///         let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
///         since.as_nanos() as u64
///     }
/// }
/// impl Sleep for Wall {
///     fn park_until(&self, at_ns: u64) {
///         std::thread::park_timeout(evenkeel_core::time::until(self.now_ns(), at_ns));
///     }
/// }
/// let at_ns = Wall.now_ns() + 1_000;
/// Wall.sleep_until(at_ns);
/// assert!(Wall.now_ns() >= at_ns);
/// ```
pub trait Sleep: Clock {
    /// Blocks this thread until `at_ns`, until it is unparked, or for less.
    fn park_until(&self, at_ns: u64);

    /// Blocks this thread until `at_ns`, never for less.
    ///
    /// ```
    /// use evenkeel_std::{Clock, Sleep, TestClock};
    ///
    /// let clock = TestClock::new();
    /// clock.sleep_until(3_600_000_000_000); // an hour, at once
    /// assert_eq!(clock.now_ns(), 3_600_000_000_000);
    /// ```
    fn sleep_until(&self, at_ns: u64) {
        while self.now_ns() < at_ns {
            self.park_until(at_ns);
        }
    }
}

impl Sleep for MonotonicClock {
    fn park_until(&self, at_ns: u64) {
        thread::park_timeout(time::until(self.now_ns(), at_ns));
    }
}

/// Time goes there at once.
impl Sleep for TestClock {
    fn park_until(&self, at_ns: u64) {
        self.advance_to(at_ns);
    }
}

impl<C: Sleep + ?Sized> Sleep for &C {
    fn park_until(&self, at_ns: u64) {
        (**self).park_until(at_ns);
    }
}

impl<C: Sleep + ?Sized> Sleep for Arc<C> {
    fn park_until(&self, at_ns: u64) {
        (**self).park_until(at_ns);
    }
}
