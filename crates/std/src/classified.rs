//! What an error, or an answer, means for a retry: the caller's words for core's `AttemptOutcome`.

use std::time::{Duration, SystemTime};

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::AttemptOutcome;

/// What an error means: whether another attempt may do better, when, and what the breaker hears.
///
/// | what | the operation | the breaker hears |
/// |---|---|---|
/// | [`transient`](Self::transient) | is retried if the policy allows | failure |
/// | [`timeout`](Self::timeout) | the same; budgets may price it differently | failure |
/// | [`throttled`](Self::throttled) | the same | failure; overloaded (opens it at once) if it said when to come back |
/// | [`permanent`](Self::permanent) | ends | success: the dependency has answered |
/// | [`refused`](Self::refused) | ends; a retry's token is given back | nothing |
/// | [`cancelled`](Self::cancelled) | ends | nothing |
///
/// [`breaker`](Self::breaker) says otherwise. **One `throttled().retry_after(..)` opens the breaker for all who share
/// it.** That is right for a dependency that means all of itself. Where the limit is that of one caller (HTTP 429,
/// mostly) say `.breaker(Outcome::Ignored)`, and where one of several instances may have said it (HTTP 503)
/// `.breaker(Outcome::Failure)`: the retry still waits as advised.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::breaker::Outcome;
/// use evenkeel_std::Classified;
///
/// enum Error {
///     Io,
///     Status { code: u16, retry_after: Option<Duration> },
/// }
///
/// fn classify(error: &Error) -> Classified {
///     match error {
///         Error::Io => Classified::transient(),
///         // A limit of ours: it says nothing of their health.
///         Error::Status { code: 429, retry_after } => {
///             Classified::throttled().retry_after(*retry_after).breaker(Outcome::Ignored)
///         }
///         Error::Status { code: 504, .. } => Classified::timeout(),
///         Error::Status { code: 501, .. } => Classified::permanent().breaker(Outcome::Failure),
///         Error::Status { code: 500.., retry_after } => Classified::transient().retry_after(*retry_after),
///         Error::Status { .. } => Classified::permanent(),
///     }
/// }
/// assert!(classify(&Error::Io).is_transient());
/// assert!(!classify(&Error::Status { code: 404, retry_after: None }).is_transient());
/// let limited = Error::Status { code: 429, retry_after: Some(Duration::from_secs(60)) };
/// assert_eq!(classify(&limited).outcome(0).breaker_outcome(), Outcome::Ignored);
/// ```
#[must_use = "it is what the classifier answers"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    kind: Kind,
    advice: Option<Advised>,
    breaker: Option<Outcome>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transient(RetryCause),
    Permanent,
    Refused { retry_at_ns: Option<u64> },
    Cancelled,
}

/// What the server said, before it is known what time it is on the caller's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advised {
    After(Duration),
    At(SystemTime),
    Stop,
}

impl Classified {
    const fn new(kind: Kind) -> Self {
        Self {
            kind,
            advice: None,
            breaker: None,
        }
    }

    /// It failed, and another attempt may do better. What every error is where nobody classifies.
    ///
    /// ```
    /// # use evenkeel_std::Classified;
    /// assert!(Classified::transient().is_transient());
    /// ```
    pub const fn transient() -> Self {
        Self::new(Kind::Transient(RetryCause::Failure))
    }

    /// It did not answer in time: transient, and budgets may price it higher.
    ///
    /// ```
    /// # use evenkeel_std::Classified;
    /// # use std::io::{Error, ErrorKind};
    /// fn classify(error: &Error) -> Classified {
    ///     match error.kind() {
    ///         ErrorKind::TimedOut | ErrorKind::WouldBlock => Classified::timeout(), // a socket's timeout
    ///         _ => Classified::transient(),
    ///     }
    /// }
    /// assert_eq!(classify(&ErrorKind::TimedOut.into()), Classified::timeout());
    /// ```
    pub const fn timeout() -> Self {
        Self::new(Kind::Transient(RetryCause::Timeout))
    }

