//! The whole history in a few kilobytes: a mergeable histogram whose answers are intervals.

use thiserror::Error;

use super::interval::Interval;
use super::log_linear::{MAX_BITS, Scale, find_rank};
use super::summary::LatencySummary;
use super::totals::Totals;
use crate::Quantile;
use crate::config::{checked, count, memory};
use crate::error::{ConfigError, RestoreError, corrupt, misfit};
use crate::store::Store;
use crate::version::Version;

/// Without `alloc` the buckets of the finest precision that is then allowed lie inline.
const INLINE: usize = if cfg!(feature = "alloc") {
    0
} else {
    Scale::new(3).buckets()
};

/// How fine a [`LogHistogram`] is.
///
/// ```
/// use evenkeel_core::estimator::LogHistogramPolicy;
///
/// let policy = LogHistogramPolicy::new(3)?;
/// assert_eq!(policy.precision_bits(), 3);
/// let error = LogHistogramPolicy::new(8).unwrap_err();
/// assert_eq!(error.to_string(), "log_histogram.precision_bits is 8: it must be at most 7");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "super::fields::LogHistogramFields",
        into = "super::fields::LogHistogramFields"
    )
)]
pub struct LogHistogramPolicy {
    scale: Scale,
}

impl LogHistogramPolicy {
    /// Intervals no wider than `1 / 2^precision_bits` of the value, 1 to 7 bits.
    ///
    /// A histogram takes 8 bytes for each of its `(65 - bits) * 2^bits` buckets: 59 kB at 7 bits, 15 kB at 5,
    /// 4 kB at 3, 1 kB at 1.
    ///
    /// # Errors
    /// When `precision_bits` is not within 1 to 7, or is above 3 without the feature `alloc`.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// assert_eq!(policy.precision_bits(), 3);
    /// assert!(LogHistogramPolicy::new(8).is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(precision_bits: u8) -> Result<Self, ConfigError> {
        const SCOPE: &str = "log_histogram";
        const FIELD: &str = "precision_bits";
        checked!(count(SCOPE, FIELD, precision_bits as u32, MAX_BITS as u32));
        let scale = Scale::new(precision_bits);
        checked!(memory(SCOPE, FIELD, scale.buckets(), INLINE));
        Ok(Self { scale })
    }

    /// How many bits of a value count below its highest, 1 to 7.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// assert_eq!(policy.precision_bits(), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn precision_bits(&self) -> u8 {
        self.scale.bits()
    }
}

/// 7 bits: an error of at most 1/128 is below what latencies repeat to, and 59 kB is little for a whole history.
#[cfg(feature = "alloc")]
impl Default for LogHistogramPolicy {
    fn default() -> Self {
        Self {
            scale: Scale::new(MAX_BITS),
        }
    }
}

/// Every value ever recorded, as counts of log-linear buckets: any quantile as an interval, in fixed memory.
///
/// Count, sum, smallest and largest value are exact; a quantile is known to within `1 / 2^precision_bits` of
/// itself, over all of `u64`. Histograms of threads, hosts or shards merge without loss: merging is the same as
/// recording everything into one.
///
/// Cost: [`record`](Self::record) a few nanoseconds; a quantile looks at the buckets between the smallest and
/// the largest value from the nearer end, at most 7 424, usually a few hundred. The buckets are those of
/// HdrHistogram (Gil Tene); that a relative error composes under merging is DDSketch's argument (Masson, Rim,
/// Lee, VLDB 2019).
///
/// ```
/// use evenkeel_core::Quantile;
/// use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy};
///
/// let mut histogram = LogHistogram::new(LogHistogramPolicy::new(3)?);
/// for latency_ns in (1..=1000).map(|ms| ms * 1_000_000) {
///     histogram.record(0, latency_ns);
/// }
/// let p99 = histogram.interval(0, Quantile::P99).unwrap();
/// assert!(p99.contains(990_000_000));
/// assert!(p99.high - p99.low <= p99.low / 8);
/// assert_eq!(histogram.quantile(0, Quantile::P99), Some(p99.high));
/// assert_eq!(histogram.quantile(0, Quantile::MAX), Some(1_000_000_000));
/// assert_eq!(histogram.mean(0), Some(500_500_000));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHistogram {
    policy: LogHistogramPolicy,
    totals: Totals,
    counts: Store<INLINE>,
}

