//! A distribution of latencies in nine numbers.

/// Count, mean, extremes and the usual percentiles, in the unit of the values recorded.
///
/// Made by the estimators that keep values: `SampleWindow` (all exact), [`LogHistogram`] and
/// `RollingHistogram` (count, mean, min and max exact, percentiles the upper end of an interval, at most
/// `max`). Percentiles are nearest rank.
///
/// ```
/// # #[cfg(feature = "alloc")] {
/// use evenkeel_core::estimator::{SampleWindow, SampleWindowPolicy};
///
/// let mut window = SampleWindow::new(SampleWindowPolicy::new(1000)?);
/// for value in (2..=200).step_by(2) {
///     window.record(0, value);
/// }
/// let summary = window.summary(0).unwrap();
/// assert_eq!((summary.count, summary.mean), (100, 101));
/// assert_eq!((summary.min, summary.p50, summary.p99, summary.max), (2, 100, 198, 200));
/// # }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
///
/// [`LogHistogram`]: super::LogHistogram
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatencySummary {
    /// How many values; at least 1.
    pub count: u64,
    /// `floor(sum / count)`.
    pub mean: u64,
    /// The smallest value.
    pub min: u64,
    /// The largest value.
    pub max: u64,
    /// The median; of an even count the lower one.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 95th percentile.
    pub p95: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The 99.9th percentile.
    pub p999: u64,
}
