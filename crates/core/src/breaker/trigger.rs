//! What opens a closed breaker: up to four triggers, judged on every recorded result.

use core::time::Duration;

use super::transition::Cause;
use super::window::Counts;
use crate::config::{count, ns, positive_share};
use crate::error::ConfigError;
use crate::quantile::Quantile;
use crate::ratio::Ratio;

pub(super) const SCOPE: &str = "breaker.triggers";
/// The most triggers that a breaker has.
pub(super) const MAX_TRIGGERS: usize = 4;

/// A rule that opens a closed breaker.
///
/// All but [`Consecutive`](Self::Consecutive) look at the [`Window`](super::Window). They are judged after every
/// recorded success and failure, in the policy's order; the first that holds is the cause.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # use evenkeel_core::Ratio;
/// # let builder = BreakerPolicy::builder(open, lease).window(Window::Count { calls: 8 });
/// let policy = builder
///     .trigger(Trigger::Consecutive { failures: 5 })
///     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 4 })
///     .build()?;
/// let mut breaker = Breaker::new(policy);
/// let mut cause = None;
/// for outcome in [Outcome::Failure, Outcome::Failure, Outcome::Failure, Outcome::Success] {
///     assert_eq!(cause, None); // three calls are too few for a rate
///     let call = breaker.try_acquire(0, &mut rng)?;
///     let receipt = breaker.on_outcome(5, call.permit, outcome, 5, &mut rng);
///     cause = receipt.transitions().last().map(|made| made.cause);
/// }
/// assert_eq!(cause, Some(Cause::FailureRate)); // 3 of 4
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "super::fields::TriggerFields",
        into = "super::fields::TriggerFields"
    )
)]
pub enum Trigger {
    /// This many failures in a row, however long they took: a slow outage trips it too, because the count does
    /// not decay with the window.
    Consecutive {
        /// At least 1.
        failures: u32,
    },
    /// At least this many failures in the window.
    Failures {
        /// At least 1, and at most the calls of a count window.
        failures: u32,
    },
    /// At least this share of the window failed.
    FailureRate {
        /// Above 0, at most 1.
        at_least: Ratio,
        /// Not judged on fewer results than this: one failure of one call is a rate of 100 %.
        min_calls: u32,
    },
    /// At least this share of the window was slow, whether it succeeded or failed.
    SlowRate {
        /// A call is slow when it took longer than this (exactly this is not slow).
        slower_than: Duration,
        /// Above 0, at most 1.
        at_least: Ratio,
        /// Not judged on fewer results than this.
        min_calls: u32,
    },
    /// A latency quantile of the window lies above a limit: the exact nearest rank, kept as one bit a result.
    Latency {
        /// Which quantile.
        quantile: Quantile,
        /// Trips when the quantile is longer than this.
        above: Duration,
        /// Not judged on fewer results than this: the p99 of a cold window is its slowest call.
        min_calls: u32,
    },
}

/// The source of the count of failures in a row; lower ones are planes of the window.
const CONSECUTIVE: u8 = 4;
const _: () = assert!(CONSECUTIVE as usize == MAX_TRIGGERS, "behind the planes");

/// Every trigger is a line: it fires when `count * den >= calls * num + extra`, on `min_calls` or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rule {
    num: u64,
    den: u64,
    min_calls: u32,
    extra: u32,
    /// Which count.
    source: u8,
}

impl Rule {
    /// No count reaches it; what a count alone decides is built from this.
    pub(super) const NEVER: Self = Self {
        num: 0,
        den: 1,
        min_calls: 0,
        extra: u32::MAX,
        source: CONSECUTIVE,
    };

    #[inline]
    pub(super) fn fires(&self, consecutive: u32, counts: &Counts) -> bool {
        let count = counts.of(self.source).unwrap_or(consecutive);
        let reached = u128::from(count).wrapping_mul(self.den.into());
        let line = u128::from(counts.calls).wrapping_mul(self.num.into());
        counts.calls >= self.min_calls && reached >= line.wrapping_add(self.extra.into())
    }

    /// It judges no window with fewer calls.
    pub(super) const fn min_calls(&self) -> u32 {
        self.min_calls
    }

    /// The least count that fires on `calls`.
    fn enough(&self, calls: u32) -> u32 {
        if calls < self.min_calls {
            return u32::MAX;
        }
        let line = u128::from(calls).wrapping_mul(self.num.into());
        let enough = line
            .wrapping_add(self.extra.into())
            .div_ceil(self.den.max(1).into());
        u32::try_from(enough).unwrap_or(u32::MAX)
    }
}

