//! A circuit breaker for each of many keys, shared by tasks: that of evenkeel-std, and `call` for a future.

mod call;

use std::borrow::Borrow;
use std::future::Future;
use std::hash::Hash;

use evenkeel_core::breaker::Outcome;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_std::{Clock, Streams};

use crate::breaker::ByResult;
use crate::clock::TokioClock;
use crate::handle::std_handle;

pub use call::KeyCall;
pub use evenkeel_std::{KeyGuard, SharedKeyGate};

/// A circuit breaker for each key, all with one policy: [`evenkeel_std::SharedBreakerTable`], to which it dereferences.
/// A clone is another handle to the same table.
///
/// A key that nothing happened to for `forget_after` is forgotten; there is nothing to be done for it. What happens to
/// a call that panics or is dropped: see [`SharedBreaker`](crate::SharedBreaker#panics-drops-shutdown). For a retry,
/// give it [`gate(key)`](evenkeel_std::SharedBreakerTable::gate).
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
/// use evenkeel_core::table::BreakerTablePolicy;
/// use evenkeel_tokio::SharedBreakerTable;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
///
/// let hosts = SharedBreakerTable::<String>::new(policy);
/// let _ = hosts.call("a.example", async { Err::<(), _>("no route") }).await;
/// assert_eq!(hosts.call("b.example", async { Ok::<_, &str>(200) }).await, Ok(200));
/// assert_eq!((hosts.phase("a.example"), hosts.phase("b.example")), (Phase::Open, Phase::Closed));
/// # Ok(())
/// # }
/// ```
pub struct SharedBreakerTable<K, C: Clock = TokioClock> {
    handle: evenkeel_std::SharedBreakerTable<K, C>,
}

std_handle!(SharedBreakerTable, K);

impl<K: Hash + Eq> SharedBreakerTable<K> {
    /// An empty table on tokio's clock, with random words of this process.
    #[must_use]
    pub fn new(policy: BreakerTablePolicy) -> Self {
        Self::with_clock(policy, TokioClock::default(), &Streams::of_the_process())
    }
}

impl<K: Hash + Eq, C: Clock> SharedBreakerTable<K, C> {
    /// An empty table on `clock`; its random words are the next of `streams`.
    #[must_use]
    pub fn with_clock(policy: BreakerTablePolicy, clock: C, streams: &Streams) -> Self {
        evenkeel_std::SharedBreakerTable::with_clock(policy, clock, streams).into()
    }

    /// Makes the call, if `key`'s breaker lets it: `Ok` is a success, `Err` a failure. The table is asked at the first
    /// poll. The call borrows handle and key: to spawn it, move both into the task.
    ///
    /// # Errors
    /// The refusal, with whose breaker it was, or the call's own error.
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
    /// let hosts = SharedBreakerTable::<String>::new(policy);
    /// let (handle, host) = (hosts.clone(), "a.example".to_owned());
    /// let task = tokio::spawn(async move { handle.call(host.as_str(), async { Err::<(), _>("no route") }).await });
    /// assert!(task.await.expect("no panic").is_err());
    /// assert_eq!(hosts.phase("a.example"), Phase::Open);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<'a, Q, F, T, E>(
        &'a self,
        key: &'a Q,
        operation: F,
    ) -> KeyCall<'a, K, Q, F, ByResult<T, E>, C>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: Future<Output = Result<T, E>>,
    {
        let by_result: ByResult<T, E> = |result| match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        };
        self.call_with(key, by_result, operation)
    }

    /// Makes the call, if `key`'s breaker lets it; `classify` says what its result means to the breaker.
    ///
    /// # Errors
    /// The refusal, with whose breaker it was, or the call's own error.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BreakerTablePolicy};
    /// # use evenkeel_core::breaker::{BreakerPolicy, Outcome, Phase, Trigger};
    /// # use evenkeel_tokio::SharedBreakerTable;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
    /// let peers = SharedBreakerTable::<u64>::new(policy);
    /// let by_status = |answer: &Result<u16, ()>| match answer {
    ///     Ok(..=499) => Outcome::Success,
    ///     _ => Outcome::Failure,
    /// };
    /// assert_eq!(peers.call_with(&7, by_status, async { Ok(503) }).await, Ok(503));
    /// assert_eq!(peers.phase(&7), Phase::Open);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_with<'a, Q, F, S, T, E>(
        &'a self,
        key: &'a Q,
        classify: S,
        operation: F,
    ) -> KeyCall<'a, K, Q, F, S, C>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: Future<Output = Result<T, E>>,
        S: FnOnce(&Result<T, E>) -> Outcome,
    {
        KeyCall::new(&self.handle, key, classify, operation)
    }
}
