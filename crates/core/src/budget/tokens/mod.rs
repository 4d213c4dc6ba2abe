//! The token bucket for retries: the machine. Its page is the [module above](super).

mod builder;
#[cfg(feature = "serde")]
mod fields;
mod policy;
mod state;

use core::borrow::Borrow;

use crate::budget::{BudgetSpent, RetryCause, Withdrawal};
use crate::error::RestoreError;
use crate::rebase::Rebase;
use crate::refusal::Refusal;
use crate::reported::Reported;

pub use builder::RetryTokensBuilder;
pub use policy::{AllowedWhen, RetryTokensPolicy};
pub use state::RetryTokensState;

/// A token bucket that pays for retries; see the [module](super).
///
/// `P` is the policy or any borrow of one. 32 bytes of state; every call is O(1), after any silence.
///
/// ```
/// use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
///
/// let mut tokens = RetryTokens::new(RetryTokensPolicy::aws_standard_2_0().build()?);
/// // A retry after a timeout is taken, and helps: it is paid back.
/// let retry = tokens.try_withdraw(0, RetryCause::Timeout)?;
/// assert_eq!(tokens.balance_milli(0), 490_000);
/// tokens.on_success(0, Some(retry));
/// assert_eq!(tokens.balance_milli(0), 500_000);
///
/// // In an outage nothing is: after 100 retries there are no more.
/// let retries = (0..1_000).filter(|_| tokens.try_withdraw(0, RetryCause::Failure).is_ok()).count();
/// assert_eq!(retries, 100);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryTokens<P = RetryTokensPolicy> {
    policy: P,
    state: RetryTokensState,
}

