//! A future that runs under the permit of one key's breaker.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::task::{Context, Poll};

use evenkeel_core::breaker::{Outcome, Refused};
use evenkeel_core::table::Answered;
use evenkeel_std::{CallError, Clock, KeyGuard, SharedBreakerTable};
use pin_project_lite::pin_project;

use crate::guarded::{Ask, Guarded, Leave};

pin_project! {
    /// A call that one key's breaker guards: what [`SharedBreakerTable::call`](super::SharedBreakerTable::call)
    /// returns.
    ///
    /// **Cancel safe.** Dropped before its first poll, nothing has happened. Dropped later, it reports that the call
    /// was given up ([`Outcome::Ignored`]), after the operation itself was dropped.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BreakerTablePolicy};
    /// # use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
    /// # use evenkeel_tokio::SharedBreakerTable;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
    /// let hosts = SharedBreakerTable::<u64>::new(policy);
    /// let hangs = hosts.call(&7, std::future::pending::<Result<(), ()>>());
    /// assert!(tokio::time::timeout(Duration::from_secs(2), hangs).await.is_err());
    /// assert_eq!(hosts.phase(&7), Phase::Closed);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a future does nothing unless it is polled"]
    pub struct KeyCall<'a, K, Q, F, S, C>
    where
        K: Hash,
        K: Eq,
        K: Borrow<Q>,
        Q: Hash,
        Q: Eq,
        Q: ToOwned<Owned = K>,
        Q: ?Sized,
        C: Clock,
    {
        #[pin]
        guarded: Guarded<Key<'a, K, Q, C>, F, S>,
    }
}

/// One key of a table, to be asked.
struct Key<'a, K, Q: ?Sized, C: Clock> {
    table: &'a SharedBreakerTable<K, C>,
    key: &'a Q,
}

impl<'a, K, Q, F, S, C> KeyCall<'a, K, Q, F, S, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    pub(super) const fn new(
        table: &'a SharedBreakerTable<K, C>,
        key: &'a Q,
        classify: S,
        operation: F,
    ) -> Self {
        Self {
            guarded: Guarded::new(Key { table, key }, classify, operation),
        }
    }
}

impl<K, Q, F, S, C, T, E> Future for KeyCall<'_, K, Q, F, S, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    F: Future<Output = Result<T, E>>,
    S: FnOnce(&Result<T, E>) -> Outcome,
    C: Clock,
{
    type Output = Result<T, CallError<E, Answered<Refused>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().guarded.poll(cx)
    }
}

impl<K, Q, F, S, C> fmt::Debug for KeyCall<'_, K, Q, F, S, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCall").finish_non_exhaustive()
    }
}

impl<'a, K, Q, C> Ask for Key<'a, K, Q, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    type Leave = KeyGuard<'a, K, Q, C>;
    type Refused = Answered<Refused>;

    fn ask(&self) -> Result<Self::Leave, Self::Refused> {
        self.table.try_acquire(self.key)
    }
}

impl<K, Q, C> Leave for KeyGuard<'_, K, Q, C>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    C: Clock,
{
    fn outcome(self, outcome: Outcome) {
        let _ = KeyGuard::outcome(self, outcome);
    }
}
