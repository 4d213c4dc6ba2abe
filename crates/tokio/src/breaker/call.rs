//! A future that runs under a breaker's permit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::breaker::{Outcome, Refused};
use evenkeel_std::{CallError, Clock, Guard, SharedBreaker};
use pin_project_lite::pin_project;

use crate::guarded::{Ask, Guarded, Leave};

pin_project! {
    /// A call that a breaker guards: what [`SharedBreaker::call`](super::SharedBreaker::call) returns.
    ///
    /// **Cancel safe.** Dropped before its first poll, nothing has happened. Dropped later, it reports that the call
    /// was given up ([`Outcome::Ignored`]), after the operation itself was dropped.
    ///
    /// ```
    /// # use std::{future::pending, time::Duration};
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}};
    /// # use evenkeel_tokio::{SharedBreaker, TokioClock};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure(); // open, for at most a second
    /// tokio::time::sleep(Duration::from_secs(1)).await;
    /// // The one probe hangs, and its caller gives it up: its place is free again.
    /// let hangs = breaker.call(pending::<Result<(), ()>>());
    /// assert!(tokio::time::timeout(Duration::from_secs(2), hangs).await.is_err());
    /// assert_eq!(breaker.call(async { Ok::<_, ()>("probe") }).await, Ok("probe"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a future does nothing unless it is polled"]
    pub struct Call<'a, F, K, C: Clock> {
        #[pin]
        guarded: Guarded<&'a SharedBreaker<C>, F, K>,
    }
}

impl<'a, F, K, C: Clock> Call<'a, F, K, C> {
    pub(super) const fn new(breaker: &'a SharedBreaker<C>, classify: K, operation: F) -> Self {
        Self {
            guarded: Guarded::new(breaker, classify, operation),
        }
    }
}

impl<F, K, C, T, E> Future for Call<'_, F, K, C>
where
    F: Future<Output = Result<T, E>>,
    K: FnOnce(&Result<T, E>) -> Outcome,
    C: Clock,
{
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx)
    }
}

impl<F, K, C: Clock> fmt::Debug for Call<'_, F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl<'a, C: Clock> Ask for &'a SharedBreaker<C> {
    type Leave = Guard<'a, C>;
    type Refused = Refused;

    fn ask(&self) -> Result<Guard<'a, C>, Refused> {
        let breaker: &'a SharedBreaker<C> = self;
        breaker.try_acquire()
    }
}

impl<C: Clock> Leave for Guard<'_, C> {
    fn outcome(self, outcome: Outcome) {
        let _ = Guard::outcome(self, outcome);
    }
}
