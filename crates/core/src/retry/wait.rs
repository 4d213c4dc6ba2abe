//! The wait before a retry: the backoff's, or what it and a server's advice make together.

use super::policy::RetryPolicy;
use super::state::RetryState;
use crate::advice::Advice;
use crate::backoff::Exhausted;
use crate::random::Rng;

impl RetryState {
    /// When the wait that begins at `now_ns` ends. Draws our own wait, unless advice alone rules, then the spread.
    pub(super) fn draw_wait(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        advice: Option<Advice>,
        rng: &mut dyn Rng,
    ) -> Result<u64, Exhausted> {
        let backoff = &policy.backoff;
        let Some(Advice::RetryAt { at_ns }) = advice else {
            return Ok(self.backoff.next_wait(backoff, now_ns, rng)?.at_ns);
        };
        let retries = self.backoff.attempts();
        if backoff.max_retries().is_some_and(|max| retries >= max) {
            return Err(Exhausted::Retries);
        }
        let own_ns = if policy.advisory.asks_own() {
            // What our own wait cannot do (pass the total, end past the last instant), a longer one cannot either.
            let mut ahead = self.backoff;
            Some(ahead.next_wait(backoff, now_ns, rng)?.delay_ns)
        } else {
            None
        };
        let wait_ns = policy
            .advisory
            .wait_ns(now_ns, at_ns, own_ns.unwrap_or(0), rng);
        // Where advice alone ruled, what was waited is what a decorrelated wait goes on from.
        let own_ns = own_ns.unwrap_or_else(|| wait_ns.min(backoff.longest_ns()));
        let wait = self.backoff.accept(backoff, now_ns, wait_ns, own_ns)?;
        Ok(wait.at_ns)
    }
}
