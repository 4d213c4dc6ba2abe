//! Core's retry machine of one operation, with what it is lent at each step: as it is, or taken down call by call.

use std::ops::Deref;

use evenkeel_core::random::Rng;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, BreakerGate, Retry, RetryBudget, RetryPolicy, RetryReport, RetryStep,
};

use super::Lent;
#[cfg(feature = "journal")]
use crate::journal::{Recorded, Recording};

/// Core's [`Retry`], and what it is [`Lent`] at each step.
pub(super) struct LentRetry<B, G> {
    /// Where it is recorded: as it was when it began.
    retry: Retry,
    lent: Lent<B, G>,
    #[cfg(feature = "journal")]
    recorded: Option<Box<Recorded<B, G>>>,
}

impl<B, G> LentRetry<B, G> {
    /// An operation that has not begun.
    pub(super) fn new(policy: RetryPolicy, lent: Lent<B, G>) -> Self {
        Self {
            retry: Retry::new(policy, 0),
            lent,
            #[cfg(feature = "journal")]
            recorded: None,
        }
    }

    /// Whether the instant matters at which an attempt succeeds: to its timeout, to whoever is lent, to a journal.
    pub(super) fn times_success(&self) -> bool {
        let is_lent = self.lent.breaker.is_some() || self.lent.budget.is_some();
        is_lent || self.is_recorded() || self.retry.next_deadline_ns().is_some()
    }

    /// Whether it is recorded: then a journal is to have a poll that says how it ended.
    #[cfg(feature = "journal")]
    pub(super) const fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// There are no journals.
    #[cfg(not(feature = "journal"))]
    pub(super) const fn is_recorded(&self) -> bool {
        false
    }

    /// Before its first step: it begins now.
    pub(super) fn begin(&mut self, now_ns: u64) {
        self.retry = Retry::new(*self.retry.policy(), now_ns);
    }

    /// As it begins: it is recorded, as long as all that it is lent is recorded in the same journal.
    #[cfg(feature = "journal")]
    pub(super) fn record(&mut self, now_ns: u64, recording: &Recording<B, G>) {
        let recorded = recording.begin(self.retry.policy(), now_ns, &mut self.lent);
        self.recorded = recorded.map(Box::new);
    }
}

impl<B: BreakerGate + Send, G: RetryBudget + Send> LentRetry<B, G> {
    /// [`Retry::poll`]
    pub(super) fn poll<R: Rng>(&mut self, now_ns: u64, rng: &mut R) -> RetryStep {
        #[cfg(feature = "journal")]
        if let Some(recorded) = &mut self.recorded {
            let step = recorded.step(now_ns, &mut self.lent, |retry, parts| {
                let step = retry.poll(now_ns, parts, rng);
                (step, step.transitions)
            });
            match step {
                Some(step) => return step,
                None => self.record_no_more(),
            }
        }
        self.retry.poll(now_ns, &mut self.lent.parts(), rng)
    }

    /// [`Retry::on_outcome`]
    pub(super) fn on_outcome<R: Rng>(
        &mut self,
        now_ns: u64,
        attempt: AttemptId,
        outcome: AttemptOutcome,
        rng: &mut R,
    ) -> RetryReport {
        #[cfg(feature = "journal")]
        if let Some(recorded) = &mut self.recorded {
            let report = recorded.step(now_ns, &mut self.lent, |retry, parts| {
                let report = retry.on_outcome(now_ns, attempt, outcome, parts, rng);
                (report, report.transitions)
            });
            match report {
                Some(report) => return report,
                None => self.record_no_more(),
            }
        }
        let parts = &mut self.lent.parts();
        self.retry.on_outcome(now_ns, attempt, outcome, parts, rng)
    }

    /// [`Retry::cancel`]
    pub(super) fn cancel<R: Rng>(&mut self, now_ns: u64, rng: &mut R) -> RetryStep {
        #[cfg(feature = "journal")]
        if let Some(recorded) = &mut self.recorded {
            let step = recorded.step(now_ns, &mut self.lent, |retry, parts| {
                let step = retry.cancel(now_ns, parts, rng);
                (step, step.transitions)
            });
            match step {
                Some(step) => return step,
                None => self.record_no_more(),
            }
        }
        self.retry.cancel(now_ns, &mut self.lent.parts(), rng)
    }

    /// It goes on unrecorded.
    #[cfg(feature = "journal")]
    fn record_no_more(&mut self) {
        if let Some(recorded) = self.recorded.take() {
            self.retry = recorded.retry().clone();
        }
    }
}

impl<B, G> Deref for LentRetry<B, G> {
    type Target = Retry;

    fn deref(&self) -> &Retry {
        #[cfg(feature = "journal")]
        if let Some(recorded) = &self.recorded {
            return recorded.retry();
        }
        &self.retry
    }
}
