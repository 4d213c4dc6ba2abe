//! Our breaker as a caller drives it, and the harness alone.

use std::time::Duration;

use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Transitions};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::subject::Subject;
use crate::inputs::{Call, rng};

/// Passes everything.
pub(super) struct Nothing;

impl Subject for Nothing {
    #[inline]
    fn pass(&mut self, _: Call) -> bool {
        true
    }
}

/// Our breaker with what a caller keeps beside it: the time, a generator, and a look at the transitions.
pub(super) struct Ours {
    breaker: Breaker,
    rng: Xoshiro256PlusPlus,
    now_ns: u64,
    step_ns: u64,
    transitions: usize,
}

impl Ours {
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        Self {
            breaker: Breaker::new(policy),
            rng: rng(7),
            now_ns: 0,
            step_ns: 1_000,
            transitions: 0,
        }
    }

    /// From one call to the next.
    pub(super) fn stepping(mut self, step: Duration) -> Self {
        self.step_ns = u64::try_from(step.as_nanos()).expect("a span");
        self
    }

    /// Asks and no more; false when it was refused.
    #[inline]
    pub(super) fn ask(&mut self) -> bool {
        self.now_ns += self.step_ns;
        match self.breaker.try_acquire(self.now_ns, &mut self.rng) {
            Ok(_) => true,
            Err(refused) => {
                if !refused.transitions.is_empty() {
                    self.report(refused.transitions);
                }
                false
            }
        }
    }

    /// Out of the way of the call, as a caller's log line would be.
    #[cold]
    fn report(&mut self, made: Transitions) {
        self.transitions += made.len();
    }
}

impl Subject for Ours {
    #[inline]
    fn pass(&mut self, call: Call) -> bool {
        self.now_ns += self.step_ns;
        let grant = match self.breaker.try_acquire(self.now_ns, &mut self.rng) {
            Ok(grant) => grant,
            Err(refused) => {
                if !refused.transitions.is_empty() {
                    self.report(refused.transitions);
                }
                return false;
            }
        };
        if !grant.transitions.is_empty() {
            self.report(grant.transitions);
        }
        let outcome = if call.failed {
            Outcome::Failure
        } else {
            Outcome::Success
        };
        let receipt = self.breaker.on_outcome(
            self.now_ns,
            grant.permit,
            outcome,
            call.latency_ns,
            &mut self.rng,
        );
        let made = receipt.transitions();
        if !made.is_empty() {
            self.report(made);
        }
        true
    }
}
