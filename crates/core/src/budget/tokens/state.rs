//! The state of a token bucket as plain data, and what is done to it.

use super::policy::{AllowedWhen, RetryTokensPolicy};
use crate::budget::{BudgetSpent, RetryCause, Withdrawal};
use crate::error::{RestoreError, corrupt, misfit};
use crate::rebase::Rebase;
use crate::refusal::Refusal;
use crate::reported::Reported;
use crate::time::Monotone;
use crate::version::Version;

/// What a [`RetryTokens`](super::RetryTokens) remembers; store it, compare it, [restore](super::RetryTokens::restore)
/// it.
///
/// ```
/// # use evenkeel_core::budget::*;
/// let policy = RetryTokensPolicy::builder(5_000).build()?;
/// let mut tokens = RetryTokens::new(policy);
/// let _retry = tokens.try_withdraw(0, RetryCause::Failure)?;
/// let stored: RetryTokensState = tokens.state();
/// assert_eq!(RetryTokens::restore(policy, stored)?.balance_milli(0), 4_000);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RetryTokensState {
    version: Version<1>,
    clock: Monotone,
    /// Whether any call was made: the refill runs from the first.
    started: bool,
    /// As of the latest instant.
    balance_milli: u64,
    /// What the refill has gained beyond whole thousandths: thousandths times nanoseconds, below the span in which
    /// `refill_milli` come back; 0 when the bucket is full.
    gained: u64,
}

impl RetryTokensState {
    pub(super) const fn fresh(policy: &RetryTokensPolicy) -> Self {
        Self::holding(policy, policy.initial_milli)
    }

