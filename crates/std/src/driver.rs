//! For retry drivers of your own (and those of evenkeel-tokio): what an operation keeps beside core's machine.

use evenkeel_core::Refusal;
use evenkeel_core::Reported;
use evenkeel_core::breaker::{Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::budget::{BudgetSpent, RetryCause, Withdrawal};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{AttemptOutcome, BreakerGate, Parts, RetryBudget};

use crate::attempt::RetryEvent;
use crate::classified::Classified;

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
    breaker: Option<B>,
    budget: Option<G>,
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

/// What the caller says of answers, and what the caller hears of waits.
///
/// ```
/// use evenkeel_core::{budget::RetryCause, retry::AttemptOutcome};
/// use evenkeel_std::{Classified, RetryEvent, WaitCause, driver::Rules};
///
/// let mut rules = Rules::new().with_classify(|error: &&str| match *error {
///     "slow" => Classified::timeout(),
///     _ => Classified::permanent(),
/// });
/// assert_eq!(rules.outcome(&Err("slow"), 0), AttemptOutcome::transient(RetryCause::Timeout));
/// assert_eq!(rules.outcome(&Ok(()), 0), AttemptOutcome::Success);
/// rules.on_retry(&RetryEvent::new(WaitCause::Failed, 1, Some(&"slow"), 0, 10));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rules<K, O, H> {
    classify: K,
    classify_ok: O,
    on_retry: H,
}

impl<T, E> Rules<fn(&E) -> Classified, fn(&T) -> Option<Classified>, fn(&RetryEvent<'_, E>)> {
    /// Every error is transient, every answer a success, and nobody listens.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            classify: |_| Classified::transient(),
            classify_ok: |_| None,
            on_retry: |_| {},
        }
    }
}

impl<T, E> Default
    for Rules<fn(&E) -> Classified, fn(&T) -> Option<Classified>, fn(&RetryEvent<'_, E>)>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<K, O, H> Rules<K, O, H> {
    /// With this meaning of errors.
    #[must_use]
    pub fn with_classify<K2>(self, classify: K2) -> Rules<K2, O, H> {
        Rules {
            classify,
            classify_ok: self.classify_ok,
            on_retry: self.on_retry,
        }
    }

    /// With this meaning of answers.
    #[must_use]
    pub fn with_classify_ok<O2>(self, classify_ok: O2) -> Rules<K, O2, H> {
        Rules {
            classify: self.classify,
            classify_ok,
            on_retry: self.on_retry,
        }
    }

    /// With this listener.
    #[must_use]
    pub fn with_on_retry<H2>(self, on_retry: H2) -> Rules<K, O, H2> {
        Rules {
            classify: self.classify,
            classify_ok: self.classify_ok,
            on_retry,
        }
    }

    /// What core is told of an answer that came at `now_ns`.
    pub fn outcome<T, E>(&self, answer: &Result<T, E>, now_ns: u64) -> AttemptOutcome
    where
        K: Fn(&E) -> Classified,
        O: Fn(&T) -> Option<Classified>,
    {
        let classified = match answer {
            Ok(answer) => (self.classify_ok)(answer),
            Err(error) => Some((self.classify)(error)),
        };
        classified.map_or(AttemptOutcome::Success, |classified| {
            classified.outcome(now_ns)
        })
    }

    /// Tells the listener.
    pub fn on_retry<E>(&mut self, event: &RetryEvent<'_, E>)
    where
        H: FnMut(&RetryEvent<'_, E>),
    {
        (self.on_retry)(event);
    }
}
