//! A retry and its scripted parts, called as the reference is.

use std::sync::{Arc, Mutex};

use evenkeel_core::Reported;
use evenkeel_core::retry::{Parts, Retry, RetryPolicy};

use super::plan::Plan;
use super::reference::{Answer, Call};
use super::script::{Budget, Gate, Heard, Log};
use super::words::Words;

/// A retry with scripted parts.
#[derive(Debug)]
pub struct World {
    pub retry: Retry,
    pub gate: Option<Gate>,
    pub budget: Option<Budget>,
    pub words: Words,
    pub log: Log,
}

impl World {
    pub fn new(plan: &Plan, policy: RetryPolicy, now: u64) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        Self {
            retry: Retry::new(policy, now),
            gate: plan.gate.as_ref().map(|script| Gate::new(script, &log)),
            budget: plan.budget.as_ref().map(|script| Budget::new(script, &log)),
            words: Words::of(plan.seed),
            log,
        }
    }

    pub fn call(&mut self, now: u64, call: Call) -> Answer {
        let (retry, words) = (&mut self.retry, &mut self.words);
        let mut parts = Parts::none();
        if let Some(gate) = &mut self.gate {
            parts = parts.with_breaker(gate);
        }
        if let Some(budget) = &mut self.budget {
            parts = parts.with_budget(budget);
        }
        let before = self.log.lock().expect("one thread").len();
        let (answer, transitions) = match call {
            Call::Poll => {
                let step = retry.poll(now, &mut parts, words);
                (Answer::Action(step.action), step.transitions)
            }
            Call::Cancel => {
                let step = retry.cancel(now, &mut parts, words);
                (Answer::Action(step.action), step.transitions)
            }
            Call::Report(id, outcome) => {
                let report = retry.on_outcome(now, id, outcome, &mut parts, words);
                let answer = if report.reported == Reported::Counted {
                    Answer::Counted
                } else {
                    Answer::Stale
                };
                (answer, report.transitions)
            }
        };
        let log = self.log.lock().expect("one thread");
        let to_breaker = |heard: &&Heard| matches!(heard, Heard::Asked { .. } | Heard::Told { .. });
        let talked = log.iter().skip(before).filter(to_breaker).count();
        assert!(talked <= 1, "one question in a call");
        assert!(
            talked == 1 || transitions.is_empty(),
            "no answer without a question"
        );
        answer
    }

    /// The same machine, through its state.
    pub fn restored(&self) -> Retry {
        let policy = *self.retry.policy();
        let restored = Retry::restore(policy, self.retry.state()).expect("its own state");
        assert_eq!(restored, self.retry);
        restored
    }
}
