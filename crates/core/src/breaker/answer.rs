//! What a breaker answers: plain values.

use thiserror::Error;

use super::permit::Permit;
use super::transitions::Transitions;
use crate::refusal::Refusal;

/// Yes: make the call.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns. In this mode it only says what it would have done.
/// let _ = breaker.set_mode(0, Mode::Observe);
/// let grant = breaker.try_acquire(40, &mut rng)?;
/// assert_eq!(grant.would_refuse.map(|no| no.reason), Some(RefusedBy::Open));
/// let grant = breaker.try_acquire(120, &mut rng)?;
/// assert_eq!(grant.would_refuse, None);
/// assert_eq!(grant.transitions.last().map(|made| made.at_ns), Some(100));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a grant holds the permit to report with"]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Give it back with the call's outcome.
    pub permit: Permit,
    /// In [`Mode::Observe`](super::Mode::Observe), the refusal that the call would have met; its outcome then counts for
    /// nothing.
    pub would_refuse: Option<Refusal<RefusedBy>>,
    /// Transitions that fell due before this ask.
    pub transitions: Transitions,
}

/// No: do not make the call now.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns.
/// let refused = breaker.try_acquire(40, &mut rng).unwrap_err();
/// assert_eq!(refused.to_string(), "refused: open");
/// assert_eq!(refused.refusal.retry_after(40), Some(Duration::from_nanos(60)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("{refusal}")]
pub struct Refused {
    /// Why, and when to ask again.
    pub refusal: Refusal<RefusedBy>,
    /// Transitions that fell due before this ask.
    pub transitions: Transitions,
}

impl Refused {
    /// Why.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let _ = breaker.set_mode(0, Mode::ForcedOpen);
    /// let refused = breaker.try_acquire(40, &mut rng).unwrap_err();
    /// assert_eq!(refused.reason(), RefusedBy::ForcedOpen);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn reason(&self) -> RefusedBy {
        self.refusal.reason
    }

    /// The first instant at which the answer is surely yes if nothing is reported until then; `None` when no
    /// instant is known.
    ///
    /// ```
    #[doc = include_str!("examples/opened.txt")]
    /// // A failure at 0 opened it, for 100 ns.
    /// let refused = breaker.try_acquire(40, &mut rng).unwrap_err();
    /// assert_eq!(refused.retry_at_ns(), Some(100));
    /// let _ = breaker.set_mode(50, Mode::ForcedOpen);
    /// let refused = breaker.try_acquire(50, &mut rng).unwrap_err();
    /// assert_eq!(refused.retry_at_ns(), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn retry_at_ns(&self) -> Option<u64> {
        self.refusal.retry_at_ns
    }
}

/// What a breaker refuses a call for.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns; then one probe may go out at a time.
/// let early = breaker.try_acquire(99, &mut rng).unwrap_err();
/// let probe = breaker.try_acquire(100, &mut rng)?;
/// let second = breaker.try_acquire(100, &mut rng).unwrap_err();
/// assert_eq!([early.reason(), second.reason()], [RefusedBy::Open, RefusedBy::HalfOpenFull]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RefusedBy {
    /// It is open and the wait is not over. Without an instant in the refusal, health is awaited as well.
    Open,
    /// The wait is over, but the dependency has not been reported up (`until_healthy`).
    Unhealthy,
    /// As many probes are in flight, or still count, as may be.
    HalfOpenFull,
    /// It has just closed and lets traffic return bit by bit; this call lost its draw. Ask again whenever the call is
    /// worth it: `retry_at_ns` is the ramp's end, when the answer is surely yes, but where all wait for that they come
    /// at once.
    Ramp,
    /// An operator holds it open.
    ForcedOpen,
}

impl RefusedBy {
    /// Its name in decisions and journals, such as `"half-open-full"`.
    ///
    /// ```
    /// # use evenkeel_core::breaker::RefusedBy;
    /// assert_eq!(RefusedBy::HalfOpenFull.name(), "half-open-full");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unhealthy => "unhealthy",
            Self::HalfOpenFull => "half-open-full",
            Self::Ramp => "ramp",
            Self::ForcedOpen => "forced-open",
        }
    }
}

crate::named::display_by_name!(RefusedBy);

/// What became of a reported outcome. Each form carries the transitions that fell due before it or that it made.
///
/// ```
#[doc = include_str!("examples/closed.txt")]
/// // One failure opens this breaker.
/// let mut report = |permit, outcome| breaker.on_outcome(0, permit, outcome, 5, &mut rng);
/// let id = PermitId::from_words([0, 0]); // any call in closed
/// assert!(matches!(report(Permit::from_id(id), Outcome::Ignored), Receipt::Released(_)));
/// assert!(matches!(report(Permit::from_id(id), Outcome::Failure), Receipt::Counted(_)));
/// assert!(matches!(report(Permit::from_id(id), Outcome::Success), Receipt::Stale(_)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "the receipt carries the transitions and says when a report came too late"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Receipt {
    /// It counted.
    Counted(Transitions),
    /// The place is free; the outcome counted for nothing (ignored, or the breaker was not to count it).
    Released(Transitions),
    /// The permit is of another generation or another breaker, was reported before, or came after its time:
    /// nothing changed.
    Stale(Transitions),
}

impl Receipt {
    /// The transitions, earliest first.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let call = breaker.try_acquire(0, &mut rng)?;
    /// let receipt = breaker.on_outcome(5, call.permit, Outcome::Failure, 5, &mut rng);
    /// let opened = receipt.transitions().last().ok_or("one failure opens this breaker")?;
    /// assert_eq!((opened.at_ns, opened.cause), (5, Cause::Consecutive));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub const fn transitions(&self) -> Transitions {
        match *self {
            Self::Counted(made) | Self::Released(made) | Self::Stale(made) => made,
        }
    }

    /// Whether the outcome counted: neither released without counting, nor stale.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// // One failure opens this breaker: what comes after it is stale.
    /// let outcomes = [Outcome::Ignored, Outcome::Failure, Outcome::Failure];
    /// let calls = [(); 3].map(|()| breaker.try_acquire(0, &mut rng).expect("closed"));
    /// let told = calls.into_iter().zip(outcomes);
    /// let receipts = told.map(|(call, outcome)| breaker.on_outcome(5, call.permit, outcome, 5, &mut rng));
    /// let counted: Vec<_> = receipts.map(|receipt| receipt.is_counted()).collect();
    /// assert_eq!(counted, [false, true, false]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_counted(&self) -> bool {
        matches!(self, Self::Counted(_))
    }

    /// Whether the report came too late, twice, or to the wrong breaker.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// // One failure opens this breaker: the other call comes too late.
    /// let calls = [breaker.try_acquire(0, &mut rng)?, breaker.try_acquire(0, &mut rng)?];
    /// let receipts = calls.map(|call| breaker.on_outcome(5, call.permit, Outcome::Failure, 5, &mut rng));
    /// assert_eq!(receipts.map(|receipt| receipt.is_stale()), [false, true]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }
}
