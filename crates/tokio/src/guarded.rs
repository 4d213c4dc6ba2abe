//! A future that runs under a permit: what the calls of a breaker and of a table have in common.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::breaker::Outcome;
use evenkeel_std::CallError;
use pin_project_lite::pin_project;

/// Who gives permits.
pub(crate) trait Ask {
    type Leave: Leave;
    type Refused;

    fn ask(&self) -> Result<Self::Leave, Self::Refused>;
}

/// A permit that must be told how the call ended.
pub(crate) trait Leave {
    fn outcome(self, outcome: Outcome);
}

pin_project! {
    /// Asks when it is polled for the first time, and reports when the operation is over, panics or is dropped.
    pub(crate) struct Guarded<A: Ask, F, K> {
        // Dropped first: a place is given back when nobody uses it any more.
        #[pin]
        operation: F,
        leave: Held<A::Leave>,
        asked: Option<(A, K)>,
        classify: Option<K>,
    }
}

/// Dropped, the call was given up: never a failure, although a panic somewhere else may be what drops it.
struct Held<L: Leave>(Option<L>);

impl<L: Leave> Held<L> {
    fn settle(&mut self, outcome: Outcome) {
        if let Some(leave) = self.0.take() {
            leave.outcome(outcome);
        }
    }
}

impl<L: Leave> Drop for Held<L> {
    fn drop(&mut self) {
        self.settle(Outcome::Ignored);
    }
}

impl<A: Ask, F, K> Guarded<A, F, K> {
    pub(crate) const fn new(gate: A, classify: K, operation: F) -> Self {
        Self {
            operation,
            leave: Held(None),
            asked: Some((gate, classify)),
            classify: None,
        }
    }
}

impl<A, F, K, T, E> Future for Guarded<A, F, K>
where
    A: Ask,
    F: Future<Output = Result<T, E>>,
    K: FnOnce(&Result<T, E>) -> Outcome,
{
    type Output = Result<T, CallError<E, A::Refused>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some((gate, classify)) = this.asked.take() {
            match gate.ask() {
                Ok(leave) => this.leave.0 = Some(leave),
                Err(refused) => return Poll::Ready(Err(CallError::Refused(refused))),
            }
            *this.classify = Some(classify);
        }
        let polled = catch_unwind(AssertUnwindSafe(|| {
            this.operation.poll(cx).map(|result| {
                let classify = this.classify.take().expect("polled after it was over");
                let outcome = classify(&result);
                (result, outcome)
            })
        }));
        match polled {
            Ok(polled) => {
                let (result, outcome) = ready!(polled);
                this.leave.settle(outcome);
                Poll::Ready(result.map_err(CallError::Failed))
            }
            Err(panic) => {
                this.leave.settle(Outcome::Failure);
                resume_unwind(panic);
            }
        }
    }
}
