//! Recorded machines as what a retry borrows that is not recorded itself: they write lines of their own.

use evenkeel_core::breaker::{Breaker, Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::budget::{BudgetSpent, RetryCause, RetryRatio, RetryTokens, Withdrawal};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_core::{Refusal, Reported};

use crate::recorder::Recorder;

/// For a retry that is not recorded; see [`RecordedParts`](super::RecordedParts) for one that is.
impl BreakerGate for Recorder<Breaker> {
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

macro_rules! budgets {
    ($($budget:ty),*) => {$(
        /// For a retry that is not recorded; see [`RecordedParts`](super::RecordedParts) for one that is.
        impl RetryBudget for Recorder<$budget> {
            fn on_request(&mut self, now_ns: u64) {
                Self::on_request(self, now_ns);
            }

            fn try_withdraw(
                &mut self,
                now_ns: u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                Self::try_withdraw(self, now_ns, cause)
            }

            fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
                Self::give_back(self, now_ns, withdrawal)
            }

            fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
                Self::on_success(self, now_ns, withdrawal);
            }
        }
    )*};
}

budgets!(RetryTokens, RetryRatio);
