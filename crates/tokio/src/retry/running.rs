//! The future of a retry: do what core's machine says, until it says that it is done.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_core::retry::{AttemptId, BreakerGate, RetryAction, RetryBudget, RetryPolicy};
use evenkeel_std::driver::{self, Lent, Observed, Rules};
#[cfg(feature = "journal")]
use evenkeel_std::journal::Recording;
use evenkeel_std::{Attempt, Classified, RetryError, RetryEvent, Stream};
use pin_project_lite::pin_project;

use super::make::MakeAttempt;
use super::operation::Operation;
use crate::clock::{Sleep, SleepUntil};

pin_project! {
    /// An operation with retries, as a future: what [`Retry::run`](super::Retry::run) returns.
    ///
    /// It holds the attempt itself, without a box. For cancel safety and panics see the [module](super).
    ///
    /// ```
    /// # use std::{future::pending, time::Duration};
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::retry;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let hangs = retry(&policy, |_| pending::<Result<(), ()>>()).run();
    /// // Given up after a second: the attempt is dropped, and nothing stays behind.
    /// assert!(tokio::time::timeout(Duration::from_secs(1), hangs).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a future does nothing unless it is polled"]
    pub struct Running<F, A, T, E, C, B, G, K, O, H>
    where
        C: Sleep,
        B: BreakerGate,
        B: Send,
        G: RetryBudget,
        G: Send,
    {
        // Dropped first: what it holds is given back when nobody uses it any more.
        #[pin]
        stage: Stage<A, C>,
        call: F,
        // Until it is over.
        operation: Option<Operation<T, E, C, B, G, K, O, H>>,
    }
}

pin_project! {
    #[project = StageProjected]
    enum Stage<A, C: Sleep> {
        /// The machine says what comes next.
        Next,
        Out {
            #[pin]
            attempt: A,
            #[pin]
            timeout: Option<SleepUntil<C>>,
            id: AttemptId,
        },
        Wait {
            #[pin]
            sleep: SleepUntil<C>,
        },
    }
}

impl<F, A, T, E, C, B, G, K, O, H> Running<F, A, T, E, C, B, G, K, O, H>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// For layers of your own, which keep what an operation is made of and need a future with a name: what
    /// [`Retry::run`](super::Retry::run) does with what was chosen there.
    ///
    /// ```
    /// # use std::{future::{Ready, ready}, time::Duration};
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// use evenkeel_std::driver::{Lent, Rules};
    /// use evenkeel_tokio::retry::{MakeAttempt, Running};
    /// use evenkeel_tokio::{Attempt, Streams, TokioClock};
    ///
    /// struct Doubles(u32);
    ///
    /// impl MakeAttempt<Ready<Result<u32, ()>>> for Doubles {
    ///     fn make(&mut self, _: Attempt) -> Ready<Result<u32, ()>> {
    ///         ready(Ok(self.0 * 2))
    ///     }
    /// }
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let stream = Streams::of_the_process().next();
    /// let running = Running::new(Doubles(21), policy, TokioClock::default(), stream, Lent::none(), Rules::new());
    /// assert_eq!(running.await, Ok(42));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn new(
        call: F,
        policy: RetryPolicy,
        clock: C,
        stream: Stream,
        lent: Lent<B, G>,
        rules: Rules<K, O, H>,
    ) -> Self {
        let driven = driver::Operation::new(policy, clock, stream, lent, rules);
        Self {
            stage: Stage::Next,
            call,
            operation: Some(Operation::new(driven)),
        }
    }

    #[inline]
    pub(super) fn observed(mut self, observed: Observed) -> Self {
        if let Some(operation) = &mut self.operation {
            operation.observe(observed);
        }
        self
    }

    /// Takes down what the operation decides, as [`Retry::record`](super::Retry::record). Feature `journal`. Once it has
    /// been polled it is too late, and this does nothing.
    #[cfg(feature = "journal")]
    pub fn record(mut self, calls: impl Into<Recording<B, G>>) -> Self {
        if let Some(operation) = &mut self.operation {
            operation.record(calls.into());
        }
        self
    }
}

