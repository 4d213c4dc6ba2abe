//! One operation of a retry that is observed: its counts, and its spans.

use std::time::Duration;

use evenkeel_core::retry::End;

use super::retry::RetryObserver;

#[derive(Debug)]
pub(crate) struct Operation {
    observer: RetryObserver,
    began_ns: u64,
    /// An attempt is out.
    out: bool,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    #[cfg(feature = "tracing")]
    attempt: tracing::Span,
}

/// Where what belongs to an operation is logged: a handle to its span.
#[derive(Debug)]
pub(crate) struct Scope {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Scope {
    pub(crate) fn run<A>(&self, work: impl FnOnce() -> A) -> A {
        #[cfg(feature = "tracing")]
        return self.span.in_scope(work);
        #[cfg(not(feature = "tracing"))]
        work()
    }
}

impl Operation {
    pub(crate) fn new(observer: &RetryObserver) -> Self {
        Self {
            observer: observer.clone(),
            began_ns: 0,
            out: false,
            #[cfg(feature = "tracing")]
            span: tracing::Span::none(),
            #[cfg(feature = "tracing")]
            attempt: tracing::Span::none(),
        }
    }

    pub(crate) fn begin(&mut self, now_ns: u64) {
        self.began_ns = now_ns;
        #[cfg(feature = "tracing")]
        {
            let (name, empty) = (self.observer.name(), tracing::field::Empty);
            self.span = tracing::info_span!(
                target: "evenkeel::retry", "retry", name, attempts = empty, end = empty
            );
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope {
            #[cfg(feature = "tracing")]
            span: self.span.clone(),
        }
    }

    pub(crate) fn attempt(&mut self, number: u32) {
        self.out = true;
        #[cfg(feature = "tracing")]
        {
            let outcome = tracing::field::Empty;
            self.attempt = tracing::info_span!(
                target: "evenkeel::retry", parent: &self.span, "attempt", number, outcome
            );
        }
        #[cfg(not(feature = "tracing"))]
        let _ = number;
    }

    pub(crate) fn in_attempt<A>(&self, work: impl FnOnce() -> A) -> A {
        #[cfg(feature = "tracing")]
        return self.attempt.in_scope(work);
        #[cfg(not(feature = "tracing"))]
        work()
    }

    pub(crate) fn attempt_ended(&mut self, outcome: &'static str) {
        if !std::mem::take(&mut self.out) {
            return;
        }
        #[cfg(feature = "metrics")]
        self.observer.attempt_ended(outcome);
        #[cfg(feature = "tracing")]
        std::mem::replace(&mut self.attempt, tracing::Span::none()).record("outcome", outcome);
    }

    pub(crate) fn waits(&self, cause: &'static str, wait: Duration) {
        #[cfg(feature = "metrics")]
        self.observer.waits(wait);
        #[cfg(feature = "tracing")]
        tracing::debug!(target: "evenkeel::retry", parent: &self.span, cause, ?wait, "waits");
        #[cfg(not(feature = "tracing"))]
        let _ = cause;
    }

    pub(crate) fn end(&mut self, end: End, attempts: u32, now_ns: u64) {
        // One that is still out was given up with the operation.
        self.attempt_ended("cancelled");
        #[cfg(feature = "metrics")]
        self.observer
            .ended(end.name(), now_ns.saturating_sub(self.began_ns));
        #[cfg(feature = "tracing")]
        {
            let span = std::mem::replace(&mut self.span, tracing::Span::none());
            span.record("attempts", attempts).record("end", end.name());
        }
        #[cfg(not(feature = "tracing"))]
        let _ = attempts;
        #[cfg(not(feature = "metrics"))]
        let _ = now_ns;
    }
}
