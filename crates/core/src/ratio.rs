//! Exact fractions for thresholds, factors and spreads: no float ever decides anything.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

use crate::decimal;
use crate::error::{Amount, ConfigError, Problem};

/// A non-negative fraction in lowest terms, such as a failure rate of 1/2 or a growth factor of 3/2.
///
/// Two ratios of the same value are equal, whatever they were made from. A policy says which range it takes:
/// a rate is at most 1, a factor at least 1.
///
/// ```
/// use evenkeel_core::Ratio;
///
/// let half = Ratio::new(1, 2)?;
/// assert_eq!(half, Ratio::percent(50));
/// assert_eq!("50%".parse(), Ok(half));
/// assert_eq!("0.5".parse(), Ok(half));
/// assert_eq!("1/2".parse(), Ok(half));
/// assert_eq!(half.of(7), 3);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: u32,
    den: u32,
}

impl Ratio {
    /// 0.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::ZERO.of(1_000), 0);
    /// ```
    pub const ZERO: Self = Self { num: 0, den: 1 };
    /// 1, or 100 %.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::ONE, Ratio::percent(100));
    /// ```
    pub const ONE: Self = Self { num: 1, den: 1 };
    /// 2, the usual growth factor.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::TWO.of(21), 42);
    /// ```
    pub const TWO: Self = Self { num: 2, den: 1 };

    /// `num / den`.
    ///
    /// # Errors
    /// When `den` is 0.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::new(2, 4)?, Ratio::new(1, 2)?);
    /// assert!(Ratio::new(1, 0).is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(num: u32, den: u32) -> Result<Self, ConfigError> {
        if den == 0 {
            return Err(ConfigError::new(
                "ratio",
                "denominator",
                Problem::BelowMin {
                    given: Amount::Count(0),
                    min: Amount::Count(1),
                },
            ));
        }
        Ok(Self::reduced(num, den))
    }

    /// `percent / 100`.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::percent(20).to_string(), "1/5");
    /// assert_eq!(Ratio::percent(150).of(10), 15);
    /// ```
    #[must_use]
    pub const fn percent(percent: u32) -> Self {
        Self::reduced(percent, 100)
    }

    /// `per_mille / 1000`.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::per_mille(5).of(1_000), 5);
    /// ```
    #[must_use]
    pub const fn per_mille(per_mille: u32) -> Self {
        Self::reduced(per_mille, 1000)
    }

    /// The numerator in lowest terms.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::percent(75).numerator(), 3);
    /// ```
    #[inline]
    #[must_use]
    pub const fn numerator(self) -> u32 {
        self.num
    }

    /// The denominator in lowest terms; never 0.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::percent(75).denominator(), 4);
    /// ```
    #[inline]
    #[must_use]
    pub const fn denominator(self) -> u32 {
        self.den
    }

    /// `floor(self * n)`, or `u64::MAX` when that is larger.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// assert_eq!(Ratio::percent(50).of(7), 3);
    /// assert_eq!(Ratio::percent(150).of(7), 10);
    /// assert_eq!(Ratio::TWO.of(u64::MAX), u64::MAX);
    /// ```
    #[must_use]
    pub const fn of(self, n: u64) -> u64 {
        if let Some(product) = n.checked_mul(self.num as u64) {
            return match product.checked_div(self.den as u64) {
                // A usual factor: 64-bit divisions take their time.
                _ if self.den == 1 => product,
                Some(part) => part,
                None => 0,
            };
        }
        match (n as u128)
            .wrapping_mul(self.num as u128)
            .checked_div(self.den as u128)
        {
            #[expect(clippy::cast_possible_truncation, reason = "compared with MAX")]
            Some(part) if part <= u64::MAX as u128 => part as u64,
            _ => u64::MAX,
        }
    }

    /// Whether this ratio is above `other`; [`Ord`] for `const` code.
    ///
    /// ```
    /// # use evenkeel_core::Ratio;
    /// const TOO_MUCH: bool = Ratio::percent(120).is_above(Ratio::ONE);
    /// assert!(TOO_MUCH);
    /// assert!(!Ratio::ONE.is_above(Ratio::percent(100)));
    /// ```
    #[must_use]
    pub const fn is_above(self, other: Self) -> bool {
        (self.num as u64).wrapping_mul(other.den as u64)
            > (other.num as u64).wrapping_mul(self.den as u64)
    }

    const fn reduced(num: u32, den: u32) -> Self {
        let (num, den) = decimal::lowest(num as u64, den as u64);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "lowest terms are not above the numbers that they come from"
        )]
        Self {
            num: num as u32,
            den: den as u32,
        }
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        if self == other {
            Ordering::Equal
        } else if self.is_above(*other) {
            Ordering::Greater
        } else {
            Ordering::Less
        }
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As `"1/2"`, or `"2"` when it is whole; [`FromStr`] reads it back.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

/// Reads `"50%"`, `"1/2"`, `"0.5"` or `"2"`, as exact decimals.
impl FromStr for Ratio {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        const EXPECTED: &str = "a ratio such as \"50%\", \"1/2\" or \"0.5\", of at most 9 decimals";
        let unreadable =
            || ConfigError::new("ratio", "", Problem::Unreadable { expected: EXPECTED });
        let (num, den) = decimal::fraction(text).ok_or_else(unreadable)?;
        match (u32::try_from(num), u32::try_from(den)) {
            (Ok(num), Ok(den)) => Self::new(num, den),
            _ => Err(unreadable()),
        }
    }
}
