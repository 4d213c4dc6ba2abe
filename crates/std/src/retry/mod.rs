//! Blocking retry at the call site: `retry(&policy, |attempt| ..).breaker(&breaker).budget(&tokens).run()`.
//!
//! The rules are core's ([`evenkeel_core::retry`]); here is the loop that calls, sleeps and asks again.
//!
//! **A blocking call cannot be interrupted.** An attempt that takes longer than its timeout, or than what is left until
//! the deadline, runs to its end; hand [`Attempt::timeout`] to the socket. The breaker then hears of a failure as of
//! the timeout. If it brings a success after all, that is the answer (another attempt could do the work twice); if it
//! brings an error that is permanent or cancelled, the operation ends with it; any other error counts as a timeout.
//!
//! **Panics.** A panic in the call is a failure for the breaker, ends the operation, gives back what a retry had taken
//! but not used, and goes on up. **Shutdown**: [`stop`](Retry::stop) ends a wait at once; the operation is then
//! cancelled. **Dropping** a [`Retry`] that was not [run](Retry::run) does nothing: nothing has happened.

mod ext;
mod make;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod observe;
#[cfg(feature = "journal")]
mod recorded;
mod running;

use std::fmt;
use std::marker::PhantomData;

use evenkeel_core::retry::{BreakerGate, RetryBudget, RetryPolicy};

use crate::attempt::{Attempt, RetryEvent};
use crate::classified::Classified;
use crate::clock::MonotonicClock;
use crate::driver::{Lent, NoBreaker, NoBudget, Observed, Operation, Rules};
use crate::retry_error::RetryError;
use crate::sleep::Sleep;
use crate::stop::Stop;
use crate::streams::Streams;
use running::Running;

pub use ext::{Plain, RetryExt};
pub use make::MakeAttempt;
#[cfg(feature = "journal")]
pub use recorded::RecordedRetry;

/// An operation with retries around `call`, which is told its [`Attempt`]. Nothing happens before
/// [`run`](Retry::run).
///
/// Every error is transient unless [`classify`](Retry::classify) says otherwise.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_std::{TestClock, retry};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
/// let policy = RetryPolicy::builder(backoff).max_attempts(4).deadline(Duration::from_secs(10)).build()?;
///
/// fn fetch(attempt: u32) -> std::io::Result<&'static str> {
///     if attempt < 3 { Err(std::io::ErrorKind::ConnectionReset.into()) } else { Ok("hello") }
/// }
/// let answer = retry(&policy, |attempt| fetch(attempt.number()))
///     .clock(TestClock::new()) // so that this example does not wait
///     .run()?;
/// assert_eq!(answer, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn retry<F, T, E>(policy: &RetryPolicy, call: F) -> Retry<F, T, E>
where
    F: FnMut(Attempt) -> Result<T, E>,
{
    Retry::new(policy, call)
}

/// An operation that [`retry`] made; its setters say with what, [`run`](Self::run) does it.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::{End, RetryPolicy}};
/// use evenkeel_std::{Classified, TestClock, retry};
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let not_found = retry(&policy, |_| Err::<(), _>(404))
///     .classify(|status| if *status < 500 { Classified::permanent() } else { Classified::transient() })
///     .clock(TestClock::new())
///     .run();
/// assert_eq!(not_found.unwrap_err().end(), End::Permanent);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "nothing is called before `run`"]
pub struct Retry<
    F,
    T,
    E,
    C = MonotonicClock,
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
    stop: Option<Stop>,
    observed: Observed,
    answers: PhantomData<fn() -> (T, E)>,
}

impl<F, T, E> Retry<F, T, E> {
    fn new(policy: &RetryPolicy, call: F) -> Self {
        Self {
            policy: *policy,
            call,
            clock: MonotonicClock,
            lent: Lent::none(),
            rules: Rules::new(),
            streams: Streams::of_the_process(),
            stop: None,
            observed: Observed::none(),
            answers: PhantomData,
        }
    }
}

