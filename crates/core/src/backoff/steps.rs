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

    /// The same, given the ceiling of the next attempt. Always a part of its caller, for the reason that
    /// [`Backoff::next_wait`](super::Backoff::next_wait) is.
    #[inline(always)]
    pub(crate) fn step<R: Rng + ?Sized>(
        &mut self,
        policy: &BackoffPolicy,
        ceiling_ns: u64,
        now_ns: u64,
        rng: &mut R,
    ) -> Result<Wait, Exhausted> {
        let now_ns = self.clock.observe(now_ns);
        let attempt = policy.next_attempt(self.attempts)?;
        let delay_ns = policy.draw_ns(ceiling_ns, self.previous_ns, rng);
        self.take(policy, now_ns, attempt, delay_ns, delay_ns)
    }

    /// Takes `delay_ns` as the next wait where the limits allow it; `own_ns` is what the schedule itself drew of it.
    pub(crate) fn accept(
        &mut self,
        policy: &BackoffPolicy,
        now_ns: u64,
        delay_ns: u64,
        own_ns: u64,
    ) -> Result<Wait, Exhausted> {
        let now_ns = self.clock.observe(now_ns);
        let attempt = self.attempts.saturating_add(1);
        self.take(policy, now_ns, attempt, delay_ns, own_ns)
    }

    /// [`accept`](Self::accept) as wait number `attempt`, at an instant that the clock has seen.
    #[inline]
    fn take(
        &mut self,
        policy: &BackoffPolicy,
        now_ns: u64,
        attempt: u32,
        delay_ns: u64,
        own_ns: u64,
    ) -> Result<Wait, Exhausted> {
        let (at_ns, total_wait_ns) = policy.allow(now_ns, delay_ns, self.total_wait_ns)?;
        self.attempts = attempt;
        self.previous_ns = own_ns;
        self.total_wait_ns = total_wait_ns;
        Ok(Wait {
            at_ns,
            delay_ns,
            attempt,
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
