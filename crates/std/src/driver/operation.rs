//! Core's retry machine of one operation, with what it is lent at each step.

use std::fmt;
use std::ops::Deref;

use evenkeel_core::random::Rng;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, BreakerGate, End, Retry, RetryBudget, RetryPolicy, RetryReport,
    RetryStep,
};

use super::Lent;
#[cfg(feature = "journal")]
use crate::journal::{Recorded, Recording};

/// One operation of a retry driver: core's [`Retry`], and what it is [`Lent`] at each step.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::{AttemptOutcome, RetryAction, RetryPolicy}};
/// use evenkeel_std::{Streams, driver::{Lent, Operation}};
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let mut operation = Operation::new(policy, 0, Lent::none());
/// let mut stream = Streams::seeded(7).next();
/// operation.begin(3); // a future: made at 0, polled for the first time at 3
/// if let RetryAction::Attempt { attempt, .. } = operation.poll(3, &mut stream).action {
///     let _ = operation.on_outcome(5, attempt, AttemptOutcome::Success, &mut stream);
/// }
/// assert_eq!(operation.ended(), operation.end()); // queries are those of the machine
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub struct Operation<B, G> {
    /// Where it is recorded: as it was when it began.
    retry: Retry,
    lent: Lent<B, G>,
    #[cfg(feature = "journal")]
    recorded: Option<Box<Recorded<B, G>>>,
}

impl<B, G> Operation<B, G> {
    /// An operation that begins now.
    pub fn new(policy: RetryPolicy, now_ns: u64, lent: Lent<B, G>) -> Self {
        Self {
            retry: Retry::new(policy, now_ns),
            lent,
            #[cfg(feature = "journal")]
            recorded: None,
        }
    }

    /// One that is recorded, as long as all that it is lent is recorded in the same journal.
    #[cfg(feature = "journal")]
    pub fn recorded(
        policy: RetryPolicy,
        now_ns: u64,
        lent: Lent<B, G>,
        recording: &Recording<B, G>,
    ) -> Self {
        let mut operation = Self::new(policy, now_ns, lent);
        operation.record(now_ns, recording);
        operation
    }

    /// How it ended, if it has: what the next [`poll`](Self::poll) would say. `None` where it is recorded, so that a journal
    /// has that poll.
    pub fn ended(&self) -> Option<End> {
        #[cfg(feature = "journal")]
        if self.recorded.is_some() {
            return None;
        }
        self.retry.end()
    }

    /// Before its first step: it begins only now.
    pub fn begin(&mut self, now_ns: u64) {
        self.retry = Retry::new(*self.retry.policy(), now_ns);
    }

    /// Before its first step: as [`recorded`](Self::recorded), from now on.
    #[cfg(feature = "journal")]
    pub fn record(&mut self, now_ns: u64, recording: &Recording<B, G>) {
        let recorded = recording.begin(self.retry.policy(), now_ns, &mut self.lent);
        self.recorded = recorded.map(Box::new);
    }
}

impl<B: BreakerGate + Send, G: RetryBudget + Send> Operation<B, G> {
    /// [`Retry::poll`]
    pub fn poll<R: Rng>(&mut self, now_ns: u64, rng: &mut R) -> RetryStep {
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
    pub fn on_outcome<R: Rng>(
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
    pub fn cancel<R: Rng>(&mut self, now_ns: u64, rng: &mut R) -> RetryStep {
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

impl<B, G> Deref for Operation<B, G> {
    type Target = Retry;

    fn deref(&self) -> &Retry {
        #[cfg(feature = "journal")]
        if let Some(recorded) = &self.recorded {
            return recorded.retry();
        }
        &self.retry
    }
}

impl<B, G> fmt::Debug for Operation<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Operation").field(&**self).finish()
    }
}