impl<F, T, E, C, B, G, K, O, H> Retry<F, T, E, C, B, G, K, O, H> {
    /// Asks this breaker before each attempt and tells it how each went. The retry takes a clone of the handle.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, breaker::{BreakerPolicy, Trigger}, retry::{End, RetryPolicy}};
    /// # use evenkeel_std::{SharedBreaker, TestClock, retry};
    /// # let backoff = BackoffPolicy::builder(Duration::from_millis(10));
    /// # let policy = RetryPolicy::builder(backoff).build()?;
    /// # let builder = BreakerPolicy::builder(BackoffPolicy::builder(Duration::from_secs(9)), Duration::from_secs(5));
    /// # let clock = TestClock::new();
    /// let one_failure = builder.trigger(Trigger::Consecutive { failures: 1 }).build()?;
    /// let breaker = SharedBreaker::builder(one_failure).clock(clock.clone()).build();
    /// let failed = retry(&policy, |_| Err::<(), _>("reset")).breaker(&breaker).clock(clock).run();
    /// assert_eq!(failed.unwrap_err().end().name(), "breaker-open");
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn breaker<B2>(self, breaker: &B2) -> Retry<F, T, E, C, B2, G, K, O, H>
    where
        B2: BreakerGate + Clone + Send,
    {
        self.with(|clock, lent, rules| (clock, lent.with_breaker(breaker.clone()), rules))
    }

    /// Pays each retry from this budget. The retry takes a clone of the handle.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, budget::RetryTokensPolicy, retry::RetryPolicy};
    /// # use evenkeel_std::{SharedTokens, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let tokens = SharedTokens::new(RetryTokensPolicy::builder(1_000).build()?); // one retry
    /// let failed = retry(&policy, |_| Err::<(), _>("reset")).budget(&tokens).clock(TestClock::new()).run();
    /// let error = failed.unwrap_err();
    /// assert_eq!((error.end().name(), error.attempts()), ("budget-spent", 2));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn budget<G2>(self, budget: &G2) -> Retry<F, T, E, C, B, G2, K, O, H>
    where
        G2: RetryBudget + Clone + Send,
    {
        self.with(|clock, lent, rules| (clock, lent.with_budget(budget.clone()), rules))
    }

    /// Says what an error means; without it every error is transient.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use evenkeel_std::{Classified, Clock, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let failed = retry(&policy, |_| "4 2".parse::<u8>())
    ///     .classify(|_| Classified::permanent()) // it will not be a number the next time
    ///     .run();
    /// assert_eq!(failed.unwrap_err().attempts(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn classify<K2>(self, classify: K2) -> Retry<F, T, E, C, B, G, K2, O, H>
    where
        K2: Fn(&E) -> Classified,
    {
        self.with(|clock, lent, rules| (clock, lent, rules.with_classify(classify)))
    }

    /// Says which answers are failures although they are `Ok`, say an HTTP response 503; `None` is a success.
    ///
    /// Where no other attempt follows, such an answer is also what [`run`](Self::run) returns, as the `Ok` that it is:
    /// look at it as you would without retries. It is dropped when another attempt begins, which may need what it holds
    /// (a connection, until its body is read).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_std::{Classified, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut statuses = [503, 503, 200].into_iter();
    /// let status = retry(&policy, |_| statuses.next().ok_or("no more"))
    ///     .classify_ok(|status| (*status >= 500).then(Classified::transient))
    ///     .clock(TestClock::new())
    ///     .run();
    /// assert_eq!(status, Ok(200));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn classify_ok<O2>(self, classify_ok: O2) -> Retry<F, T, E, C, B, G, K, O2, H>
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
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use evenkeel_std::{Classified, Clock, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let mut waits = Duration::ZERO;
    /// let _ = retry(&policy, |_| Err::<(), _>("reset"))
    ///     .on_retry(|event| waits += event.wait())
    ///     .clock(TestClock::new())
    ///     .run();
    /// assert!(waits <= Duration::from_millis(30)); // two, of at most 10 and 20 ms
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_retry<H2>(self, on_retry: H2) -> Retry<F, T, E, C, B, G, K, O, H2>
    where
        H2: FnMut(&RetryEvent<'_, E>),
    {
        self.with(|clock, lent, rules| (clock, lent, rules.with_on_retry(on_retry)))
    }

    /// Reads and sleeps on this clock: that of the breaker and the budget.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::*};
    /// # use evenkeel_std::{Classified, Clock, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let clock = TestClock::new();
    /// let failed = retry(&policy, |_| Err::<(), _>("reset")).clock(&clock).run();
    /// assert!(failed.is_err() && clock.now_ns() <= 30_000_000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clock<C2: Sleep>(self, clock: C2) -> Retry<F, T, E, C2, B, G, K, O, H> {
        self.with(|_, lent, rules| (clock, lent, rules))
    }

    /// Draws its jitter from a stream of these, instead of one of the process.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_std::{Clock, Streams, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let ends_ns = |streams: &Streams| {
    ///     let clock = TestClock::new();
    ///     let _ = retry(&policy, |_| Err::<(), _>("reset")).streams(streams).clock(&clock).run();
    ///     clock.now_ns()
    /// };
    /// let streams = Streams::seeded(7);
    /// let two = [ends_ns(&streams), ends_ns(&streams)];
    /// assert_ne!(two[0], two[1]); // two operations
    /// assert_eq!(two[0], ends_ns(&Streams::seeded(7)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn streams(mut self, streams: &Streams) -> Self {
        self.streams = streams.clone();
        self
    }