/// The least counts that any rule fires on in a full window: below all of them no rule has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Alarm {
    /// 0 without a window; where time limits it, a number that it does not reach.
    full_calls: u32,
    in_a_row: u32,
    counts: [u32; MAX_TRIGGERS],
}

impl Alarm {
    pub(super) const fn new(full_calls: u32) -> Self {
        Self {
            full_calls,
            in_a_row: u32::MAX,
            counts: [u32::MAX; MAX_TRIGGERS],
        }
    }

    pub(super) fn add(&mut self, rule: &Rule) {
        let least = self.counts.get_mut(usize::from(rule.source));
        let least = least.unwrap_or(&mut self.in_a_row);
        *least = rule.enough(self.full_calls).min(*least);
    }

    /// Whether no rule fires; false where that takes a closer look.
    #[inline]
    pub(super) fn is_silent(&self, consecutive: u32, counts: &Counts) -> bool {
        let reached = counts
            .of
            .iter()
            .zip(&self.counts)
            .any(|(count, least)| count >= least);
        counts.calls == self.full_calls && consecutive < self.in_a_row && !reached
    }
}

impl Trigger {
    /// The limit above which a call is slow for this trigger.
    pub(super) const fn limit(&self) -> Option<Duration> {
        match *self {
            Self::SlowRate { slower_than, .. } => Some(slower_than),
            Self::Latency { above, .. } => Some(above),
            _ => None,
        }
    }

    pub(super) const fn needs_window(&self) -> bool {
        !matches!(self, Self::Consecutive { .. })
    }

    /// What a breaker opens for when this trigger fires.
    pub(super) const fn cause(&self) -> Cause {
        match self {
            Self::Consecutive { .. } => Cause::Consecutive,
            Self::Failures { .. } => Cause::Failures,
            Self::FailureRate { .. } => Cause::FailureRate,
            Self::SlowRate { .. } => Cause::SlowRate,
            Self::Latency { .. } => Cause::Latency,
        }
    }

    /// The trigger as a line to compare a count with; `source` is the plane of the window that it counts.
    pub(super) fn rule(&self, source: u8) -> Rule {
        match *self {
            Self::Consecutive { failures } => Rule {
                source: CONSECUTIVE,
                extra: failures,
                ..Rule::NEVER
            },
            Self::Failures { failures } => Rule {
                source,
                extra: failures,
                ..Rule::NEVER
            },
            Self::FailureRate {
                at_least,
                min_calls,
            }
            | Self::SlowRate {
                at_least,
                min_calls,
                ..
            } => Rule {
                source,
                min_calls,
                extra: 0,
                num: at_least.numerator().into(),
                den: at_least.denominator().into(),
            },
            // The value at rank ceil(q * n) is above when more than n - q * n values are. The lowest rank is 1, so
            // the smallest value is above only when all are.
            Self::Latency {
                quantile,
                min_calls,
                ..
            } => {
                let (num, den) = (quantile.numerator(), quantile.denominator());
                let smallest = num == 0;
                Rule {
                    source,
                    min_calls,
                    extra: u32::from(!smallest),
                    num: den.wrapping_sub(num),
                    den,
                }
            }
        }
    }

    /// Checks the trigger's own numbers; `max_calls` is the size of a count window.
    pub(super) fn check(&self, max_calls: Option<u32>) -> Result<(), ConfigError> {
        let max = max_calls.unwrap_or(u32::MAX);
        match *self {
            Self::Consecutive { failures } => {
                count(SCOPE, "failures", failures, u32::MAX)?;
            }
            Self::Failures { failures } => {
                count(SCOPE, "failures", failures, max)?;
            }
            Self::FailureRate {
                at_least,
                min_calls,
            } => {
                positive_share(SCOPE, "at_least", at_least)?;
                count(SCOPE, "min_calls", min_calls, max)?;
            }
            Self::SlowRate {
                slower_than,
                at_least,
                min_calls,
            } => {
                ns(SCOPE, "slower_than", slower_than)?;
                positive_share(SCOPE, "at_least", at_least)?;
                count(SCOPE, "min_calls", min_calls, max)?;
            }
            Self::Latency {
                above, min_calls, ..
            } => {
                ns(SCOPE, "above", above)?;
                count(SCOPE, "min_calls", min_calls, max)?;
            }
        }
        Ok(())
    }
}
