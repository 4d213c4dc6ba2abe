//! What the tests are given: a policy of waits, a breaker and a budget behind a plain lock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Grant, Outcome, Permit, Receipt, Refused, Trigger,
};
use evenkeel_core::budget::{BudgetSpent, RetryCause, RetryTokens, RetryTokensPolicy, Withdrawal};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_core::{Refusal, Reported};

pub(crate) const MS: u64 = 1_000_000;

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// 100 ms, 200 ms, 400 ms .. without jitter.
pub(crate) fn backoff() -> evenkeel_core::backoff::BackoffBuilder {
    BackoffPolicy::builder(ms(100)).jitter(Jitter::None)
}

/// A breaker that threads share by a plain lock: independent of the crate's own handle.
#[derive(Clone)]
pub(crate) struct Locked<M>(Arc<Mutex<M>>);

impl<M> Locked<M> {
    pub(crate) fn new(machine: M) -> Self {
        Self(Arc::new(Mutex::new(machine)))
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut M) -> T) -> T {
        look(&mut self.0.lock().expect("no panic under it"))
    }
}

impl BreakerGate for Locked<Breaker> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        self.with(|breaker| breaker.try_acquire(now_ns, rng))
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        self.with(|breaker| breaker.on_outcome(now_ns, permit, outcome, latency_ns, rng))
    }
}

impl RetryBudget for Locked<RetryTokens> {
    fn on_request(&mut self, now_ns: u64) {
        self.with(|tokens| tokens.on_request(now_ns));
    }

    fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        self.with(|tokens| tokens.try_withdraw(now_ns, cause))
    }

    fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        self.with(|tokens| tokens.give_back(now_ns, withdrawal))
    }

    fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        self.with(|tokens| tokens.on_success(now_ns, withdrawal));
    }
}

pub(crate) fn breaker(failures: u32) -> Locked<Breaker> {
    let open = BackoffPolicy::builder(ms(1_000)).jitter(Jitter::None);
    let builder = BreakerPolicy::builder(open, ms(5_000));
    let policy = builder.trigger(Trigger::Consecutive { failures }).build();
    Locked::new(Breaker::new(policy.expect("a policy")))
}

pub(crate) fn tokens(milli: u64) -> Locked<RetryTokens> {
    let policy = RetryTokensPolicy::builder(milli).refund(true).build();
    Locked::new(RetryTokens::new(policy.expect("a policy")))
}
