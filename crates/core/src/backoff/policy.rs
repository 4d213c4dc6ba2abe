//! The policy of a backoff: how the ceiling grows, how a wait is drawn below it, when to stop.

use core::time::Duration;

use super::builder::{BackoffBuilder, SCOPE};
use crate::config::{self, checked};
use crate::error::{Amount, ConfigError, Problem};
use crate::random::{Rng, scaled};
use crate::ratio::Ratio;
use crate::time::{MAX_SPAN_NS, optional_span};

/// How the ceiling of the waits grows from one to the next.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Ratio, backoff::{BackoffPolicy, Growth}};
/// let builder = BackoffPolicy::builder(Duration::from_secs(4));
/// let third = |growth| Ok::<_, evenkeel_core::ConfigError>(builder.growth(growth).build()?.ceiling(3).as_secs());
/// assert_eq!(third(Growth::Constant)?, 4);
/// assert_eq!(third(Growth::Linear { step: Duration::from_secs(1) })?, 6);
/// assert_eq!(third(Growth::Exponential { factor: Ratio::percent(150) })?, 9);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Growth {
    /// Every ceiling is the base.
    Constant,
    /// Each ceiling is `step` above the one before.
    Linear {
        /// What is added each time.
        step: Duration,
    },
    /// Each ceiling is `factor` times the one before, rounded down to a nanosecond.
    Exponential {
        /// At least 1; exactly 1 is constant.
        factor: Ratio,
    },
}

/// How a wait is drawn below its ceiling `c`. One random word each, except for `None`.
///
/// Jitter is what keeps a thousand clients that failed together from coming back together. It is drawn from the
/// *capped* ceiling, so it neither passes the cap nor vanishes at it (two bugs that most peers have).
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Ratio, backoff::{BackoffPolicy, Jitter}};
/// let second = Duration::from_secs(1);
/// for (jitter, least, most) in [
///     (Jitter::None, second, second),
///     (Jitter::Full, Duration::ZERO, second),
///     (Jitter::Equal, second / 2, second),
///     (Jitter::Decorrelated, second, 3 * second),
///     (Jitter::Spread(Ratio::percent(20)), second * 4 / 5, second * 6 / 5),
/// ] {
///     assert_eq!(BackoffPolicy::builder(second).jitter(jitter).build()?.range(1), (least, most));
/// }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Jitter {
    /// Exactly `c`. Only where a single client waits, or a test wants round numbers.
    None,
    /// Uniform on `0..=c`: the best spread, the least load; a wait may be close to zero.
    /// (AWS Architecture Blog, "Exponential Backoff And Jitter".)
    Full,
    /// Uniform on `c/2..=c`: half of the spread, but never an instant retry.
    Equal,
    /// `min(cap, base + uniform(0, 3 * previous - base))`, `previous` starting at the base. Grows by itself, so
    /// the growth is not used. The one kind whose draws pile up at the cap: of the waits after one near the cap
    /// two in three are exactly the cap, and in the long run a fifth to three quarters, the more the lower it is.
    Decorrelated,
    /// Uniform on `c - r*c ..= min(c + r*c, cap)`, with a ratio of at most 1. gRPC's is 20 %.
    Spread(Ratio),
}

/// A checked, immutable schedule of waits; made by [`BackoffPolicy::builder`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
///
/// let policy = BackoffPolicy::builder(Duration::from_millis(100))
///     .cap(Duration::from_secs(30))
///     .jitter(Jitter::Full)
///     .max_retries(5)
///     .build()?;
/// assert_eq!(policy.ceiling(1), Duration::from_millis(100));
/// assert_eq!(policy.ceiling(4), Duration::from_millis(800));
/// assert_eq!(policy.ceiling(1_000_000), Duration::from_secs(30));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackoffPolicy {
    pub(super) base_ns: u64,
    /// The cap, or the longest span where there is none: what every step looks at.
    pub(super) limit_ns: u64,
    pub(super) has_cap: bool,
    pub(super) growth: Growth,
    pub(super) jitter: Jitter,
    pub(super) max_retries: Option<u32>,
    pub(super) max_total_wait_ns: Option<u64>,
}