impl LogHistogram {
    /// An empty histogram. Its memory is taken here; nothing else allocates but [`state`](Self::state).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(LogHistogram::new(policy).count(0), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: LogHistogramPolicy) -> Self {
        Self {
            policy,
            totals: Totals::EMPTY,
            counts: Store::zeroed(policy.scale.buckets()),
        }
    }

    /// The policy it was made from.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &LogHistogramPolicy {
        &self.policy
    }

    /// Counts `value`. `now_ns` is not used: a whole history does not age. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// histogram.record(0, 7);
    /// assert_eq!(histogram.count(0), 4);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn record(&mut self, now_ns: u64, value: u64) {
        let _ = now_ns;
        let bucket = self.policy.scale.bucket(value);
        if let Some(count) = self.counts.words_mut().get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.totals.add(value);
    }

    /// The interval in which the quantile `q` lies, between the exact smallest and largest value; `None` when
    /// empty. The first and the last rank are exact. O(buckets between these two).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// let median = histogram.interval(0, Quantile::P50).unwrap();
    /// assert!(median.contains(20)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn interval(&self, now_ns: u64, q: Quantile) -> Option<Interval> {
        let _ = now_ns;
        let Self {
            policy,
            totals,
            counts,
        } = self;
        let rank = q.rank(totals.count())?;
        let buckets = policy.scale.bucket(totals.min()?)..=policy.scale.bucket(totals.max()?);
        let counts = counts.words();
        let bucket = find_rank(buckets, rank, totals.count(), |bucket| {
            counts.get(bucket).copied().unwrap_or(0)
        })?;
        Some(totals.clip(rank, policy.scale.values(bucket)))
    }

    /// The upper end of [`interval`](Self::interval): at least the true quantile, at most `1 / 2^precision_bits`
    /// above it, never above the largest value. `None` when empty. The cost is that of `interval`.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.quantile(0, Quantile::MAX), Some(30)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn quantile(&self, now_ns: u64, q: Quantile) -> Option<u64> {
        Some(self.interval(now_ns, q)?.high)
    }

    /// How many values were recorded; stops at `u64::MAX`, as do the counts of the buckets. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.count(0), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn count(&self, now_ns: u64) -> u64 {
        let _ = now_ns;
        self.totals.count()
    }

    /// The sum of all values, exact up to `u128::MAX`, where it stops. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.sum(0), 60); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn sum(&self, now_ns: u64) -> u128 {
        let _ = now_ns;
        self.totals.sum()
    }

    /// The smallest value, exact; `None` when empty. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.min(0), Some(10)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn min(&self, now_ns: u64) -> Option<u64> {
        let _ = now_ns;
        self.totals.min()
    }

    /// The largest value, exact; `None` when empty. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.max(0), Some(30)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn max(&self, now_ns: u64) -> Option<u64> {
        let _ = now_ns;
        self.totals.max()
    }

    /// `floor(sum / count)`; `None` when empty. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// assert_eq!(histogram.mean(0), Some(20)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn mean(&self, now_ns: u64) -> Option<u64> {
        let _ = now_ns;
        self.totals.mean()
    }

    /// All of it in nine numbers, percentiles as [`quantile`](Self::quantile); `None` when empty. The cost is that
    /// of five quantiles.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// let summary = histogram.summary(0).unwrap();
    /// assert_eq!((summary.count, summary.max), (3, 30)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn summary(&self, now_ns: u64) -> Option<LatencySummary> {
        self.totals.summary(|q| self.quantile(now_ns, q))
    }

    /// Adds everything that `other` holds, as if it had been recorded here. O(buckets).
    ///
    /// # Errors
    /// When the precisions differ; nothing is added then.
    ///
    /// ```
    /// use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy};
    ///
    /// let policy = LogHistogramPolicy::new(3)?;
    /// let (mut left, mut right) = (LogHistogram::new(policy), LogHistogram::new(policy));
    /// left.record(0, 10);
    /// right.record(0, 30);
    /// left.merge(&right)?;
    /// assert_eq!((left.count(0), left.mean(0), left.max(0)), (2, Some(20), Some(30)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn merge(&mut self, other: &Self) -> Result<(), PrecisionMismatch> {
        let (ours, theirs) = (self.policy.precision_bits(), other.policy.precision_bits());
        if ours != theirs {
            return Err(PrecisionMismatch { ours, theirs });
        }
        for (count, more) in self.counts.words_mut().iter_mut().zip(other.counts.words()) {
            *count = count.saturating_add(*more);
        }
        self.totals.merge(&other.totals);
        Ok(())
    }

    /// Forgets all values. O(buckets).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// histogram.clear();
    /// assert_eq!(histogram.count(0), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn clear(&mut self) {
        self.counts.words_mut().fill(0);
        self.totals = Totals::EMPTY;
    }

    /// Everything it holds, to be stored and given to [`restore`](Self::restore). O(buckets).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = LogHistogramPolicy::new(3)?;
    /// # let mut histogram = LogHistogram::new(policy);
    /// # for value in [10, 20, 30] { histogram.record(0, value); }
    /// let stored = histogram.state();
    /// assert_eq!(LogHistogram::restore(policy, stored), Ok(histogram));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> LogHistogramState {
        LogHistogramState {
            version: Version,
            totals: self.totals,
            counts: self.counts.clone(),
        }
    }

    /// The histogram that `state` was taken of. O(buckets).
    ///
    /// # Errors
    /// When the state has another precision, or no history leads to it.
    ///
    /// ```
    /// use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy};
    ///
    /// let policy = LogHistogramPolicy::new(3)?;
    /// let mut histogram = LogHistogram::new(policy);
    /// histogram.record(0, 250);
    /// assert_eq!(LogHistogram::restore(policy, histogram.state()), Ok(histogram.clone()));
    /// assert!(LogHistogram::restore(LogHistogramPolicy::new(2)?, histogram.state()).is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn restore(
        policy: LogHistogramPolicy,
        state: LogHistogramState,
    ) -> Result<Self, RestoreError> {
        let LogHistogramState { totals, counts, .. } = state;
        if counts.words().len() != policy.scale.buckets() {
            return Err(misfit("it has the buckets of another precision"));
        }
        let held = counts.words().iter().copied().enumerate();
        if !totals.agree_with(policy.scale, held.filter(|&(_, count)| count > 0)) {
            return Err(corrupt("the totals are not those of the buckets"));
        }
        Ok(Self {
            policy,
            totals,
            counts,
        })
    }
}

