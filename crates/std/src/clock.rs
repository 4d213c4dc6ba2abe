//! Where instants come from: the clock of the machine, or one that a test moves by hand.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A source of instants: nanoseconds from an origin of its own.
///
/// It never runs backwards. (A machine that is told an earlier instant than before takes time to stand still; but an
/// instant that only the lock-free path of a [`SharedBreaker`](crate::SharedBreaker) saw is not remembered.)
///
/// Everything that works together, say a retry and the breaker that it asks, must read the same clock: instants of
/// different origins cannot be compared.
///
/// ```
/// use evenkeel_std::Clock;
///
/// /// A clock for a simulator that counts ticks of a millisecond.
/// struct Ticks(std::sync::atomic::AtomicU64);
///
/// impl Clock for Ticks {
///     fn now_ns(&self) -> u64 {
///         self.0.load(std::sync::atomic::Ordering::Acquire) * 1_000_000
///     }
/// }
/// assert_eq!(Ticks(3.into()).now_ns(), 3_000_000);
/// ```
pub trait Clock: Send + Sync {
    /// The instant now.
    ///
    /// ```
    /// use evenkeel_std::{Clock, MonotonicClock};
    ///
    /// let before = MonotonicClock.now_ns();
    /// assert!(MonotonicClock.now_ns() >= before);
    /// ```
    fn now_ns(&self) -> u64;
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now_ns(&self) -> u64 {
        (**self).now_ns()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    #[inline]
    fn now_ns(&self) -> u64 {
        (**self).now_ns()
    }
}

/// The monotonic clock of the operating system ([`Instant`]).
///
/// All of them in a process are the same clock, so handles made in different places can work together: the first time
/// that one is read it is [one day](Self::ORIGIN_NS), and it lasts for 584 years. What evenkeel-tokio makes is on this
/// clock, too, except under time that a test has paused.
///
/// ```
/// use evenkeel_std::{Clock, MonotonicClock};
///
/// let (a, b) = (MonotonicClock, MonotonicClock);
/// let first = a.now_ns();
/// assert!(first <= b.now_ns());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MonotonicClock;

static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl MonotonicClock {
    /// What it shows at its [`origin`](Self::origin): one day. Instants of before then can be told, too.
    pub const ORIGIN_NS: u64 = 86_400_000_000_000;

    /// The first time that it was read in this process: for another clock that is to show the same.
    ///
    /// ```
    /// use evenkeel_std::{Clock, MonotonicClock};
    ///
    /// let before_ns = MonotonicClock::ORIGIN_NS + MonotonicClock::origin().elapsed().as_nanos() as u64;
    /// assert!(before_ns <= MonotonicClock.now_ns());
    /// ```
    #[must_use]
    pub fn origin() -> Instant {
        *ORIGIN
    }
}

impl Clock for MonotonicClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        // The origin first: the very first reading is then not before it.
        let origin = Self::origin();
        let since = nanos(Instant::now().saturating_duration_since(origin));
        Self::ORIGIN_NS.saturating_add(since)
    }
}

/// A span in nanoseconds; the longest there is for anything above 584 years.
#[inline]
fn nanos(span: Duration) -> u64 {
    let whole = span.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(span.subsec_nanos().into())
}

/// A clock that stands still until it is moved: tests with it never wait.
///
/// Clones are the same clock. Whoever blocks until an instant of it moves it there instead.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_std::{Clock, TestClock};
///
/// let clock = TestClock::new();
/// let shown = clock.clone();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(shown.now_ns(), 3_600_000_000_000);
/// ```
#[derive(Clone, Debug, Default)]
pub struct TestClock {
    now_ns: Arc<AtomicU64>,
}

impl TestClock {
    /// A clock at 0.
    ///
    /// ```
    /// use evenkeel_std::{Clock, TestClock};
    ///
    /// assert_eq!(TestClock::new().now_ns(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock at `now_ns`.
    ///
    /// ```
    /// use evenkeel_std::{Clock, TestClock};
    ///
    /// assert_eq!(TestClock::starting_at(70).now_ns(), 70);
    /// ```
    #[must_use]
    pub fn starting_at(now_ns: u64) -> Self {
        Self {
            now_ns: Arc::new(now_ns.into()),
        }
    }

    /// Lets `span` pass; at the end of time (2^64 ns) it stops.
    ///
    /// ```
    /// use std::time::Duration;
    /// use evenkeel_std::{Clock, TestClock};
    ///
    /// let clock = TestClock::starting_at(70);
    /// clock.advance(Duration::from_nanos(5));
    /// assert_eq!(clock.now_ns(), 75);
    /// clock.advance(Duration::MAX);
    /// assert_eq!(clock.now_ns(), u64::MAX);
    /// ```
    pub fn advance(&self, span: Duration) {
        let later = |now_ns: u64| Some(now_ns.saturating_add(nanos(span)));
        // It cannot fail: `later` always has an answer.
        let _ = self
            .now_ns
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
    }

    /// Moves it to `at_ns`, unless it is later already.
    ///
    /// ```
    /// use evenkeel_std::{Clock, TestClock};
    ///
    /// let clock = TestClock::starting_at(70);
    /// clock.advance_to(100);
    /// clock.advance_to(90);
    /// assert_eq!(clock.now_ns(), 100);
    /// ```
    pub fn advance_to(&self, at_ns: u64) {
        self.now_ns.fetch_max(at_ns, Ordering::AcqRel);
    }

    /// Sets it, also back: to see that something withstands a clock that does what no clock should.
    ///
    /// ```
    /// use evenkeel_std::{Clock, TestClock};
    ///
    /// let clock = TestClock::starting_at(70);
    /// clock.set_ns(7);
    /// assert_eq!(clock.now_ns(), 7);
    /// ```
    pub fn set_ns(&self, now_ns: u64) {
        self.now_ns.store(now_ns, Ordering::Release);
    }
}

impl Clock for TestClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        self.now_ns.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_monotonic_clocks_are_one() {
        let mut last_ns = MonotonicClock.now_ns();
        let others: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| MonotonicClock.now_ns()))
            .collect();
        for other in others {
            let there_ns = other.join().expect("it only reads a clock");
            // Within a minute of ours, whenever that thread's clock was made.
            assert!(there_ns.abs_diff(last_ns) < 60_000_000_000);
            let now_ns = MonotonicClock.now_ns();
            assert!(now_ns >= there_ns && now_ns >= last_ns);
            last_ns = now_ns;
        }
    }

    #[test]
    fn spans_that_are_too_long_are_the_longest() {
        assert_eq!(nanos(Duration::from_nanos(u64::MAX)), u64::MAX);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
        assert_eq!(nanos(Duration::new(3, 7)), 3_000_000_007);
    }

    #[test]
    fn concurrent_advances_add_up() {
        let clock = TestClock::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let clock = clock.clone();
                scope
                    .spawn(move || (0..1_000).for_each(|_| clock.advance(Duration::from_nanos(1))));
            }
        });
        assert_eq!(clock.now_ns(), 4_000);
    }
}
