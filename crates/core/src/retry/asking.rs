//! What a retry asks of its parts and tells them. A breaker that is not there admits everything, and without a budget
//! retries are free.

use super::end::End;
use super::parts::Parts;
use crate::breaker::{Outcome, Permit, PermitId, Refused, RefusedBy, Transitions};
use crate::budget::{RetryCause, Withdrawal, WithdrawalId};
use crate::random::Rng;

/// A breaker's yes.
#[derive(Clone, Copy)]
pub(super) struct Admitted {
    pub(super) permit: PermitId,
    pub(super) would_refuse: Option<RefusedBy>,
    pub(super) transitions: Transitions,
}

impl Parts<'_> {
    /// Asks the breaker.
    pub(super) fn acquire(
        &mut self,
        now_ns: u64,
        rng: &mut dyn Rng,
    ) -> Result<Option<Admitted>, Refused> {
        let Some(breaker) = self.breaker.as_deref_mut() else {
            return Ok(None);
        };
        let grant = breaker.try_acquire(now_ns, rng)?;
        Ok(Some(Admitted {
            permit: grant.permit.id(),
            would_refuse: grant.would_refuse.map(|refusal| refusal.reason),
            transitions: grant.transitions,
        }))
    }

    /// Tells the breaker, if there is one and it admitted the call.
    pub(super) fn tell(
        &mut self,
        now_ns: u64,
        permit: Option<PermitId>,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Transitions {
        let (Some(breaker), Some(id)) = (self.breaker.as_deref_mut(), permit) else {
            return Transitions::NONE;
        };
        let receipt = breaker.on_outcome(now_ns, Permit::from_id(id), outcome, latency_ns, rng);
        receipt.transitions()
    }

    /// Tells the budget that an operation's first attempt goes out.
    pub(super) fn on_request(&mut self, now_ns: u64) {
        if let Some(budget) = self.budget.as_deref_mut() {
            budget.on_request(now_ns);
        }
    }

    /// Pays for a retry; `None` where nobody asked for it.
    pub(super) fn withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Option<WithdrawalId>, End> {
        match self.budget.as_deref_mut() {
            None => Ok(None),
            Some(budget) => match budget.try_withdraw(now_ns, cause) {
                Ok(withdrawal) => Ok(Some(withdrawal.id())),
                Err(refused) => Err(End::BudgetSpent {
                    retry_at_ns: refused.retry_at_ns,
                }),
            },
        }
    }

    /// Tells the budget of a success: of the retry that `withdrawal` paid for, or of the first attempt.
    pub(super) fn on_success(&mut self, now_ns: u64, withdrawal: Option<WithdrawalId>) {
        if let Some(budget) = self.budget.as_deref_mut() {
            budget.on_success(now_ns, withdrawal.map(Withdrawal::from_id));
        }
    }

    /// Gives back what was taken for a retry that is not made.
    pub(super) fn give_back(&mut self, now_ns: u64, withdrawal: Option<WithdrawalId>) {
        if let (Some(budget), Some(id)) = (self.budget.as_deref_mut(), withdrawal) {
            // Stale where its slice has left the window by itself: nothing more to do.
            let _ = budget.give_back(now_ns, Withdrawal::from_id(id));
        }
    }
}
