//! Retry at the call site: `retry(&policy, |attempt| ..).breaker(&breaker).budget(&tokens).await`.
//!
//! The rules are core's ([`evenkeel_core::retry`]); here is the future that calls, waits and asks again.
//!
//! **Timeouts.** An attempt that is not over at its timeout, or at the operation's deadline, is dropped. One that is
//! over when the operation is polled next brings its answer all the same: work that is done is not thrown away.
//!
//! **Cancel safe.** Dropped at any point ([`tokio::time::timeout`], `select!`, an aborted task, a runtime that shuts
//! down), the attempt is dropped first; then the breaker hears that it was given up (`Ignored`), and the budget gets
//! back what a waiting retry had taken. Polled for the first time the operation begins: its deadline counts from there.
//!
//! **Panics.** A panic in an attempt, in the function that makes it or in a classifier is a failure for the breaker; in a
//! hook, when no attempt is under way, it is none. All end the operation, give back what a retry had taken but not used,
//! and go on up.
//!
//! **Locks.** Breaker and budget are asked for the length of one step; nothing of them is held while an attempt is
//! under way or a wait lasts.

mod ext;
mod make;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod observe;
mod operation;
#[cfg(feature = "journal")]
mod record;
mod running;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;

use evenkeel_core::retry::{BreakerGate, RetryBudget, RetryPolicy};
use evenkeel_std::driver::{Lent, NoBreaker, NoBudget, Observed, Rules};
use evenkeel_std::{Attempt, Classified, RetryError, RetryEvent, Streams};

use crate::clock::{Sleep, TokioClock};

pub use ext::{Plain, RetryExt};
pub use make::MakeAttempt;
pub use running::Running;

/// An operation with retries around `call`, which is told its [`Attempt`] and makes a future. Nothing happens before it
/// is awaited.
///
/// Every error is transient unless [`classify`](Retry::classify) says otherwise.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_tokio::retry;
///
/// async fn fetch(attempt: u32) -> Result<&'static str, &'static str> {
///     if attempt < 3 { Err("connection reset") } else { Ok("hello") }
/// }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
/// let policy = RetryPolicy::builder(backoff).max_attempts(4).deadline(Duration::from_secs(10)).build()?;
/// let answer = retry(&policy, |attempt| fetch(attempt.number())).await;
/// assert_eq!(answer, Ok("hello"));
/// # Ok(())
/// # }
/// ```
pub fn retry<F, A, T, E>(policy: &RetryPolicy, call: F) -> Retry<F, A, T, E>
where
    F: FnMut(Attempt) -> A,
    A: Future<Output = Result<T, E>>,
{
    Retry::new(policy, call)
}

