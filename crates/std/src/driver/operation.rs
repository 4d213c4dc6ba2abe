//! One operation of a retry driver: core's machine, what it is driven with, and what is told of it.

use std::fmt;

use evenkeel_core::breaker::Outcome;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, BreakerGate, End, RetryAction, RetryBudget, RetryPolicy,
};

use super::lent_retry::LentRetry;
use super::{Lent, Observed, Rules};
use crate::attempt::{RetryEvent, WaitCause};
use crate::classified::Classified;
use crate::clock::Clock;
#[cfg(feature = "journal")]
use crate::journal::Recording;
use crate::retry_error::RetryError;
use crate::streams::Stream;

/// One operation of a retry driver: all but the calls and the waits, which are the driver's.
///
/// A loop polls, and does what it is told; what comes of an attempt it reports. Whoever leaves the loop before the end
/// says [`give_up`](Self::give_up), or [`panicked`](Self::panicked) where that is why.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::{RetryAction, RetryPolicy}};
/// use evenkeel_std::driver::{Lent, Operation, Rules};
/// use evenkeel_std::{Clock, RetryError, Sleep, Streams, TestClock};
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let (clock, stream) = (TestClock::new(), Streams::seeded(7).next());
/// let mut operation = Operation::new(policy, &clock, stream, Lent::none(), Rules::new());
/// operation.begin(clock.now_ns());
/// let mut answers = [Err("reset"), Ok("hello")].into_iter();
/// loop {
///     match operation.poll(clock.now_ns()) {
///         RetryAction::Attempt { attempt, number, .. } => {
///             operation.attempt(number);
///             if operation.answered(attempt, answers.next().unwrap_or(Err("no more"))) {
///                 break;
///             }
///         }
///         RetryAction::WaitUntil { at_ns } => {
///             operation.waits(at_ns);
///             clock.sleep_until(at_ns);
///         }
///         RetryAction::Done { .. } => break,
///         _ => operation.cancel(),
///     }
/// }
/// let answer: Result<&str, RetryError<&str>> = operation.ended();
/// assert_eq!(answer, Ok("hello"));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub struct Operation<T, E, C, B, G, K, O, H> {
    machine: LentRetry<B, G>,
    clock: C,
    stream: Stream,
    rules: Rules<K, O, H>,
    /// What the last attempt that ended brought.
    last: Option<Result<T, E>>,
    /// The end of the wait that the listener was told of.
    told_ns: Option<u64>,
    /// How it ended where core was told too late, or not at all.
    late: Option<End>,
    observed: Observed,
}

impl<T, E, C, B, G, K, O, H> Operation<T, E, C, B, G, K, O, H> {
    /// One that has not begun.
    #[inline]
    pub fn new(
        policy: RetryPolicy,
        clock: C,
        stream: Stream,
        lent: Lent<B, G>,
        rules: Rules<K, O, H>,
    ) -> Self {
        Self {
            machine: LentRetry::new(policy, lent),
            clock,
            stream,
            rules,
            last: None,
            told_ns: None,
            late: None,
            observed: Observed::none(),
        }
    }

    /// Before it begins: this observer looks.
    #[inline]
    pub fn observe(&mut self, observed: Observed) {
        self.observed = observed;
    }

    /// It begins.
    #[inline]
    pub fn begin(&mut self, now_ns: u64) {
        self.machine.begin(now_ns);
        self.observed.begin(now_ns);
    }

    /// As it begins: what it decides is taken down. Feature `journal`.
    #[cfg(feature = "journal")]
    pub fn record(&mut self, now_ns: u64, recording: &Recording<B, G>) {
        self.machine.record(now_ns, recording);
    }

    /// The clock that it is on.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// Who looks.
    pub const fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.machine.end().is_some()
    }

    /// This attempt begins. An answer of the last one is dropped, because it may hold what this one needs, say a
    /// connection until its body is read; an error is kept for the end, unless it is taken out.
    #[inline]
    pub fn attempt(&mut self, number: u32) -> &mut Option<Result<T, E>> {
        self.observed.attempt(number);
        self.last = self.last.take().filter(Result::is_err);
        &mut self.last
    }
}

