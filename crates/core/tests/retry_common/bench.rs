//! An operation with scripted parts, called by hand.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use evenkeel_core::Reported;
use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{
    AbandonedBy, AttemptId, AttemptOutcome, End, Parts, Retry, RetryAction, RetryBuilder,
    RetryPolicy, RetryReport,
};

use super::script::{Budget, Gate, Heard, Log, Says};
use super::words::Words;

pub const FAILED: AttemptOutcome = AttemptOutcome::transient(RetryCause::Failure);

pub const fn ns(span: u64) -> Duration {
    Duration::from_nanos(span)
}

/// Waits of 100, 200, 400 ns.
pub fn backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ns(100)).jitter(Jitter::None)
}

pub fn builder() -> RetryBuilder {
    RetryPolicy::builder(backoff())
}

pub fn built(builder: RetryBuilder) -> RetryPolicy {
    builder.build().expect("a policy")
}

pub fn id(word: u64) -> AttemptId {
    AttemptId::from_word(word)
}

/// An operation that began at 0, with parts by script.
#[derive(Debug)]
pub struct Bench {
    pub retry: Retry,
    pub gate: Gate,
    pub budget: Budget,
    pub log: Log,
    pub words: Words,
}

impl Bench {
    pub fn new(policy: RetryBuilder, says: &[Says], grants: &[bool]) -> Self {
        let log: Log = Arc::new(Mutex::new(Vec::new()));
        Self {
            retry: Retry::new(built(policy), 0),
            gate: Gate::new(says, &log),
            budget: Budget::new(grants, &log),
            log,
            words: Words::of(1),
        }
    }

    /// All agree.
    pub fn plain(policy: RetryBuilder) -> Self {
        Self::new(policy, &[Says::Yes], &[true])
    }

    pub fn poll(&mut self, now_ns: u64) -> RetryAction {
        let mut parts = Parts::none()
            .with_breaker(&mut self.gate)
            .with_budget(&mut self.budget);
        self.retry.poll(now_ns, &mut parts, &mut self.words).action
    }

    pub fn report(&mut self, now_ns: u64, attempt: u64, outcome: AttemptOutcome) -> Reported {
        let mut parts = Parts::none()
            .with_breaker(&mut self.gate)
            .with_budget(&mut self.budget);
        let (retry, words) = (&mut self.retry, &mut self.words);
        let RetryReport { reported, .. } =
            retry.on_outcome(now_ns, id(attempt), outcome, &mut parts, words);
        reported
    }

    pub fn cancel(&mut self, now_ns: u64) -> RetryAction {
        let mut parts = Parts::none()
            .with_breaker(&mut self.gate)
            .with_budget(&mut self.budget);
        self.retry
            .cancel(now_ns, &mut parts, &mut self.words)
            .action
    }

    /// The first attempt, made at 0, ends so at 10.
    pub fn after(mut self, outcome: AttemptOutcome) -> Self {
        assert!(matches!(
            self.poll(0),
            RetryAction::Attempt { number: 1, .. }
        ));
        assert_eq!(self.report(10, 1, outcome), Reported::Counted);
        self
    }

    pub fn heard(&self, which: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        self.log
            .lock()
            .expect("one thread")
            .iter()
            .copied()
            .filter(which)
            .collect()
    }

    pub fn of_budget(&self) -> Vec<Heard> {
        self.heard(|heard| !matches!(heard, Heard::Asked { .. } | Heard::Told { .. }))
    }

    pub fn told(&self) -> Vec<Outcome> {
        let log = self.log.lock().expect("one thread");
        let outcome = |heard: &Heard| match heard {
            Heard::Told { outcome, .. } => Some(*outcome),
            _ => None,
        };
        log.iter().filter_map(outcome).collect()
    }
}

pub fn advised(cause: RetryCause, advice: Advice) -> AttemptOutcome {
    AttemptOutcome::transient(cause).with_advice(advice)
}

/// Without timeout and deadline.
pub const fn attempt(number: u32) -> RetryAction {
    attempt_until(number, None)
}

pub const fn attempt_until(number: u32, timeout_at_ns: Option<u64>) -> RetryAction {
    RetryAction::Attempt {
        attempt: AttemptId::from_word(number as u64),
        number,
        timeout_at_ns,
        would_refuse: None,
    }
}

pub const fn abandon(attempt: u64, reason: AbandonedBy, at_ns: u64) -> RetryAction {
    RetryAction::Abandon {
        attempt: AttemptId::from_word(attempt),
        reason,
        at_ns,
    }
}

pub const fn done(end: End) -> RetryAction {
    RetryAction::Done { end }
}