    /// The dependency asks for fewer calls: HTTP 429, or 503 with `Retry-After`. With
    /// [`retry_after`](Self::retry_after) it opens the breaker at once, unless [`breaker`](Self::breaker) says what to
    /// tell it.
    ///
    /// ```
    /// # use evenkeel_std::{Classified, retry_after};
    /// # use std::time::{Duration, SystemTime};
    /// let said = retry_after("30", SystemTime::now()); // None where the header is not readable
    /// let classified = Classified::throttled().retry_after(said);
    /// assert_eq!(classified, Classified::throttled().retry_after(Duration::from_secs(30)));
    /// ```
    pub const fn throttled() -> Self {
        Self::new(Kind::Transient(RetryCause::Throttled))
    }

    /// No attempt can do better, or none may be made (a write that may have happened). The breaker hears of a success,
    /// because the dependency has answered; where it has not, say so with [`breaker`](Self::breaker).
    ///
    /// ```
    /// # use evenkeel_std::Classified;
    /// assert!(!Classified::permanent().is_transient());
    /// ```
    pub const fn permanent() -> Self {
        Self::new(Kind::Permanent)
    }

    /// A gate of this side (a breaker or throttle inside of the operation) refused the call until this instant of its
    /// clock, if it knows one: nothing was sent. It ends the operation with
    /// [`End::Refused`](evenkeel_core::retry::End::Refused) and says nothing of the dependency.
    ///
    /// ```
    /// # use evenkeel_core::retry::AttemptOutcome;
    /// # use evenkeel_std::Classified;
    /// let refused = Classified::refused(Some(5_000)).outcome(0);
    /// assert_eq!(refused, AttemptOutcome::Refused { retry_at_ns: Some(5_000) });
    /// ```
    pub const fn refused(retry_at_ns: Option<u64>) -> Self {
        Self::new(Kind::Refused { retry_at_ns })
    }

    /// The call was given up: it ends the operation and says nothing of the dependency.
    ///
    /// ```
    /// # use evenkeel_std::Classified;
    /// assert!(!Classified::cancelled().is_transient());
    /// ```
    pub const fn cancelled() -> Self {
        Self::new(Kind::Cancelled)
    }

