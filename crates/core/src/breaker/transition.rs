//! The phases of a breaker, and the transitions between them as values that every call returns.

use core::fmt;
use core::iter::FusedIterator;

/// The phase of a breaker.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let mut breaker = Breaker::new(builder.build()?);
/// # let call = breaker.try_acquire(0, &mut rng)?;
/// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
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
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let mut breaker = Breaker::new(builder.build()?);
/// # let call = breaker.try_acquire(0, &mut rng)?;
/// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
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

/// The transitions that one call made or noticed, in order; nearly always none, at most three.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let mut breaker = Breaker::new(builder.build()?);
/// # let call = breaker.try_acquire(0, &mut rng)?;
/// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
/// // A failure at 0 opened it, for 100 ns.
/// let mut journal = String::new();
/// for made in breaker.reset(250) {
///     journal += &format!("{} {} {}; ", made.at_ns, made.to, made.cause);
/// }
/// assert_eq!(journal, "100 half-open wait-over; 250 closed reset; ");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "a transition is reported once"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transitions(Made);

/// One tag to write where nothing happened, which is what happens on nearly every call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Made {
    #[default]
    None,
    One(Transition),
    Two([Transition; 2]),
    Three([Transition; 3]),
}

impl Transitions {
    /// Nothing happened.
    ///
    /// ```
    /// # use evenkeel_core::breaker::Transitions;
    /// assert!(Transitions::NONE.is_empty());
    /// ```
    pub const NONE: Self = Self(Made::None);
    /// A lost probe, the end of a wait, and what the call itself did.
    const MOST: usize = 3;

    /// [`NONE`](Self::NONE) made on the spot: the constant is copied whole, some hundred bytes that say nothing.
    #[inline]
    pub(super) const fn none() -> Self {
        Self(Made::None)
    }

    pub(super) const fn one(made: Transition) -> Self {
        Self(Made::One(made))
    }

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
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// let made = breaker.reset(250);
    /// assert!(matches!(made.as_slice(), [first, second] if first.at_ns == 100 && second.at_ns == 250));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
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
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// assert!(breaker.poll(99).is_empty());
    /// assert!(!breaker.poll(100).is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, Made::None)
    }

    /// How many there are.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!(breaker.poll(99).len(), 0);
    /// assert_eq!(breaker.reset(250).len(), 2); // half-open at 100, then closed
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// The transitions, earliest first.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// let made = breaker.reset(250);
    /// assert!(made.iter().map(|made| made.to).eq([Phase::HalfOpen, Phase::Closed]));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Transition> + '_ {
        self.as_slice().iter().copied()
    }

    /// The latest.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let mut breaker = Breaker::new(builder.build()?);
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// assert_eq!(breaker.poll(99).last(), None);
    /// assert_eq!(breaker.reset(250).last().map(|made| made.to), Some(Phase::Closed));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
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
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let mut breaker = Breaker::new(builder.build()?);
/// # let call = breaker.try_acquire(0, &mut rng)?;
/// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
/// // A failure at 0 opened it, for 100 ns.
/// let mut rest: TransitionsIter = breaker.reset(250).into_iter();
/// assert_eq!(rest.next().map(|made| made.cause), Some(Cause::WaitOver));
/// assert_eq!(rest.len(), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.transitions.len().saturating_sub(self.given);
        (left, Some(left))
    }
}

impl ExactSizeIterator for TransitionsIter {}
impl FusedIterator for TransitionsIter {}

impl<'a> IntoIterator for &'a Transitions {
    type Item = &'a Transition;
    type IntoIter = core::slice::Iter<'a, Transition>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

/// For whoever rewrites an answer, say to shift its instants; those past the third are left out, since no call makes more.
///
/// ```
/// use evenkeel_core::breaker::{Cause, Phase, Transition, Transitions};
///
/// let (from, to) = (Phase::Open, Phase::HalfOpen);
/// let made = Transition { at_ns: 7, from, to, cause: Cause::WaitOver, generation: 2 };
/// assert_eq!(Transitions::from_iter([made]).last(), Some(made));
/// ```
impl FromIterator<Transition> for Transitions {
    fn from_iter<I: IntoIterator<Item = Transition>>(all: I) -> Self {
        let mut transitions = Self::NONE;
        for made in all.into_iter().take(Self::MOST) {
            transitions.push(made);
        }
        transitions
    }
}

#[cfg(feature = "serde")]
mod stored {
    //! As a list.

    use core::fmt;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Transitions;

    impl Serialize for Transitions {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.as_slice())
        }
    }

    impl<'de> Deserialize<'de> for Transitions {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(List)
        }
    }

    struct List;

    impl<'de> Visitor<'de> for List {
        type Value = Transitions;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {} transitions", Transitions::MOST)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Transitions, A::Error> {
            let mut transitions = Transitions::NONE;
            while let Some(made) = list.next_element()? {
                if transitions.len() == Transitions::MOST {
                    return Err(A::Error::invalid_length(
                        Transitions::MOST.saturating_add(1),
                        &self,
                    ));
                }
                transitions.push(made);
            }
            Ok(transitions)
        }
    }
}
