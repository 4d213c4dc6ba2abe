//! Quantiles as exact fractions, and the one rule that turns a quantile into a rank.

use core::fmt;
use core::str::FromStr;

use crate::decimal;
use crate::error::{Amount, ConfigError, Problem};

/// A quantile between 0 and 1, exact: `p99.9` is 999/1000, not a nearby float.
///
/// The rank rule is nearest rank, the same in every estimator and trigger: of `n` values in order, the
/// quantile is the one with rank `ceil(q * n)`, at least 1. It is always a value that was recorded; nothing is
/// interpolated. (Peers disagree by one here: Hystrix skips ranks, many take the upper median.)
///
/// ```
/// use evenkeel_core::Quantile;
///
/// assert_eq!(Quantile::P99.rank(100), Some(99));
/// assert_eq!(Quantile::P99.rank(1000), Some(990));
/// assert_eq!(Quantile::P50.rank(1), Some(1));
/// assert_eq!(Quantile::P50.rank(0), None);
/// assert_eq!("p99.9".parse(), Ok(Quantile::P999));
/// assert!("p100.1".parse::<Quantile>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantile {
    num: u64,
    den: u64,
}

impl Quantile {
    /// The smallest value.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::MIN.rank(1_000), Some(1));
    /// ```
    pub const MIN: Self = Self { num: 0, den: 1 };
    /// The median (lower median of an even count).
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P50.rank(4), Some(2));
    /// ```
    pub const P50: Self = Self { num: 1, den: 2 };
    /// The 90th percentile.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P90.rank(1_000), Some(900));
    /// ```
    pub const P90: Self = Self { num: 9, den: 10 };
    /// The 95th percentile.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P95.rank(1_000), Some(950));
    /// ```
    pub const P95: Self = Self { num: 19, den: 20 };
    /// The 99th percentile.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P99.rank(1_000), Some(990));
    /// ```
    pub const P99: Self = Self { num: 99, den: 100 };
    /// The 99.9th percentile.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P999.rank(1_000), Some(999));
    /// ```
    pub const P999: Self = Self {
        num: 999,
        den: 1000,
    };
    /// The largest value.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::MAX.rank(1_000), Some(1_000));
    /// ```
    pub const MAX: Self = Self { num: 1, den: 1 };

    /// `num / den`. Two quantiles of the same value are equal, whatever they were made from.
    ///
    /// # Errors
    /// When `den` is 0 or the fraction is above 1.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::new(50, 100)?, Quantile::P50);
    /// assert!(Quantile::new(1, 0).is_err());
    /// assert!(Quantile::new(101, 100).is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(num: u64, den: u64) -> Result<Self, ConfigError> {
        if den == 0 {
            return Err(ConfigError::new(
                "quantile",
                "denominator",
                Problem::BelowMin {
                    given: Amount::Count(0),
                    min: Amount::Count(1),
                },
            ));
        }
        if num > den {
            return Err(ConfigError::new(
                "quantile",
                "",
                Problem::AboveMax {
                    given: Amount::Fraction { num, den },
                    max: Amount::Count(1),
                },
            ));
        }
        let (num, den) = decimal::lowest(num, den);
        Ok(Self { num, den })
    }

    /// The numerator in lowest terms.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P95.numerator(), 19);
    /// ```
    #[inline]
    #[must_use]
    pub const fn numerator(self) -> u64 {
        self.num
    }

    /// The denominator in lowest terms; never 0.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P95.denominator(), 20);
    /// ```
    #[inline]
    #[must_use]
    pub const fn denominator(self) -> u64 {
        self.den
    }

    /// The nearest rank among `n` values, from 1 to `n`; `None` when there is no value.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert_eq!(Quantile::P50.rank(5), Some(3)); // the third of five is the median
    /// assert_eq!(Quantile::P90.rank(5), Some(5)); // ceil(4.5)
    /// assert_eq!(Quantile::P90.rank(0), None);
    /// ```
    #[must_use]
    pub const fn rank(self, n: u64) -> Option<u64> {
        if n == 0 {
            return None;
        }
        let rank = match self.num.checked_mul(n) {
            Some(product) => match (product.checked_div(self.den), product.checked_rem(self.den)) {
                (Some(whole), Some(rest)) => Some(whole.wrapping_add((rest != 0) as u64)),
                _ => None,
            },
            None => self.wide_rank(n),
        };
        match rank {
            Some(0) => Some(1),
            rank => rank,
        }
    }

    /// The rank where `num * n` takes more than 64 bits.
    #[cold]
    const fn wide_rank(self, n: u64) -> Option<u64> {
        let product = (self.num as u128).wrapping_mul(n as u128);
        let den = self.den as u128;
        match (product.checked_div(den), product.checked_rem(den)) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "num <= den, so the quotient is at most n"
            )]
            (Some(whole), Some(rest)) => Some((whole as u64).wrapping_add((rest != 0) as u64)),
            _ => None,
        }
    }

    /// Whether this quantile of `n` values lies above a limit that exactly `above` of them exceed.
    ///
    /// Needs no order and no division: the value at the nearest rank exceeds the limit when fewer than `rank`
    /// values do not.
    ///
    /// ```
    /// # use evenkeel_core::Quantile;
    /// assert!(!Quantile::P99.exceeds(1, 100)); // the 99th of 100 is within the limit
    /// assert!(Quantile::P99.exceeds(2, 100));
    /// ```
    #[inline]
    #[must_use]
    pub const fn exceeds(self, above: u32, n: u32) -> bool {
        let within = n.saturating_sub(above) as u128;
        // rank > within, where rank = max(1, ceil(q * n))
        above > 0
            && (within == 0
                || (self.num as u128).wrapping_mul(n as u128)
                    > within.wrapping_mul(self.den as u128))
    }
}

/// As `"p99.9"` where that is exact, else as a fraction; [`FromStr`] reads both back.
impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut scaled = (self.num as u128).wrapping_mul(100);
        let den = self.den as u128;
        let mut digits = 0_usize;
        while scaled.checked_rem(den) != Some(0) && digits < 9 {
            scaled = scaled.wrapping_mul(10);
            digits = digits.saturating_add(1);
        }
        if scaled.checked_rem(den) != Some(0) {
            return write!(f, "{}/{}", self.num, self.den);
        }
        let percent = scaled.checked_div(den).unwrap_or(0);
        let mut unit = 10_u128.wrapping_pow(u32::try_from(digits).unwrap_or(0));
        write!(f, "p{}", percent.checked_div(unit).unwrap_or(0))?;
        if digits > 0 {
            f.write_str(".")?;
        }
        // Digit by digit: a width that is an argument is a path to a panic.
        while unit > 1 {
            unit = unit.checked_div(10).unwrap_or(0);
            let digit = percent
                .checked_div(unit)
                .and_then(|up_to| up_to.checked_rem(10));
            write!(f, "{}", digit.unwrap_or(0))?;
        }
        Ok(())
    }
}

/// Reads `"p99.9"`, `"0.999"`, `"99.9%"` or `"999/1000"`, as exact decimals.
impl FromStr for Quantile {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        const EXPECTED: &str = "a quantile such as \"p99\", \"p99.9\" or \"0.99\"";
        let text = text.trim();
        let read = match text.strip_prefix('p') {
            Some(percent) => {
                decimal::number(percent).and_then(|(num, den)| Some((num, den.checked_mul(100)?)))
            }
            None => decimal::fraction(text),
        };
        let (num, den) = read.ok_or(ConfigError::new(
            "quantile",
            "",
            Problem::Unreadable { expected: EXPECTED },
        ))?;
        Self::new(num, den)
    }
}
