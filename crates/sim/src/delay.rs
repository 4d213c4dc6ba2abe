//! How long a step takes: distributions of spans, for networks and for service times.

use std::time::Duration;

use crate::random::Stream;

/// How long something takes: a message, a piece of work.
///
/// A draw is in whole nanoseconds, never negative, at most `u64::MAX`. The floats behind it are computed by libm, so
/// that a seed gives the same draws on every machine.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::{Delay, Streams};
///
/// let mut rng = Streams::seeded(7).of("network", 0);
/// let [ms, ten] = [1, 10].map(Duration::from_millis);
/// assert_eq!(Delay::constant(ms).draw_ns(&mut rng), 1_000_000);
/// assert!((1_000_000..=10_000_000).contains(&Delay::uniform(ms, ten).draw_ns(&mut rng)));
/// let mean = (0..10_000).map(|_| Delay::exponential(ten).draw_ns(&mut rng)).sum::<u64>() / 10_000;
/// assert!((9_500_000..10_500_000).contains(&mean));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    shape: Shape,
}

/// Amounts are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Constant(u64),
    Uniform { low: u64, high: u64 },
    Exponential { mean: f64 },
    Normal { mean: f64, sd: f64 },
    AbsNormal { mean: f64, sd: f64 },
    LogNormal { median: f64, sigma: f64 },
}

impl Delay {
    /// Always the same. No word.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// # let mut rng = Streams::seeded(7).of("network", 0);
    /// assert_eq!(Delay::constant(Duration::from_micros(5)).draw_ns(&mut rng), 5_000);
    /// ```
    #[must_use]
    pub fn constant(span: Duration) -> Self {
        Self::of(Shape::Constant(nanos(span)))
    }

    /// Uniform from `low` to `high`, both of which it can be; `low` where `high` is below it. One word.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// # let mut rng = Streams::seeded(7).of("network", 0);
    /// let [low, high] = [5, 6].map(Duration::from_nanos);
    /// assert!((5..=6).contains(&Delay::uniform(low, high).draw_ns(&mut rng)));
    /// ```
    #[must_use]
    pub fn uniform(low: Duration, high: Duration) -> Self {
        let (low, high) = (nanos(low), nanos(high));
        Self::of(Shape::Uniform { low, high })
    }

    /// Exponential with this mean: short ones are the most frequent, and some are long. One word, rarely more.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// # let mut rng = Streams::seeded(7).of("network", 0);
    /// let delay = Delay::exponential(Duration::from_millis(10));
    /// let above = (0..10_000).filter(|_| delay.draw_ns(&mut rng) > 30_000_000).count();
    /// assert!((400..600).contains(&above)); // e^-3 is 5 %
    /// ```
    #[must_use]
    pub fn exponential(mean: Duration) -> Self {
        let mean = nanos(mean) as f64;
        Self::of(Shape::Exponential { mean })
    }

    /// Normal; what would be negative is 0. One word, rarely more.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// # let mut rng = Streams::seeded(7).of("network", 0);
    /// let delay = Delay::normal(Duration::ZERO, Duration::from_millis(2));
    /// let zeros = (0..10_000).filter(|_| delay.draw_ns(&mut rng) == 0).count();
    /// assert!((4_800..5_200).contains(&zeros));
    /// ```
    #[must_use]
    pub fn normal(mean: Duration, sd: Duration) -> Self {
        let (mean, sd) = (nanos(mean) as f64, nanos(sd) as f64);
        Self::of(Shape::Normal { mean, sd })
    }

    /// The absolute value of a normal draw. One word, rarely more.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// # let mut rng = Streams::seeded(7).of("network", 0);
    /// let delay = Delay::abs_normal(Duration::ZERO, Duration::from_millis(2));
    /// assert!((0..10_000).all(|_| delay.draw_ns(&mut rng) > 0));
    /// ```
    #[must_use]
    pub fn abs_normal(mean: Duration, sd: Duration) -> Self {
        let (mean, sd) = (nanos(mean) as f64, nanos(sd) as f64);
        Self::of(Shape::AbsNormal { mean, sd })
    }

    /// Log-normal: half are below `median`, and `sigma` is the standard deviation of its logarithm. Service times of real
    /// servers look like this with a sigma from 0.5 to 1.5. Where `sigma` is no number, every draw is 0. One word, rarely
    /// more.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// # let mut rng = Streams::seeded(7).of("network", 0);
    /// let delay = Delay::log_normal(Duration::from_millis(10), 1.0);
    /// let below = (0..10_000).filter(|_| delay.draw_ns(&mut rng) < 10_000_000).count();
    /// assert!((4_800..5_200).contains(&below));
    /// ```
    #[must_use]
    pub fn log_normal(median: Duration, sigma: f64) -> Self {
        let median = nanos(median) as f64;
        Self::of(Shape::LogNormal { median, sigma })
    }

    const fn of(shape: Shape) -> Self {
        Self { shape }
    }

    /// One draw, in nanoseconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{Delay, Streams};
    /// let delay = Delay::exponential(Duration::from_millis(10));
    /// let draw = |seed| delay.draw_ns(&mut Streams::seeded(seed).of("network", 0));
    /// assert_eq!(draw(7), draw(7));
    /// assert_ne!(draw(7), draw(8));
    /// ```
    #[inline]
    pub fn draw_ns(&self, rng: &mut Stream) -> u64 {
        match self.shape {
            Shape::Constant(ns) => ns,
            Shape::Uniform { low, high } => {
                let range = high.saturating_sub(low).saturating_add(1);
                low.saturating_add(rng.below(range))
            }
            Shape::Exponential { mean } => rounded(rng.exponential(mean)),
            Shape::Normal { mean, sd } => rounded(rng.normal(mean, sd)),
            Shape::AbsNormal { mean, sd } => rounded(rng.normal(mean, sd).abs()),
            Shape::LogNormal { median, sigma } => {
                rounded(median * libm::exp(rng.normal(0.0, sigma)))
            }
        }
    }
}

/// The largest where it does not fit: 584 years.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// To whole nanoseconds; negative is 0, as is what is no number, and what is too large is the largest.
#[inline]
pub(crate) fn rounded(ns: f64) -> u64 {
    (ns + 0.5) as u64
}
