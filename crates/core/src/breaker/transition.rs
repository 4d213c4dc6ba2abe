//! The phases of a breaker, and a transition from one to another.

use core::fmt;

/// The phase of a breaker.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns.
/// assert_eq!(breaker.phase(0), Phase::Open);
/// assert_eq!(format!("now {}", breaker.phase(100)), "now half-open");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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
    ///
    /// ```
    /// # use evenkeel_core::breaker::Phase;
    /// assert_eq!(Phase::HalfOpen.name(), "half-open");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

crate::named::display_by_name!(Phase);

/// Why a breaker changed its phase.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns.
/// let causes = [breaker.poll(100), breaker.reset(120)].map(|made| made.last().map(|made| made.cause));
/// assert_eq!(causes, [Some(Cause::WaitOver), Some(Cause::Reset)]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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
    /// One result said so: [`Outcome::Overloaded`](super::Outcome::Overloaded).
    Overloaded,
    /// The open wait is over (and, with `until_healthy`, the dependency is up).
    WaitOver,
    /// Enough probes passed.
    TrialsPassed,
    /// So many probes failed that the trials can no longer pass.
    TrialsFailed,
    /// A probe did not report in time and counted as the failure that decided.
    ProbeLost,
    /// An operator set a [`Mode`](super::Mode).
    Forced,
    /// An operator called [`reset`](super::Breaker::reset).
    Reset,
}

impl Cause {
    /// Its name in traces and journals, such as `"failure-rate"`.
    ///
    /// ```
    /// # use evenkeel_core::breaker::Cause;
    /// assert_eq!(Cause::FailureRate.name(), "failure-rate");
    /// ```
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

crate::named::display_by_name!(Cause);

/// A change of phase.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let mut breaker = Breaker::new(builder.build()?);
/// let made = breaker.set_mode(5, Mode::ForcedOpen);
/// let (from, to, cause) = (Phase::Closed, Phase::Open, Cause::Forced);
/// assert_eq!(made.last(), Some(Transition { at_ns: 5, from, to, cause, generation: 1 }));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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

/// One line for a log, such as `closed -> open at 20 (failure-rate)`.
///
/// ```
/// # use evenkeel_core::breaker::{Cause, Phase, Transition};
/// let (from, to, cause) = (Phase::Closed, Phase::Open, Cause::FailureRate);
/// let made = Transition { at_ns: 20, from, to, cause, generation: 1 };
/// assert_eq!(made.to_string(), "closed -> open at 20 (failure-rate)");
/// ```
impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at_ns,
            from,
            to,
            cause,
            ..
        } = self;
        write!(f, "{from} -> {to} at {at_ns} ({cause})")
    }
}
