//! What a breaker is asked and told, and what it answers: plain values.

use core::fmt;

use thiserror::Error;

use crate::refusal::Refusal;

/// The phase of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Phase {
    /// Calls pass; their results are watched.
    Closed,
    /// Calls are refused until the wait is over.
    Open,
    /// A few calls pass as probes; their results decide.
    HalfOpen,
}

impl Phase {
    /// `"closed"`, `"open"` or `"half-open"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a breaker changed its phase.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Cause {
    /// [`Trigger::Consecutive`](super::Trigger::Consecutive) fired.
    Consecutive,
    /// [`Trigger::Failures`](super::Trigger::Failures) fired.
    Failures,
    /// [`Trigger::FailureRate`](super::Trigger::FailureRate) fired.
    FailureRate,
    /// [`Trigger::SlowRate`](super::Trigger::SlowRate) fired.
    SlowRate,
    /// [`Trigger::Latency`](super::Trigger::Latency) fired.
    Latency,
    /// One result said so: [`Outcome::Overloaded`].
    Overloaded,
    /// The open wait is over (and, with `until_healthy`, the dependency is up).
    WaitOver,
    /// Enough probes passed.
    TrialsPassed,
    /// So many probes failed that the trials can no longer pass.
    TrialsFailed,
    /// A probe did not report in time and counted as the failure that decided.
    ProbeLost,
    /// An operator set a [`Mode`].
    Forced,
    /// An operator called [`reset`](super::Breaker::reset).
    Reset,
}

impl Cause {
    /// Its name in traces and journals, such as `"failure-rate"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Consecutive => "consecutive",
            Self::Failures => "failures",
            Self::FailureRate => "failure-rate",
            Self::SlowRate => "slow-rate",
            Self::Latency => "latency",
            Self::Overloaded => "overloaded",
            Self::WaitOver => "wait-over",
            Self::TrialsPassed => "trials-passed",
            Self::TrialsFailed => "trials-failed",
            Self::ProbeLost => "probe-lost",
            Self::Forced => "forced",
            Self::Reset => "reset",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A change of phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Transition {
    /// When it fell due: the end of the wait or of the probe's time, which may be earlier than the call that
    /// noticed it.
    pub at_ns: u64,
    /// The phase before.
    pub from: Phase,
    /// The phase after.
    pub to: Phase,
    /// Why.
    pub cause: Cause,
    /// The breaker's generation from here on; it grows by one with every transition, so a missed one shows.
    pub generation: u64,
}

/// The transitions that one call made or noticed, in order; nearly always none, at most three.
#[must_use = "a transition is reported once"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transitions(Made);

/// One tag to write where nothing happened, which is what happens on nearly every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    None,
    One(Transition),
    Two([Transition; 2]),
    Three([Transition; 3]),
}

impl Transitions {
    pub(super) const NONE: Self = Self(Made::None);

    #[cold]
    pub(super) const fn push(&mut self, made: Transition) {
        self.0 = match self.0 {
            Made::None => Made::One(made),
            Made::One(first) => Made::Two([first, made]),
            Made::Two([first, second]) => Made::Three([first, second, made]),
            full @ Made::Three(_) => full,
        };
    }

    /// The transitions, earliest first.
    #[must_use]
    pub const fn as_slice(&self) -> &[Transition] {
        match &self.0 {
            Made::None => &[],
            Made::One(made) => core::slice::from_ref(made),
            Made::Two(made) => made,
            Made::Three(made) => made,
        }
    }

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Made::None)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// The transitions, earliest first.
    pub fn iter(&self) -> impl Iterator<Item = Transition> + '_ {
        self.as_slice().iter().copied()
    }

    /// The latest.
    #[must_use]
    pub const fn last(&self) -> Option<Transition> {
        match self.as_slice() {
            [.., last] => Some(*last),
            [] => None,
        }
    }
}

impl IntoIterator for Transitions {
    type Item = Transition;
    type IntoIter = TransitionsIter;

    fn into_iter(self) -> TransitionsIter {
        TransitionsIter {
            transitions: self,
            given: 0,
        }
    }
}

/// The transitions by value; made by [`Transitions::into_iter`].
#[derive(Clone, Debug)]
pub struct TransitionsIter {
    transitions: Transitions,
    given: usize,
}

impl Iterator for TransitionsIter {
    type Item = Transition;

    fn next(&mut self) -> Option<Transition> {
        let next = self.transitions.as_slice().get(self.given).copied();
        self.given = self.given.saturating_add(1);
        next
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Transitions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.as_slice())
    }
}

/// Leave to make one call; give it back with the result.
///
/// Neither `Clone` nor `Copy`: one permit, one result. A permit that is never given back costs nothing while closed;
/// in half-open it holds a probe's place until `probe_timeout` and then counts as a failure.
#[must_use = "report the call's outcome with this permit"]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Permit {
    id: PermitId,
}

impl Permit {
    /// The permit as plain data, to send it through a journal or another language.
    #[must_use]
    pub const fn id(&self) -> PermitId {
        self.id
    }

    /// The permit again from its id. Reporting it twice is noticed in half-open.
    pub const fn from_id(id: PermitId) -> Self {
        Self { id }
    }
}

/// What identifies a permit: the breaker's tag, its generation, and which probe it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PermitId {
    pub(super) generation: u64,
    pub(super) tag: u32,
    pub(super) number: u32,
}

impl PermitId {
    /// The number of every call in closed: they need not be told apart.
    pub(super) const CLOSED: u32 = 0;
    /// A call that passed although the breaker would not have counted it; probes have numbers in between.
    pub(super) const UNCOUNTED: u32 = u32::MAX;

    /// The generation that the permit was given in.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it is for a probe in half-open.
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.number != Self::CLOSED && self.number != Self::UNCOUNTED
    }
}

/// Yes: make the call.
#[must_use = "a grant holds the permit to report with"]
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    /// Give it back with the call's outcome.
    pub permit: Permit,
    /// In [`Mode::Observe`], the refusal that the call would have met; its outcome then counts for nothing.
    pub would_refuse: Option<Refusal<RefusedBy>>,
    /// Transitions that fell due before this ask.
    pub transitions: Transitions,
}

/// No: do not make the call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("refused: {}", self.refusal.reason)]
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
    /// It is open and the wait is not over.
    Open,
    /// The wait is over, but the dependency has not been reported up (`until_healthy`).
    Unhealthy,
    /// As many probes are in flight, or still count, as may be.
    HalfOpenFull,
    /// It has just closed and lets traffic return bit by bit; this call lost its draw.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// Counters since the breaker was made; they outlive transitions and resets. The number of transitions is the
/// breaker's [generation](super::Breaker::generation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BreakerStats {
    /// Calls let through.
    pub admitted: u64,
    /// Calls refused.
    pub refused: u64,
    /// Calls let through by [`Mode::Observe`] that would have been refused; part of `admitted`.
    pub would_refuse: u64,
    /// Counted successes.
    pub successes: u64,
    /// Counted failures, overload reports among them.
    pub failures: u64,
    /// Outcomes that freed their place and counted for nothing.
    pub released: u64,
    /// Reports that came too late, twice or to the wrong breaker.
    pub stale: u64,
    /// Probes that did not report in time.
    pub lost: u64,
    /// How often it opened.
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