impl BackoffPolicy {
    /// An exponential schedule that waits `base` at first. A base of zero is allowed: no ceiling is then above
    /// zero (unless growth is linear), and retries follow at once.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::BackoffPolicy;
    /// let policy = BackoffPolicy::builder(Duration::from_millis(100)).build()?;
    /// assert_eq!([1, 2, 3].map(|n| policy.ceiling(n).as_millis()), [100, 200, 400]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn builder(base: Duration) -> BackoffBuilder {
        BackoffBuilder::new(base)
    }

    /// The first ceiling, before the cap.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::BackoffPolicy;
    /// let policy = BackoffPolicy::builder(Duration::from_secs(5)).cap(Duration::from_secs(3)).build()?;
    /// assert_eq!((policy.base().as_secs(), policy.ceiling(1).as_secs()), (5, 3));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn base(&self) -> Duration {
        Duration::from_nanos(self.base_ns)
    }

    /// The bound of all waits, if there is one.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # let builder = evenkeel_core::backoff::BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = builder.cap(Duration::from_secs(30)).build()?;
    /// assert_eq!(policy.cap(), Some(Duration::from_secs(30)));
    /// assert_eq!(builder.build()?.cap(), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn cap(&self) -> Option<Duration> {
        if self.has_cap {
            Some(Duration::from_nanos(self.limit_ns))
        } else {
            None
        }
    }

    /// How ceilings grow.
    ///
    /// ```
    /// # use evenkeel_core::{Ratio, backoff::{BackoffPolicy, Growth}};
    /// # let builder = BackoffPolicy::builder(core::time::Duration::from_millis(100));
    /// assert_eq!(builder.build()?.growth(), Growth::Exponential { factor: Ratio::TWO });
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn growth(&self) -> Growth {
        self.growth
    }

    /// How waits are drawn.
    ///
    /// ```
    /// # use evenkeel_core::backoff::{BackoffPolicy, Jitter};
    /// # let builder = BackoffPolicy::builder(core::time::Duration::from_millis(100));
    /// assert_eq!(builder.build()?.jitter(), Jitter::Full);
    /// assert_eq!(builder.jitter(Jitter::Equal).build()?.jitter(), Jitter::Equal);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// How many waits there are at most.
    ///
    /// ```
    /// # let builder = evenkeel_core::backoff::BackoffPolicy::builder(core::time::Duration::from_millis(100));
    /// assert_eq!(builder.build()?.max_retries(), None);
    /// assert_eq!(builder.max_retries(5).build()?.max_retries(), Some(5));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_retries(&self) -> Option<u32> {
        self.max_retries
    }

    /// What the waits together may last.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # let builder = evenkeel_core::backoff::BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = builder.max_total_wait(Duration::from_secs(10)).build()?;
    /// assert_eq!(policy.max_total_wait(), Some(Duration::from_secs(10)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn max_total_wait(&self) -> Option<Duration> {
        optional_span(self.max_total_wait_ns)
    }

    /// The ceiling of wait number `attempt`, counted from 1 (0 is taken as 1).
    ///
    /// `ceiling(1) = min(base, cap)`, `ceiling(n + 1) = min(cap, floor(ceiling(n) * factor))`. O(1) for constant
    /// and linear growth and for factors that are powers of two, else at most 4 096 multiplications.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # let builder = evenkeel_core::backoff::BackoffPolicy::builder(Duration::from_millis(100));
    /// let policy = builder.cap(Duration::from_millis(300)).build()?;
    /// assert_eq!([0, 1, 2, 3, 4].map(|n| policy.ceiling(n).as_millis()), [100, 100, 200, 300, 300]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn ceiling(&self, attempt: u32) -> Duration {
        Duration::from_nanos(self.ceiling_ns(attempt))
    }

    /// The least and the most that wait number `attempt` can be, over all random words (and, for
    /// [`Jitter::Decorrelated`], over all earlier waits).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::backoff::{BackoffPolicy, Jitter};
    /// let policy = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::Equal).build()?;
    /// assert_eq!(policy.range(3), (Duration::from_secs(2), Duration::from_secs(4)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn range(&self, attempt: u32) -> (Duration, Duration) {
        let ceiling_ns = self.ceiling_ns(attempt);
        let (least, most) = match self.jitter {
            Jitter::Decorrelated => (self.first_ns(), self.decorrelated_most_ns(attempt)),
            _ => (
                self.drawn_ns(ceiling_ns, 0, 0),
                self.drawn_ns(ceiling_ns, 0, u64::MAX),
            ),
        };
        (Duration::from_nanos(least), Duration::from_nanos(most))
    }

    /// The wait below `ceiling_ns`; draws one word where the jitter makes a choice.
    #[inline]
    pub(crate) fn draw_ns<R: Rng + ?Sized>(
        &self,
        ceiling_ns: u64,
        previous_ns: u64,
        rng: &mut R,
    ) -> u64 {
        // What is mostly chosen has one look, and is all that a caller takes in.
        if matches!(self.jitter, Jitter::Full) {
            return full_ns(ceiling_ns, rng.next_u64());
        }
        self.draw_otherwise_ns(ceiling_ns, previous_ns, rng)
    }

    /// [`draw_ns`](Self::draw_ns) where the jitter is not full.
    #[inline(never)]
    fn draw_otherwise_ns<R: Rng + ?Sized>(
        &self,
        ceiling_ns: u64,
        previous_ns: u64,
        rng: &mut R,
    ) -> u64 {
        if !self.draws() {
            return ceiling_ns;
        }
        self.drawn_ns(ceiling_ns, previous_ns, rng.next_u64())
    }

    /// Whether a wait takes a random word.
    #[inline]
    pub(crate) const fn draws(&self) -> bool {
        !matches!(self.jitter, Jitter::None)
    }

    /// The wait that `word` gives.
    #[inline(never)]
    pub(crate) const fn drawn_ns(&self, ceiling_ns: u64, previous_ns: u64, word: u64) -> u64 {
        let c = ceiling_ns;
        match self.jitter {
            Jitter::None => c,
            Jitter::Full => full_ns(c, word),
            Jitter::Equal => {
                let low = c >> 1;
                low.wrapping_add(scaled(word, c.wrapping_sub(low).wrapping_add(1)))
            }
            Jitter::Spread(spread) => {
                let d = spread.of(c);
                let low = c.saturating_sub(d);
                let high = c.wrapping_add(d);
                let high = if self.has_cap {
                    self.capped(high)
                } else {
                    high
                };
                low.wrapping_add(scaled(word, high.wrapping_sub(low).wrapping_add(1)))
            }
            Jitter::Decorrelated => {
                let first_ns = self.first_ns();
                let s = if previous_ns > first_ns {
                    previous_ns
                } else {
                    first_ns
                };
                let range = s.saturating_mul(3).saturating_sub(self.base_ns);
                self.capped(
                    self.base_ns
                        .wrapping_add(scaled(word, range.saturating_add(1))),
                )
            }
        }
    }

    pub(crate) const fn first_ns(&self) -> u64 {
        self.capped(self.base_ns)
    }

    pub(crate) const fn max_total_wait_ns(&self) -> Option<u64> {
        self.max_total_wait_ns
    }

    /// The cap, or the longest span there is.
    #[inline]
    pub(crate) const fn limit_ns(&self) -> u64 {
        self.limit_ns
    }

    /// Whether a wait depends on the one before it.
    pub(crate) const fn remembers_wait(&self) -> bool {
        matches!(self.jitter, Jitter::Decorrelated)
    }

    /// The longest wait that any word can give: the cap, or the longest span, which a spread without a cap doubles.
    pub(crate) const fn longest_ns(&self) -> u64 {
        if matches!(self.jitter, Jitter::Spread(_)) && !self.has_cap {
            MAX_SPAN_NS << 1
        } else {
            self.limit_ns
        }
    }

    #[inline]
    pub(super) const fn capped(&self, ns: u64) -> u64 {
        let limit_ns = self.limit_ns();
        if ns > limit_ns { limit_ns } else { ns }
    }

    /// `base * 3^attempt`, capped: each draw is at most three times the one before.
    const fn decorrelated_most_ns(&self, attempt: u32) -> u64 {
        let mut most_ns = self.first_ns();
        let mut left = if attempt == 0 { 1 } else { attempt };
        while left > 0 {
            let next_ns = self.capped(most_ns.saturating_mul(3));
            if next_ns == most_ns {
                break;
            }
            most_ns = next_ns;
            left = left.wrapping_sub(1);
        }
        most_ns
    }

    /// At least the first wait must fit into the total.
    pub(super) const fn check_total(&self) -> Result<(), ConfigError> {
        let (least, _) = self.range(1);
        match self.max_total_wait_ns {
            Some(total_ns) if (total_ns as u128) < least.as_nanos() => Err(ConfigError::new(
                SCOPE,
                "max_total_wait",
                Problem::BelowMin {
                    given: Amount::Span(Duration::from_nanos(total_ns)),
                    min: Amount::Span(least),
                },
            )),
            _ => Ok(()),
        }
    }

    /// A factor must be at least 1, grow at this base, and reach the cap in a bounded number of steps.
    pub(super) const fn check_factor(&self) -> Result<(), ConfigError> {
        const MAX_STEPS: u32 = 4096;
        let Growth::Exponential { factor } = self.growth else {
            return Ok(());
        };
        checked!(config::factor(SCOPE, "factor", factor));
        if !factor.is_above(Ratio::ONE) || self.base_ns == 0 {
            return Ok(());
        }
        let mut ceiling_ns = self.first_ns();
        let mut steps = 0;
        while ceiling_ns < self.limit_ns() {
            let next_ns = self.grown_ns(ceiling_ns);
            if next_ns == ceiling_ns {
                return Err(ConfigError::new(
                    SCOPE,
                    "factor",
                    Problem::Conflict {
                        with: "base",
                        fix: "at so small a base it rounds to no growth; raise one of them",
                    },
                ));
            }
            if steps == MAX_STEPS {
                return Err(ConfigError::new(
                    SCOPE,
                    "factor",
                    Problem::Conflict {
                        with: "cap",
                        fix: "it takes more than 4096 steps to get there; raise the factor or lower the cap",
                    },
                ));
            }
            ceiling_ns = next_ns;
            steps = steps.wrapping_add(1);
        }
        Ok(())
    }
}

/// The wait of [`Jitter::Full`] that `word` gives.
#[inline]
const fn full_ns(ceiling_ns: u64, word: u64) -> u64 {
    scaled(word, ceiling_ns.wrapping_add(1))
}