impl<T, E, C, B, G, K, O, H> Operation<T, E, C, B, G, K, O, H>
where
    C: Clock,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// What to do at `now_ns`. Breaker and budget are lent for this call.
    #[inline]
    pub fn poll(&mut self, now_ns: u64) -> RetryAction {
        self.machine.poll(now_ns, &mut self.stream).action
    }

    /// The next attempt is due at once.
    pub fn is_due(&self) -> bool {
        let at_ns = self.machine.next_deadline_ns();
        at_ns.is_some_and(|at_ns| at_ns <= self.clock.now_ns())
    }

    /// False where it came too late.
    #[inline]
    fn report(&mut self, now_ns: u64, id: AttemptId, outcome: AttemptOutcome) -> bool {
        let stream = &mut self.stream;
        let report = self.machine.on_outcome(now_ns, id, outcome, stream);
        report.reported.is_counted()
    }

    /// The call panicked, or what makes, classifies or listens: no further attempt.
    pub fn panicked(&mut self) {
        if let Some(id) = self.machine.in_flight() {
            let breaker = Outcome::Failure;
            let now_ns = self.clock.now_ns();
            self.report(now_ns, id, AttemptOutcome::Permanent { breaker });
        }
        self.observed.attempt_panicked();
        self.cancel();
        self.late = Some(End::Permanent);
        self.tell_end();
    }

    /// Gives back what it holds; it is done afterwards. The attempt is over already: dropped, or the call has returned.
    pub fn cancel(&mut self) {
        let now_ns = self.clock.now_ns();
        // What it abandons is over.
        let _ = self.machine.cancel(now_ns, &mut self.stream);
    }

    /// It is left alone. Nothing where it is over.
    pub fn give_up(&mut self) {
        if !self.is_over() {
            self.cancel();
            self.late = Some(End::Cancelled);
            self.tell_end();
        }
    }

    /// How it ended. There is an end: whoever asks has seen to it.
    fn end(&self) -> End {
        let end = self.late.or_else(|| self.machine.end());
        end.unwrap_or(End::Cancelled)
    }

    fn tell_end(&mut self) {
        if self.observed.is_by_somebody() {
            let (end, attempts) = (self.end(), self.machine.attempts());
            let now_ns = || self.clock.now_ns();
            self.observed.end(end, attempts, now_ns);
        }
    }

    /// The answer of the last attempt, or why there is none. Where it is not over, it is given up.
    ///
    /// # Errors
    /// Where the last attempt brought no answer.
    #[inline]
    pub fn ended(&mut self) -> Result<T, RetryError<E>> {
        self.give_up();
        self.tell_end();
        let last = match self.last.take() {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(error)) => Some(error),
            None => None,
        };
        Err(RetryError::new(self.end(), self.machine.attempts(), last))
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
    /// An attempt brought its answer. True where the operation is over: core says so, or that it came too late, and it
    /// is all the same. What is recorded says so when it is polled.
    #[inline]
    pub fn answered(&mut self, id: AttemptId, answer: Result<T, E>) -> bool {
        // Before anybody looks at the answer: that time is not the attempt's.
        let ended_ns = self.machine.times_success().then(|| self.clock.now_ns());
        let classified = self.rules.classified(&answer);
        let now_ns = match (ended_ns, &classified) {
            (Some(ended_ns), _) => ended_ns,
            (None, Some(_)) => self.clock.now_ns(),
            // Core takes an instant before its last for its last.
            (None, None) => 0,
        };
        let outcome = classified.map_or(AttemptOutcome::Success, |said| said.outcome(now_ns));
        self.last = Some(answer);
        if !self.report(now_ns, id, outcome) {
            return self.answered_late(&outcome);
        }
        self.observed.attempt_ended(&outcome);
        if !self.is_over() {
            self.tell(WaitCause::Failed);
            return false;
        }
        !self.machine.is_recorded()
    }

    fn answered_late(&mut self, outcome: &AttemptOutcome) -> bool {
        let end = match *outcome {
            AttemptOutcome::Success => End::Succeeded,
            AttemptOutcome::Permanent { .. } => End::Permanent,
            AttemptOutcome::Refused { retry_at_ns } => End::Refused { retry_at_ns },
            AttemptOutcome::Cancelled => End::Cancelled,
            _ => return false,
        };
        self.observed.attempt_ended(outcome);
        self.cancel();
        self.late = Some(end);
        true
    }

    /// Core has given the attempt up, as its time was over.
    pub fn timed_out(&mut self) {
        self.observed.attempt_timed_out();
        self.tell(WaitCause::TimedOut);
    }

    /// It waits until `at_ns`. What makes it wait again without an attempt is the breaker.
    pub fn waits(&mut self, at_ns: u64) {
        if self.told_ns != Some(at_ns) {
            self.tell(WaitCause::Refused);
        }
    }

    /// Tells the listener when the next attempt is, if there is one.
    fn tell(&mut self, cause: WaitCause) {
        let next_ns = self.machine.next_deadline_ns();
        let Some(at_ns) = next_ns.filter(|_| !self.is_over()) else {
            return;
        };
        let now_ns = self.clock.now_ns();
        let error = self.last.as_ref().and_then(|last| last.as_ref().err());
        let event = RetryEvent::new(cause, self.machine.attempts(), error, now_ns, at_ns);
        self.observed.waits(cause, event.wait());
        self.rules.on_retry(&event);
        self.told_ns = Some(at_ns);
    }
}

impl<T, E, C, B, G, K, O, H> fmt::Debug for Operation<T, E, C, B, G, K, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut operation = f.debug_struct("Operation");
        operation
            .field("retry", &*self.machine)
            .finish_non_exhaustive()
    }
}
