//! What a retry is told of an attempt, and what it says to do next: plain values.

use core::fmt;

use crate::advice::Advice;
use crate::backoff::Exhausted;
use crate::breaker::{Outcome, RefusedBy, Transitions};
use crate::budget::RetryCause;
use crate::reported::Reported;

/// One attempt of one operation. The numbers grow by one from 1 and are never used again by the same operation.
///
/// ```
/// use evenkeel_core::retry::AttemptId;
///
/// let second = AttemptId::from_word(2); // from a journal
/// assert_eq!(second.to_word(), 2);
/// assert!(AttemptId::from_word(1) < second);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct AttemptId(u64);

impl AttemptId {
    /// As a plain word, for a journal or another language.
    ///
    /// ```
    /// # use evenkeel_core::retry::AttemptId;
    /// assert_eq!(AttemptId::from_word(7).to_word(), 7);
    /// ```
    #[must_use]
    pub const fn to_word(self) -> u64 {
        self.0
    }

    /// The id that [`to_word`](Self::to_word) gave.
    ///
    /// ```
    /// # use evenkeel_core::retry::AttemptId;
    /// assert_ne!(AttemptId::from_word(7), AttemptId::from_word(8));
    /// ```
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }
}

/// How an attempt ended.
///
/// | outcome | the operation | the breaker is told |
/// |---|---|---|
/// | [`Success`](Self::Success) | ends: succeeded | success |
/// | [`Transient`](Self::Transient) | is retried if every check allows | failure; `Throttled` with advice: overloaded |
/// | [`Permanent`](Self::Permanent) | ends: permanent | what you say |
/// | [`Cancelled`](Self::Cancelled) | ends: cancelled | ignored |
///
/// ```
/// use evenkeel_core::advice::Advice;
/// use evenkeel_core::breaker::Outcome;
/// use evenkeel_core::budget::RetryCause;
/// use evenkeel_core::retry::AttemptOutcome;
///
/// /// What an HTTP client reports.
/// fn outcome(status: u16, idempotent: bool, advice: Option<Advice>) -> AttemptOutcome {
///     match status {
///         200..=399 => AttemptOutcome::Success,
///         429 => AttemptOutcome::Transient { cause: RetryCause::Throttled, advice },
///         500.. if idempotent => AttemptOutcome::Transient { cause: RetryCause::Failure, advice },
///         500.. => AttemptOutcome::Permanent { breaker: Outcome::Failure },
///         _ => AttemptOutcome::permanent(),
///     }
/// }
/// assert_eq!(outcome(404, true, None), AttemptOutcome::Permanent { breaker: Outcome::Success });
/// assert_eq!(outcome(503, true, None), AttemptOutcome::transient(RetryCause::Failure));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum AttemptOutcome {
    /// It did its work.
    Success,
    /// It failed, and another attempt may do better.
    Transient {
        /// How it failed; budgets price it.
        cause: RetryCause,
        /// What the server said about coming back.
        advice: Option<Advice>,
    },
    /// It failed, and no attempt can do better, or none may be made (a write that may have happened).
    Permanent {
        /// What the breaker is told. [`Outcome::Success`] where the dependency did its part (not found, not allowed);
        /// [`Outcome::Failure`] where it did not.
        breaker: Outcome,
    },
    /// It was given up or never sent: it says nothing of the dependency.
    Cancelled,
}

impl AttemptOutcome {
    /// Transient, without advice.
    ///
    /// ```
    /// # use evenkeel_core::{budget::RetryCause, retry::AttemptOutcome};
    /// let outcome = AttemptOutcome::transient(RetryCause::Timeout);
    /// assert_eq!(outcome, AttemptOutcome::Transient { cause: RetryCause::Timeout, advice: None });
    /// ```
    #[must_use]
    pub const fn transient(cause: RetryCause) -> Self {
        Self::Transient {
            cause,
            advice: None,
        }
    }

    /// Permanent, and the dependency is well: it has answered.
    ///
    /// ```
    /// # use evenkeel_core::{breaker::Outcome, retry::AttemptOutcome};
    /// assert_eq!(AttemptOutcome::permanent(), AttemptOutcome::Permanent { breaker: Outcome::Success });
    /// ```
    #[must_use]
    pub const fn permanent() -> Self {
        Self::Permanent {
            breaker: Outcome::Success,
        }
    }

    /// What the breaker is told.
    pub(super) const fn verdict(self) -> Outcome {
        match self {
            Self::Success => Outcome::Success,
            Self::Cancelled => Outcome::Ignored,
            Self::Permanent { breaker } => breaker,
            Self::Transient {
                cause: RetryCause::Throttled,
                advice: Some(advice),
            } => Outcome::Overloaded {
                retry_at_ns: match advice {
                    Advice::RetryAt { at_ns } => Some(at_ns),
                    Advice::Stop => None,
                },
            },
            Self::Transient { .. } => Outcome::Failure,
        }
    }
}

