//! What a policy allows of a schedule's waits: the next one, and those that a stored state tells of.

use super::Exhausted;
use super::policy::BackoffPolicy;
use crate::error::{RestoreError, misfit};

impl BackoffPolicy {
    /// A wait of `delay_ns` from `from_ns` on, after waits of `total_wait_ns` together: when it ends, and the new total.
    #[inline]
    pub(crate) fn allow(
        &self,
        from_ns: u64,
        delay_ns: u64,
        total_wait_ns: u64,
    ) -> Result<(u64, u64), Exhausted> {
        // Not `saturating_add`: the next wait would wait for its choice.
        let Some(total_wait_ns) = total_wait_ns.checked_add(delay_ns) else {
            return self.allow_all_time(from_ns, delay_ns);
        };
        if self.is_past_total(total_wait_ns) {
            return Err(Exhausted::TotalWait);
        }
        let at_ns = from_ns.checked_add(delay_ns).ok_or(Exhausted::EndOfTime)?;
        Ok((at_ns, total_wait_ns))
    }

    /// [`allow`](Self::allow) where the waits together are all time there is, or more.
    #[cold]
    fn allow_all_time(&self, from_ns: u64, delay_ns: u64) -> Result<(u64, u64), Exhausted> {
        self.allow(from_ns, delay_ns, u64::MAX.wrapping_sub(delay_ns))
    }

    /// Whether waits that were stored can be: the last one, as it was drawn, and all together.
    pub(crate) fn check_waits(
        &self,
        previous_ns: u64,
        total_wait_ns: u64,
    ) -> Result<(), RestoreError> {
        if self.remembers_wait() && previous_ns > self.longest_ns() {
            return Err(misfit("the last wait is longer than the policy allows"));
        }
        if self.is_past_total(total_wait_ns) {
            return Err(misfit("the waits together pass the policy's total"));
        }
        Ok(())
    }

    #[inline]
    fn is_past_total(&self, total_wait_ns: u64) -> bool {
        self.max_total_wait_ns()
            .is_some_and(|max| total_wait_ns > max)
    }
}
