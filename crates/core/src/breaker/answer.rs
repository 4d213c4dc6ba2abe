//! What a breaker is asked and told, and what it answers: plain values.

use core::fmt;

use thiserror::Error;

use super::permit::Permit;
use super::transition::Transitions;
use crate::refusal::Refusal;

/// Yes: make the call.
#[must_use = "a grant holds the permit to report with"]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// Give it back with the call's outcome.
    pub permit: Permit,
    /// In [`Mode::Observe`], the refusal that the call would have met; its outcome then counts for nothing.
    pub would_refuse: Option<Refusal<RefusedBy>>,
    /// Transitions that fell due before this ask.
    pub transitions: Transitions,
}

/// No: do not make the call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{refusal}")]
pub struct Refused {
    /// Why, and when to ask again.
    pub refusal: Refusal<RefusedBy>,
    /// Transitions that fell due before this ask.
    pub transitions: Transitions,
}

impl Refused {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> RefusedBy {
        self.refusal.reason
    }

    /// The first instant at which the answer is surely yes if nothing is reported until then; `None` when no
    /// instant is known.
    #[must_use]
    pub const fn retry_at_ns(&self) -> Option<u64> {
        self.refusal.retry_at_ns
    }
}

/// What a breaker refuses a call for.
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

impl fmt::Display for RefusedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a call ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Outcome {
    /// The dependency did its work.
    Success,
    /// The dependency failed or did not answer in time.
    Failure,
    /// Says nothing about the dependency (cancelled, the caller's own mistake): frees the place, counts for
    /// nothing.
    Ignored,
    /// The dependency asked to be left alone, say with HTTP 429: opens at once.
    Overloaded {
        /// Until when, if it said so; followed up to `advisory_cap`.
        retry_at_ns: Option<u64>,
    },
}

/// What became of a reported outcome. Each form carries the transitions that fell due before it or that it made.
#[must_use = "the receipt carries the transitions and says when a report came too late"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    pub const fn transitions(&self) -> Transitions {
        match *self {
            Self::Counted(made) | Self::Released(made) | Self::Stale(made) => made,
        }
    }

    /// Whether the report came too late, twice, or to the wrong breaker.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }
}

/// An operator's switch, beside the phase.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Mode {
    /// The phase decides.
    #[default]
    Normal,
    /// Phases run as in `Normal`, but a call that would be refused passes and does not count: for trying a policy
    /// in production.
    Observe,
    /// Every call is refused, until the mode is changed; time and results change nothing.
    ForcedOpen,
    /// Every call passes, until the mode is changed; time and results change nothing.
    ForcedClosed,
}

/// What a health probe says of the dependency.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

impl Mode {
    /// Its name in journals, such as `"forced-open"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Observe => "observe",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Health {
    /// `"up"` or `"down"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Counters since the breaker was made; they outlive transitions and resets. The number of transitions is the
/// breaker's [generation](super::Breaker::generation).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BreakerStats {
    /// Calls let through.
    pub admitted: u64,
    /// Calls refused.
    pub refused: u64,
    /// Calls let through by [`Mode::Observe`] that would have been refused; part of `admitted`.
    pub would_refuse: u64,
    /// Counted successes; in half-open a slow one among them fails its trial.
    pub successes: u64,
    /// Counted failures, overload reports among them.
    pub failures: u64,
    /// Outcomes that freed their place and counted for nothing.
    pub released: u64,
    /// Reports that came too late, twice or to the wrong breaker.
    pub stale: u64,
    /// Probes that did not report in time.
    pub lost: u64,
    /// How often it opened, also by [`Mode::ForcedOpen`].
    pub opened: u64,
}

/// What the window holds at an instant; from [`Breaker::window`](super::Breaker::window).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WindowCounts {
    /// Results in the window.
    pub calls: u32,
    /// How many of them failed; `None` when no trigger looks at the failures of the window.
    pub failures: Option<u32>,
    /// How many of them were slow, whether they failed or not: above [`BreakerPolicy::slow_limit`]; `None` when no
    /// trigger looks at latencies.
    ///
    /// [`BreakerPolicy::slow_limit`]: super::BreakerPolicy::slow_limit
    pub slow: Option<u32>,
}
