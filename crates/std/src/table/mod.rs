//! A circuit breaker for each of many keys, shared by threads.

mod commands;
mod gate;
mod guard;
mod kept;
#[cfg(feature = "journal")]
mod recorded;

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use evenkeel_core::breaker::{Outcome, Refused};
use evenkeel_core::table::{Answered, BreakerTable, BreakerTablePolicy};

use crate::breaker::CallError;
use crate::clock::{Clock, MonotonicClock};
use crate::streams::{Stream, Streams};
use crate::sync::{Mutex, MutexGuard, lock};

use kept::KeptTable;

pub use gate::SharedKeyGate;
pub use guard::KeyGuard;

/// A circuit breaker for each key, all with one policy: the core's [`BreakerTable`] behind one lock. A clone is another
/// handle to the same table.
///
/// A key that nothing happened to for `forget_after` is forgotten, as the core's table says; there is nothing to be done
/// for it. When `max_keys` are tracked, one breaker answers for all others: [`AnsweredBy::Overflow`]. Keys are hashed with a
/// seed of this process, so outsiders may choose them.
///
/// [`AnsweredBy::Overflow`]: evenkeel_core::table::AnsweredBy::Overflow
///
/// It has no listener: [`phase`](Self::phase) and [`stats_of`](Self::stats_of) answer for one key, [`stats`](Self::stats)
/// for all together.
///
/// Every ask and every report takes the lock, for some 50 ns and never while a call is under way. For the few services that
/// take most of the traffic a [`SharedBreaker`](crate::SharedBreaker) of their own is cheaper.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
/// use evenkeel_core::table::BreakerTablePolicy;
/// use evenkeel_std::SharedBreakerTable;
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
///
/// let hosts = SharedBreakerTable::<String>::new(policy);
/// let _ = hosts.call("a.example", || Err::<(), _>("no route"));
/// assert_eq!(hosts.call("b.example", || Ok::<_, &str>(200)), Ok(200));
/// assert_eq!((hosts.phase("a.example"), hosts.phase("b.example")), (Phase::Open, Phase::Closed));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub struct SharedBreakerTable<K, C: Clock = MonotonicClock> {
    inner: Arc<Inner<K, C>>,
}

struct Inner<K, C> {
    locked: Mutex<Locked<K>>,
    clock: C,
}

struct Locked<K> {
    table: KeptTable<K>,
    /// Its words are drawn under the lock; nothing else draws from it.
    stream: Stream,
}

impl<K: Hash + Eq> SharedBreakerTable<K> {
    /// An empty table on the monotonic clock, with random words of this process.
    #[must_use]
    pub fn new(policy: BreakerTablePolicy) -> Self {
        Self::with_clock(policy, MonotonicClock, &Streams::of_the_process())
    }
}

impl<K: Hash + Eq, C: Clock> SharedBreakerTable<K, C> {
    /// An empty table on `clock`; its random words are the next of `streams`.
    #[must_use]
    pub fn with_clock(policy: BreakerTablePolicy, clock: C, streams: &Streams) -> Self {
        let locked = Mutex::new(Locked {
            table: KeptTable::Plain(BreakerTable::new(policy)),
            stream: streams.next(),
        });
        Self {
            inner: Arc::new(Inner { locked, clock }),
        }
    }
}

impl<K: Hash + Eq, C: Clock> SharedBreakerTable<K, C> {
    /// Makes the call, if `key`'s breaker lets it: `Ok` is a success, `Err` a failure.
    ///
    /// # Errors
    /// The refusal, or the call's own error.
    ///
    /// # Panics
    /// When `operation` does, which counts as a failure.
    pub fn call<Q, T, E>(
        &self,
        key: &Q,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E, Answered<Refused>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let by_result = |result: &Result<T, E>| match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        };
        self.call_with(key, by_result, operation)
    }

    /// Makes the call, if `key`'s breaker lets it; `classify` says what its result means to the breaker.
    ///
    /// # Errors
    /// The refusal, or the call's own error.
    ///
    /// # Panics
    /// When `operation` or `classify` does, which counts as a failure.
    pub fn call_with<Q, T, E>(
        &self,
        key: &Q,
        classify: impl FnOnce(&Result<T, E>) -> Outcome,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E, Answered<Refused>>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let guard = self.try_acquire(key).map_err(CallError::Refused)?;
        let result = operation();
        let _ = guard.outcome(classify(&result));
        result.map_err(CallError::Failed)
    }

    /// Leave to make one call, as a guard to be told how it ended.
    ///
    /// # Errors
    /// A refusal, and whose breaker refused.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, table::BreakerTablePolicy};
    /// # use evenkeel_core::breaker::{BreakerPolicy, Trigger};
    /// # use evenkeel_std::SharedBreakerTable;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = BreakerTablePolicy::builder(breaker.build()?, 1_000, Duration::from_secs(3_600)).build()?;
    /// let peers = SharedBreakerTable::<u64>::new(policy);
    /// peers.try_acquire(&7)?.failure();
    /// assert!(peers.try_acquire(&7).is_err());
    /// peers.try_acquire(&8)?.success();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_acquire<'a, Q>(
        &'a self,
        key: &'a Q,
    ) -> Result<KeyGuard<'a, K, Q, C>, Answered<Refused>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let began_ns = self.inner.clock.now_ns();
        let mut locked = self.lock();
        let Locked { table, stream } = &mut *locked;
        let granted = table.try_acquire(began_ns, key, stream)?;
        drop(locked);
        Ok(KeyGuard::new(self, key, granted, began_ns))
    }
}

impl<K, C: Clock> SharedBreakerTable<K, C> {
    fn lock(&self) -> MutexGuard<'_, Locked<K>> {
        lock(&self.inner.locked)
    }
}

impl<K, C: Clock> Clone for SharedBreakerTable<K, C> {
    fn clone(&self) -> Self {
        let inner = Arc::clone(&self.inner);
        Self { inner }
    }
}

impl<K, C: Clock> fmt::Debug for SharedBreakerTable<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBreakerTable")
            .field("table", self.lock().table.table())
            .finish_non_exhaustive()
    }
}
