//! The last span of time: a histogram for each slice of it, and the sum of those that are still in it.

use alloc::boxed::Box;
use alloc::vec;
use core::time::Duration;

use super::interval::Interval;
use super::log_linear::{MAX_BITS, Scale};
use super::summary::LatencySummary;
use super::totals::Totals;
use crate::Quantile;
use crate::config::count;
use crate::error::ConfigError;
use crate::slices::SliceGrid;
use crate::time::Monotone;

const SCOPE: &str = "rolling_histogram";

/// Keeps the counts of a slice in 32 bits.
const MAX_IN_SLICE: u64 = u32::MAX as u64;

/// Over which span a [`RollingHistogram`] looks, in how many steps it moves on, and how fine it is.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::estimator::RollingHistogramPolicy;
///
/// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?;
/// assert_eq!(policy.slice(), Duration::from_secs(1));
/// let error = RollingHistogramPolicy::new(Duration::from_secs(10), 7, 5).unwrap_err();
/// assert!(error.to_string().starts_with("rolling_histogram.span conflicts with slices"));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "super::fields::RollingHistogramFields",
        into = "super::fields::RollingHistogramFields"
    )
)]
pub struct RollingHistogramPolicy {
    pub(super) grid: SliceGrid,
    pub(super) scale: Scale,
}

impl RollingHistogramPolicy {
    /// 5 bits, an error of at most 1/32: a slice is then 8 kB (30 kB at 7 bits), and what a quantile of the last
    /// seconds leaves to chance is more than that.
    ///
    /// ```
    /// assert_eq!(evenkeel_core::estimator::RollingHistogramPolicy::DEFAULT_PRECISION_BITS, 5);
    /// ```
    pub const DEFAULT_PRECISION_BITS: u8 = 5;

    /// The last `span`, in `slices` equal parts (1 to 1 024), at 1 to 7 bits of precision.
    ///
    /// More slices follow the time more closely: the oldest part leaves in steps of `span / slices`. Each takes
    /// 4 bytes for each of its `(65 - bits) * 2^bits` buckets.
    ///
    /// # Errors
    /// When `slices` or `precision_bits` is out of range, or `span` is above 2^62 ns or not a whole multiple of
    /// `slices` nanoseconds.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// assert_eq!((policy.slices(), policy.precision_bits()), (10, 5));
    /// ```
    pub fn new(span: Duration, slices: u32, precision_bits: u8) -> Result<Self, ConfigError> {
        let grid = SliceGrid::new(SCOPE, "span", span, slices)?;
        let bits = precision_bits.into();
        count(SCOPE, "precision_bits", bits, MAX_BITS.into())?;
        Ok(Self {
            grid,
            scale: Scale::new(precision_bits),
        })
    }

    /// The span looked at, a slice more or less: see [`RollingHistogram`].
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// assert_eq!(policy.span().as_secs(), 10);
    /// ```
    #[must_use]
    pub const fn span(&self) -> Duration {
        Duration::from_nanos(self.grid.span_ns())
    }

    /// How many slices there are, 1 to 1 024.
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 20, 5)?;
    /// assert_eq!((policy.slices(), policy.slice()), (20, Duration::from_millis(500)));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn slices(&self) -> u32 {
        self.grid.slices()
    }

    /// The length of a slice, at least 1 ns.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// assert_eq!(policy.slice().as_secs(), 1);
    /// ```
    #[must_use]
    pub const fn slice(&self) -> Duration {
        Duration::from_nanos(self.grid.slice_ns())
    }

    /// How many bits of a value count below its highest, 1 to 7.
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 7)?;
    /// assert_eq!(policy.precision_bits(), 7);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn precision_bits(&self) -> u8 {
        self.scale.bits()
    }
}