/// An operation that [`retry`] made; its setters say with what, `.await` does it.
///
/// Where a future is wanted, to spawn or to poll it, [`run`](Self::run) gives one.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::{End, RetryPolicy}};
/// use evenkeel_tokio::{Classified, retry};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let not_found = retry(&policy, |_| async { Err::<(), _>(404) })
///     .classify(|status| if *status < 500 { Classified::permanent() } else { Classified::transient() })
///     .await;
/// assert_eq!(not_found.unwrap_err().end(), End::Permanent);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is called unless it is awaited"]
pub struct Retry<
    F,
    A,
    T,
    E,
    C = TokioClock,
    B = NoBreaker,
    G = NoBudget,
    K = fn(&E) -> Classified,
    O = fn(&T) -> Option<Classified>,
    H = fn(&RetryEvent<'_, E>),
> {
    policy: RetryPolicy,
    call: F,
    clock: C,
    lent: Lent<B, G>,
    rules: Rules<K, O, H>,
    streams: Streams,
    observed: Observed,
    answers: PhantomData<fn(T, E) -> A>,
}

impl<F, A, T, E> Retry<F, A, T, E> {
    fn new(policy: &RetryPolicy, call: F) -> Self {
        Self {
            policy: *policy,
            call,
            clock: TokioClock::default(),
            lent: Lent::none(),
            rules: Rules::new(),
            streams: Streams::of_the_process(),
            observed: Observed::none(),
            answers: PhantomData,
        }
    }
}

impl<F, A, T, E, C, B, G, K, O, H> Retry<F, A, T, E, C, B, G, K, O, H> {
    /// Asks this breaker before each attempt and tells it how each went. The retry takes a clone of the handle, which
    /// must be on the retry's clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, retry::RetryPolicy};
    /// # use evenkeel_tokio::{SharedBreaker, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let builder = BreakerPolicy::builder(BackoffPolicy::builder(Duration::from_secs(9)), Duration::from_secs(5));
    /// let breaker = SharedBreaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
    /// let failed = retry(&policy, |_| async { Err::<(), _>("reset") }).breaker(&breaker).await;
    /// assert_eq!(failed.unwrap_err().end().name(), "breaker-open");
    /// # Ok(())
    /// # }
    /// ```
    pub fn breaker<B2>(self, breaker: &B2) -> Retry<F, A, T, E, C, B2, G, K, O, H>
    where
        B2: BreakerGate + Clone + Send,
    {
        self.with(|clock, lent, rules| (clock, lent.with_breaker(breaker.clone()), rules))
    }

    /// Pays each retry from this budget. The retry takes a clone of the handle, which must be on the retry's clock.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, budget::RetryTokensPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::{SharedTokens, TokioClock, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let one_retry = RetryTokensPolicy::builder(1_000).build()?;
    /// let tokens = SharedTokens::with_clock(one_retry, TokioClock::default());
    /// let failed = retry(&policy, |_| async { Err::<(), _>("reset") }).budget(&tokens).await;
    /// let error = failed.unwrap_err();
    /// assert_eq!((error.end().name(), error.attempts()), ("budget-spent", 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn budget<G2>(self, budget: &G2) -> Retry<F, A, T, E, C, B, G2, K, O, H>
    where
        G2: RetryBudget + Clone + Send,
    {
        self.with(|clock, lent, rules| (clock, lent.with_budget(budget.clone()), rules))
    }

    /// Says what an error means; without it every error is transient.
    ///
    /// ```
    /// # use std::{io, time::Duration};
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::{End, RetryPolicy}};
    /// # use evenkeel_tokio::{Classified, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let failed = retry(&policy, |_| async { std::fs::read("/no/such/file") })
    ///     .classify(|error| match error.kind() {
    ///         io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => Classified::permanent(),
    ///         io::ErrorKind::TimedOut => Classified::timeout(),
    ///         _ => Classified::transient(),
    ///     })
    ///     .await;
    /// assert!(failed.is_err_and(|error| error.end() == End::Permanent && error.attempts() == 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn classify<K2>(self, classify: K2) -> Retry<F, A, T, E, C, B, G, K2, O, H>
    where
        K2: Fn(&E) -> Classified,
    {
        self.with(|clock, lent, rules| (clock, lent, rules.with_classify(classify)))
    }

    /// Says which answers are failures although they are `Ok`, say an HTTP response 503; `None` is a success.
    ///
    /// Where no other attempt follows, such an answer is also what the operation returns, as the `Ok` that it is: look
    /// at it as you would without retries. It is dropped when another attempt begins, which may need what it holds (a
    /// connection, until its body is read).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::{Classified, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut statuses = [503, 503, 200].into_iter();
    /// let status = retry(&policy, |_| std::future::ready(statuses.next().ok_or("no more")))
    ///     .classify_ok(|status| (*status >= 500).then(Classified::transient))
    ///     .await;
    /// assert_eq!(status, Ok(200));
    /// # Ok(())
    /// # }
    /// ```
    pub fn classify_ok<O2>(self, classify_ok: O2) -> Retry<F, A, T, E, C, B, G, K, O2, H>
    where
        O2: Fn(&T) -> Option<Classified>,
    {
        self.with(|clock, lent, rules| (clock, lent, rules.with_classify_ok(classify_ok)))
    }

    /// Called once before each wait, also one of no length, and whatever comes of it; never under a lock. See
    /// [`RetryEvent`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, retry::RetryPolicy};
    /// # use evenkeel_tokio::{WaitCause, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10)).jitter(Jitter::None);
    /// # let policy = RetryPolicy::builder(backoff).build()?;
    /// let mut log = Vec::new();
    /// let answer = retry(&policy, |attempt| async move { if attempt.is_retry() { Ok(()) } else { Err("reset") } })
    ///     .on_retry(|event| log.push((event.attempts(), event.error().copied(), event.wait())))
    ///     .await;
    /// assert_eq!(answer, Ok(()));
    /// assert_eq!(log, [(1, Some("reset"), Duration::from_millis(10))]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_retry<H2>(self, on_retry: H2) -> Retry<F, A, T, E, C, B, G, K, O, H2>
    where
        H2: FnMut(&RetryEvent<'_, E>),
    {
        self.with(|clock, lent, rules| (clock, lent, rules.with_on_retry(on_retry)))
    }

    /// Reads and sleeps on this clock: that of the breaker and the budget, which are told its instants.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, retry::RetryPolicy};
    /// # use evenkeel_tokio::{Clock, TestClock, retry};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// let backoff = BackoffPolicy::builder(Duration::from_secs(3600)).jitter(Jitter::None);
    /// let policy = RetryPolicy::builder(backoff).max_attempts(2).build()?;
    /// let clock = TestClock::new(); // an hour passes at once, in any runtime or in none
    /// let failed = retry(&policy, |_| async { Err::<(), _>("reset") }).clock(clock.clone()).await;
    /// assert_eq!(failed.unwrap_err().attempts(), 2);
    /// assert_eq!(clock.now_ns(), 3_600_000_000_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn clock<C2: Sleep>(self, clock: C2) -> Retry<F, A, T, E, C2, B, G, K, O, H> {
        self.with(|_, lent, rules| (clock, lent, rules))
    }

    /// Draws its jitter from a stream of these, instead of one of the process.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::{Clock, Streams, TestClock, retry};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let ends_ns = async |streams: &Streams| {
    ///     let clock = TestClock::new();
    ///     let failed = retry(&policy, |_| async { Err::<(), _>("reset") }).streams(streams).clock(clock.clone());
    ///     let _ = failed.await;
    ///     clock.now_ns()
    /// };
    /// let streams = Streams::seeded(7);
    /// let two = [ends_ns(&streams).await, ends_ns(&streams).await];
    /// assert_ne!(two[0], two[1]); // two operations
    /// assert_eq!(two[0], ends_ns(&Streams::seeded(7)).await);
    /// # Ok(())
    /// # }
    /// ```
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = streams.clone();
        self
    }

    fn with<C2, B2, G2, K2, O2, H2>(
        self,
        change: impl FnOnce(C, Lent<B, G>, Rules<K, O, H>) -> (C2, Lent<B2, G2>, Rules<K2, O2, H2>),
    ) -> Retry<F, A, T, E, C2, B2, G2, K2, O2, H2> {
        let (clock, lent, rules) = change(self.clock, self.lent, self.rules);
        Retry {
            policy: self.policy,
            call: self.call,
            clock,
            lent,
            rules,
            streams: self.streams,
            observed: self.observed,
            answers: PhantomData,
        }
    }
}

