//! What a retry is told of an attempt, and what it says to do next: plain values.

use super::end::{AbandonedBy, End};
use crate::advice::Advice;
use crate::breaker::{Outcome, RefusedBy, Transitions};
use crate::budget::RetryCause;
use crate::named::word_id;
use crate::reported::Reported;

word_id! {
    /// One attempt of one operation. The numbers grow by one from 1 and are never used again by the same operation.
    ///
    /// Two operations count from the same number: send the operation along with the id, else a late answer of one is
    /// taken for an answer of the next.
    ///
    /// ```
    /// use evenkeel_core::retry::AttemptId;
    ///
    /// let second = AttemptId::from_word(2); // from a journal
    /// assert_eq!(second.to_word(), 2);
    /// assert!(AttemptId::from_word(1) < second);
    /// ```
    retry::AttemptId
}

/// How an attempt ended.
///
/// | outcome | the operation | the breaker is told |
/// |---|---|---|
/// | [`Success`](Self::Success) | ends: succeeded | success |
/// | [`Transient`](Self::Transient) | is retried if every check allows | what you say; else failure, and for `Throttled` with advice [overloaded](Outcome::Overloaded) |
/// | [`Permanent`](Self::Permanent) | ends: permanent | what you say |
/// | [`Refused`](Self::Refused) | ends: refused; what a retry took from the budget is given back | ignored |
/// | [`Cancelled`](Self::Cancelled) | ends: cancelled | ignored |
///
/// Overloaded opens a breaker at once, for as long as the server asks, and for all who share the breaker. That is right
/// where the dependency has too much to do, and wrong where it counts each caller's calls (a limit for each user or
/// key): there say [`with_breaker`](Self::with_breaker)`(Outcome::Failure)`, or `Outcome::Ignored`; the retry itself
/// still waits as advised.
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
///         429 => AttemptOutcome::transient(RetryCause::Throttled).with_advice(advice),
///         500.. if idempotent => AttemptOutcome::transient(RetryCause::Failure).with_advice(advice),
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
        /// What the breaker is told. `None`: what the [table](Self) says.
        breaker: Option<Outcome>,
    },
    /// It failed, and no attempt can do better, or none may be made (a write that may have happened).
    Permanent {
        /// What the breaker is told. [`Outcome::Success`] where the dependency did its part (not found, not allowed);
        /// [`Outcome::Failure`] where it did not.
        breaker: Outcome,
    },
    /// A gate between the operation and the dependency refused it (another breaker, a throttle): it was not sent.
    Refused {
        /// When the gate would have agreed, as far as it knew.
        retry_at_ns: Option<u64>,
    },
    /// It was given up: it says nothing of the dependency.
    Cancelled,
}

impl AttemptOutcome {
    /// Transient, without advice; the breaker is told that it failed.
    ///
    /// ```
    /// # use evenkeel_core::{budget::RetryCause, retry::AttemptOutcome};
    /// let outcome = AttemptOutcome::transient(RetryCause::Timeout);
    /// let (cause, advice, breaker) = (RetryCause::Timeout, None, None);
    /// assert_eq!(outcome, AttemptOutcome::Transient { cause, advice, breaker });
    /// ```
    #[must_use]
    pub const fn transient(cause: RetryCause) -> Self {
        Self::Transient {
            cause,
            advice: None,
            breaker: None,
        }
    }

    /// A transient one with what the server said about coming back; any other as it is.
    ///
    /// ```
    /// # use evenkeel_core::{advice::Advice, retry::*};
    /// let advice = Advice::RetryAt { at_ns: 400 };
    /// let outcome = AttemptOutcome::transient(RetryCause::Throttled).with_advice(advice);
    /// assert!(matches!(outcome, AttemptOutcome::Transient { advice: Some(said), .. } if said == advice));
    /// assert_eq!(AttemptOutcome::Success.with_advice(advice), AttemptOutcome::Success);
    /// ```
    #[must_use]
    pub fn with_advice(self, advice: impl Into<Option<Advice>>) -> Self {
        match self {
            Self::Transient { cause, breaker, .. } => Self::Transient {
                cause,
                advice: advice.into(),
                breaker,
            },
            other => other,
        }
    }

