//! Choices for a shared breaker beside its policy: clock, randomness, counting; and stored states.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use evenkeel_core::breaker::{Breaker, BreakerPolicy, BreakerState};
use evenkeel_core::{Rebase, RestoreError};

use super::SharedBreaker;
use super::inner::Inner;
use crate::clock::{Clock, MonotonicClock};
use crate::streams::Streams;

/// Makes a [`SharedBreaker`] that is not the usual one.
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
/// use evenkeel_std::{SharedBreaker, Streams, TestClock};
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// # let policy = policy.build()?;
///
/// let clock = TestClock::new();
/// let opened_for = || {
///     let breaker = SharedBreaker::builder(policy).clock(clock.clone()).streams(&Streams::seeded(7)).build();
///     breaker.try_acquire().expect("closed").failure();
///     breaker.next_deadline_ns()
/// };
/// assert_eq!(opened_for(), opened_for());
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct SharedBreakerBuilder<C = MonotonicClock> {
    policy: BreakerPolicy,
    clock: C,
    streams: Option<Streams>,
    stripes: Option<usize>,
    count_all: bool,
    tag: u32,
}

/// More would only make each locked step longer.
const MOST_STRIPES: usize = 16;

impl SharedBreakerBuilder {
    pub(super) const fn new(policy: BreakerPolicy) -> Self {
        Self {
            policy,
            clock: MonotonicClock,
            streams: None,
            stripes: None,
            count_all: false,
            tag: 0,
        }
    }
}

impl<C: Clock> SharedBreakerBuilder<C> {
    /// The clock; [`MonotonicClock`] if none is given.
    pub fn clock<D: Clock>(self, clock: D) -> SharedBreakerBuilder<D> {
        SharedBreakerBuilder {
            policy: self.policy,
            clock,
            streams: self.streams,
            stripes: self.stripes,
            count_all: self.count_all,
            tag: self.tag,
        }
    }

    /// Takes the breaker's random words from the next of these streams; those of the process if none are given.
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = Some(streams.clone());
        self
    }

    /// Counts every success, also where the policy looks at nothing but failures in a row and a success is otherwise
    /// free: see [Statistics](SharedBreaker#statistics).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = policy.build()?;
    /// let successes = [SharedBreaker::builder(policy), SharedBreaker::builder(policy).count_all(true)].map(|builder| {
    ///     let breaker = builder.build();
    ///     (0..10).for_each(|_| breaker.call(|| Ok::<_, ()>(())).expect("closed"));
    ///     breaker.stats().successes
    /// });
    /// assert_eq!(successes, [0, 10]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn count_all(mut self, count_all: bool) -> Self {
        self.count_all = count_all;
        self
    }

    /// The tag that permits carry, for callers that hand permits of several breakers around; 0 if none is given.
    pub fn tag(mut self, tag: u32) -> Self {
        self.tag = tag;
        self
    }

    /// How many threads can count at the same time without waiting for each other; as many as there are processors (at
    /// most 16) if not given. It never changes a decision.
    pub fn stripes(mut self, stripes: usize) -> Self {
        self.stripes = Some(stripes.min(MOST_STRIPES));
        self
    }

    /// A closed breaker.
    #[must_use]
    pub fn build(self) -> SharedBreaker<C> {
        let breaker = Breaker::tagged(self.policy, self.tag);
        self.around(breaker, true)
    }

    /// Takes over the state of a breaker with this policy, of this process and clock; it brings its own tag.
    ///
    /// # Errors
    /// As [`Breaker::restore`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = policy.build()?;
    /// let breaker = SharedBreaker::new(policy);
    /// breaker.try_acquire()?.failure();
    /// let again = SharedBreaker::builder(policy).restore(breaker.state())?;
    /// assert_eq!(again.phase(), breaker.phase());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(self, state: BreakerState) -> Result<SharedBreaker<C>, RestoreError> {
        let breaker = Breaker::restore(self.policy, state)?;
        Ok(self.around(breaker, false))
    }

    /// Takes over the state of another process: taken at `taken_at_ns` of that process's clock, `away` ago.
    ///
    /// # Errors
    /// As [`Breaker::restore_rebased`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_std::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = policy.build()?;
    /// # use evenkeel_std::{Clock, MonotonicClock};
    /// let breaker = SharedBreaker::new(policy);
    /// breaker.try_acquire()?.failure();
    /// let taken_at_ns = MonotonicClock.now_ns();
    /// let later = SharedBreaker::builder(policy).restore_rebased(breaker.state(), taken_at_ns, Duration::from_secs(60))?;
    /// assert_eq!(later.phase(), Phase::HalfOpen);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        self,
        state: BreakerState,
        taken_at_ns: u64,
        away: Duration,
    ) -> Result<SharedBreaker<C>, RestoreError> {
        let rebase = Rebase {
            taken_at_ns,
            now_ns: self.clock.now_ns(),
            away,
        };
        let breaker = Breaker::restore_rebased(self.policy, state, rebase)?;
        Ok(self.around(breaker, false))
    }

    fn around(self, breaker: Breaker, is_fresh: bool) -> SharedBreaker<C> {
        let stream = match &self.streams {
            Some(streams) => streams.next(),
            None => Streams::of_the_process().next(),
        };
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        let stripes = self.stripes.unwrap_or_else(processors).min(MOST_STRIPES);
        let inner = Inner::new(
            breaker,
            stream,
            self.clock,
            stripes,
            self.count_all,
            is_fresh,
        );
        SharedBreaker {
            inner: Arc::new(inner),
        }
    }
}
