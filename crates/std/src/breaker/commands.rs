//! What can be asked of a shared breaker, what it can be told, and who listens.

use std::sync::Arc;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{
    BreakerPolicy, BreakerState, BreakerStats, Health, Mode, Phase, RefusedBy, Transition,
    Transitions, WindowCounts,
};

use super::SharedBreaker;
use crate::clock::Clock;

/// What it can be told. The transitions are returned, and listeners hear of them as well.
impl<C: Clock> SharedBreaker<C> {
    /// Calls `listener` with every transition that is made from now on: each once, in order, and never under a lock, so
    /// it may use the breaker. A listener that owns a handle of this very breaker keeps it for good: neither is ever
    /// freed.
    ///
    /// It runs on the thread whose step made the transition, or on one that is still delivering earlier ones. It should
    /// be quick, and it should not panic. If it does, the other listeners hear of the transition all the same, then the
    /// panic goes on to who made the step; where that is a guard that a panic drops, the listener's is swallowed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let (tell, told) = std::sync::mpsc::channel();
    /// breaker.on_transition(move |made| tell.send(made.cause.name()).expect("somebody reads"));
    /// breaker.try_acquire()?.failure();
    /// let _ = breaker.reset();
    /// assert_eq!(told.try_iter().collect::<Vec<_>>(), ["consecutive", "reset"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_transition(&self, listener: impl Fn(Transition) + Send + Sync + 'static) {
        let listener = Arc::new(listener);
        self.inner.outbox(|outbox| outbox.listen(listener));
    }

    /// Whether [`stats`](Self::stats) has every success.
    #[cfg(feature = "metrics")]
    pub(crate) fn counts_successes(&self) -> bool {
        self.inner.counts_successes()
    }

    /// The health of the dependency as something else sees it: see
    /// [`Breaker::on_health`](evenkeel_core::breaker::Breaker::on_health).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Health, Phase, Trigger}};
    /// # use evenkeel_std::{SharedBreaker, TestClock};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let clock = TestClock::new();
    /// let breaker = SharedBreaker::builder(policy.until_healthy(true).build()?).clock(clock.clone()).build();
    /// breaker.try_acquire()?.failure();
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// let _ = breaker.on_health(Health::Up);
    /// assert_eq!(breaker.phase(), Phase::HalfOpen);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_health(&self, health: Health) -> Transitions {
        let now_ns = self.inner.clock.now_ns();
        self.inner
            .step(|locked| locked.tell(now_ns, |breaker, now_ns| breaker.on_health(now_ns, health)))
    }

    /// An operator's command: see [`Breaker::set_mode`](evenkeel_core::breaker::Breaker::set_mode).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Mode, Phase, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let _ = breaker.set_mode(Mode::ForcedOpen);
    /// assert_eq!((breaker.phase(), breaker.mode()), (Phase::Open, Mode::ForcedOpen));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn set_mode(&self, mode: Mode) -> Transitions {
        let now_ns = self.inner.clock.now_ns();
        self.inner
            .step(|locked| locked.tell(now_ns, |breaker, now_ns| breaker.set_mode(now_ns, mode)))
    }

    /// An operator's command: closed and normal, all forgotten; calls under way become stale.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure();
    /// let _ = breaker.reset();
    /// assert_eq!(breaker.phase(), Phase::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&self) -> Transitions {
        let now_ns = self.inner.clock.now_ns();
        self.inner
            .step(|locked| locked.tell(now_ns, |breaker, now_ns| breaker.reset(now_ns)))
    }

    /// Makes the transitions that have fallen due. Never needed for a right answer: listeners only hear of them sooner
    /// when somebody calls this at [`next_deadline_ns`](Self::next_deadline_ns).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_std::{SharedBreaker, TestClock};
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let clock = TestClock::new();
    /// # let breaker = SharedBreaker::builder(policy.build()?).clock(clock.clone()).build();
    /// breaker.try_acquire()?.failure();
    /// clock.advance_to(breaker.next_deadline_ns().expect("open waits end"));
    /// assert_eq!(breaker.poll().last().map(|made| made.to), Some(Phase::HalfOpen));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll(&self) -> Transitions {
        let now_ns = self.inner.clock.now_ns();
        self.inner
            .step(|locked| locked.tell(now_ns, |breaker, now_ns| breaker.poll(now_ns)))
    }
}

/// Queries; they change nothing.
impl<C: Clock> SharedBreaker<C> {
    /// The phase now; without the lock while closed.
    #[inline]
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.inner.phase()
    }

    /// What an ask would be answered now, without taking a place; on the ramp, where the answer is a draw, yes.
    ///
    /// # Errors
    /// The refusal that a call would meet.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, RefusedBy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// assert_eq!(breaker.peek(), Ok(()));
    /// breaker.try_acquire()?.failure();
    /// assert_eq!(breaker.peek().map_err(|no| no.reason), Err(RefusedBy::Open));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek(&self) -> Result<(), Refusal<RefusedBy>> {
        let now_ns = self.inner.clock.now_ns();
        self.inner.glance(|breaker| breaker.peek(now_ns))
    }

    /// The operator's mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.inner.glance(|breaker| breaker.mode())
    }

    /// The next instant at which [`poll`](Self::poll) would report a transition if nothing is reported until then.
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.inner.glance(|breaker| breaker.next_deadline_ns())
    }

    /// How many transitions there were.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.inner.glance(|breaker| breaker.generation())
    }

    /// How often it opened in a row, less what calm time had forgiven at the last trip.
    #[must_use]
    pub fn consecutive_opens(&self) -> u32 {
        self.inner.glance(|breaker| breaker.consecutive_opens())
    }

    /// Failures in a row, while closed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 3 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure();
    /// assert_eq!(breaker.consecutive_failures(), 1);
    /// breaker.try_acquire()?.success();
    /// assert_eq!(breaker.consecutive_failures(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn consecutive_failures(&self) -> u32 {
        self.inner
            .look(|locked, _| locked.breaker.consecutive_failures())
    }

    /// What the window holds now; all zero while not closed.
    #[must_use]
    pub fn window(&self) -> WindowCounts {
        let now_ns = self.inner.clock.now_ns();
        self.inner.look(|locked, _| locked.breaker.window(now_ns))
    }

    /// The counters now. **Most successes are missing from them where only failures in a row can open it**, unless it was
    /// built with [`count_all`](super::SharedBreakerBuilder::count_all): see [Statistics](Self#statistics).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure();
    /// assert!(breaker.try_acquire().is_err());
    /// let stats = breaker.stats();
    /// assert_eq!((stats.admitted, stats.failures, stats.opened, stats.refused), (1, 1, 1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> BreakerStats {
        let now_ns = self.inner.clock.now_ns();
        self.inner
            .look(|locked, stripes| locked.stats(now_ns, stripes.refusals()))
    }

    /// A snapshot, to store and [restore](super::SharedBreakerBuilder::restore). It decides as this breaker does; its
    /// own counters know only of what went through the lock, and [`stats`](Self::stats) are to be stored beside it.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.inner.look(|locked, _| locked.breaker.state())
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &BreakerPolicy {
        &self.inner.policy
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &C {
        &self.inner.clock
    }
}
