//! The loop of the blocking retry: poll core's machine, do what it says, sleep.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use evenkeel_core::retry::{AttemptId, BreakerGate, RetryAction, RetryBudget};

use crate::attempt::{Attempt, RetryEvent};
use crate::classified::Classified;
use crate::driver::Operation;
use crate::retry_error::RetryError;
use crate::sleep::Sleep;
use crate::stop::Stop;

/// What runs.
pub(super) struct Running<T, E, C, B, G, K, O, H, F> {
    pub(super) operation: Operation<T, E, C, B, G, K, O, H>,
    pub(super) stop: Option<Stop>,
    pub(super) call: F,
}

impl<T, E, C, B, G, K, O, H, F> Running<T, E, C, B, G, K, O, H, F>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
    F: FnMut(Attempt) -> Result<T, E>,
{
    /// From when it began. A panic of the call, or of what classifies and listens, leaves nothing behind on its way up.
    pub(super) fn run(mut self, began_ns: u64) -> Result<T, RetryError<E>> {
        let scope = self.operation.observed().scope();
        let drive = || scope.run(|| self.drive(began_ns));
        let driven = catch_unwind(AssertUnwindSafe(drive));
        match driven {
            Ok(()) => self.operation.ended(),
            Err(panic) => {
                self.operation.panicked();
                resume_unwind(panic);
            }
        }
    }

    fn drive(&mut self, began_ns: u64) {
        let mut now_ns = began_ns;
        loop {
            if self.stop.as_ref().is_some_and(Stop::is_stopped) {
                self.operation.cancel();
            }
            let action = self.operation.poll(now_ns);
            match action {
                RetryAction::Attempt { attempt: id, .. } => {
                    // It is there: the action is an attempt.
                    let told = Attempt::of(&action, now_ns);
                    if told.is_some_and(|told| self.attempt(id, told)) {
                        return;
                    }
                }
                RetryAction::Abandon { .. } => self.operation.timed_out(),
                RetryAction::WaitUntil { at_ns } => self.wait(at_ns),
                RetryAction::Done { .. } => return,
                // Nothing is in flight here, and an action that is not known cannot be done.
                _ => self.operation.cancel(),
            }
            now_ns = self.operation.clock().now_ns();
        }
    }

    /// Calls, and reports. True is the end.
    fn attempt(&mut self, id: AttemptId, told: Attempt) -> bool {
        self.operation.attempt(told.number());
        let observed = self.operation.observed();
        let answer = observed.in_attempt(|| (self.call)(told));
        self.operation.answered(id, answer)
    }

    fn wait(&mut self, at_ns: u64) {
        self.operation.waits(at_ns);
        let clock = self.operation.clock();
        match &self.stop {
            // The loop looks at the token itself.
            Some(stop) => {
                let _ = stop.wait_until(clock, at_ns);
            }
            None => clock.sleep_until(at_ns),
        }
    }
}
