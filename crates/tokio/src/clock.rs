//! Tokio's time as a clock, and how the futures here wait for an instant of it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Context, Poll};

use evenkeel_std::{Clock, MonotonicClock, TestClock};
use pin_project_lite::pin_project;
use tokio::time::{Duration, Instant};

/// Tokio's clock: real time, or the time of a runtime that is paused (`#[tokio::test(start_paused = true)]`), where an
/// hour passes at once when nobody has anything else to do.
///
/// All that `TokioClock::default()` makes in a process are one clock, so handles made in different places work
/// together, and the same clock as [`MonotonicClock`]: a handle of evenkeel-std may be lent to a retry here. **Under
/// paused time** the two part, for threads have none: there a handle must be on a `TokioClock`. [`starting_now`] makes
/// one of your own that begins at 0: in a test the instants are then the same in every run.
///
/// [`starting_now`]: Self::starting_now
///
/// ```
/// use std::time::Duration;
/// use evenkeel_tokio::{Clock, Sleep, TokioClock};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let clock = TokioClock::starting_now();
/// tokio::time::sleep(Duration::from_secs(3600)).await; // at once, as time is paused here
/// assert_eq!(clock.now_ns(), 3_600_000_000_000);
/// clock.sleep_until(3_600_500_000_000).await;
/// assert_eq!(clock.now_ns(), 3_600_500_000_000);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokioClock {
    origin: Instant,
    /// What the clock shows at the origin.
    origin_ns: u64,
}

/// Its origin is of real time, never a runtime's: one that is paused may have gone far ahead of all others. It shows one
/// day there, for a paused runtime may also be behind the first one that read it.
impl Default for TokioClock {
    fn default() -> Self {
        Self {
            origin: Instant::from_std(MonotonicClock::origin()),
            origin_ns: MonotonicClock::ORIGIN_NS,
        }
    }
}

impl TokioClock {
    /// A clock that shows 0 now. What works together must be given this very clock (or a copy).
    ///
    /// ```
    /// use evenkeel_tokio::{Clock, TokioClock};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// assert_eq!(TokioClock::starting_now().now_ns(), 0);
    /// # }
    /// ```
    #[must_use]
    pub fn starting_now() -> Self {
        Self {
            origin: Instant::now(),
            origin_ns: 0,
        }
    }

    /// Tokio's name of an instant of this clock; `None` if the platform has none (in some hundred years).
    ///
    /// ```
    /// use tokio::time::Instant;
    /// use evenkeel_tokio::TokioClock;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// assert_eq!(TokioClock::starting_now().instant(0), Some(Instant::now()));
    /// # }
    /// ```
    #[must_use]
    pub fn instant(&self, at_ns: u64) -> Option<Instant> {
        match at_ns.checked_sub(self.origin_ns) {
            Some(after) => self.origin.checked_add(Duration::from_nanos(after)),
            None => {
                let before = Duration::from_nanos(self.origin_ns - at_ns);
                self.origin.checked_sub(before)
            }
        }
    }
}

impl Clock for TokioClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        let now = Instant::now();
        match now.checked_duration_since(self.origin) {
            Some(after) => self.origin_ns.saturating_add(nanos(after)),
            None => self.origin_ns.saturating_sub(nanos(self.origin - now)),
        }
    }
}

/// A span in nanoseconds; the longest there is for anything above 584 years. In 64 bits, as it is on the path of each call.
#[inline]
fn nanos(span: Duration) -> u64 {
    let whole = span.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(span.subsec_nanos().into())
}

/// A clock that a task can wait for.
///
/// The futures here look at the clock again when [`wake_at`](Self::wake_at) is over, so it may come back early.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_tokio::{Clock, Sleep, TokioClock};
///
/// /// Tokio's clock, with a timer that is always half a second early.
/// #[derive(Clone, Copy)]
/// struct Hasty(TokioClock);
///
/// impl Clock for Hasty {
///     fn now_ns(&self) -> u64 {
///         self.0.now_ns()
///     }
/// }
/// impl Sleep for Hasty {
///     type Wake = tokio::time::Sleep;
///     fn wake_at(&self, at_ns: u64) -> Self::Wake {
///         let left = Duration::from_nanos(at_ns - self.now_ns());
///         let early = Duration::from_millis(if left.as_millis() > 500 { 500 } else { 0 });
///         tokio::time::sleep(left - early)
///     }
/// }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let clock = Hasty(TokioClock::starting_now());
/// clock.sleep_until(2_000_000_000).await;
/// assert_eq!(clock.now_ns(), 2_000_000_000);
/// # }
/// ```
pub trait Sleep: Clock + Clone {
    /// See [`wake_at`](Self::wake_at).
    type Wake: Future<Output = ()> + Send;

    /// Is ready at `at_ns`, or earlier.
    fn wake_at(&self, at_ns: u64) -> Self::Wake;

    /// Is ready at `at_ns`, never earlier.
    ///
    /// Cancel safe: dropped, it leaves nothing behind; the instant stays the same in the next call.
    ///
    /// # Panics
    /// On a [`TokioClock`], when it is called outside of a runtime, or in one without timers.
    fn sleep_until(&self, at_ns: u64) -> SleepUntil<Self> {
        SleepUntil {
            wake: self.wake_at(at_ns),
            clock: self.clone(),
            at_ns,
        }
    }
}

impl Sleep for TokioClock {
    type Wake = tokio::time::Sleep;

    fn wake_at(&self, at_ns: u64) -> Self::Wake {
        match self.instant(at_ns) {
            Some(at) => tokio::time::sleep_until(at),
            None => tokio::time::sleep(Duration::MAX),
        }
    }
}

/// Time goes there when the future is polled, without any runtime: also to the timeout of an attempt that is not over
/// when it is first polled.
impl Sleep for TestClock {
    type Wake = TestWake;

    fn wake_at(&self, at_ns: u64) -> TestWake {
        let clock = self.clone();
        TestWake { clock, at_ns }
    }
}

/// Moves a [`TestClock`] to an instant when it is polled.
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct TestWake {
    clock: TestClock,
    at_ns: u64,
}

impl Future for TestWake {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.clock.advance_to(self.at_ns);
        Poll::Ready(())
    }
}

impl<C: Sleep> Sleep for Arc<C> {
    type Wake = C::Wake;

    fn wake_at(&self, at_ns: u64) -> Self::Wake {
        (**self).wake_at(at_ns)
    }
}

pin_project! {
    /// Waits for an instant: what [`Sleep::sleep_until`] returns.
    #[must_use = "a future does nothing unless it is polled"]
    pub struct SleepUntil<C: Sleep> {
        #[pin]
        wake: C::Wake,
        clock: C,
        at_ns: u64,
    }
}

impl<C: Sleep> SleepUntil<C> {
    /// The instant that it waits for.
    #[must_use]
    pub const fn at_ns(&self) -> u64 {
        self.at_ns
    }
}

impl<C: Sleep> fmt::Debug for SleepUntil<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sleep = f.debug_struct("SleepUntil");
        sleep.field("at_ns", &self.at_ns).finish_non_exhaustive()
    }
}

impl<C: Sleep> Future for SleepUntil<C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut this = self.as_mut().project();
            task::ready!(this.wake.as_mut().poll(cx));
            if this.clock.now_ns() >= *this.at_ns {
                return Poll::Ready(());
            }
            this.wake.set(this.clock.wake_at(*this.at_ns));
        }
    }
}
