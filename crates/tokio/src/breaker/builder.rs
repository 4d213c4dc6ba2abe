//! Choices for a shared breaker beside its policy.

use std::time::Duration;

use evenkeel_core::RestoreError;
use evenkeel_core::breaker::{BreakerPolicy, BreakerState};
use evenkeel_std::{Clock, Streams};

use super::SharedBreaker;
use crate::clock::TokioClock;

/// Makes a [`SharedBreaker`] that is not the usual one: [`evenkeel_std::SharedBreakerBuilder`], on tokio's clock.
///
/// ```
/// # use std::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
/// use evenkeel_tokio::{SharedBreaker, Streams, TokioClock};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
/// # let open = BackoffPolicy::builder(Duration::from_secs(1));
/// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// # let policy = policy.build()?;
/// let clock = TokioClock::starting_now();
/// let opened_until_ns = || {
///     let breaker = SharedBreaker::builder(policy).clock(clock).streams(&Streams::seeded(7)).build();
///     breaker.try_acquire().expect("closed").failure();
///     breaker.next_deadline_ns()
/// };
/// assert_eq!(opened_until_ns(), opened_until_ns());
/// # Ok(())
/// # }
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct SharedBreakerBuilder<C = TokioClock> {
    builder: evenkeel_std::SharedBreakerBuilder<C>,
}

impl SharedBreakerBuilder {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        let builder = evenkeel_std::SharedBreaker::builder(policy).clock(TokioClock::default());
        Self { builder }
    }
}

impl<C: Clock> SharedBreakerBuilder<C> {
    fn map(
        self,
        change: impl FnOnce(
            evenkeel_std::SharedBreakerBuilder<C>,
        ) -> evenkeel_std::SharedBreakerBuilder<C>,
    ) -> Self {
        Self {
            builder: change(self.builder),
        }
    }

    /// The clock; [`TokioClock::default`] if none is given.
    pub fn clock<D: Clock>(self, clock: D) -> SharedBreakerBuilder<D> {
        SharedBreakerBuilder {
            builder: self.builder.clock(clock),
        }
    }

    /// Takes the breaker's random words from the next of these streams; those of the process if none are given.
    pub fn streams(self, streams: &Streams) -> Self {
        self.map(|builder| builder.streams(streams))
    }

    /// Counts every success: see [`evenkeel_std::SharedBreakerBuilder::count_all`].
    pub fn count_all(self, count_all: bool) -> Self {
        self.map(|builder| builder.count_all(count_all))
    }

    /// The tag that permits carry: see [`evenkeel_std::SharedBreakerBuilder::tag`].
    pub fn tag(self, tag: u32) -> Self {
        self.map(|builder| builder.tag(tag))
    }

    /// How many threads can count at the same time: see [`evenkeel_std::SharedBreakerBuilder::stripes`].
    pub fn stripes(self, stripes: usize) -> Self {
        self.map(|builder| builder.stripes(stripes))
    }

    /// A closed breaker.
    #[must_use]
    pub fn build(self) -> SharedBreaker<C> {
        self.builder.build().into()
    }

    /// Takes over the state of a breaker with this policy, of this process and clock.
    ///
    /// # Errors
    /// As [`Breaker::restore`](evenkeel_core::breaker::Breaker::restore).
    pub fn restore(self, state: BreakerState) -> Result<SharedBreaker<C>, RestoreError> {
        self.builder.restore(state).map(Into::into)
    }

    /// Takes over the state of another process: taken at `taken_at_ns` of that process's clock, `away` ago.
    ///
    /// # Errors
    /// As [`Breaker::restore_rebased`](evenkeel_core::breaker::Breaker::restore_rebased).
    pub fn restore_rebased(
        self,
        state: BreakerState,
        taken_at_ns: u64,
        away: Duration,
    ) -> Result<SharedBreaker<C>, RestoreError> {
        let restored = self.builder.restore_rebased(state, taken_at_ns, away);
        restored.map(Into::into)
    }
}
