//! What an operation keeps: core's machine, and what it is driven with.

use std::mem;

use evenkeel_core::breaker::Outcome;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, BreakerGate, End, RetryAction, RetryBudget, RetryPolicy,
};
use evenkeel_std::driver::{self, Lent, Observed, Rules};
#[cfg(feature = "journal")]
use evenkeel_std::journal::Recording;
use evenkeel_std::{Classified, Clock, RetryError, RetryEvent, Stream, WaitCause};

/// Dropped before its end, it gives back what it holds.
pub(super) struct Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    machine: driver::Operation<B, G>,
    pub(super) clock: C,
    stream: Stream,
    rules: Rules<K, O, H>,
    /// What the last attempt that ended brought.
    last: Option<Result<T, E>>,
    /// The end of the wait that the listener was told of.
    told_ns: Option<u64>,
    observed: Observed,
    progress: Progress,
    #[cfg(feature = "journal")]
    recording: Option<Recording<B, G>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It was not polled: nothing has happened.
    None,
    /// It is being polled for the first time.
    Began {
        at_ns: u64,
    },
    Steps,
}

impl<T, E, C, B, G, K, O, H> Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// One that begins when it is polled for the first time.
    #[inline]
    pub(super) fn new(
        policy: RetryPolicy,
        clock: C,
        stream: Stream,
        lent: Lent<B, G>,
        rules: Rules<K, O, H>,
        observed: Observed,
    ) -> Self {
        Self {
            machine: driver::Operation::new(policy, 0, lent),
            clock,
            stream,
            rules,
            last: None,
            told_ns: None,
            observed,
            progress: Progress::None,
            #[cfg(feature = "journal")]
            recording: None,
        }
    }

    /// Before it begins.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(super) fn observe(&mut self, observed: Observed) {
        if self.progress == Progress::None {
            self.observed = observed;
        }
    }

    /// Before it begins.
    #[cfg(feature = "journal")]
    pub(super) fn record(&mut self, recording: Recording<B, G>) {
        self.recording = Some(recording);
    }

    /// It is polled.
    pub(super) fn begin(&mut self) {
        if self.progress != Progress::None {
            return;
        }
        let at_ns = self.clock.now_ns();
        self.progress = Progress::Began { at_ns };
        self.machine.begin(at_ns);
        #[cfg(feature = "journal")]
        if let Some(recording) = self.recording.take() {
            self.machine.record(at_ns, &recording);
        }
        self.observed.begin(at_ns);
    }

    /// The instant of the next step.
    pub(super) fn now_ns(&mut self) -> u64 {
        match mem::replace(&mut self.progress, Progress::Steps) {
            Progress::Began { at_ns } => at_ns,
            _ => self.clock.now_ns(),
        }
    }

    pub(super) const fn observed(&mut self) -> &mut Observed {
        &mut self.observed
    }

    /// What to do at `now_ns`. Breaker and budget are lent for this call.
    pub(super) fn poll(&mut self, now_ns: u64) -> RetryAction {
        self.machine.poll(now_ns, &mut self.stream).action
    }

    /// What the last attempt that ended brought, as another begins: an answer is dropped, because it may hold what the
    /// next one needs.
    pub(super) fn forget_answer(&mut self) -> &mut Option<Result<T, E>> {
        self.last = self.last.take().filter(Result::is_err);
        &mut self.last
    }

    /// The next attempt is due at once.
    pub(super) fn is_due(&self) -> bool {
        let at_ns = self.machine.next_deadline_ns();
        at_ns.is_some_and(|at_ns| at_ns <= self.clock.now_ns())
    }

    /// False where it came too late.
    fn report(&mut self, now_ns: u64, id: AttemptId, outcome: AttemptOutcome) -> bool {
        let stream = &mut self.stream;
        let report = self.machine.on_outcome(now_ns, id, outcome, stream);
        report.reported.is_counted()
    }

    /// The future panicked: no further attempt.
    pub(super) fn panicked(&mut self) {
        if let Some(id) = self.machine.in_flight() {
            let breaker = Outcome::Failure;
            let now_ns = self.clock.now_ns();
            self.report(now_ns, id, AttemptOutcome::Permanent { breaker });
        }
        self.observed.attempt_panicked();
        self.cancel();
        self.told_end(End::Permanent);
    }

    /// Gives back what it holds; it is done afterwards.
    pub(super) fn cancel(&mut self) {
        let now_ns = self.clock.now_ns();
        // Whoever cancels has dropped the attempt.
        let _ = self.machine.cancel(now_ns, &mut self.stream);
    }

    fn told_end(&mut self, end: End) {
        let now_ns = || self.clock.now_ns();
        self.observed.end(end, self.machine.attempts(), now_ns);
    }

    /// The answer of the last attempt, or why there is none.
    pub(super) fn ended(&mut self, end: End) -> Result<T, RetryError<E>> {
        self.told_end(end);
        let last = match self.last.take() {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => Some(error),
            None => None,
        };
        Err(RetryError::new(end, self.machine.attempts(), last))
    }
}

impl<T, E, C, B, G, K, O, H> Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    /// An attempt brought its answer. `Some` where that is the end: core says so, or that it came too late, and it is all
    /// the same.
    pub(super) fn answered(&mut self, id: AttemptId, answer: Result<T, E>) -> Option<End> {
        let now_ns = self.clock.now_ns();
        let outcome = self.rules.outcome(&answer, now_ns);
        self.last = Some(answer);
        if self.report(now_ns, id, outcome) {
            self.observed.attempt_ended(&outcome);
            self.tell(WaitCause::Failed);
            return self.machine.ended();
        }
        let end = match outcome {
            AttemptOutcome::Success => End::Succeeded,
            AttemptOutcome::Permanent { .. } => End::Permanent,
            AttemptOutcome::Refused { retry_at_ns } => End::Refused { retry_at_ns },
            AttemptOutcome::Cancelled => End::Cancelled,
            _ => return None,
        };
        self.observed.attempt_ended(&outcome);
        self.cancel();
        Some(end)
    }

    /// Tells the listener when the next attempt is, if there is one.
    pub(super) fn tell(&mut self, cause: WaitCause) {
        let next_ns = self.machine.next_deadline_ns();
        let Some(at_ns) = next_ns.filter(|_| self.machine.end().is_none()) else {
            return;
        };
        let now_ns = self.clock.now_ns();
        let error = self.last.as_ref().and_then(|last| last.as_ref().err());
        let event = RetryEvent::new(cause, self.machine.attempts(), error, now_ns, at_ns);
        self.observed.waits(cause, event.wait());
        self.rules.on_retry(&event);
        self.told_ns = Some(at_ns);
    }

    /// It waits until `at_ns`. What makes it wait again without an attempt is the breaker.
    pub(super) fn waits(&mut self, at_ns: u64) {
        if self.told_ns != Some(at_ns) {
            self.tell(WaitCause::Refused);
        }
    }
}

impl<T, E, C, B, G, K, O, H> Drop for Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    fn drop(&mut self) {
        if self.progress != Progress::None && self.machine.end().is_none() {
            self.cancel();
            self.told_end(End::Cancelled);
        }
    }
}
