//! The answer of an estimator that keeps buckets: not a value, but the interval that holds it.

/// Where a quantile lies: the value with the nearest rank is at least `low` and at most `high`.
///
/// Both ends are inclusive, in the unit of the values. The true value was recorded, the ends need not have been.
///
/// ```
/// use evenkeel_core::estimator::Interval;
///
/// let p99 = Interval { low: 2_048, high: 2_063 };
/// assert!(p99.contains(2_050));
/// assert!(!p99.contains(2_064));
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    /// The least that it can be.
    pub low: u64,
    /// The most that it can be. This is what `quantile` answers: a limit is never missed by rounding.
    pub high: u64,
}

impl Interval {
    /// Whether `value` lies within, ends included.
    ///
    /// ```
    /// # use evenkeel_core::estimator::Interval;
    /// assert!(Interval { low: 8, high: 9 }.contains(9));
    /// ```
    #[must_use]
    pub const fn contains(self, value: u64) -> bool {
        self.low <= value && value <= self.high
    }
}
