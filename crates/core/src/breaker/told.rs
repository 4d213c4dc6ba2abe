//! What a breaker is told: how calls ended, what an operator and a health probe say.

/// How a call ended.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 2 });
/// # let mut breaker = Breaker::new(builder.build()?);
/// // Two failures in a row open this breaker; one plea to be left alone does so, too.
/// let overloaded = Outcome::Overloaded { retry_at_ns: Some(500) };
/// for outcome in [Outcome::Failure, Outcome::Ignored, Outcome::Success, overloaded] {
///     assert_eq!(breaker.phase(0), Phase::Closed);
///     let call = breaker.try_acquire(0, &mut rng)?;
///     let _ = breaker.on_outcome(0, call.permit, outcome, 5, &mut rng);
/// }
/// assert_eq!((breaker.phase(499), breaker.phase(500)), (Phase::Open, Phase::HalfOpen));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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

/// An operator's switch, beside the phase.
///
/// ```
#[doc = include_str!("examples/closed.txt")]
/// // One failure opens this breaker, unless an operator holds it closed.
/// for (mode, phase) in [(Mode::ForcedClosed, Phase::Closed), (Mode::Normal, Phase::Open)] {
///     let _ = breaker.set_mode(0, mode);
///     let call = breaker.try_acquire(0, &mut rng)?;
///     let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
///     assert_eq!(breaker.phase(0), phase);
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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

impl Mode {
    /// Its name in journals, such as `"forced-open"`.
    ///
    /// ```
    /// # use evenkeel_core::breaker::Mode;
    /// assert_eq!(Mode::ForcedOpen.name(), "forced-open");
    /// ```
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

crate::named::display_by_name!(Mode);

/// What a health probe says of the dependency.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// let mut breaker = Breaker::new(builder.until_healthy(true).build()?);
/// # let call = breaker.try_acquire(0, &mut rng)?;
/// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
/// // A failure at 0 opened it, for 100 ns; the last word counts.
/// let _ = breaker.on_health(50, Health::Up);
/// assert_eq!(breaker.phase(100), Phase::HalfOpen);
/// let _ = breaker.on_health(60, Health::Down);
/// assert_eq!(breaker.phase(100), Phase::Open);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
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

impl Health {
    /// `"up"` or `"down"`.
    ///
    /// ```
    /// # use evenkeel_core::breaker::Health;
    /// assert_eq!([Health::Up, Health::Down].map(Health::name), ["up", "down"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

crate::named::display_by_name!(Health);