    /// Ends its waits at once when somebody says stop: the operation is then
    /// [cancelled](evenkeel_core::retry::End::Cancelled). No attempt begins after that; one that runs is not disturbed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::{End, RetryPolicy}};
    /// # use evenkeel_std::{Stop, TestClock, retry};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// let stop = Stop::new();
    /// let call = retry(&policy, |_| { stop.stop(); Err::<(), _>("reset") });
    /// let failed = call.stop(&stop).clock(TestClock::new()).run();
    /// let error = failed.unwrap_err();
    /// assert_eq!((error.end(), error.attempts(), error.last()), (End::Cancelled, 1, Some(&"reset")));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn stop(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }

    fn with<C2, B2, G2, K2, O2, H2>(
        self,
        change: impl FnOnce(C, Lent<B, G>, Rules<K, O, H>) -> (C2, Lent<B2, G2>, Rules<K2, O2, H2>),
    ) -> Retry<F, T, E, C2, B2, G2, K2, O2, H2> {
        let (clock, lent, rules) = change(self.clock, self.lent, self.rules);
        Retry {
            policy: self.policy,
            call: self.call,
            clock,
            lent,
            rules,
            streams: self.streams,
            stop: self.stop,
            observed: self.observed,
            answers: PhantomData,
        }
    }
}

impl<F, T, E, C, B, G, K, O, H> Retry<F, T, E, C, B, G, K, O, H>
where
    F: MakeAttempt<T, E>,
    C: Sleep,
    B: BreakerGate + Send,
    G: RetryBudget + Send,
    K: Fn(&E) -> Classified,
    O: Fn(&T) -> Option<Classified>,
    H: FnMut(&RetryEvent<'_, E>),
{
    /// Makes the attempts, sleeps between them, and returns how it ended.
    ///
    /// # Errors
    /// With why it ended, how many attempts it made and the last error, where no attempt succeeded.
    ///
    /// # Panics
    /// When the call or a hook does; see the [module](self).
    pub fn run(self) -> Result<T, RetryError<E>> {
        self.run_as(|_, _| {})
    }

    fn run_as(
        mut self,
        begun: impl FnOnce(&mut Operation<T, E, C, B, G, K, O, H>, u64),
    ) -> Result<T, RetryError<E>> {
        let began_ns = self.clock.now_ns();
        let stream = self.streams.next();
        let mut operation = Operation::new(self.policy, self.clock, stream, self.lent, self.rules);
        operation.observe(self.observed);
        operation.begin(began_ns);
        begun(&mut operation, began_ns);
        let (stop, call) = (self.stop, |attempt| self.call.make(attempt));
        let running = Running {
            operation,
            stop,
            call,
        };
        running.run(began_ns)
    }
}

impl<F, T, E, C, B, G, K, O, H> fmt::Debug for Retry<F, T, E, C, B, G, K, O, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut retry = f.debug_struct("Retry");
        retry.field("policy", &self.policy).finish_non_exhaustive()
    }
}