/// What to do now.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, budget::RetryCause, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
/// let policy = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_nanos(100)).build()?;
/// let mut retry = Retry::new(policy, 0);
/// let mut told = |now_ns| retry.poll(now_ns, &mut Parts::none(), &mut rng).action;
/// // Nobody answers: it times out at 100, waits 50, and tries again.
/// let [first, second] = [1, 2].map(AttemptId::from_word);
/// assert_eq!(told(0), RetryAction::Attempt { attempt: first, number: 1, would_refuse: None });
/// assert_eq!(told(30), RetryAction::InFlight { attempt: first, timeout_at_ns: Some(100) });
/// assert_eq!(told(100), RetryAction::Abandon { attempt: first });
/// assert_eq!(told(100), RetryAction::WaitUntil { at_ns: 150 });
/// assert_eq!(told(150), RetryAction::Attempt { attempt: second, number: 2, would_refuse: None });
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "it says what to do now"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RetryAction {
    /// Make the call now, and report its outcome with this id.
    Attempt {
        /// Its id.
        attempt: AttemptId,
        /// Which attempt of the operation it is, counted from 1.
        number: u32,
        /// Why the breaker would have refused it, were it not in [`Mode::Observe`](crate::breaker::Mode::Observe).
        would_refuse: Option<RefusedBy>,
    },
    /// The call is out: wait for its outcome, at most until this instant.
    InFlight {
        /// Its id.
        attempt: AttemptId,
        /// When it is given up.
        timeout_at_ns: Option<u64>,
    },
    /// Cancel this call, if it is still out: its time is over, or the operation was cancelled. Said once; what comes
    /// of it is stale.
    Abandon {
        /// Its id.
        attempt: AttemptId,
    },
    /// Sleep until this instant.
    WaitUntil {
        /// When to poll again.
        at_ns: u64,
    },
    /// The operation is over.
    Done {
        /// How it ended.
        end: End,
    },
}

/// How an operation ended.
///
/// ```
/// use evenkeel_core::backoff::Exhausted;
/// use evenkeel_core::retry::End;
///
/// let end = End::Exhausted { limit: Exhausted::Retries };
/// assert_eq!(end.name(), "exhausted");
/// assert_eq!(End::BudgetSpent { retry_at_ns: Some(9) }.retry_at_ns(), Some(9));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum End {
    /// The last attempt succeeded.
    Succeeded,
    /// The last attempt failed for good.
    Permanent,
    /// The last of `max_attempts` attempts failed.
    Attempts,
    /// The deadline came, or would have come before the wait was over.
    Deadline,
    /// The server said not to come back.
    Advised,
    /// The backoff has no further wait.
    Exhausted {
        /// Which of its limits was reached.
        limit: Exhausted,
    },
    /// The retry budget refused the next attempt.
    BudgetSpent {
        /// When it would have agreed, as far as it knew.
        retry_at_ns: Option<u64>,
    },
    /// The breaker refused the next attempt, perhaps the first.
    BreakerOpen {
        /// Why it did.
        reason: RefusedBy,
        /// When it would have agreed, as far as it knew.
        retry_at_ns: Option<u64>,
    },
    /// It was cancelled.
    Cancelled,
}

impl End {
    /// Its name in journals, such as `"budget-spent"`.
    ///
    /// ```
    /// # use evenkeel_core::retry::End;
    /// assert_eq!([End::Succeeded, End::Deadline].map(End::name), ["succeeded", "deadline"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Permanent => "permanent",
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::Advised => "advised",
            Self::Exhausted { .. } => "exhausted",
            Self::BudgetSpent { .. } => "budget-spent",
            Self::BreakerOpen { .. } => "breaker-open",
            Self::Cancelled => "cancelled",
        }
    }

    /// When another operation may fare better: what the breaker or the budget said with its refusal.
    ///
    /// ```
    /// # use evenkeel_core::{breaker::RefusedBy, retry::End};
    /// let end = End::BreakerOpen { reason: RefusedBy::Open, retry_at_ns: Some(5_000) };
    /// assert_eq!(end.retry_at_ns(), Some(5_000)); // a server hands it on as Retry-After
    /// assert_eq!(End::Attempts.retry_at_ns(), None);
    /// ```
    #[must_use]
    pub const fn retry_at_ns(self) -> Option<u64> {
        match self {
            Self::BudgetSpent { retry_at_ns } | Self::BreakerOpen { retry_at_ns, .. } => {
                retry_at_ns
            }
            _ => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a call of [`poll`](super::Retry::poll) or [`cancel`](super::Retry::cancel) answers.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*, budget::RetryCause, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
/// # let mut breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 1 }).build()?);
/// // One failure opens this breaker: here an attempt that times out at 100.
/// let policy = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_nanos(100)).build()?;
/// let mut retry = Retry::new(policy, 0);
/// let _ = retry.poll(0, &mut Parts::none().with_breaker(&mut breaker), &mut rng);
/// let step = retry.poll(100, &mut Parts::none().with_breaker(&mut breaker), &mut rng);
/// assert_eq!(step.action, RetryAction::Abandon { attempt: AttemptId::from_word(1) });
/// let opened = step.transitions.last().ok_or("not told")?;
/// assert_eq!((opened.to, opened.at_ns), (Phase::Open, 100));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "it says what to do now"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryStep {
    /// What to do now.
    pub action: RetryAction,
    /// The transitions that the breaker made in this call.
    pub transitions: Transitions,
}

/// What a call of [`on_outcome`](super::Retry::on_outcome) answers.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Reported, backoff::BackoffPolicy, retry::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let (mut retry, mut parts) = (Retry::new(policy, 0), Parts::none());
/// let _ = retry.poll(0, &mut parts, &mut rng);
/// let id = AttemptId::from_word(1);
/// let mut report = |outcome| retry.on_outcome(5, id, outcome, &mut parts, &mut rng).reported;
/// assert_eq!(report(AttemptOutcome::Success), Reported::Counted);
/// assert_eq!(report(AttemptOutcome::Success), Reported::Stale); // doubled
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "a stale report changed nothing"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryReport {
    /// Whether it counted; poll to learn what to do next.
    pub reported: Reported,
    /// The transitions that the breaker made in this call.
    pub transitions: Transitions,
}