/// Any quantile of the values of the last span of time, as an interval, in fixed memory.
///
/// The span is cut into slices on an absolute grid (slice `floor(t / length)`, whenever the histogram was made).
/// Live are the current slice and the `slices - 1` before it: what is looked at ends now and is the span long,
/// less the part of the current slice that is still to come. A query at a later instant leaves out what has
/// fallen out by then, without changing anything. Time that runs backwards stands still.
///
/// Count, sum, smallest and largest live value are exact, as in [`LogHistogram`](super::LogHistogram). A slice
/// holds at most 2^32 - 1 values; more of them in one slice are not recorded.
///
/// Cost: `record` is O(1), some 10 ns; with a new slice up to `slices` old ones are emptied, after however long
/// a silence. A query adds up the slices, then looks at the buckets between the smallest and the largest value
/// from the nearer end; for each slice that has fallen out since the last record once more.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::Quantile;
/// use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};
///
/// const SECOND: u64 = 1_000_000_000;
/// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?;
/// let mut rolling = RollingHistogram::new(policy);
/// rolling.record(3 * SECOND, 900);
/// rolling.record(8 * SECOND, 40);
///
/// assert_eq!(rolling.quantile(12 * SECOND, Quantile::MAX), Some(900));
/// // From 13 s on, the slice that began at 3 s is no longer one of the last ten.
/// assert_eq!(rolling.quantile(13 * SECOND, Quantile::MAX), Some(40));
/// assert_eq!(rolling.quantile(18 * SECOND, Quantile::MAX), None);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollingHistogram {
    pub(super) policy: RollingHistogramPolicy,
    pub(super) clock: Monotone,
    /// The slice of the latest instant seen, and its place in the two rings below.
    pub(super) current: u64,
    pub(super) place: usize,
    /// One for each slice, slice `i` at place `i % slices`.
    pub(super) totals: Box<[Totals]>,
    /// A row of buckets for each slice, in the same places.
    pub(super) counts: Box<[u32]>,
    /// The sum of the rows.
    pub(super) live: Box<[u64]>,
}

impl RollingHistogram {
    /// An empty histogram. Its memory is allocated here; nothing else allocates but [`state`](Self::state).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!(RollingHistogram::new(policy).count(0), 0);
    /// ```
    #[must_use]
    pub fn new(policy: RollingHistogramPolicy) -> Self {
        let buckets = policy.scale.buckets();
        let slices = policy.grid.slices() as usize;
        Self {
            policy,
            clock: Monotone::default(),
            current: 0,
            place: 0,
            totals: vec![Totals::EMPTY; slices].into_boxed_slice(),
            // at most 1 024 * 7 424
            counts: vec![0; slices.saturating_mul(buckets)].into_boxed_slice(),
            live: vec![0; buckets].into_boxed_slice(),
        }
    }

