//! A circuit breaker that tasks share: that of evenkeel-std on tokio's clock, and `call` for a future.

mod builder;
mod call;

use std::future::Future;

#[cfg(feature = "journal")]
use evenkeel_core::breaker::Transitions;
use evenkeel_core::breaker::{BreakerPolicy, Grant, Outcome, Permit, Receipt, Refused};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::BreakerGate;
use evenkeel_std::Clock;
#[cfg(feature = "journal")]
use evenkeel_std::journal::{Held, Journal, LendBreaker, Part};

use crate::clock::TokioClock;
use crate::handle::std_handle;

pub use builder::SharedBreakerBuilder;
pub use call::Call;
pub use evenkeel_std::{CallError, Guard};

/// What [`SharedBreaker::call`] does with a result.
pub type ByResult<T, E> = fn(&Result<T, E>) -> Outcome;

/// A circuit breaker that tasks share. A clone is another handle to the same breaker.
///
/// It is a [`evenkeel_std::SharedBreaker`], and dereferences to one: [`phase`](evenkeel_std::SharedBreaker::phase),
/// [`stats`](evenkeel_std::SharedBreaker::stats), [`on_transition`](evenkeel_std::SharedBreaker::on_transition),
/// [`set_mode`](evenkeel_std::SharedBreaker::set_mode), [`try_acquire`](evenkeel_std::SharedBreaker::try_acquire) for a
/// [`Guard`] of your own, and the rest are there, with what each costs. Only [`call`](Self::call) and
/// [`call_with`](Self::call_with) differ: they take a future.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
/// use evenkeel_tokio::{CallError, SharedBreaker};
///
/// async fn fetch() -> Result<&'static str, std::io::Error> {
///     Err(std::io::ErrorKind::ConnectionRefused.into())
/// }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
///     .trigger(Trigger::Consecutive { failures: 5 })
///     .build()?;
/// let breaker = SharedBreaker::new(policy);
/// for _ in 0..5 {
///     match breaker.call(fetch()).await {
///         Ok(answer) => println!("{answer}"),
///         Err(CallError::Refused(refused)) => println!("not asked: {refused}"),
///         Err(CallError::Failed(error)) => println!("{error}"),
///     }
/// }
/// assert_eq!(breaker.phase(), Phase::Open);
/// assert!(breaker.call(fetch()).await.is_err_and(|error| error.refused().is_some()));
/// # Ok(())
/// # }
/// ```
///
/// # Panics, drops, shutdown
///
/// A panic of the guarded future is a failure and goes on up. A [`Call`] that is dropped before it is over (a timeout,
/// a `select!`, an aborted task, a runtime that shuts down) reports [`Outcome::Ignored`]: nothing while the breaker is
/// closed, and a probe's place is free again. A call that hangs and is never dropped holds a probe's place until
/// `probe_timeout`, and then counts as failed. Nothing runs in the background.
pub struct SharedBreaker<C: Clock = TokioClock> {
    handle: evenkeel_std::SharedBreaker<C>,
}

std_handle!(SharedBreaker);

impl SharedBreaker {
    /// A closed breaker on tokio's clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_tokio::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// assert_eq!(SharedBreaker::new(policy.build()?).phase(), Phase::Closed);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: BreakerPolicy) -> Self {
        Self::builder(policy).build()
    }

    /// Another clock, fixed random words, a stored state: see [`SharedBreakerBuilder`].
    pub fn builder(policy: BreakerPolicy) -> SharedBreakerBuilder {
        SharedBreakerBuilder::new(policy)
    }
}

impl<C: Clock> SharedBreaker<C> {
    /// Makes the call, if it may be made: `Ok` is a success, `Err` a failure.
    ///
    /// The breaker is asked when the returned [`Call`] is polled for the first time; if it refuses, `operation` is
    /// never polled. The call borrows the handle: to spawn it, move a clone into the task.
    ///
    /// # Errors
    /// The refusal, or the call's own error.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_tokio::SharedBreaker;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = policy.build()?;
    /// let breaker = SharedBreaker::new(policy);
    /// let handle = breaker.clone();
    /// let task = tokio::spawn(async move { handle.call(async { "42".parse::<u8>() }).await });
    /// assert_eq!(task.await.expect("no panic"), Ok(42));
    /// assert!(breaker.call(async { "4 2".parse::<u8>() }).await.is_err());
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<F, T, E>(&self, operation: F) -> Call<'_, F, ByResult<T, E>, C>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_with(
            |result| match result {
                Ok(_) => Outcome::Success,
                Err(_) => Outcome::Failure,
            },
            operation,
        )
    }

    /// Makes the call, if it may be made; `classify` says what its result means to the breaker.
    ///
    /// # Errors
    /// The refusal, or the call's own error.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Outcome, Phase, Trigger}};
    /// # use evenkeel_tokio::SharedBreaker;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let by_status = |answer: &Result<u16, ()>| match answer {
    ///     Ok(429) => Outcome::Overloaded { retry_at_ns: None },
    ///     Ok(500..) | Err(()) => Outcome::Failure,
    ///     Ok(400..) => Outcome::Ignored, // our own mistake
    ///     Ok(_) => Outcome::Success,
    /// };
    /// assert_eq!(breaker.call_with(by_status, async { Ok(404) }).await, Ok(404));
    /// assert_eq!(breaker.phase(), Phase::Closed);
    /// assert_eq!(breaker.call_with(by_status, async { Ok(503) }).await, Ok(503));
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_with<F, K, T, E>(&self, classify: K, operation: F) -> Call<'_, F, K, C>
    where
        F: Future<Output = Result<T, E>>,
        K: FnOnce(&Result<T, E>) -> Outcome,
    {
        Call::new(&self.handle, classify, operation)
    }

    /// Leave to make one call, as a [`Guard`] to be told how it ended: as in
    /// [evenkeel-std](evenkeel_std::SharedBreaker::try_acquire), on this handle also where [`BreakerGate`] is in scope.
    ///
    /// # Errors
    /// A [`Refused`] with the reason, and the instant of the breaker's clock at which to ask again.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_tokio::SharedBreaker;
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// breaker.try_acquire()?.failure();
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<Guard<'_, C>, Refused> {
        self.handle.try_acquire()
    }

    /// [`try_acquire`](Self::try_acquire), with a guard that keeps the breaker: it can be sent away.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Phase, Trigger}};
    /// # use evenkeel_tokio::SharedBreaker;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let open = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
    /// # let breaker = SharedBreaker::new(policy.build()?);
    /// let guard = breaker.try_acquire_owned()?;
    /// tokio::spawn(async move { guard.failure() }).await?;
    /// assert_eq!(breaker.phase(), Phase::Open);
    /// # Ok(())
    /// # }
    /// ```
    #[inline(always)]
    pub fn try_acquire_owned(&self) -> Result<Guard<'static, C>, Refused> {
        self.handle.try_acquire_owned()
    }
}

/// For a retry, which brings its own instants and its own random words: they must come from this breaker's clock.
impl<C: Clock> BreakerGate for SharedBreaker<C> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        BreakerGate::try_acquire(&mut self.handle, now_ns, rng)
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        self.handle
            .on_outcome(now_ns, permit, outcome, latency_ns, rng)
    }
}

#[cfg(feature = "journal")]
impl<C: Clock> LendBreaker for SharedBreaker<C> {
    fn lend(
        &mut self,
        to: &Journal,
        now_ns: u64,
        held: &mut Held,
        step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
    ) {
        self.handle.lend(to, now_ns, held, step);
    }
}
