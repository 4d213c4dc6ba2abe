//! The state of a backoff as plain data, and the check that a stored one must pass.

use super::policy::BackoffPolicy;
use crate::error::RestoreError;
use crate::time::Monotone;

const VERSION: u16 = 1;

/// What a [`Backoff`](super::Backoff) remembers: attempts, the last wait, the sum of all, and the latest instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BackoffState {
    version: u16,
    pub(super) attempts: u32,
    pub(super) previous_ns: u64,
    pub(super) total_wait_ns: u64,
    pub(super) clock: Monotone,
}

impl BackoffState {
    pub(super) const fn fresh(clock: Monotone) -> Self {
        Self {
            version: VERSION,
            attempts: 0,
            previous_ns: 0,
            total_wait_ns: 0,
            clock,
        }
    }

    /// How many waits were given.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn check(&self, policy: &BackoffPolicy) -> Result<(), RestoreError> {
        if self.version != VERSION {
            return Err(RestoreError::Version {
                found: self.version,
                expected: VERSION,
            });
        }
        let unstarted = self.attempts == 0;
        if unstarted && (self.previous_ns, self.total_wait_ns) != (0, 0) {
            return Err(RestoreError::Corrupt {
                what: "waits without an attempt",
            });
        }
        if self.previous_ns > self.total_wait_ns {
            return Err(RestoreError::Corrupt {
                what: "the last wait is longer than all together",
            });
        }
        if policy.remembers_wait() && self.previous_ns > policy.longest_ns() {
            return Err(RestoreError::Misfit {
                what: "the last wait is longer than the policy allows",
            });
        }
        if policy
            .max_total_wait_ns()
            .is_some_and(|max| self.total_wait_ns > max)
        {
            return Err(RestoreError::Misfit {
                what: "the waits together pass the policy's total",
            });
        }
        Ok(())
    }
}
