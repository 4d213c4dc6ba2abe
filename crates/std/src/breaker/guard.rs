//! Leave to make one call, which settles itself when it is dropped.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{Outcome, PermitId, Receipt, RefusedBy, Transitions};

use super::inner::Inner;
use super::leave::Leave;
use crate::clock::{Clock, MonotonicClock};

/// Leave to make one call; tell it how the call ended.
///
/// Dropped without a word it reports [`Outcome::Ignored`]: nothing while the breaker is closed, and a probe's place is
/// free again. Dropped by a panic that began while it was held, it reports a failure. A guard that is leaked (by
/// [`std::mem::forget`]) costs nothing while closed; a probe then counts as failed when `probe_timeout` is over.
///
/// It measures how long the call took, from the moment it was given, where a trigger of the policy looks at that.
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
/// use evenkeel_std::SharedBreaker;
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// # let policy = policy.build()?;
///
/// let breaker = SharedBreaker::new(policy);
/// let guard = breaker.try_acquire()?;
/// // .. the call ..
/// guard.success();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "tell it how the call ended; dropped at once it reports that the call was given up"]
#[derive(Debug)]
pub struct Guard<'a, C: Clock = MonotonicClock> {
    owner: Owner<'a, C>,
    permit: PermitId,
    would_refuse: Option<Refusal<RefusedBy>>,
    /// When the call began, where its latency matters.
    began_ns: u64,
    was_panicking: bool,
    settled: bool,
}

/// An ask costs no more than two loads, so a guard borrows the breaker unless it must not.
#[derive(Debug)]
pub(super) enum Owner<'a, C> {
    Borrowed(&'a Inner<C>),
    Own(Arc<Inner<C>>),
}

impl<C> Owner<'_, C> {
    #[inline]
    fn inner(&self) -> &Inner<C> {
        match self {
            Self::Borrowed(inner) => inner,
            Self::Own(inner) => inner,
        }
    }
}

impl<'a, C: Clock> Guard<'a, C> {
    /// A panic that is under way already is not the call's.
    #[inline(always)]
    pub(super) fn new(owner: Owner<'a, C>, leave: Leave) -> Self {
        Self {
            owner,
            permit: leave.permit,
            would_refuse: leave.would_refuse,
            began_ns: leave.began_ns,
            was_panicking: thread::panicking(),
            settled: false,
        }
    }

    /// The dependency did its work.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).window(Window::Count { calls: 9 });
    /// # let policy = policy.trigger(Trigger::Failures { failures: 1 }).build()?;
    /// # let breaker = SharedBreaker::new(policy);
    /// breaker.try_acquire()?.success();
    /// assert_eq!(breaker.stats().successes, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn success(self) {
        self.tell(Outcome::Success);
    }

    /// The dependency failed or did not answer in time.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure();
    /// assert!(breaker.try_acquire().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure(self) {
        self.tell(Outcome::Failure);
    }

    /// The call says nothing about the dependency: the same as dropping the guard.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.ignored();
    /// assert!(breaker.try_acquire().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ignored(self) {
        self.tell(Outcome::Ignored);
    }

    /// The dependency asked to be left alone, until the instant `retry_at_ns` of the breaker's clock if it said so: opens
    /// at once.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 9 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.overloaded(None);
    /// assert!(breaker.try_acquire().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn overloaded(self, retry_at_ns: Option<u64>) {
        self.tell(Outcome::Overloaded { retry_at_ns });
    }

    /// How the call ended; whether that counted, and the transitions that it made (which listeners hear of as well).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Outcome, Trigger, Window}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let (first, second) = (breaker.try_acquire()?, breaker.try_acquire()?);
    /// assert_eq!(first.outcome(Outcome::Failure).transitions().len(), 1);
    /// assert!(second.outcome(Outcome::Success).is_stale());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn outcome(self, outcome: Outcome) -> Receipt {
        self.settle(outcome, None)
    }

    /// How the call ended and how long it took, where that was measured elsewhere.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, breaker::*};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).window(Window::Count { calls: 9 });
    /// let slow = Trigger::SlowRate { slower_than: Duration::from_secs(2), at_least: Ratio::ONE, min_calls: 1 };
    /// let breaker = SharedBreaker::new(policy.trigger(slow).build()?);
    /// let _ = breaker.try_acquire()?.outcome_after(Outcome::Success, Duration::from_secs(3));
    /// assert!(breaker.try_acquire().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outcome_after(self, outcome: Outcome, latency: Duration) -> Receipt {
        let latency_ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.settle(outcome, Some(latency_ns))
    }

    /// The breaker's generation when the call was let through: how many transitions there had been.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.permit.generation()
    }

    /// Whether the call is a probe of a half-open breaker.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # use evenkeel_std::{SharedBreaker, TestClock};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// let clock = TestClock::new();
    /// let breaker = SharedBreaker::builder(policy.build()?).clock(clock.clone()).build();
    /// breaker.try_acquire()?.failure();
    /// clock.advance(Duration::from_secs(1));
    /// assert!(breaker.try_acquire()?.is_probe());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.permit.is_probe()
    }

    /// In [`Mode::Observe`](evenkeel_core::breaker::Mode), the refusal that the call would have met.
    #[must_use]
    pub const fn would_refuse(&self) -> Option<Refusal<RefusedBy>> {
        self.would_refuse
    }

    /// The breaker's clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger, Window}};
    /// # use evenkeel_std::{Clock, SharedBreaker};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let guard = breaker.try_acquire()?;
    /// let in_a_minute_ns = guard.clock().now_ns() + 60_000_000_000; // it said: Retry-After: 60
    /// guard.overloaded(Some(in_a_minute_ns));
    /// assert_eq!(breaker.try_acquire().map_err(|no| no.retry_at_ns()).err(), Some(Some(in_a_minute_ns)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn clock(&self) -> &C {
        &self.owner.inner().clock
    }

    /// [`outcome`](Self::outcome) for who does not want to know what became of it. What is out of line is told by value:
    /// no address of the guard is taken, so it need not lie in memory.
    #[inline(always)]
    fn tell(mut self, outcome: Outcome) {
        self.settled = true;
        let inner = self.owner.inner();
        if !inner.is_idle(self.permit, outcome) {
            inner.tell(self.permit, outcome, self.began_ns);
        }
    }

    #[inline(always)]
    fn settle(mut self, outcome: Outcome, latency_ns: Option<u64>) -> Receipt {
        self.settled = true;
        let inner = self.owner.inner();
        if inner.is_idle(self.permit, outcome) {
            return Receipt::Counted(Transitions::NONE);
        }
        inner.report(self.permit, outcome, self.began_ns, latency_ns)
    }
}

impl<C: Clock> Drop for Guard<'_, C> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.settled {
            let inner = self.owner.inner();
            inner.tell_dropped(self.permit, self.began_ns, self.was_panicking);
        }
    }
}
