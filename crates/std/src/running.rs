//! The loop of the blocking retry: poll core's machine, do what it says, sleep.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use evenkeel_core::breaker::Outcome;
use evenkeel_core::retry::{AttemptId, AttemptOutcome, BreakerGate, End, RetryAction, RetryBudget};

use crate::attempt::{Attempt, RetryEvent, WaitCause};
use crate::classified::Classified;
use crate::driver::{Observed, Operation, Rules};
use crate::retry_error::RetryError;
use crate::sleep::Sleep;
use crate::stop::Stop;
use crate::streams::Stream;

/// What runs: core's machine, and what it is driven with.
pub(crate) struct Running<T, E, C, B, G, K, O, H> {
    operation: Operation<B, G>,
    clock: C,
    stream: Stream,
    rules: Rules<K, O, H>,
    stop: Option<Stop>,
    /// What the last attempt that ended brought.
    last: Option<Result<T, E>>,
    /// The end of the wait that the listener was told of.
    told_ns: Option<u64>,
    observed: Observed,
}

impl<T, E, C, B, G, K, O, H> Running<T, E, C, B, G, K, O, H>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    pub(crate) fn new(
        operation: Operation<B, G>,
        clock: C,
        stream: Stream,
        rules: Rules<K, O, H>,
    ) -> Self {
        Self {
            operation,
            clock,
            stream,
            rules,
            stop: None,
            last: None,
            told_ns: None,
            observed: Observed::none(),
        }
    }

    /// A panic of the call, or of what classifies and listens, leaves nothing behind on its way up.
    pub(crate) fn run(
        &mut self,
        began_ns: u64,
        stop: Option<Stop>,
        observed: Observed,
        mut call: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, RetryError<E>> {
        self.stop = stop;
        self.observed = observed;
        self.observed.begin(began_ns);
        let scope = self.observed.scope();
        let drive = || scope.run(|| self.drive(began_ns, &mut call));
        let driven = catch_unwind(AssertUnwindSafe(drive));
        match driven {
            Ok(end) => self.ended(end),
            Err(panic) => {
                if let Some(id) = self.operation.in_flight() {
                    let breaker = Outcome::Failure;
                    let now_ns = self.clock.now_ns();
                    self.report(now_ns, id, AttemptOutcome::Permanent { breaker });
                }
                self.observed.attempt_panicked();
                self.cancel();
                self.told_end(End::Permanent);
                resume_unwind(panic);
            }
        }
    }

    fn drive(&mut self, began_ns: u64, call: &mut impl FnMut(Attempt) -> Result<T, E>) -> End {
        let mut now_ns = began_ns;
        loop {
            if self.stop.as_ref().is_some_and(Stop::is_stopped) {
                self.cancel();
            }
            let step = self.operation.poll(now_ns, &mut self.stream);
            match step.action {
                RetryAction::Attempt { attempt: id, .. } => {
                    // It is there: the action is an attempt.
                    let told = Attempt::of(&step.action, now_ns);
                    if let Some(end) = told.and_then(|told| self.attempt(id, told, call)) {
                        return end;
                    }
                }
                RetryAction::Abandon { .. } => {
                    self.observed.attempt_timed_out();
                    self.tell(WaitCause::TimedOut);
                }
                RetryAction::WaitUntil { at_ns } => self.wait(at_ns),
                RetryAction::Done { end } => return end,
                // Nothing is in flight here, and an action that is not known cannot be done.
                _ => self.cancel(),
            }
            now_ns = self.clock.now_ns();
        }
    }

    /// Calls, and reports. `Some` where that is the end: core says so, or that it came too late, and it is all the same.
    fn attempt(
        &mut self,
        id: AttemptId,
        told: Attempt,
        call: &mut impl FnMut(Attempt) -> Result<T, E>,
    ) -> Option<End> {
        self.observed.attempt(told.number());
        // An answer may hold what the next attempt needs, say a connection until its body is read.
        self.last = self.last.take().filter(Result::is_err);
        let answer = self.observed.in_attempt(|| call(told));
        let now_ns = self.clock.now_ns();
        let outcome = self.rules.outcome(&answer, now_ns);
        self.last = Some(answer);
        if self.report(now_ns, id, outcome) {
            self.observed.attempt_ended(&outcome);
            self.tell(WaitCause::Failed);
            return self.operation.ended();
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

    /// False where it came too late.
    fn report(&mut self, now_ns: u64, id: AttemptId, outcome: AttemptOutcome) -> bool {
        let stream = &mut self.stream;
        let report = self.operation.on_outcome(now_ns, id, outcome, stream);
        report.reported.is_counted()
    }

    /// Gives back what a retry had taken; it is done afterwards.
    fn cancel(&mut self) {
        let now_ns = self.clock.now_ns();
        // What it abandons has ended: calls block.
        let _ = self.operation.cancel(now_ns, &mut self.stream);
    }

    /// Tells the listener when the next attempt is, if there is one.
    fn tell(&mut self, cause: WaitCause) {
        let next_ns = self.operation.next_deadline_ns();
        let Some(at_ns) = next_ns.filter(|_| self.operation.end().is_none()) else {
            return;
        };
        let now_ns = self.clock.now_ns();
        let error = self.last.as_ref().and_then(|last| last.as_ref().err());
        let event = RetryEvent::new(cause, self.operation.attempts(), error, now_ns, at_ns);
        self.observed.waits(cause, event.wait());
        self.rules.on_retry(&event);
        self.told_ns = Some(at_ns);
    }

    fn wait(&mut self, at_ns: u64) {
        if self.told_ns != Some(at_ns) {
            // What makes it wait again without an attempt is the breaker.
            self.tell(WaitCause::Refused);
        }
        match &self.stop {
            // The loop looks at the token itself.
            Some(stop) => {
                let _ = stop.wait_until(&self.clock, at_ns);
            }
            None => self.clock.sleep_until(at_ns),
        }
    }

    fn told_end(&mut self, end: End) {
        let now_ns = || self.clock.now_ns();
        self.observed.end(end, self.operation.attempts(), now_ns);
    }

    fn ended(&mut self, end: End) -> Result<T, RetryError<E>> {
        self.told_end(end);
        let last = match self.last.take() {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => Some(error),
            None => None,
        };
        Err(RetryError::new(end, self.operation.attempts(), last))
    }
}