impl<P: Borrow<RetryTokensPolicy>> RetryTokens<P> {
    /// A bucket that holds what the policy says it does at first. Its refill begins with the first call.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let policy = RetryTokensPolicy::builder(5_000).build()?;
    /// assert_eq!(RetryTokens::new(&policy).balance_milli(0), 5_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn new(policy: P) -> Self {
        let state = RetryTokensState::fresh(policy.borrow());
        Self { policy, state }
    }

    /// A bucket without a past that holds so much, or as much as it can where that is less.
    ///
    /// Without a refill a bucket is its policy and this number: whoever keeps the number, say in an atomic word, makes the
    /// bucket for each call, and keeps what it then holds.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let policy = RetryTokensPolicy::builder(5_000).build()?;
    /// let mut tokens = RetryTokens::holding(&policy, 3_000);
    /// let _retry = tokens.try_withdraw(0, RetryCause::Failure)?;
    /// assert_eq!(tokens.balance_milli(0), 2_000);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn holding(policy: P, balance_milli: u64) -> Self {
        let state = RetryTokensState::holding(policy.borrow(), balance_milli);
        Self { policy, state }
    }

    /// Takes over a stored state; also under another policy, if its bucket is large enough and it refills no less evenly.
    ///
    /// # Errors
    /// When the balance is above the capacity, when a part of a thousandth is there that this policy's refill never
    /// gains (it refills nothing, or in a shorter span), or when the state contradicts itself.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let builder = RetryTokensPolicy::builder(5_000);
    /// let mut tokens = RetryTokens::new(builder.build()?);
    /// let retry = tokens.try_withdraw(7, RetryCause::Failure)?;
    ///
    /// // What is withdrawn stays so, and can be given back to the restored one.
    /// let mut restored = RetryTokens::restore(builder.build()?, tokens.state())?;
    /// assert_eq!(restored.give_back(7, retry), evenkeel_core::Reported::Counted);
    /// assert_eq!(restored.balance_milli(7), 5_000);
    ///
    /// let smaller = RetryTokensPolicy::builder(3_000).build()?;
    /// assert!(RetryTokens::restore(smaller, tokens.state()).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: RetryTokensState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// The same in a process whose clock starts elsewhere; see [`Rebase`]. The refill of the time away is in the
    /// balance. A withdrawal of the old process counts, if it is given back, as in [`restore`](Self::restore): drop it
    /// with the operation that made it.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, budget::*};
    /// # const SECOND: u64 = 1_000_000_000;
    /// let policy = RetryTokensPolicy::builder(5_000).refill_milli(100).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// let _retry = tokens.try_withdraw(90 * SECOND, RetryCause::Failure)?;
    /// let rebase = Rebase { taken_at_ns: 90 * SECOND, now_ns: 8 * SECOND, away: Duration::from_secs(3) };
    /// let tokens = RetryTokens::restore_rebased(policy, tokens.state(), rebase)?;
    /// assert_eq!(tokens.balance_milli(8 * SECOND), 4_300);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: RetryTokensState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self { policy, state })
    }

    /// May a retry be made after a failure of this kind? Takes its cost if so.
    ///
    /// # Errors
    /// [`BudgetSpent`], and when the refill alone will have brought enough; no instant where it never does. Nothing was
    /// taken, but with [`AllowedWhen::AboveHalf`] the cost of the failure.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// # const SECOND: u64 = 1_000_000_000;
    /// let policy = RetryTokensPolicy::builder(1_000).refill_milli(100).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// let _retry = tokens.try_withdraw(0, RetryCause::Failure)?;
    /// let refused = tokens.try_withdraw(4 * SECOND, RetryCause::Failure).unwrap_err();
    /// assert_eq!(refused.reason.there_milli, 400);
    /// assert_eq!(refused.retry_at_ns, Some(10 * SECOND));
    /// assert!(tokens.try_withdraw(10 * SECOND, RetryCause::Failure).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        self.state.try_withdraw(self.policy.borrow(), now_ns, cause)
    }

    /// An operation makes its first attempt: deposits what the policy says. Once for each operation, not for its
    /// retries.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let policy = RetryTokensPolicy::builder(1_000).initial_milli(0).deposit_milli(200).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// tokens.on_request(0);
    /// assert_eq!(tokens.balance_milli(0), 200);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn on_request(&mut self, now_ns: u64) {
        self.state.on_request(self.policy.borrow(), now_ns);
    }

    /// An operation succeeded: by the retry that `withdrawal` paid for, or without one. Gives the credit; or, where the
    /// policy refunds, a retried success its last cost instead (nothing if the withdrawal is not of this budget).
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let policy = RetryTokensPolicy::builder(9_000).initial_milli(5_000).refund(true).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// tokens.on_success(0, None);
    /// assert_eq!(tokens.balance_milli(0), 5_100);
    ///
    /// // Two retries, the second helps: one of the two comes back.
    /// let _first = tokens.try_withdraw(0, RetryCause::Failure)?;
    /// let second = tokens.try_withdraw(0, RetryCause::Failure)?;
    /// tokens.on_success(0, Some(second));
    /// assert_eq!(tokens.balance_milli(0), 4_100);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        self.state
            .on_success(self.policy.borrow(), now_ns, withdrawal);
    }

    /// The retry is not made: the operation was cancelled, or a breaker refused it. Stale if the amount is none that a
    /// retry costs here, and always with [`AllowedWhen::AboveHalf`].
    ///
    /// ```
    /// # use evenkeel_core::{Reported, budget::*};
    /// let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(5_000).build()?);
    /// let retry = tokens.try_withdraw(0, RetryCause::Failure)?;
    /// assert_eq!(tokens.give_back(0, retry), Reported::Counted);
    /// assert_eq!(tokens.balance_milli(0), 5_000);
    ///
    /// let foreign = Withdrawal::from_id(WithdrawalId::from_words([777_777, 0]));
    /// assert_eq!(tokens.give_back(0, foreign), Reported::Stale);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        self.state
            .give_back(self.policy.borrow(), now_ns, withdrawal)
    }

    /// What the bucket holds at `now_ns`, in thousandths, rounded down.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let policy = RetryTokensPolicy::builder(5_000).initial_milli(0).refill_milli(1).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// tokens.on_request(0);
    /// assert_eq!([0, 999_999_999, 1_000_000_000].map(|at_ns| tokens.balance_milli(at_ns)), [0, 0, 1]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn balance_milli(&self, now_ns: u64) -> u64 {
        self.state.balance_milli(self.policy.borrow(), now_ns)
    }

    /// The policy.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let tokens = RetryTokens::new(RetryTokensPolicy::builder(5_000).build()?);
    /// assert_eq!(tokens.policy().capacity_milli(), 5_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &RetryTokensPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(5_000).build()?);
    /// let before = tokens.state();
    /// let _retry = tokens.try_withdraw(0, RetryCause::Failure)?;
    /// assert_ne!(tokens.state(), before);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn state(&self) -> RetryTokensState {
        self.state
    }
}
