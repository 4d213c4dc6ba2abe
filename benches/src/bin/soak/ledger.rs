//! What the callers and the servers count themselves, to be held against what the machines say.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_core::budget::{BudgetSpent, RetryCause, Withdrawal};
use evenkeel_core::retry::RetryBudget;
use evenkeel_core::{Refusal, Reported};

/// A counter that nothing is decided by.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How the calls of all callers ended.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) answered: Count,
    pub(crate) failed: Count,
    pub(crate) refused: Count,
    pub(crate) dropped: Count,
    pub(crate) panicked: Count,
}

impl Ledger {
    pub(crate) fn calls(&self) -> u64 {
        let ends = [
            &self.answered,
            &self.failed,
            &self.refused,
            &self.dropped,
            &self.panicked,
        ];
        ends.iter().map(|count| count.get()).sum()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.calls();
        write!(
            f,
            "{calls} calls: {} answered, {} failed, {} refused, {} dropped, {} panicked",
            self.answered.get(),
            self.failed.get(),
            self.refused.get(),
            self.dropped.get(),
            self.panicked.get(),
        )
    }
}

/// A retry budget, and how often it was asked for what.
#[derive(Clone, Debug)]
pub(crate) struct Counted<G> {
    pub(crate) budget: G,
    pub(crate) tally: Arc<Tally>,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: Count,
    pub(crate) withdrawn: Count,
    pub(crate) given_back: Count,
    /// Attempts that are retries, as the call itself was told.
    pub(crate) retries: Count,
}

impl<G> Counted<G> {
    pub(crate) fn new(budget: G) -> Self {
        let tally = Arc::default();
        Self { budget, tally }
    }
}

impl Tally {
    /// Whatever was withdrawn was a retry, or was given back.
    pub(crate) fn finding(&self, name: &str) -> Option<String> {
        let [withdrawn, given_back, retries] =
            [&self.withdrawn, &self.given_back, &self.retries].map(Count::get);
        (withdrawn != retries + given_back).then(|| {
            format!(
                "{name}: {withdrawn} withdrawals, {retries} retries were made and {given_back} given back"
            )
        })
    }
}

impl<G: RetryBudget> RetryBudget for Counted<G> {
    fn on_request(&mut self, now_ns: u64) {
        self.tally.requests.add();
        self.budget.on_request(now_ns);
    }

    fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        let withdrawn = self.budget.try_withdraw(now_ns, cause);
        if withdrawn.is_ok() {
            self.tally.withdrawn.add();
        }
        withdrawn
    }

    fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        self.tally.given_back.add();
        self.budget.give_back(now_ns, withdrawal)
    }

    fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        self.budget.on_success(now_ns, withdrawal);
    }
}
