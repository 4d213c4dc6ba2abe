//! A handle in the place of a core's breaker: what a retry asks and tells.

use evenkeel_core::breaker::{Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::BreakerGate;

#[cfg(feature = "journal")]
use evenkeel_core::breaker::Transitions;
#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use super::SharedBreaker;
use crate::clock::Clock;
#[cfg(feature = "journal")]
use crate::journal::{Held, LendBreaker, Part};

/// For [`Parts`](evenkeel_core::retry::Parts) of a retry, which brings its own instants and its own random words: they
/// must come from this breaker's clock.
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
/// use evenkeel_core::retry::{AttemptOutcome, Parts, Retry, RetryAction, RetryPolicy};
/// use evenkeel_std::{Clock, MonotonicClock, SharedBreaker, Streams};
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// # let breaker = breaker.build()?;
///
/// let breaker = SharedBreaker::new(breaker);
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).max_attempts(3).build()?;
/// let (clock, mut stream) = (MonotonicClock, Streams::of_the_process().next());
/// let mut retry = Retry::new(&policy, clock.now_ns());
/// let mut gate = breaker.clone();
/// let mut parts = Parts::none().with_breaker(&mut gate);
/// let told = retry.poll(clock.now_ns(), &mut parts, &mut stream);
/// assert!(matches!(told.action, RetryAction::Attempt { .. }));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
impl<C: Clock> BreakerGate for SharedBreaker<C> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        let pass = self.inner.try_acquire(now_ns, rng)?;
        Ok(Grant {
            permit: Permit::from_id(pass.permit),
            would_refuse: pass.would_refuse,
            transitions: pass.transitions,
        })
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        let id = permit.id();
        self.inner
            .on_outcome(|| now_ns, id, outcome, latency_ns, Some(rng))
    }
}

#[cfg(feature = "journal")]
impl<C: Clock> LendBreaker for SharedBreaker<C> {
    fn lend(
        &mut self,
        to: &Journal,
        now_ns: u64,
        held: &mut Held,
        step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
    ) {
        self.inner
            .step(|locked| locked.lend(to, now_ns, held, step));
    }
}
