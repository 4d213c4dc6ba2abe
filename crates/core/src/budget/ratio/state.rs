//! The state of a retry ratio as plain data, and what is done to it.

use super::foreseen::Foreseen;
use super::policy::{RetryRatioPolicy, Short};
use crate::budget::{BudgetSpent, Withdrawal};
use crate::error::RestoreError;
use crate::rebase::Rebase;
use crate::refusal::Refusal;
use crate::reported::Reported;
use crate::tally::{Side, Sums, Tally};
use crate::time::Monotone;
use crate::version::Version;

/// What a retry takes: one.
const RETRY_MILLI: u64 = 1_000;

/// What a [`RetryRatio`](super::RetryRatio) remembers; store it, compare it, [restore](super::RetryRatio::restore) it.
///
/// ```
/// # use evenkeel_core::budget::*;
/// let policy = RetryRatioPolicy::finagle().build()?;
/// let mut ratio = RetryRatio::new(policy);
/// ratio.on_request(5);
/// let stored: RetryRatioState = ratio.state();
/// assert_eq!(RetryRatio::restore(policy, stored)?, ratio);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RetryRatioState {
    version: Version<1>,
    clock: Monotone,
    tally: Tally,
}

impl RetryRatioState {
    pub(super) fn fresh(policy: &RetryRatioPolicy) -> Self {
        Self {
            version: Version,
            clock: Monotone::default(),
            tally: Tally::fresh(policy.grid),
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) fn check(&self, policy: &RetryRatioPolicy) -> Result<(), RestoreError> {
        self.tally.check(policy.grid, self.clock.latest_ns())
    }

    /// On another origin of time.
    pub(super) fn rebased(mut self, policy: &RetryRatioPolicy, rebase: &Rebase) -> Self {
        (self.tally, self.clock) = self.tally.rebased(policy.grid, rebase, self.clock);
        self
    }

    #[inline]
    pub(super) fn try_withdraw(
        &mut self,
        policy: &RetryRatioPolicy,
        foreseen: &mut Foreseen,
        now_ns: u64,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        self.slide(policy, now_ns);
        if let Some(short) = policy.short(self.tally.sums()) {
            return Err(self.spent(policy, foreseen, short));
        }
        let _ = self.tally.add(policy.grid, Side::Others);
        Ok(Withdrawal::new(RETRY_MILLI, self.tally.index()))
    }

    /// Cold, so that a retry that is allowed saves no registers for it.
    #[cold]
    fn spent(
        &self,
        policy: &RetryRatioPolicy,
        foreseen: &mut Foreseen,
        short: Short,
    ) -> Refusal<BudgetSpent> {
        match short {
            Short::Of(missing) if foreseen.covers(self.tally.index(), missing) => Refusal::new(
                BudgetSpent {
                    there_milli: policy.there_milli(missing),
                    needed_milli: RETRY_MILLI,
                },
                foreseen.retry_at_ns(),
            ),
            Short::Of(missing) => self.spent_anew(policy, foreseen, missing),
            Short::OfRoom => self.full(policy),
        }
    }

    /// [`spent`](Self::spent) where it takes a search. Of its own, so that one without saves no registers either.
    #[inline(never)]
    fn spent_anew(
        &self,
        policy: &RetryRatioPolicy,
        foreseen: &mut Foreseen,
        missing: u64,
    ) -> Refusal<BudgetSpent> {
        *foreseen = Foreseen::found(policy, &self.tally, missing);
        self.spent(policy, foreseen, Short::Of(missing))
    }

    /// No further retry can be counted until one has left, whatever the ratio says.
    #[cold]
    fn full(&self, policy: &RetryRatioPolicy) -> Refusal<BudgetSpent> {
        let sums = self.tally.sums();
        let reason = BudgetSpent {
            there_milli: policy.left(sums.requests, sums.others, RetryRatioPolicy::MILLI),
            needed_milli: RETRY_MILLI,
        };
        let retry_at_ns = self.tally.first_at(policy.grid, |sums| policy.allows(sums));
        Refusal::new(reason, retry_at_ns)
    }

    #[inline]
    pub(super) fn on_request(&mut self, policy: &RetryRatioPolicy, now_ns: u64) {
        self.slide(policy, now_ns);
        let _ = self.tally.add(policy.grid, Side::Requests);
    }

    pub(super) fn give_back(
        &mut self,
        policy: &RetryRatioPolicy,
        now_ns: u64,
        withdrawal: Withdrawal,
    ) -> Reported {
        self.slide(policy, now_ns);
        let id = withdrawal.id();
        let is_ours = id.amount_milli() == RETRY_MILLI;
        if is_ours && self.tally.take_back(policy.grid, id.slice(), Side::Others) {
            Reported::Counted
        } else {
            Reported::Stale
        }
    }

    #[inline]
    pub(super) fn slide(&mut self, policy: &RetryRatioPolicy, now_ns: u64) {
        let now_ns = self.clock.observe(now_ns);
        self.tally.slide(policy.grid, now_ns);
    }

    pub(super) fn sums_at(&self, policy: &RetryRatioPolicy, now_ns: u64) -> Sums {
        self.tally.sums_at(policy.grid, self.clock.peek(now_ns))
    }
}
