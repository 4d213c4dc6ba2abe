//! What a retry shares with other operations: a breaker and a retry budget, borrowed for one call.

use core::borrow::Borrow;
use core::fmt;

use crate::breaker::{Breaker, BreakerPolicy, Grant, Outcome, Permit, Receipt, Refused};
use crate::budget::{BudgetSpent, RetryCause, Withdrawal};
use crate::random::Rng;
use crate::refusal::Refusal;
use crate::reported::Reported;

/// What a [`Retry`](super::Retry) asks before each attempt, and tells how it went: a breaker, or something that
/// stands before one (a lock, a journal, an entry of a table).
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, random::Rng, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
/// # let breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
/// /// Writes down what the breaker is asked and told.
/// struct Journaled<'a>(Breaker, &'a mut Vec<&'static str>);
///
/// impl BreakerGate for Journaled<'_> {
///     fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
///         self.1.push("asked");
///         self.0.try_acquire(now_ns, rng)
///     }
///     fn on_outcome(
///         &mut self, now_ns: u64, permit: Permit, outcome: Outcome, latency_ns: u64, rng: &mut dyn Rng,
///     ) -> Receipt {
///         self.1.push("told");
///         self.0.on_outcome(now_ns, permit, outcome, latency_ns, rng)
///     }
/// }
///
/// let mut journal = Vec::new();
/// let mut gate = Journaled(breaker, &mut journal);
/// let mut retry = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
/// let mut parts = Parts::none().with_breaker(&mut gate);
/// let _ = retry.poll(0, &mut parts, &mut rng);
/// let _ = retry.on_outcome(9, AttemptId::from_word(1), AttemptOutcome::Success, &mut parts, &mut rng);
/// assert_eq!(journal, ["asked", "told"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub trait BreakerGate {
    /// May this call be made now?
    ///
    /// # Errors
    /// With the reason and the instant at which to ask again.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, retry::BreakerGate};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
    /// # let mut breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
    /// let gate: &mut dyn BreakerGate = &mut breaker;
    /// assert!(gate.try_acquire(0, &mut rng).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused>;

    /// The call ended: `outcome`, after `latency_ns`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, retry::BreakerGate};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
    /// # let mut breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
    /// let gate: &mut dyn BreakerGate = &mut breaker;
    /// let grant = gate.try_acquire(0, &mut rng)?;
    /// let receipt = gate.on_outcome(7, grant.permit, Outcome::Failure, 7, &mut rng);
    /// assert_eq!(receipt.transitions().last().map(|made| made.to), Some(Phase::Open));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt;
}

impl<P: Borrow<BreakerPolicy>> BreakerGate for Breaker<P> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        Self::try_acquire(self, now_ns, rng)
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        Self::on_outcome(self, now_ns, permit, outcome, latency_ns, rng)
    }
}

/// What a [`Retry`](super::Retry) pays its retries from.
///
/// An amount in a [`Withdrawal`] may come from a stored state, so an implementor trusts none: what is given back is
/// never more than the dearest retry costs, and no balance rises above its capacity.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Refusal, Reported, backoff::BackoffPolicy, retry::*};
/// # use evenkeel_core::budget::{BudgetSpent, Withdrawal, WithdrawalId};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// /// So many retries in the life of a program.
/// struct Allowance(u32);
///
/// impl RetryBudget for Allowance {
///     fn on_request(&mut self, _now_ns: u64) {}
///     fn try_withdraw(&mut self, _now_ns: u64, _cause: RetryCause) -> Result<Withdrawal, Refusal<BudgetSpent>> {
///         let spent = Refusal::new(BudgetSpent::new(0, 1_000), None);
///         self.0 = self.0.checked_sub(1).ok_or(spent)?;
///         Ok(Withdrawal::from_id(WithdrawalId::from_words([1_000, 0])))
///     }
///     fn give_back(&mut self, _now_ns: u64, _withdrawal: Withdrawal) -> Reported {
///         self.0 += 1;
///         Reported::Counted
///     }
///     fn on_success(&mut self, _now_ns: u64, _withdrawal: Option<Withdrawal>) {}
/// }
///
/// let mut allowance = Allowance(1);
/// let mut parts = Parts::none().with_budget(&mut allowance);
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).build()?;
/// let mut retry = Retry::new(policy, 0);
/// let failed = AttemptOutcome::transient(RetryCause::Failure);
/// for attempt in [1, 2].map(AttemptId::from_word) {
///     let _ = retry.poll(0, &mut parts, &mut rng);
///     let _ = retry.on_outcome(0, attempt, failed, &mut parts, &mut rng);
/// }
/// assert_eq!(retry.end(), Some(End::BudgetSpent { retry_at_ns: None }));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub trait RetryBudget {
    /// An operation made its first attempt. Exactly once for each operation whose first attempt goes out, never for
    /// a retry.
    ///
    /// ```
    /// # use evenkeel_core::{budget::*, retry::RetryBudget};
    /// let policy = RetryTokensPolicy::builder(9_000).initial_milli(0).deposit_milli(500).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// let budget: &mut dyn RetryBudget = &mut tokens;
    /// budget.on_request(0);
    /// assert_eq!(tokens.balance_milli(0), 500);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    fn on_request(&mut self, now_ns: u64);

    /// May a retry be made because of `cause`? Takes what it costs.
    ///
    /// # Errors
    /// With what is there and what had to be, and the first instant at which the answer is surely yes if nothing is
    /// reported until then; `None` when no such instant is known. Nothing was taken.
    ///
    /// ```
    /// # use evenkeel_core::{budget::*, retry::RetryBudget};
    /// let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(1_000).build()?);
    /// let budget: &mut dyn RetryBudget = &mut tokens;
    /// assert!(budget.try_withdraw(0, RetryCause::Failure).is_ok());
    /// let refused = budget.try_withdraw(0, RetryCause::Failure).unwrap_err();
    /// assert_eq!(refused.retry_at_ns, None); // it does not refill by time
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>>;

    /// The retry that `withdrawal` paid for is not made. Stale where there was nothing to give back to: its slice has
    /// left the window.
    ///
    /// ```
    /// # use evenkeel_core::{Reported, budget::*, retry::RetryBudget};
    /// let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(1_000).build()?);
    /// let budget: &mut dyn RetryBudget = &mut tokens;
    /// if let Ok(withdrawal) = budget.try_withdraw(0, RetryCause::Failure) {
    ///     assert_eq!(budget.give_back(5, withdrawal), Reported::Counted);
    /// }
    /// assert_eq!(tokens.balance_milli(5), 1_000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported;

    /// The operation succeeded: by the retry that `withdrawal` paid for, or (`None`) at its first attempt.
    ///
    /// ```
    /// # use evenkeel_core::{budget::*, retry::RetryBudget};
    /// let policy = RetryTokensPolicy::builder(9_000).initial_milli(0).credit_milli(100).build()?;
    /// let mut tokens = RetryTokens::new(policy);
    /// let budget: &mut dyn RetryBudget = &mut tokens;
    /// budget.on_success(0, None);
    /// assert_eq!(tokens.balance_milli(0), 100);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>);
}

