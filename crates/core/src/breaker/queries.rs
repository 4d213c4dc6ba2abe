//! What can be asked of a breaker without changing it.

use core::borrow::Borrow;

use super::Breaker;
use super::answer::RefusedBy;
use super::counters::{BreakerStats, WindowCounts};
use super::policy::BreakerPolicy;
use super::state::{BreakerState, Stage};
use super::told::Mode;
use super::transition::Phase;
use crate::refusal::Refusal;

impl<P: Borrow<BreakerPolicy>> Breaker<P> {
    /// The next instant at which [`poll`](Self::poll) would report a transition if nothing is reported until then.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// assert_eq!(breaker.next_deadline_ns(), None);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!(breaker.next_deadline_ns(), Some(100));
    /// // A probe has 50 ns to report, or the breaker opens again.
    /// let probe = breaker.try_acquire(110, &mut rng)?;
    /// assert_eq!(breaker.next_deadline_ns(), Some(160));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.state.next_deadline_ns(self.policy.borrow())
    }

    /// The phase at `now_ns`; changes nothing.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!([99, 100].map(|now_ns| breaker.phase(now_ns)), [Phase::Open, Phase::HalfOpen]);
    /// assert_eq!(breaker.phase(99), Phase::Open);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn phase(&self, now_ns: u64) -> Phase {
        self.state.phase(self.policy.borrow(), now_ns)
    }

    /// What [`try_acquire`](Self::try_acquire) would answer at `now_ns`, without taking a place. On the ramp, where the
    /// answer is a draw, it is yes, also where that draw is sure to be lost.
    ///
    /// # Errors
    /// The refusal that the call would meet.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!(breaker.peek(40).map_err(|no| no.retry_at_ns), Err(Some(100)));
    /// assert_eq!(breaker.peek(100), Ok(()));
    /// assert_eq!(breaker.peek(100), Ok(())); // the one place is still free
    /// let probe = breaker.try_acquire(100, &mut rng)?;
    /// assert_eq!(breaker.peek(100).map_err(|no| no.reason), Err(RefusedBy::HalfOpenFull));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn peek(&self, now_ns: u64) -> Result<(), Refusal<RefusedBy>> {
        self.state.peek(self.policy.borrow(), now_ns)
    }

    /// The operator's mode.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// assert_eq!(breaker.mode(), Mode::Normal);
    /// let _ = breaker.set_mode(0, Mode::Observe);
    /// assert_eq!(breaker.mode(), Mode::Observe);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.state.mode
    }

    /// How many transitions there were up to the last call; to be taken over by
    /// [`restore_rebased`](Self::restore_rebased) counts as one.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// assert_eq!(breaker.generation(), 0);
    /// let made = breaker.set_mode(0, Mode::ForcedOpen);
    /// assert_eq!(breaker.generation(), 1);
    /// assert_eq!(made.last().map(|made| made.generation), Some(1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.state.generation
    }

    /// The tag that its permits carry.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = builder.build()?;
    /// let breaker = Breaker::tagged(&policy, 7);
    /// assert_eq!(breaker.tag(), 7);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.state.tag
    }

    /// How often it opened in a row, less what calm time had forgiven at the last trip: the number of the next open
    /// wait is one more.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // Open for the first time at 0. The probe fails too, and the second wait is twice as long.
    /// let probe = breaker.try_acquire(100, &mut rng)?;
    /// let _ = breaker.on_outcome(120, probe.permit, Outcome::Failure, 20, &mut rng);
    /// assert_eq!(breaker.consecutive_opens(), 2);
    /// assert_eq!(breaker.next_deadline_ns(), Some(120 + 200));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn consecutive_opens(&self) -> u32 {
        self.state.opens
    }

    /// Failures in a row, while closed.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let builder = BreakerPolicy::builder(open, lease);
    /// let policy = builder.trigger(Trigger::Consecutive { failures: 3 }).build()?;
    /// let mut breaker = Breaker::new(policy);
    /// for (outcome, in_a_row) in [(Outcome::Failure, 1), (Outcome::Failure, 2), (Outcome::Success, 0)] {
    ///     let call = breaker.try_acquire(0, &mut rng)?;
    ///     let _ = breaker.on_outcome(5, call.permit, outcome, 5, &mut rng);
    ///     assert_eq!(breaker.consecutive_failures(), in_a_row);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn consecutive_failures(&self) -> u32 {
        match self.state.stage {
            Stage::Closed { consecutive, .. } => consecutive,
            _ => 0,
        }
    }

    /// The counters at `now_ns`; changes nothing.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it; the next ask is refused.
    /// assert!(breaker.try_acquire(40, &mut rng).is_err());
    /// let stats = breaker.stats(40);
    /// assert_eq!((stats.admitted, stats.failures, stats.opened, stats.refused), (1, 1, 1, 1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self, now_ns: u64) -> BreakerStats {
        self.state.stats_at(self.policy.borrow(), now_ns)
    }

    /// What the window holds at `now_ns`; changes nothing. All zero while not closed: every change of phase starts the
    /// window afresh. O(slices) for a window of time, else O(1).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::Ratio;
    /// # use evenkeel_core::backoff::BackoffPolicy;
    /// use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger, Window};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1)).build()?;
    /// let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
    ///     .window(Window::Time { span: Duration::from_nanos(100), slices: 10 })
    ///     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 20 })
    ///     .build()?;
    /// let mut breaker = Breaker::new(policy);
    /// for (now_ns, outcome) in [(10, Outcome::Failure), (60, Outcome::Success)] {
    ///     let grant = breaker.try_acquire(now_ns, &mut rng)?;
    ///     let _ = breaker.on_outcome(now_ns, grant.permit, outcome, 5, &mut rng);
    /// }
    /// let window = breaker.window(60);
    /// assert_eq!((window.calls, window.failures, window.slow), (2, Some(1), None));
    /// // The failure leaves the window with its slice.
    /// assert_eq!(breaker.window(110).failures, Some(0));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn window(&self, now_ns: u64) -> WindowCounts {
        self.state.window_at(self.policy.borrow(), now_ns)
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// let breaker = Breaker::new(builder.trials(3).build()?);
    /// assert_eq!(breaker.policy().trials(), 3);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &BreakerPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore). O(words of the window).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// let before = breaker.state();
    /// let _ = breaker.set_mode(0, Mode::ForcedOpen);
    /// assert_ne!(breaker.state(), before);
    /// let undone = Breaker::restore(breaker.policy(), before)?;
    /// assert_eq!((undone.mode(), undone.phase(0)), (Mode::Normal, Phase::Closed));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.state.clone()
    }
}
