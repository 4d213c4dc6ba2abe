//! A shared breaker that is recorded.

use evenkeel_replay::journal::Journal;

use super::SharedBreaker;
use crate::clock::Clock;

/// Feature `journal`; see the module [`journal`](crate::journal).
impl<C: Clock> SharedBreaker<C> {
    /// Takes down every call from now on, whichever handle makes it: the journal begins with the state as it is now, and
    /// reports of calls that are under way are in it. Recorded before, it goes on as another machine, of this journal.
    ///
    /// While it is recorded, every ask and every report takes the lock. No decision changes.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// use evenkeel_std::journal::Journal;
    ///
    /// let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.success();
    /// let journal = Journal::last(100_000);
    /// breaker.record(&journal, "db");
    /// breaker.try_acquire()?.failure();
    /// breaker.stop_recording();
    /// assert!(breaker.try_acquire().is_err());
    /// assert_eq!(journal.ops(), 2); // the ask and the failure
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(&self, journal: &Journal, name: &str) {
        drop(
            self.inner
                .step(|locked| locked.record(Some((journal, name)))),
        );
    }

    /// Takes nothing down any more; where it is not recorded, nothing happens.
    pub fn stop_recording(&self) {
        drop(self.inner.step(|locked| locked.record(None)));
    }
}