/// The shared parts that one call of a [`Retry`](super::Retry) works with; each is there or not.
///
/// Give an operation the same parts for all its calls. With another breaker a report is
/// [stale](crate::breaker::Receipt::Stale) there (where breakers are [tagged](Breaker::tagged)); without one the permit
/// is not given back, and a probe's place is left to its lease; without the budget nothing is given back.
///
/// Parts are `Send`: make them for each call from what a mutex guards, and drop the guard before you wait. Where both
/// lie behind one mutex, borrow them through one reborrow of the guard, which the compiler can split:
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, breaker::*, budget::*, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// use std::sync::Mutex;
///
/// struct Shared {
///     breaker: Breaker,
///     tokens: RetryTokens,
/// }
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50));
/// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
/// # let breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
/// # let tokens = RetryTokens::new(RetryTokensPolicy::builder(1_000).build()?);
/// # let mut retry = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
/// # let shared = Mutex::new(Shared { breaker, tokens });
/// let step = {
///     let mut guard = shared.lock().expect("no caller panics");
///     let Shared { breaker, tokens } = &mut *guard;
///     retry.poll(0, &mut Parts::none().with_breaker(breaker).with_budget(tokens), &mut rng)
/// }; // unlocked: now make the call
/// assert!(matches!(step.action, RetryAction::Attempt { .. }));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::BackoffPolicy, budget::*, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).build()?;
/// let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(1_000).build()?);
/// let failed = AttemptOutcome::transient(RetryCause::Failure);
/// // Two operations share one token: one retry is all there is.
/// let ends = [0, 1].map(|now_ns| {
///     let mut retry = Retry::new(&policy, now_ns);
///     let mut parts = Parts::none().with_budget(&mut tokens);
///     let _ = retry.poll(now_ns, &mut parts, &mut rng);
///     let _ = retry.on_outcome(now_ns, AttemptId::from_word(1), failed, &mut parts, &mut rng);
///     retry.end().map(End::name)
/// });
/// assert_eq!(ends, [None, Some("budget-spent")]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Default)]
pub struct Parts<'a> {
    pub(super) breaker: Option<&'a mut (dyn BreakerGate + Send)>,
    pub(super) budget: Option<&'a mut (dyn RetryBudget + Send)>,
}

impl<'a> Parts<'a> {
    /// Neither breaker nor budget: every attempt may be made, and retries are free.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).build()?;
    /// let step = Retry::new(policy, 0).poll(0, &mut Parts::none(), &mut rng);
    /// assert!(matches!(step.action, RetryAction::Attempt { .. }));
    /// assert!(step.transitions.is_empty()); // nobody was asked
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn none() -> Self {
        Self {
            breaker: None,
            budget: None,
        }
    }

    /// With this breaker.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
    /// # let mut breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
    /// # let policy = RetryPolicy::builder(backoff).build()?;
    /// let _ = breaker.set_mode(0, Mode::ForcedOpen);
    /// let mut parts = Parts::none().with_breaker(&mut breaker);
    /// let mut retry = Retry::new(policy, 0);
    /// let _ = retry.poll(0, &mut parts, &mut rng);
    /// let (reason, retry_at_ns) = (RefusedBy::ForcedOpen, None);
    /// assert_eq!(retry.end(), Some(End::BreakerOpen { reason, retry_at_ns }));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_breaker(mut self, breaker: &'a mut (dyn BreakerGate + Send)) -> Self {
        self.breaker = Some(breaker);
        self
    }

    /// With this budget.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Ratio, backoff::BackoffPolicy, budget::*, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).build()?;
    /// let mut ratio = RetryRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
    /// let mut parts = Parts::none().with_budget(&mut ratio);
    /// let _ = Retry::new(policy, 0).poll(0, &mut parts, &mut rng);
    /// assert_eq!(ratio.requests(0), 1);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_budget(mut self, budget: &'a mut (dyn RetryBudget + Send)) -> Self {
        self.budget = Some(budget);
        self
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("breaker", &self.breaker.is_some())
            .field("budget", &self.budget.is_some())
            .finish()
    }
}
