//! One operation of a retry as its observer sees it: what the drivers tell, whether anybody looks or not.

use std::time::Duration;

use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{AttemptOutcome, End};

use crate::attempt::WaitCause;
#[cfg(any(feature = "metrics", feature = "tracing"))]
use crate::observe::{Operation, RetryObserver, Scope};
#[cfg(not(any(feature = "metrics", feature = "tracing")))]
use nobody::{Operation, Scope};

/// What a retry driver tells of its operation. Without an observer each of these does nothing; without the features
/// `metrics` and `tracing` there is none, and this is no value at all.
///
/// ```
/// use evenkeel_core::retry::{AttemptOutcome, End};
/// use evenkeel_std::driver::Observed;
///
/// let mut observed = Observed::none();
/// observed.begin(0);
/// observed.attempt(1);
/// let answer = observed.in_attempt(|| "42".parse::<u8>());
/// observed.attempt_ended(&AttemptOutcome::Success);
/// observed.end(End::Succeeded, 1, || 5_000);
/// assert_eq!(answer, Ok(42));
/// ```
#[derive(Debug)]
pub struct Observed {
    by: Option<Operation>,
}

/// Where what belongs to an operation is logged: see [`Observed::scope`].
#[derive(Debug)]
pub struct ObservedScope {
    scope: Option<Scope>,
}

impl ObservedScope {
    /// Runs `work` in the operation's span.
    pub fn run<A>(&self, work: impl FnOnce() -> A) -> A {
        match &self.scope {
            Some(scope) => scope.run(work),
            None => work(),
        }
    }
}

impl Observed {
    /// Nobody looks.
    #[must_use]
    pub const fn none() -> Self {
        Self { by: None }
    }

    /// This observer looks.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    #[must_use]
    pub fn by(observer: &RetryObserver) -> Self {
        Self {
            by: Some(Operation::new(observer)),
        }
    }

    /// Whether anybody looks.
    #[inline]
    pub(crate) const fn is_by_somebody(&self) -> bool {
        self.by.is_some()
    }

    /// The operation begins; its span is a child of the current one.
    pub fn begin(&mut self, now_ns: u64) {
        if let Some(by) = &mut self.by {
            by.begin(now_ns);
        }
    }

    /// For a step of the operation, such as one poll of its future: a handle to its span.
    #[must_use]
    pub fn scope(&self) -> ObservedScope {
        ObservedScope {
            scope: self.by.as_ref().map(Operation::scope),
        }
    }

    /// This attempt begins.
    pub fn attempt(&mut self, number: u32) {
        if let Some(by) = &mut self.by {
            by.attempt(number);
        }
    }

    /// Does the work of the attempt, or a step of it, in its span.
    pub fn in_attempt<A>(&self, work: impl FnOnce() -> A) -> A {
        match &self.by {
            Some(by) => by.in_attempt(work),
            None => work(),
        }
    }

    /// What core was told of the attempt.
    pub fn attempt_ended(&mut self, outcome: &AttemptOutcome) {
        if let Some(by) = &mut self.by {
            by.attempt_ended(match outcome {
                AttemptOutcome::Success => "success",
                AttemptOutcome::Transient { cause, .. } => cause.name(),
                AttemptOutcome::Permanent { .. } => "permanent",
                AttemptOutcome::Refused { .. } => "refused",
                _ => "cancelled",
            });
        }
    }

    /// The attempt was not over in time, and core has given it up.
    pub fn attempt_timed_out(&mut self) {
        if let Some(by) = &mut self.by {
            by.attempt_ended(RetryCause::Timeout.name());
        }
    }

    /// The attempt panicked.
    pub fn attempt_panicked(&mut self) {
        if let Some(by) = &mut self.by {
            by.attempt_ended("panicked");
        }
    }

    /// The operation waits for so long.
    pub fn waits(&self, cause: WaitCause, wait: Duration) {
        if let Some(by) = &self.by {
            by.waits(cause.name(), wait);
        }
    }

    /// The operation ended; an attempt that is still out was cancelled. The clock is read where somebody looks.
    pub fn end(&mut self, end: End, attempts: u32, now_ns: impl FnOnce() -> u64) {
        if let Some(mut by) = self.by.take() {
            by.end(end, attempts, now_ns());
        }
    }
}

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
mod nobody {
    //! Without the features nobody looks: these have no values.

    use std::time::Duration;

    use evenkeel_core::retry::End;

    #[derive(Debug)]
    pub(super) enum Operation {}

    #[derive(Debug)]
    pub(super) enum Scope {}

    impl Scope {
        pub(super) fn run<A>(&self, _work: impl FnOnce() -> A) -> A {
            match *self {}
        }
    }

    impl Operation {
        pub(super) fn begin(&mut self, _now_ns: u64) {
            match *self {}
        }

        pub(super) fn scope(&self) -> Scope {
            match *self {}
        }

        pub(super) fn attempt(&mut self, _number: u32) {
            match *self {}
        }

        pub(super) fn in_attempt<A>(&self, _work: impl FnOnce() -> A) -> A {
            match *self {}
        }

        pub(super) fn attempt_ended(&mut self, _outcome: &'static str) {
            match *self {}
        }

        pub(super) fn waits(&self, _cause: &'static str, _wait: Duration) {
            match *self {}
        }

        pub(super) fn end(&mut self, _end: End, _attempts: u32, _now_ns: u64) {
            match *self {}
        }
    }
}
