//! One step of a schedule on the state alone, for the machines that hold a backoff's state inside their own.

use super::Exhausted;
use super::Wait;
use super::policy::BackoffPolicy;
use super::state::BackoffState;
use crate::random::Rng;
use crate::rebase::Rebase;

impl BackoffState {
    /// The next wait, as [`Backoff::next_wait`](super::Backoff::next_wait) gives it; at most 4 096 steps to find the
    /// ceiling.
    pub(crate) fn next_wait<R: Rng + ?Sized>(
        &mut self,
        policy: &BackoffPolicy,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Wait, Exhausted> {
        let ceiling_ns = policy.ceiling_ns(self.attempts.saturating_add(1));
        self.step(policy, ceiling_ns, now_ns, rng)
    }

    /// The same, given the ceiling of the next attempt.
    #[inline]
    pub(crate) fn step<R: Rng + ?Sized>(
        &mut self,
        policy: &BackoffPolicy,
        ceiling_ns: u64,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Wait, Exhausted> {
        let now_ns = self.clock.observe(now_ns);
        if policy.max_retries().is_some_and(|max| self.attempts >= max) {
            return Err(Exhausted::Retries);
        }
        let delay_ns = policy.draw_ns(ceiling_ns, self.previous_ns, rng);
        self.accept(policy, now_ns, delay_ns, delay_ns)
    }

    /// Takes `delay_ns` as the next wait where the limits allow it; `own_ns` is what the schedule itself drew of it.
    #[inline]
    pub(crate) fn accept(
        &mut self,
        policy: &BackoffPolicy,
        now_ns: u64,
        delay_ns: u64,
        own_ns: u64,
    ) -> Result<Wait, Exhausted> {
        let now_ns = self.clock.observe(now_ns);
        let (at_ns, total_wait_ns) = policy.allow(now_ns, delay_ns, self.total_wait_ns)?;
        self.attempts = self.attempts.saturating_add(1);
        self.previous_ns = own_ns;
        self.total_wait_ns = total_wait_ns;
        Ok(Wait {
            at_ns,
            delay_ns,
            attempt: self.attempts,
        })
    }

    /// Back to the start; the time memory stays.
    pub(crate) const fn restart(&mut self) {
        *self = Self::fresh(self.clock);
    }

    /// On another origin of time.
    pub(crate) fn rebased(mut self, rebase: &Rebase) -> Self {
        self.clock = rebase.clock(self.clock);
        self
    }
}
