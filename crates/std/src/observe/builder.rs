//! Choices for an observer.

use std::time::Duration;

use super::Observer;
use super::shared::Owner;

/// Makes an [`Observer`] that is not the usual one.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_std::observe::Observer;
///
/// let observer = Observer::builder().publish_every(Duration::from_secs(1)).queue(100).build();
/// observer.stop();
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct ObserverBuilder {
    publish_every: Duration,
    queue: usize,
    threaded: bool,
}

impl ObserverBuilder {
    pub(super) const fn new() -> Self {
        Self {
            publish_every: Duration::from_secs(5),
            queue: 1_024,
            threaded: true,
        }
    }

    /// How often its thread publishes the metrics, at least 1 ms; 5 s if not given: scrapes are commonly 10 to 60 s
    /// apart, so what they find is not much older than they are, and a publication costs next to nothing (some
    /// microseconds a handle). A transition is shown at once, whatever this says.
    pub fn publish_every(mut self, publish_every: Duration) -> Self {
        self.publish_every = publish_every.max(Duration::from_millis(1));
        self
    }

    /// How many events may wait to be told; 1 024 if not given: minutes of a breaker that flaps, and some 100 kB.
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// Starts no thread: all is done by [`publish`](Observer::publish), where it is called. For programs that have a
    /// loop of their own for such things, and for tests, above all those under tokio's paused time, which no other
    /// thread can see.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_std::{SharedBreaker, TestClock, observe::Observer};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5));
    /// # let policy = policy.trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = policy.build()?;
    /// let clock = TestClock::new();
    /// let breaker = SharedBreaker::builder(policy).clock(clock.clone()).build();
    /// let observer = Observer::builder().unthreaded().build();
    /// observer.breaker("checkout", &breaker);
    /// breaker.try_acquire()?.failure();
    /// clock.advance(Duration::from_secs(1));
    /// observer.publish(); // tells that it opened and that it is half-open
    /// assert_eq!((breaker.phase(), breaker.generation()), (Phase::HalfOpen, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unthreaded(mut self) -> Self {
        self.threaded = false;
        self
    }

    /// Watches nothing yet; its thread starts with the first handle.
    pub fn build(self) -> Observer {
        let publish_every = self.threaded.then_some(self.publish_every);
        Observer {
            owner: Owner::new(self.queue, publish_every).into(),
        }
    }
}