    /// The server said how long to wait: `Retry-After` in seconds, a pushback. `None` changes nothing. The policy's
    /// `advisory_rule` and `advisory_cap` say how far it is followed. Only what is transient is retried.
    ///
    /// ```
    /// # use evenkeel_core::{advice::Advice, breaker::Outcome, budget::RetryCause, retry::AttemptOutcome};
    /// # use evenkeel_std::Classified;
    /// # use std::time::Duration;
    /// let throttled = Classified::throttled().retry_after(Duration::from_nanos(400));
    /// let at_100 = AttemptOutcome::transient(RetryCause::Throttled).with_advice(Advice::RetryAt { at_ns: 500 });
    /// assert_eq!(throttled.outcome(100), at_100);
    /// ```
    pub fn retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        if let Some(wait) = wait.into() {
            self.advice = Some(Advised::After(wait));
        }
        self
    }

    /// The server named an instant of the wall clock; one that is past asks for nothing. It is compared with
    /// [`SystemTime::now`] when the attempt ends: in a simulation, where wall time is not yours, make a span of it with
    /// your own clock ([`retry_after`](crate::retry_after()) does) and say [`retry_after`](Self::retry_after).
    ///
    /// ```
    /// # use evenkeel_core::{advice::Advice, budget::RetryCause, retry::AttemptOutcome};
    /// # use evenkeel_std::Classified;
    /// # use std::time::SystemTime;
    /// let past = Classified::transient().retry_at(SystemTime::UNIX_EPOCH);
    /// let at_once = AttemptOutcome::transient(RetryCause::Failure).with_advice(Advice::RetryAt { at_ns: 100 });
    /// assert_eq!(past.outcome(100), at_once);
    /// ```
    pub const fn retry_at(mut self, at: SystemTime) -> Self {
        self.advice = Some(Advised::At(at));
        self
    }

    /// The server said not to come back: the operation ends with [`End::Advised`](evenkeel_core::retry::End::Advised).
    ///
    /// ```
    /// # use evenkeel_core::{advice::Advice, budget::RetryCause, retry::AttemptOutcome};
    /// # use evenkeel_std::Classified;
    /// let stopped = AttemptOutcome::transient(RetryCause::Failure).with_advice(Advice::Stop);
    /// assert_eq!(Classified::transient().stop().outcome(0), stopped);
    /// ```
    pub const fn stop(mut self) -> Self {
        self.advice = Some(Advised::Stop);
        self
    }

    /// What the breaker hears, instead of what the [table](Self) says. Nothing for what was refused or cancelled.
    ///
    /// ```
    /// # use evenkeel_core::{breaker::Outcome, retry::AttemptOutcome};
    /// # use evenkeel_std::Classified;
    /// let broken = Classified::permanent().breaker(Outcome::Failure);
    /// assert_eq!(broken.outcome(0), AttemptOutcome::Permanent { breaker: Outcome::Failure });
    /// ```
    pub const fn breaker(mut self, told: Outcome) -> Self {
        self.breaker = Some(told);
        self
    }

    /// Whether another attempt may do better.
    ///
    /// ```
    /// # use evenkeel_std::Classified;
    /// let all = [Classified::timeout(), Classified::throttled(), Classified::permanent()];
    /// assert_eq!(all.map(|classified| classified.is_transient()), [true, true, false]);
    /// ```
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self.kind, Kind::Transient(_))
    }

    /// Whether no attempt can do better.
    ///
    /// ```
    /// # use evenkeel_std::Classified;
    /// let all = [Classified::permanent(), Classified::cancelled(), Classified::transient()];
    /// assert_eq!(all.map(|classified| classified.is_permanent()), [true, false, false]);
    /// ```
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        matches!(self.kind, Kind::Permanent)
    }

    /// What the server said, as core's advice at `now_ns`. Reads the wall clock after [`retry_at`](Self::retry_at)
    /// only.
    ///
    /// ```
    /// # use evenkeel_core::advice::Advice;
    /// # use evenkeel_std::Classified;
    /// # use std::time::Duration;
    /// assert_eq!(Classified::transient().advice(5), None);
    /// let said = Classified::transient().retry_after(Duration::from_nanos(10)).advice(5);
    /// assert_eq!(said, Some(Advice::RetryAt { at_ns: 15 }));
    /// ```
    #[must_use]
    pub fn advice(self, now_ns: u64) -> Option<Advice> {
        Some(match self.advice? {
            Advised::Stop => Advice::Stop,
            Advised::After(wait) => Advice::after(now_ns, wait),
            Advised::At(at) => {
                let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
                Advice::after(now_ns, wait)
            }
        })
    }

    /// What the core is told of an attempt that ended at `now_ns`: for drivers of your own.
    ///
    /// ```
    /// # use evenkeel_core::{budget::RetryCause, retry::AttemptOutcome};
    /// # use evenkeel_std::Classified;
    /// assert_eq!(Classified::timeout().outcome(0), AttemptOutcome::transient(RetryCause::Timeout));
    /// assert_eq!(Classified::permanent().outcome(0), AttemptOutcome::permanent());
    /// ```
    #[must_use]
    pub fn outcome(self, now_ns: u64) -> AttemptOutcome {
        let outcome = match self.kind {
            Kind::Transient(cause) => {
                AttemptOutcome::transient(cause).with_advice(self.advice(now_ns))
            }
            Kind::Permanent => AttemptOutcome::permanent(),
            Kind::Refused { retry_at_ns } => AttemptOutcome::Refused { retry_at_ns },
            Kind::Cancelled => AttemptOutcome::Cancelled,
        };
        match self.breaker {
            Some(told) => outcome.with_breaker(told),
            None => outcome,
        }
    }
}
