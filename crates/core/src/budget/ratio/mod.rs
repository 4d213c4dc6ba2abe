//! The retry ratio: the machine. Its page is the [module above](super).

#[cfg(feature = "serde")]
mod fields;
mod foreseen;
mod policy;
mod state;

use core::borrow::Borrow;

use crate::budget::{BudgetSpent, RetryCause, Withdrawal};
use crate::error::RestoreError;
use crate::rebase::Rebase;
use crate::refusal::Refusal;
use crate::reported::Reported;

use foreseen::Foreseen;
pub use policy::{RetryRatioBuilder, RetryRatioPolicy};
pub use state::RetryRatioState;

/// A window that keeps retries below a share of the requests; see the [module](super).
///
/// `P` is the policy or any borrow of one. Less than 200 bytes beside it for up to 16 slices, else 8 bytes a slice on the
/// heap (feature `alloc`). A call is O(1); the first in a new slice, the first refusal in one or after a retry was given
/// back, and a refusal that ends with another slice than the last one, take a step for each slice, after any silence.
///
/// ```
/// use evenkeel_core::Ratio;
/// use evenkeel_core::budget::{RetryCause, RetryRatio, RetryRatioPolicy};
///
/// let policy = RetryRatioPolicy::builder(Ratio::percent(20)).floor_per_second(0).build()?;
/// let mut budget = RetryRatio::new(policy);
/// // Everything fails and everything would be retried: a fifth is.
/// let mut retries = 0;
/// for now_ns in 0..1_000 {
///     budget.on_request(now_ns);
///     retries += u32::from(budget.try_withdraw(now_ns, RetryCause::Failure).is_ok());
/// }
/// assert_eq!(retries, 200);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RetryRatio<P = RetryRatioPolicy> {
    policy: P,
    state: RetryRatioState,
    foreseen: Foreseen,
}

/// What was worked out from the state does not count.
impl<P: PartialEq> PartialEq for RetryRatio<P> {
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy && self.state == other.state
    }
}

impl<P: Eq> Eq for RetryRatio<P> {}

impl<P: Borrow<RetryRatioPolicy>> RetryRatio<P> {
    /// A budget that has seen nothing. Its memory is taken here.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// assert_eq!(budget.retries_left(0), 100); // the floor
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn new(policy: P) -> Self {
        let state = RetryRatioState::fresh(policy.borrow());
        Self::knowing_nothing(policy, state)
    }