impl<F, A, T, E, C, B, G, K, O, H> Future for Running<F, A, T, E, C, B, G, K, O, H>
where
    F: MakeAttempt<A>,
    A: Future<Output = Result<T, E>>,
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    type Output = Result<T, RetryError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let operation = this.operation.as_mut().expect("polled after it was over");
        operation.begin();
        let scope = operation.driven.observed().scope();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            scope.run(|| drive(this.stage.as_mut(), this.call, operation, cx))
        }));
        match polled {
            Ok(polled) => {
                ready!(polled);
                let answer = operation.driven.ended();
                *this.operation = None;
                Poll::Ready(answer)
            }
            Err(panic) => {
                operation.driven.panicked();
                *this.operation = None;
                resume_unwind(panic);
            }
        }
    }
}

/// The canonical loop: ask the machine, do what it says, and wait for whatever comes first.
fn drive<F, A, T, E, C, B, G, K, O, H>(
    mut stage: Pin<&mut Stage<A, C>>,
    call: &mut F,
    operation: &mut Operation<T, E, C, B, G, K, O, H>,
    cx: &mut Context<'_>,
) -> Poll<()>
where
    F: MakeAttempt<A>,
    A: Future<Output = Result<T, E>>,
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    loop {
        match stage.as_mut().project() {
            StageProjected::Next => {
                if next(stage.as_mut(), call, operation) {
                    return Poll::Ready(());
                }
            }
            StageProjected::Out {
                attempt,
                timeout,
                id,
            } => {
                let id = *id;
                let polled = operation.driven.observed().in_attempt(|| attempt.poll(cx));
                let Poll::Ready(answer) = polled else {
                    match timeout.as_pin_mut() {
                        Some(timeout) => ready!(timeout.poll(cx)),
                        None => return Poll::Pending,
                    }
                    // Its time is over: it is dropped here, and then the machine reports it.
                    stage.set(Stage::Next);
                    continue;
                };
                stage.set(Stage::Next);
                if operation.driven.answered(id, answer) {
                    return Poll::Ready(());
                }
                if operation.driven.is_due() {
                    // A policy that does not wait must not keep all other tasks waiting.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            StageProjected::Wait { sleep } => {
                ready!(sleep.poll(cx));
                stage.set(Stage::Next);
            }
        }
    }
}

/// Does what the machine says; true is the end.
fn next<F, A, T, E, C, B, G, K, O, H>(
    mut stage: Pin<&mut Stage<A, C>>,
    call: &mut F,
    operation: &mut Operation<T, E, C, B, G, K, O, H>,
) -> bool
where
    F: MakeAttempt<A>,
    A: Future<Output = Result<T, E>>,
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    let now_ns = operation.now_ns();
    let operation = &mut operation.driven;
    let action = operation.poll(now_ns);
    match action {
        RetryAction::Attempt {
            attempt: id,
            timeout_at_ns,
            ..
        } => {
            let Some(told) = Attempt::of(&action, now_ns) else {
                return false;
            };
            call.forget(operation.attempt(told.number()));
            let attempt = operation.observed().in_attempt(|| call.make(told));
            let timeout = timeout_at_ns.map(|at_ns| operation.clock().sleep_until(at_ns));
            stage.set(Stage::Out {
                attempt,
                timeout,
                id,
            });
        }
        // It is dropped already.
        RetryAction::Abandon { .. } => operation.timed_out(),
        RetryAction::WaitUntil { at_ns } => {
            operation.waits(at_ns);
            call.waits();
            let sleep = operation.clock().sleep_until(at_ns);
            stage.set(Stage::Wait { sleep });
        }
        RetryAction::Done { .. } => return true,
        // Nothing is out here, and an action that is not known cannot be done.
        _ => operation.cancel(),
    }
    false
}

impl<F, A, T, E, C, B, G, K, O, H> fmt::Debug for Running<F, A, T, E, C, B, G, K, O, H>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Next => "next",
            Stage::Out { .. } => "out",
            Stage::Wait { .. } => "waiting",
        };
        let mut running = f.debug_struct("Running");
        running.field("stage", &stage).finish_non_exhaustive()
    }
}
