//! What the guarded call is told of its attempt, and what a hook is told of a wait.

use std::time::Duration;

use evenkeel_core::breaker::RefusedBy;
use evenkeel_core::retry::RetryAction;
use evenkeel_core::time;

/// One attempt of an operation: its number and its time.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_std::{TestClock, retry};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10));
/// let policy = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_secs(2)).build()?;
/// let answer = retry(&policy, |attempt| {
///     assert_eq!(attempt.timeout(), Some(Duration::from_secs(2))); // for the socket
///     if attempt.number() < 3 { Err("not yet") } else { Ok(attempt.is_retry()) }
/// });
/// assert_eq!(answer.clock(TestClock::new()).run(), Ok(true));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    began_at_ns: u64,
    timeout_at_ns: Option<u64>,
    would_refuse: Option<RefusedBy>,
}

impl Attempt {
    /// What the core said at `now_ns`, where it said to make an attempt: for drivers of your own.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::{Parts, Retry, RetryPolicy}};
    /// # use evenkeel_core::random::{Rng, TryRng};
    /// # use evenkeel_std::{Attempt, Streams};
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # let mut rng = Streams::seeded(1).next();
    /// let mut operation = Retry::new(&policy, 0);
    /// let said = operation.poll(0, &mut Parts::none(), &mut rng).action;
    /// assert_eq!(Attempt::of(&said, 0).map(|attempt| attempt.number()), Some(1));
    /// let said = operation.poll(0, &mut Parts::none(), &mut rng).action;
    /// assert_eq!(Attempt::of(&said, 0), None); // it is in flight
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn of(action: &RetryAction, now_ns: u64) -> Option<Self> {
        match *action {
            RetryAction::Attempt {
                number,
                timeout_at_ns,
                would_refuse,
                ..
            } => Some(Self {
                number,
                began_at_ns: now_ns,
                timeout_at_ns,
                would_refuse,
            }),
            _ => None,
        }
    }

    /// Which attempt of the operation it is, counted from 1: for a header or a log line.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// Whether it is not the first.
    #[must_use]
    pub const fn is_retry(self) -> bool {
        self.number > 1
    }

    /// When it began, on the clock of the operation.
    #[must_use]
    pub const fn began_at_ns(self) -> u64 {
        self.began_at_ns
    }

    /// When its time is over: the attempt's timeout or the operation's deadline, whatever comes first. `None` where the
    /// policy has neither.
    #[must_use]
    pub const fn timeout_at_ns(self) -> Option<u64> {
        self.timeout_at_ns
    }

    /// How much time it has from its beginning. A blocking call cannot be interrupted: hand this to the socket
    /// (`TcpStream::connect_timeout`, `set_read_timeout`). It is never zero.
    #[must_use]
    pub fn timeout(self) -> Option<Duration> {
        let at_ns = self.timeout_at_ns?;
        Some(time::until(self.began_at_ns, at_ns).max(Duration::from_nanos(1)))
    }

    /// Why the breaker would have refused it, were it not in
    /// [`Mode::Observe`](evenkeel_core::breaker::Mode::Observe).
    #[must_use]
    pub const fn would_refuse(self) -> Option<RefusedBy> {
        self.would_refuse
    }
}

/// A wait begins: what `on_retry` is told.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, retry::RetryPolicy};
/// use evenkeel_std::{TestClock, WaitCause, retry};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10)).jitter(Jitter::None);
/// let policy = RetryPolicy::builder(backoff).build()?;
/// let mut log = Vec::new();
/// let answer = retry(&policy, |attempt| if attempt.is_retry() { Ok("done") } else { Err("reset") })
///     .clock(TestClock::new())
///     .on_retry(|event| log.push((event.attempts(), event.error().copied(), event.wait(), event.cause())))
///     .run();
/// assert_eq!(answer, Ok("done"));
/// assert_eq!(log, [(1, Some("reset"), Duration::from_millis(10), WaitCause::Failed)]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct RetryEvent<'a, E> {
    cause: WaitCause,
    attempts: u32,
    error: Option<&'a E>,
    now_ns: u64,
    at_ns: u64,
}

/// Why an operation waits.
///
/// ```
/// # use evenkeel_std::WaitCause;
/// let names = [WaitCause::Failed, WaitCause::TimedOut, WaitCause::Refused].map(WaitCause::name);
/// assert_eq!(names, ["failed", "timed-out", "refused"]);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitCause {
    /// The attempt failed.
    Failed,
    /// The attempt was not over in time.
    TimedOut,
    /// The breaker refused the attempt, and the policy says to wait
    /// ([`WhenRefused::Wait`](evenkeel_core::retry::WhenRefused::Wait)).
    Refused,
}

impl WaitCause {
    /// Its name in logs, such as `"timed-out"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Refused => "refused",
        }
    }
}

impl<'a, E> RetryEvent<'a, E> {
    /// `attempts` were made, the last of them with `error`; it is `now_ns`, and the next is at `at_ns`: for drivers of
    /// your own.
    #[must_use]
    pub const fn new(
        cause: WaitCause,
        attempts: u32,
        error: Option<&'a E>,
        now_ns: u64,
        at_ns: u64,
    ) -> Self {
        Self {
            cause,
            attempts,
            error,
            now_ns,
            at_ns,
        }
    }

    /// Why it waits.
    #[must_use]
    pub const fn cause(&self) -> WaitCause {
        self.cause
    }

    /// How many attempts were made; 0 where the breaker refused the first.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The error of the last attempt that ended with one. `None` if none did: a timeout, a refusal, an answer that
    /// `classify_ok` calls a failure.
    #[must_use]
    pub const fn error(&self) -> Option<&'a E> {
        self.error
    }

    /// How long it waits; zero where the next attempt follows at once.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        time::until(self.now_ns, self.at_ns)
    }

    /// When the wait ends, on the clock of the operation.
    #[must_use]
    pub const fn at_ns(&self) -> u64 {
        self.at_ns
    }
}
