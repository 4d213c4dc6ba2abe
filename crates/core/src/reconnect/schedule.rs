//! How far the backoff has come since the last stable link: the waits given, without a clock of their own.
//!
//! A link's random word is drawn when its try begins, so the wait after it is known to queries that have no generator.

use crate::backoff::{BackoffPolicy, Exhausted};
use crate::error::{RestoreError, corrupt};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Schedule {
    /// Waits given.
    pub(super) attempts: u32,
    /// What the backoff itself drew for the last of them; decorrelated jitter goes on from there.
    previous_ns: u64,
    /// All of them together, as they were given: what a kick saves stays counted.
    total_wait_ns: u64,
}

impl Schedule {
    pub(super) const FRESH: Self = Self {
        attempts: 0,
        previous_ns: 0,
        total_wait_ns: 0,
    };

    /// The wait that `word` draws, were it the next. At most 4 096 steps to find its ceiling.
    pub(super) fn own_ns(&self, policy: &BackoffPolicy, word: u64) -> Result<u64, Exhausted> {
        if policy.max_retries().is_some_and(|max| self.attempts >= max) {
            return Err(Exhausted::Retries);
        }
        let ceiling_ns = policy.ceiling_ns(self.attempts.saturating_add(1));
        Ok(policy.drawn_ns(ceiling_ns, self.previous_ns, word))
    }

    /// Takes `delay_ns` from `from_ns` on as the next wait, of which the backoff drew `own_ns`; when it ends.
    pub(super) fn accept(
        &mut self,
        policy: &BackoffPolicy,
        from_ns: u64,
        delay_ns: u64,
        own_ns: u64,
    ) -> Result<u64, Exhausted> {
        let (at_ns, total_wait_ns) = policy.allow(from_ns, delay_ns, self.total_wait_ns)?;
        *self = Self {
            attempts: self.attempts.saturating_add(1),
            previous_ns: own_ns,
            total_wait_ns,
        };
        Ok(at_ns)
    }

    /// A stored one is hostile input.
    pub(super) fn check(&self, policy: &BackoffPolicy) -> Result<(), RestoreError> {
        if self.attempts == 0 && *self != Self::FRESH {
            return Err(corrupt("waits without an attempt"));
        }
        policy.check_waits(self.previous_ns, self.total_wait_ns)
    }
}