/// The stored form of a [`LogHistogram`]; plain data that only [`LogHistogram::restore`] looks into.
///
/// ```
/// # use evenkeel_core::{Quantile, estimator::*};
/// # let policy = LogHistogramPolicy::new(3)?;
/// # let mut histogram = LogHistogram::new(policy);
/// # for value in [10, 20, 30] { histogram.record(0, value); }
/// let stored: LogHistogramState = histogram.state();
/// assert_eq!(LogHistogram::restore(policy, stored), Ok(histogram));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogHistogramState {
    version: Version<1>,
    totals: Totals,
    #[cfg_attr(feature = "serde", serde(with = "crate::runs"))]
    counts: Store<INLINE>,
}

/// Two histograms of different precision cannot be merged: the answer of [`LogHistogram::merge`].
///
/// ```
/// use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy};
///
/// let mut coarse = LogHistogram::new(LogHistogramPolicy::new(1)?);
/// let fine = LogHistogram::new(LogHistogramPolicy::new(3)?);
/// let error = coarse.merge(&fine).unwrap_err();
/// assert!(error.to_string().starts_with("histograms of 1 and 3 precision bits cannot be merged"));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[error("histograms of {ours} and {theirs} precision bits cannot be merged: use the same for both")]
pub struct PrecisionMismatch {
    ours: u8,
    theirs: u8,
}
