//! What a retry borrows at each step: a breaker and a budget, each there or not.

use evenkeel_core::Refusal;
use evenkeel_core::Reported;
use evenkeel_core::breaker::{Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::budget::{BudgetSpent, RetryCause, Withdrawal};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{BreakerGate, Parts, RetryBudget};

/// A breaker and a budget, each there or not: what a retry driver keeps, and [lends](Self::parts) for one call.
///
/// ```
/// use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
/// use evenkeel_std::driver::Lent;
///
/// let tokens = RetryTokens::new(RetryTokensPolicy::builder(1_000).build()?);
/// let mut lent = Lent::none().with_budget(tokens);
/// let parts = lent.parts(); // for one call of core's `Retry`
/// # drop(parts);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lent<B = NoBreaker, G = NoBudget> {
    pub(crate) breaker: Option<B>,
    pub(crate) budget: Option<G>,
}

impl Lent {
    /// Neither: every attempt may be made, and retries are free.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            breaker: None,
            budget: None,
        }
    }
}

impl<B, G> Lent<B, G> {
    /// With this breaker.
    #[must_use]
    pub fn with_breaker<B2>(self, breaker: B2) -> Lent<B2, G> {
        Lent {
            breaker: Some(breaker),
            budget: self.budget,
        }
    }

    /// With this budget.
    #[must_use]
    pub fn with_budget<G2>(self, budget: G2) -> Lent<B, G2> {
        Lent {
            breaker: self.breaker,
            budget: Some(budget),
        }
    }
}

impl<B: BreakerGate + Send, G: RetryBudget + Send> Lent<B, G> {
    /// What core borrows for one call.
    #[must_use]
    pub fn parts(&mut self) -> Parts<'_> {
        let mut parts = Parts::none();
        if let Some(breaker) = &mut self.breaker {
            parts = parts.with_breaker(breaker);
        }
        if let Some(budget) = &mut self.budget {
            parts = parts.with_budget(budget);
        }
        parts
    }
}

/// No breaker: has no value.
#[derive(Clone, Copy, Debug)]
pub enum NoBreaker {}

impl BreakerGate for NoBreaker {
    fn try_acquire(&mut self, _now_ns: u64, _rng: &mut dyn Rng) -> Result<Grant, Refused> {
        match *self {}
    }

    fn on_outcome(
        &mut self,
        _now_ns: u64,
        _permit: Permit,
        _outcome: Outcome,
        _latency_ns: u64,
        _rng: &mut dyn Rng,
    ) -> Receipt {
        match *self {}
    }
}

/// No budget: has no value.
#[derive(Clone, Copy, Debug)]
pub enum NoBudget {}

impl RetryBudget for NoBudget {
    fn on_request(&mut self, _now_ns: u64) {
        match *self {}
    }

    fn try_withdraw(
        &mut self,
        _now_ns: u64,
        _cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        match *self {}
    }

    fn give_back(&mut self, _now_ns: u64, _withdrawal: Withdrawal) -> Reported {
        match *self {}
    }

    fn on_success(&mut self, _now_ns: u64, _withdrawal: Option<Withdrawal>) {
        match *self {}
    }
}