    /// A transient or a permanent one of which the breaker is told this; any other as it is.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{advice::Advice, backoff::{BackoffPolicy, Jitter}, breaker::*, retry::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let backoff = BackoffPolicy::builder(Duration::from_nanos(50)).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(backoff, Duration::from_nanos(100));
    /// # let mut breaker = Breaker::new(builder.trigger(Trigger::Consecutive { failures: 5 }).build()?);
    /// # let mut retry = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
    /// // This caller has asked too often; the others may go on, and five failures in a row open the breaker.
    /// let advice = Advice::RetryAt { at_ns: 400 };
    /// let mine = AttemptOutcome::transient(RetryCause::Throttled).with_advice(advice).with_breaker(Outcome::Failure);
    /// let mut parts = Parts::none().with_breaker(&mut breaker);
    /// let _ = retry.poll(0, &mut parts, &mut rng);
    /// let _ = retry.on_outcome(7, AttemptId::from_word(1), mine, &mut parts, &mut rng);
    /// assert_eq!(retry.poll(7, &mut parts, &mut rng).action, RetryAction::WaitUntil { at_ns: 400 });
    /// assert_eq!(breaker.phase(7), Phase::Closed);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_breaker(self, told: Outcome) -> Self {
        match self {
            Self::Transient { cause, advice, .. } => Self::Transient {
                cause,
                advice,
                breaker: Some(told),
            },
            Self::Permanent { .. } => Self::Permanent { breaker: told },
            other => other,
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

    /// What a retry tells its breaker of it. Advice on being throttled opens the breaker, until the instant if it has one.
    ///
    /// For a breaker outside of a retry that shall hear the same.
    ///
    /// ```
    /// use evenkeel_core::{advice::Advice, breaker::Outcome, budget::RetryCause, retry::AttemptOutcome};
    /// let throttled = AttemptOutcome::transient(RetryCause::Throttled);
    /// assert_eq!(throttled.breaker_outcome(), Outcome::Failure);
    /// let advised = throttled.with_advice(Advice::RetryAt { at_ns: 400 });
    /// assert_eq!(advised.breaker_outcome(), Outcome::Overloaded { retry_at_ns: Some(400) });
    /// assert_eq!(AttemptOutcome::Cancelled.breaker_outcome(), Outcome::Ignored);
    /// ```
    #[must_use]
    pub const fn breaker_outcome(self) -> Outcome {
        match self {
            Self::Success => Outcome::Success,
            Self::Refused { .. } | Self::Cancelled => Outcome::Ignored,
            Self::Permanent { breaker }
            | Self::Transient {
                breaker: Some(breaker),
                ..
            } => breaker,
            Self::Transient {
                cause: RetryCause::Throttled,
                advice: Some(advice),
                breaker: None,
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
/// assert!(matches!(told(0), RetryAction::Attempt { attempt, timeout_at_ns: Some(100), .. } if attempt == first));
/// assert_eq!(told(30), RetryAction::InFlight { attempt: first, timeout_at_ns: Some(100) });
/// let (reason, at_ns) = (AbandonedBy::Timeout, 100);
/// assert_eq!(told(100), RetryAction::Abandon { attempt: first, reason, at_ns });
/// assert_eq!(told(100), RetryAction::WaitUntil { at_ns: 150 });
/// let (timeout_at_ns, would_refuse) = (Some(250), None);
/// let again = RetryAction::Attempt { attempt: second, number: 2, timeout_at_ns, would_refuse };
/// assert_eq!(told(150), again);
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
        /// When it is given up, by its own timeout or the operation's deadline: bound the call by it.
        timeout_at_ns: Option<u64>,
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
    /// of it is stale. Poll again at once: what comes next, perhaps [`Done`](Self::Done), may have no deadline of its
    /// own.
    Abandon {
        /// Its id.
        attempt: AttemptId,
        /// Why.
        reason: AbandonedBy,
        /// When its time was over, or when the operation was cancelled: not the call that noticed it.
        at_ns: u64,
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
/// assert!(matches!(step.action, RetryAction::Abandon { reason: AbandonedBy::Timeout, at_ns: 100, .. }));
/// let opened = step.transitions.last().ok_or("not told")?;
/// assert_eq!((opened.to, opened.at_ns), (Phase::Open, 100));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[must_use = "it says what to do now"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[non_exhaustive]
#[must_use = "a stale report changed nothing"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RetryReport {
    /// Whether it counted; poll to learn what to do next.
    pub reported: Reported,
    /// The transitions that the breaker made in this call.
    pub transitions: Transitions,
}