    #[inline]
    pub(super) const fn holding(policy: &RetryTokensPolicy, balance_milli: u64) -> Self {
        let capacity_milli = policy.capacity_milli;
        Self {
            version: Version,
            clock: Monotone::since(0),
            started: false,
            balance_milli: if balance_milli < capacity_milli {
                balance_milli
            } else {
                capacity_milli
            },
            gained: 0,
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) const fn check(&self, policy: &RetryTokensPolicy) -> Result<(), RestoreError> {
        if self.balance_milli > policy.capacity_milli {
            return Err(misfit("its balance is above the capacity"));
        }
        if self.gained >= policy.refill_per_ns || (self.gained > 0 && policy.refill_milli == 0) {
            return Err(misfit(
                "it has gained what this policy's refill does not give",
            ));
        }
        if self.gained > 0 && self.balance_milli == policy.capacity_milli {
            return Err(corrupt("a full bucket gains nothing"));
        }
        if !self.started && (self.clock.latest_ns() > 0 || self.gained > 0) {
            return Err(corrupt("time has passed before its first call"));
        }
        Ok(())
    }

    /// On another origin of time.
    pub(super) fn rebased(mut self, policy: &RetryTokensPolicy, rebase: &Rebase) -> Self {
        let latest_ns = self.clock.latest_ns();
        if !self.started {
            return self;
        }
        if rebase.before_ns(latest_ns) == 0 {
            self.clock = rebase.clock(self.clock);
            return self;
        }
        // On a young clock no later call could tell how long ago that was: what came back comes in here.
        let elapsed_ns = rebase.old_now_ns(self.clock).saturating_sub(latest_ns);
        (self.balance_milli, self.gained) = self.after(policy, elapsed_ns);
        self.clock = Monotone::since(rebase.now_ns);
        self
    }

    #[inline]
    pub(super) fn try_withdraw(
        &mut self,
        policy: &RetryTokensPolicy,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        self.settle(policy, now_ns);
        let cost_milli = policy.cost_milli(cause);
        let there_milli = self.balance_milli;
        let needed_milli = policy.needed_milli(cost_milli);
        // A capacity of 0 never allows one, not even for nothing.
        let allowed = there_milli >= needed_milli && policy.capacity_milli > 0;
        let of_failure = matches!(policy.allowed_when, AllowedWhen::AboveHalf);
        if allowed || of_failure {
            self.take(cost_milli);
        }
        if allowed {
            // What is the failure's is not the retry's to give back.
            return Ok(Withdrawal::new(if of_failure { 0 } else { cost_milli }, 0));
        }
        let reason = BudgetSpent {
            there_milli,
            needed_milli,
        };
        Err(Refusal::new(reason, self.reaches_at(policy, needed_milli)))
    }

    #[inline]
    pub(super) fn on_request(&mut self, policy: &RetryTokensPolicy, now_ns: u64) {
        self.settle(policy, now_ns);
        self.gain(policy, policy.deposit_milli);
    }

    #[inline]
    pub(super) fn on_success(
        &mut self,
        policy: &RetryTokensPolicy,
        now_ns: u64,
        withdrawal: Option<Withdrawal>,
    ) {
        match withdrawal {
            Some(withdrawal) if policy.refund => {
                let _ = self.give_back(policy, now_ns, withdrawal);
            }
            _ => {
                self.settle(policy, now_ns);
                self.gain(policy, policy.credit_milli);
            }
        }
    }

    #[inline]
    pub(super) fn give_back(
        &mut self,
        policy: &RetryTokensPolicy,
        now_ns: u64,
        withdrawal: Withdrawal,
    ) -> Reported {
        self.settle(policy, now_ns);
        let id = withdrawal.id();
        let of_failure = matches!(policy.allowed_when, AllowedWhen::AboveHalf);
        if of_failure || id.slice() != 0 || !policy.costs.has(id.amount_milli()) {
            return Reported::Stale;
        }
        self.gain(policy, id.amount_milli());
        Reported::Counted
    }

    pub(super) fn balance_milli(&self, policy: &RetryTokensPolicy, now_ns: u64) -> u64 {
        self.at(policy, self.clock.peek(now_ns)).0
    }

    /// Brings the balance to `now_ns`, or to the latest instant if that is later.
    #[inline]
    fn settle(&mut self, policy: &RetryTokensPolicy, now_ns: u64) {
        if policy.refill_milli > 0 && self.balance_milli < policy.capacity_milli {
            self.refill(policy, now_ns);
        }
        let _ = self.clock.observe(now_ns);
        self.started = true;
    }

    #[inline(never)]
    fn refill(&mut self, policy: &RetryTokensPolicy, now_ns: u64) {
        (self.balance_milli, self.gained) = self.at(policy, self.clock.peek(now_ns));
    }

    /// The balance and what is gained beyond it at `now_ns`, not before the latest instant.
    fn at(&self, policy: &RetryTokensPolicy, now_ns: u64) -> (u64, u64) {
        self.after(policy, now_ns.saturating_sub(self.clock.latest_ns()))
    }

    /// The same `elapsed_ns` after the latest instant.
    fn after(&self, policy: &RetryTokensPolicy, elapsed_ns: u64) -> (u64, u64) {
        let missing = policy.capacity_milli.saturating_sub(self.balance_milli);
        if !self.started || elapsed_ns == 0 || policy.refill_milli == 0 || missing == 0 {
            return (self.balance_milli, self.gained);
        }
        // At most (2^64 - 1)^2 + 2^62.
        let gained = u128::from(elapsed_ns)
            .saturating_mul(policy.refill_milli.into())
            .saturating_add(self.gained.into());
        let (whole, rest) = divided(gained, policy.refill_per_ns);
        match u64::try_from(whole) {
            Ok(whole) if whole < missing => (self.balance_milli.saturating_add(whole), rest),
            _ => (policy.capacity_milli, 0),
        }
    }

    /// The first instant at which the refill alone brings the balance to `needed_milli`; `None` when it never does.
    #[inline]
    fn reaches_at(&self, policy: &RetryTokensPolicy, needed_milli: u64) -> Option<u64> {
        if needed_milli > policy.capacity_milli
            || policy.capacity_milli == 0
            || policy.refill_milli == 0
        {
            return None;
        }
        self.refilled_at(policy, needed_milli)
    }

    /// The same of a bucket that has a refill, and such a capacity.
    #[inline(never)]
    fn refilled_at(&self, policy: &RetryTokensPolicy, needed_milli: u64) -> Option<u64> {
        let missing = needed_milli.saturating_sub(self.balance_milli);
        let to_gain = u128::from(missing)
            .saturating_mul(policy.refill_per_ns.into())
            .saturating_sub(self.gained.into());
        let refill_milli = u128::from(policy.refill_milli);
        let wait_ns = to_gain
            .checked_div(refill_milli)?
            .saturating_add(u128::from(to_gain.checked_rem(refill_milli)? > 0));
        let wait_ns = u64::try_from(wait_ns).ok()?;
        self.clock.latest_ns().checked_add(wait_ns)
    }

    fn take(&mut self, milli: u64) {
        match self.balance_milli.checked_sub(milli) {
            Some(rest) => self.balance_milli = rest,
            None => (self.balance_milli, self.gained) = (0, 0),
        }
    }

    fn gain(&mut self, policy: &RetryTokensPolicy, milli: u64) {
        self.balance_milli = self.balance_milli.saturating_add(milli);
        if self.balance_milli >= policy.capacity_milli {
            self.balance_milli = policy.capacity_milli;
            self.gained = 0;
        }
    }
}

/// Quotient and remainder; in 64 bits where they do, as a division of 128 bits takes its time. `by` is not 0.
fn divided(value: u128, by: u64) -> (u128, u64) {
    if let Ok(value) = u64::try_from(value) {
        let rest = value.checked_rem(by).unwrap_or(0);
        return (value.checked_div(by).unwrap_or(0).into(), rest);
    }
    let by = u128::from(by);
    let rest = value.checked_rem(by).unwrap_or(0);
    (
        value.checked_div(by).unwrap_or(0),
        u64::try_from(rest).unwrap_or(0),
    )
}