    /// The policy it was made from.
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?;
    /// assert_eq!(RollingHistogram::new(policy).policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &RollingHistogramPolicy {
        &self.policy
    }

    /// Takes in `value`, into the slice of `now_ns` (of the latest instant seen, if that is later). O(1), and
    /// O(slices emptied) with the first value of a new slice.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!((rolling.count(0), rolling.max(0)), (1, Some(30)));
    /// ```
    #[inline]
    pub fn record(&mut self, now_ns: u64, value: u64) {
        let now_ns = self.clock.observe(now_ns);
        let index = self.policy.grid.index_after(self.current, now_ns);
        if index != self.current {
            self.advance(index);
        }
        let bucket = self.policy.scale.bucket(value);
        let at = self.row(self.place).wrapping_add(bucket);
        if let (Some(totals), Some(count), Some(live)) = (
            self.totals.get_mut(self.place),
            self.counts.get_mut(at),
            self.live.get_mut(bucket),
        ) {
            if totals.count() < MAX_IN_SLICE {
                totals.add(value);
                *count = count.wrapping_add(1);
                *live = live.wrapping_add(1);
            }
        }
    }

    /// Where the buckets of the slice at `place` begin.
    #[inline]
    pub(super) const fn row(&self, place: usize) -> usize {
        place.wrapping_mul(self.policy.scale.buckets())
    }

    /// Makes `index` the current slice and empties those that take the places of others.
    #[cold]
    fn advance(&mut self, index: u64) {
        for back in 0..self.policy.grid.advance(self.current, index) {
            self.empty(self.policy.grid.place(index.wrapping_sub(back.into())));
        }
        self.current = index;
        self.place = self.policy.grid.place(index);
    }

    fn empty(&mut self, place: usize) {
        let start = self.row(place);
        let Some(totals) = self.totals.get_mut(place) else {
            return;
        };
        if let (Some(min), Some(max)) = (totals.min(), totals.max()) {
            let (first, last) = (self.policy.scale.bucket(min), self.policy.scale.bucket(max));
            let row = start.wrapping_add(first)..=start.wrapping_add(last);
            if let (Some(row), Some(live)) =
                (self.counts.get_mut(row), self.live.get_mut(first..=last))
            {
                for (count, live) in row.iter_mut().zip(live) {
                    *live = live.wrapping_sub(u64::from(*count));
                    *count = 0;
                }
            }
        }
        *totals = Totals::EMPTY;
    }

    /// The place of the slice that lies `back` before the current one, `back` being less than `slices`.
    pub(super) fn place_of(&self, back: u32) -> usize {
        let back = back as usize;
        match self.place.checked_sub(back) {
            Some(place) => place,
            None => self
                .place
                .wrapping_add(self.totals.len())
                .wrapping_sub(back),
        }
    }

    /// The interval in which the quantile `q` of the live values lies, between their exact smallest and largest;
    /// `None` when there is none. The first and the last rank are exact. O(slices + buckets between these two),
    /// and these buckets once more for each slice that has fallen out since the last record.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert!(rolling.interval(0, Quantile::P50).unwrap().contains(30));
    /// ```
    #[must_use]
    pub fn interval(&self, now_ns: u64, q: Quantile) -> Option<Interval> {
        self.at(now_ns).interval(q)
    }

    /// The upper end of [`interval`](Self::interval): at least the true quantile, at most `1 / 2^precision_bits`
    /// above it, never above the largest value. `None` when there is no live value. The cost is that of `interval`.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!(rolling.quantile(0, Quantile::MAX), Some(30));
    /// ```
    #[must_use]
    pub fn quantile(&self, now_ns: u64, q: Quantile) -> Option<u64> {
        Some(self.interval(now_ns, q)?.high)
    }

    /// How many values are live at `now_ns`. O(slices).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!((rolling.count(0), rolling.count(10_000_000_000)), (1, 0));
    /// ```
    #[must_use]
    pub fn count(&self, now_ns: u64) -> u64 {
        self.at(now_ns).totals.count()
    }

    /// The sum of the live values, exact. O(slices).
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// # let mut rolling = RollingHistogram::new(RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?);
    /// for (now_ns, value) in [(0, 30), (2_000_000_000, 51)] { rolling.record(now_ns, value); }
    /// assert_eq!((rolling.sum(2_000_000_000), rolling.sum(10_000_000_000)), (81, 51)); // 30 fell out
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn sum(&self, now_ns: u64) -> u128 {
        self.at(now_ns).totals.sum()
    }

    /// The smallest live value, exact; `None` when there is none. O(slices).
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// # let mut rolling = RollingHistogram::new(RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?);
    /// for (now_ns, value) in [(0, 30), (2_000_000_000, 51)] { rolling.record(now_ns, value); }
    /// assert_eq!((rolling.min(2_000_000_000), rolling.min(10_000_000_000)), (Some(30), Some(51))); // 30 fell out
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn min(&self, now_ns: u64) -> Option<u64> {
        self.at(now_ns).totals.min()
    }

    /// The largest live value, exact; `None` when there is none. O(slices).
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// # let mut rolling = RollingHistogram::new(RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?);
    /// for (now_ns, value) in [(0, 30), (2_000_000_000, 51)] { rolling.record(now_ns, value); }
    /// assert_eq!((rolling.max(2_000_000_000), rolling.max(12_000_000_000)), (Some(51), None)); // all fell out
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn max(&self, now_ns: u64) -> Option<u64> {
        self.at(now_ns).totals.max()
    }

    /// `floor(sum / count)` of the live values; `None` when there is none. O(slices).
    ///
    /// ```
    /// # use core::time::Duration; use evenkeel_core::estimator::*;
    /// # let mut rolling = RollingHistogram::new(RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?);
    /// for (now_ns, value) in [(0, 30), (2_000_000_000, 51)] { rolling.record(now_ns, value); }
    /// assert_eq!((rolling.mean(2_000_000_000), rolling.mean(10_000_000_000)), (Some(40), Some(51))); // 30 fell out
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn mean(&self, now_ns: u64) -> Option<u64> {
        self.at(now_ns).totals.mean()
    }

    /// The live values in nine numbers, percentiles as [`quantile`](Self::quantile); `None` when there is none.
    /// The cost is that of five quantiles.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!(rolling.summary(0).unwrap().max, 30);
    /// ```
    #[must_use]
    pub fn summary(&self, now_ns: u64) -> Option<LatencySummary> {
        let view = self.at(now_ns);
        view.totals.summary(|q| Some(view.interval(q)?.high))
    }

    /// Forgets all values, but not the latest instant: time goes on from there. O(slices * buckets).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!({ rolling.clear(); rolling.count(0) }, 0);
    /// ```
    pub fn clear(&mut self) {
        for place in 0..self.totals.len() {
            self.empty(place);
        }
    }
}