impl<F, A, T, E, C, B, G, K, O, H> Retry<F, A, T, E, C, B, G, K, O, H>
where
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
{
    /// The operation as a future, say for [`tokio::spawn`]; `.await` does the same.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tokio::retry;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), evenkeel_core::ConfigError> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let task = tokio::spawn(retry(&policy, |attempt| async move { Ok::<_, ()>(attempt.number()) }).run());
    /// assert_eq!(task.await.expect("no panic"), Ok(1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(self) -> Running<F, A, T, E, C, B, G, K, O, H> {
        let stream = self.streams.next();
        let running = Running::new(
            self.call,
            self.policy,
            self.clock,
            stream,
            self.lent,
            self.rules,
        );
        running.observed(self.observed)
    }
}

impl<F, A, T, E, C, B, G, K, O, H> IntoFuture for Retry<F, A, T, E, C, B, G, K, O, H>
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
    type IntoFuture = Running<F, A, T, E, C, B, G, K, O, H>;

    fn into_future(self) -> Self::IntoFuture {
        self.run()
    }
}

impl<F, A, T, E, C, B, G, K, O, H> fmt::Debug for Retry<F, A, T, E, C, B, G, K, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut retry = f.debug_struct("Retry");
        retry.field("policy", &self.policy).finish_non_exhaustive()
    }
}