    /// Takes over a stored state; also under another ratio or floor. One step a slice.
    ///
    /// # Errors
    /// When the state has other slices or contradicts itself.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::*};
    /// let builder = RetryRatioPolicy::finagle();
    /// let mut budget = RetryRatio::new(builder.build()?);
    /// budget.on_request(7);
    /// let restored = RetryRatio::restore(builder.floor_per_second(0).build()?, budget.state())?;
    /// assert_eq!(restored.requests(7), 1);
    /// assert!(RetryRatio::restore(builder.slices(5).build()?, budget.state()).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: RetryRatioState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self::knowing_nothing(policy, state))
    }

    /// The same in a process whose clock starts elsewhere; see [`Rebase`]. Counts move by whole slices. A withdrawal of
    /// the old process means a slice of the old clock: drop it with the operation that made it.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, budget::*};
    /// # const SECOND: u64 = 1_000_000_000;
    /// let policy = RetryRatioPolicy::finagle().build()?;
    /// let mut budget = RetryRatio::new(policy);
    /// budget.on_request(500 * SECOND);
    /// let rebase = Rebase { taken_at_ns: 500 * SECOND, now_ns: 20 * SECOND, away: Duration::from_secs(4) };
    /// let budget = RetryRatio::restore_rebased(policy, budget.state(), rebase)?;
    /// assert_eq!([20, 25, 26].map(|s| budget.requests(s * SECOND)), [1, 1, 0]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: RetryRatioState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self::knowing_nothing(policy, state))
    }

    const fn knowing_nothing(policy: P, state: RetryRatioState) -> Self {
        Self {
            policy,
            state,
            foreseen: Foreseen::NOTHING,
        }
    }

    /// May a retry be made? Counts it if so. Every cause counts the same.
    ///
    /// # Errors
    /// [`BudgetSpent`], and the first instant at which enough retries will have expired, if nothing is reported before.
    /// Requests expire too, so that at a later instant it may be no again; no instant where it is never yes.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// # const SECOND: u64 = 1_000_000_000;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().floor_per_second(1).build()?);
    /// for _ in 0..10 {
    ///     let _retry = budget.try_withdraw(3 * SECOND, RetryCause::Failure)?;
    /// }
    /// let refused = budget.try_withdraw(5 * SECOND, RetryCause::Failure).unwrap_err();
    /// assert_eq!(refused.retry_at_ns, Some(13 * SECOND));
    /// assert!(budget.try_withdraw(13 * SECOND, RetryCause::Failure).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        let _ = cause;
        self.state
            .try_withdraw(self.policy.borrow(), &mut self.foreseen, now_ns)
    }

    /// An operation makes its first attempt. Once for each operation, not for its retries.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// for _ in 0..5 {
    ///     budget.on_request(0);
    /// }
    /// assert_eq!(budget.retries_left(0), 101);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn on_request(&mut self, now_ns: u64) {
        self.state.on_request(self.policy.borrow(), now_ns);
    }

    /// An operation succeeded. Nothing changes but the time: a retry that helped was load too.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// let retry = budget.try_withdraw(0, RetryCause::Failure)?;
    /// budget.on_success(0, Some(retry));
    /// assert_eq!(budget.retries_left(0), 99);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    pub fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        let _ = withdrawal;
        self.state.slide(self.policy.borrow(), now_ns);
    }

    /// The retry is not made: the operation was cancelled, or a breaker refused it. Stale if its slice has gone, or
    /// holds no retry.
    ///
    /// ```
    /// # use evenkeel_core::{Reported, budget::*};
    /// # const SECOND: u64 = 1_000_000_000;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// let [first, second] = [(); 2].map(|()| budget.try_withdraw(0, RetryCause::Failure).expect("one"));
    /// assert_eq!(budget.give_back(9 * SECOND, first), Reported::Counted);
    /// assert_eq!(budget.retries_left(9 * SECOND), 99);
    /// // The other has expired by itself.
    /// assert_eq!(budget.give_back(10 * SECOND, second), Reported::Stale);
    /// assert_eq!(budget.retries_left(10 * SECOND), 100);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        let policy = self.policy.borrow();
        let reported = self.state.give_back(policy, now_ns, withdrawal);
        if reported == Reported::Counted {
            // Nothing else changes what a slice before the current one counts.
            self.foreseen = Foreseen::NOTHING;
        }
        reported
    }

    /// How many retries would be allowed at `now_ns`, one after the other.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, budget::*};
    /// let policy = RetryRatioPolicy::builder(Ratio::percent(50)).floor_per_second(0).build()?;
    /// let mut budget = RetryRatio::new(policy);
    /// (0..3).for_each(|now_ns| budget.on_request(now_ns));
    /// assert_eq!(budget.retries_left(3), 1);
    /// assert_eq!(budget.retries_left(10_000_000_000), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn retries_left(&self, now_ns: u64) -> u64 {
        let policy = self.policy.borrow();
        let sums = self.state.sums_at(policy, now_ns);
        let room = u64::from(u32::MAX.wrapping_sub(sums.others));
        policy
            .left(sums.requests, sums.others, RetryRatioPolicy::WHOLE)
            .min(room)
    }

    /// How many requests count at `now_ns`.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// budget.on_request(0);
    /// assert_eq!((budget.requests(0), budget.requests(10_000_000_000)), (1, 0));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn requests(&self, now_ns: u64) -> u32 {
        self.state.sums_at(self.policy.borrow(), now_ns).requests
    }

    /// How many retries count at `now_ns`.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// let _retry = budget.try_withdraw(0, RetryCause::Failure)?;
    /// assert_eq!((budget.retries(0), budget.retries(10_000_000_000)), (1, 0));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn retries(&self, now_ns: u64) -> u32 {
        self.state.sums_at(self.policy.borrow(), now_ns).others
    }

    /// The policy.
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// assert_eq!(budget.policy().floor_per_second(), 10);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &RetryRatioPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use evenkeel_core::budget::*;
    /// let mut budget = RetryRatio::new(RetryRatioPolicy::finagle().build()?);
    /// let before = budget.state();
    /// budget.on_request(0);
    /// assert_ne!(budget.state(), before);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> RetryRatioState {
        self.state.clone()
    }
}
