//! A call that a breaker has let through: reported when it is over, panics or is dropped.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::breaker::{Outcome, Refused};
use evenkeel_std::CallError;
use pin_project_lite::pin_project;

use crate::classify::Classify;

/// Leave to make one call.
pub(crate) trait Leave {
    fn now_ns(&self) -> u64;
    /// The call is over, or given up: leave is given back, where it lies. Once: then there is nothing to give back.
    fn settle(&mut self, outcome: Outcome);
}

/// Dropped, the call was given up: never a failure, although a panic somewhere else may be what drops it.
pub(crate) struct Held<L: Leave>(L);

impl<L: Leave> Held<L> {
    /// A panic in `act` is a failure of the call.
    #[inline(always)]
    fn watch<T>(&mut self, act: impl FnOnce(&mut L) -> T) -> T {
        match catch_unwind(AssertUnwindSafe(|| act(&mut self.0))) {
            Ok(done) => done,
            Err(panic) => {
                self.0.settle(Outcome::Failure);
                resume_unwind(panic);
            }
        }
    }
}

impl<L: Leave> Drop for Held<L> {
    #[inline]
    fn drop(&mut self) {
        self.0.settle(Outcome::Ignored);
    }
}

pin_project! {
    #[project = GuardedProjected]
    pub(crate) enum Guarded<F, L: Leave, K> {
        Refused {
            refused: Option<Refused>,
        },
        Calling {
            // Dropped first: leave is given back when nobody uses it any more.
            #[pin]
            future: F,
            held: Held<L>,
            classify: K,
        },
    }
}

impl<F, L: Leave, K> Guarded<F, L, K> {
    pub(crate) const fn refused(refused: Refused) -> Self {
        Self::Refused {
            refused: Some(refused),
        }
    }

    /// The call begins; when it has, what was `asked` becomes leave that lasts.
    #[inline(always)]
    pub(crate) fn calling<A: Leave>(
        mut asked: A,
        lasts: impl FnOnce(A) -> L,
        classify: K,
        call: impl FnOnce() -> F,
    ) -> Self {
        let future = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(future) => future,
            Err(panic) => {
                asked.settle(Outcome::Failure);
                resume_unwind(panic);
            }
        };
        Self::Calling {
            future,
            held: Held(lasts(asked)),
            classify,
        }
    }

    pub(crate) const fn stage(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Calling { .. } => "calling",
        }
    }
}

impl<F, L, K, Res, Err> Future for Guarded<F, L, K>
where
    F: Future<Output = Result<Res, Err>>,
    L: Leave,
    K: Classify<Res, Err>,
{
    type Output = Result<Res, CallError<Err, Refused>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            GuardedProjected::Refused { refused } => {
                let refused = refused.take().expect("polled after it was over");
                Poll::Ready(Err(CallError::Refused(refused)))
            }
            GuardedProjected::Calling {
                future,
                held,
                classify,
            } => {
                let result = ready!(held.watch(|leave| {
                    let result = ready!(future.poll(cx));
                    let classified = classify.classify(result.as_ref());
                    // The clock is not read for a success.
                    let outcome = classified.map_or(Outcome::Success, |classified| {
                        classified.outcome(leave.now_ns()).breaker_outcome()
                    });
                    leave.settle(outcome);
                    Poll::Ready(result)
                }));
                Poll::Ready(result.map_err(CallError::Failed))
            }
        }
    }
}
