//! The state of a throttle as plain data, and what is done to it.

use super::answer::{RejectProbability, Throttled};
use super::policy::AdaptiveThrottlePolicy;
use crate::error::RestoreError;
use crate::random::{Rng, scaled};
use crate::rebase::Rebase;
use crate::refusal::Refusal;
use crate::tally::{Side, Sums, Tally};
use crate::time::Monotone;
use crate::version::Version;

/// What an [`AdaptiveThrottle`](super::AdaptiveThrottle) remembers; store it, compare it,
/// [restore](super::AdaptiveThrottle::restore) it.
///
/// ```
/// # use evenkeel_core::throttle::*;
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = AdaptiveThrottlePolicy::builder().build()?;
/// let mut throttle = AdaptiveThrottle::new(policy);
/// let _ = throttle.try_request(5, &mut rng);
/// let stored: AdaptiveThrottleState = throttle.state();
/// assert_eq!(AdaptiveThrottle::restore(policy, stored)?, throttle);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdaptiveThrottleState {
    version: Version<1>,
    clock: Monotone,
    tally: Tally,
}

impl AdaptiveThrottleState {
    pub(super) fn fresh(policy: &AdaptiveThrottlePolicy) -> Self {
        Self {
            version: Version,
            clock: Monotone::default(),
            tally: Tally::fresh(policy.grid),
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) fn check(&self, policy: &AdaptiveThrottlePolicy) -> Result<(), RestoreError> {
        self.tally.check(policy.grid, self.clock.latest_ns())
    }

    /// On another origin of time.
    pub(super) fn rebased(mut self, policy: &AdaptiveThrottlePolicy, rebase: &Rebase) -> Self {
        (self.tally, self.clock) = self.tally.rebased(policy.grid, rebase, self.clock);
        self
    }

    /// A probability that is not 0 draws the one word.
    #[inline]
    pub(super) fn try_request<R: Rng + ?Sized>(
        &mut self,
        policy: &AdaptiveThrottlePolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<(), Refusal<Throttled>> {
        self.slide(policy, now_ns);
        let probability = policy.probability_of(self.tally.sums());
        let _ = self.tally.add(policy.grid, Side::Requests);
        if probability.is_zero()
            || scaled(rng.next_u64(), probability.denominator()) >= probability.numerator()
        {
            return Ok(());
        }
        let is_fine = |sums| policy.probability_of(sums).is_zero();
        Err(Refusal::new(
            Throttled { probability },
            self.tally.first_at(policy.grid, is_fine),
        ))
    }

    #[inline]
    pub(super) fn on_accepted(&mut self, policy: &AdaptiveThrottlePolicy, now_ns: u64) {
        self.slide(policy, now_ns);
        let _ = self.tally.add(policy.grid, Side::Others);
    }

    pub(super) fn reject_probability(
        &self,
        policy: &AdaptiveThrottlePolicy,
        now_ns: u64,
    ) -> RejectProbability {
        policy.probability_of(self.sums_at(policy, now_ns))
    }

    pub(super) fn sums_at(&self, policy: &AdaptiveThrottlePolicy, now_ns: u64) -> Sums {
        self.tally.sums_at(policy.grid, self.clock.peek(now_ns))
    }

    #[inline]
    fn slide(&mut self, policy: &AdaptiveThrottlePolicy, now_ns: u64) {
        let now_ns = self.clock.observe(now_ns);
        self.tally.slide(policy.grid, now_ns);
    }
}
