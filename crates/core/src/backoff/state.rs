//! The state of a backoff as plain data, and the check that a stored one must pass.

use super::policy::BackoffPolicy;
use crate::error::{RestoreError, corrupt};
use crate::time::Monotone;
use crate::version::Version;

/// What a [`Backoff`](super::Backoff) remembers: attempts, the last wait, the sum of all, and the latest instant.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::backoff::{Backoff, BackoffPolicy, BackoffState};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// let policy = BackoffPolicy::builder(Duration::from_millis(10)).build()?;
/// let mut backoff = Backoff::new(policy);
/// let _ = backoff.next_wait(0, &mut rng)?;
///
/// let stored: BackoffState = backoff.state();
/// assert_eq!(Backoff::restore(policy, stored), Ok(backoff));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackoffState {
    version: Version<1>,
    pub(super) attempts: u32,
    pub(super) previous_ns: u64,
    pub(super) total_wait_ns: u64,
    pub(super) clock: Monotone,
}

impl BackoffState {
    /// A schedule at its start that has seen what `clock` has.
    pub(crate) const fn fresh(clock: Monotone) -> Self {
        Self {
            version: Version,
            attempts: 0,
            previous_ns: 0,
            total_wait_ns: 0,
            clock,
        }
    }

    /// How many waits were given.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{Backoff, BackoffPolicy};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let mut backoff = Backoff::new(BackoffPolicy::builder(Duration::from_millis(10)).build()?);
    /// let before = backoff.state();
    /// let _ = backoff.next_wait(0, &mut rng)?;
    /// assert_eq!((before.attempts(), backoff.state().attempts()), (0, 1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The latest instant that it has seen.
    pub(crate) const fn latest_ns(&self) -> u64 {
        self.clock.latest_ns()
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(crate) fn check(&self, policy: &BackoffPolicy) -> Result<(), RestoreError> {
        let unstarted = self.attempts == 0;
        if unstarted && (self.previous_ns, self.total_wait_ns) != (0, 0) {
            return Err(corrupt("waits without an attempt"));
        }
        if self.previous_ns > self.total_wait_ns {
            return Err(corrupt("the last wait is longer than all together"));
        }
        policy.check_waits(self.previous_ns, self.total_wait_ns)
    }
}
