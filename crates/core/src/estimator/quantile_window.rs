//! Chosen quantiles of the last `n` values, each kept as a cursor over buckets: constant time whatever `n`.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::MAX_VALUES;
use super::interval::Interval;
use super::log_linear::{MAX_BITS, Scale, find_rank};
use super::occupancy::Occupancy;
use super::ring::Ring;
use crate::Quantile;
use crate::config::count;
use crate::error::{ConfigError, RestoreError, corrupt, misfit};
use crate::version::Version;

const SCALE: Scale = Scale::new(MAX_BITS);

/// How many quantiles can be kept, as many as a `LatencySummary` has and a few more.
const MAX_QUANTILES: u8 = 8;

type OfEach<T> = [T; MAX_QUANTILES as usize];

const _: () = assert!(SCALE.buckets() <= Occupancy::CAPACITY);

/// How many values a [`QuantileWindow`] holds and which quantiles it keeps.
///
/// ```
/// use evenkeel_core::Quantile;
/// use evenkeel_core::estimator::QuantileWindowPolicy;
///
/// let policy = QuantileWindowPolicy::new(10_000, &[Quantile::P50, Quantile::P99])?;
/// assert_eq!(policy.quantiles(), [Quantile::P50, Quantile::P99]);
/// let error = QuantileWindowPolicy::new(10_000, &[Quantile::P50; 9]).unwrap_err();
/// assert_eq!(error.to_string(), "quantile_window.quantiles is 9: it must be at most 8");
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "super::fields::QuantileWindowFields",
        into = "super::fields::QuantileWindowFields"
    )
)]
pub struct QuantileWindowPolicy {
    values: u32,
    kept: u8,
    /// The first `kept` of these; the others are p100.
    quantiles: OfEach<Quantile>,
}

impl QuantileWindowPolicy {
    /// A window of the last `values` values (1 to 2^20) that keeps 1 to 8 `quantiles`.
    ///
    /// # Errors
    /// When `values` is 0 or above [`MAX_VALUES`](super::MAX_VALUES), or there are no or more than 8 quantiles.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// assert_eq!(policy.values(), 1000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn new(values: u32, quantiles: &[Quantile]) -> Result<Self, ConfigError> {
        const SCOPE: &str = "quantile_window";
        let values = count(SCOPE, "values", values, MAX_VALUES)?;
        let given = u32::try_from(quantiles.len()).unwrap_or(u32::MAX);
        count(SCOPE, "quantiles", given, MAX_QUANTILES.into())?;
        let mut kept: OfEach<Quantile> = [Quantile::MAX; MAX_QUANTILES as usize];
        for (place, q) in kept.iter_mut().zip(quantiles) {
            *place = *q;
        }
        Ok(Self {
            values,
            kept: u8::try_from(given).unwrap_or(u8::MAX),
            quantiles: kept,
        })
    }

    /// How many values the window holds, 1 to [`MAX_VALUES`](super::MAX_VALUES).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// assert_eq!(policy.values(), 1000);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn values(&self) -> u32 {
        self.values
    }

    /// The quantiles that are kept, 1 to 8, in the order given.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// assert_eq!(policy.quantiles(), [Quantile::P99]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn quantiles(&self) -> &[Quantile] {
        self.quantiles.get(..usize::from(self.kept)).unwrap_or(&[])
    }

    const fn capacity(&self) -> usize {
        // at most 2^20
        self.values as usize
    }
}

/// Where one kept quantile lies. While the window is not empty:
/// `below < rank <= below + count of bucket`.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    quantile: Quantile,
    rank: u32,
    /// How many values lie in buckets below `bucket`.
    below: u32,
    bucket: usize,
}

/// Chosen quantiles of the last `n` values, at a cost that does not depend on `n`.
///
/// Values are counted in 7 424 log-linear buckets (HdrHistogram's, Gil Tene), each at most 1/128 as wide as the
/// values in it. A kept quantile is a cursor on them: one value that comes and one that goes move it by at most
/// one occupied bucket, and a bitmap says which that is. So a sliding p99 costs about as much as counting.
///
/// An answer is the upper end of the bucket: never below the true quantile, above it by at most 1/128 (0.8 %),
/// and exact below 256. Cost: `record` is O(1), some 10 ns and 3 ns for each further quantile, while the window
/// fills also a division; reading a kept quantile is O(1). 2 bytes a value and 32 kB.
///
/// ```
/// use evenkeel_core::Quantile;
/// use evenkeel_core::estimator::{QuantileWindow, QuantileWindowPolicy};
///
/// let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
/// let mut window = QuantileWindow::new(policy);
/// for latency_ns in (1..=5000).map(|us| us * 1_000) {
///     window.record(0, latency_ns);
/// }
/// // The last 1000 values are 4 001 to 5 000 us.
/// let p99 = window.quantile(0, Quantile::P99).unwrap();
/// assert!(p99 >= 4_990_000 && p99 <= 4_990_000 + 4_990_000 / 128);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct QuantileWindow {
    policy: QuantileWindowPolicy,
    /// The bucket of each value.
    ring: Ring<u16>,
    counts: Box<[u32]>,
    occupied: Box<Occupancy>,
    cursors: OfEach<Cursor>,
}

impl QuantileWindow {
    /// An empty window. Its memory is allocated here; `record` allocates nothing.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(QuantileWindow::new(policy).count(0), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn new(policy: QuantileWindowPolicy) -> Self {
        Self {
            policy,
            ring: Ring::new(policy.capacity()),
            counts: vec![0; SCALE.buckets()].into_boxed_slice(),
            occupied: Box::new(Occupancy::new()),
            cursors: policy.quantiles.map(|quantile| Cursor {
                quantile,
                rank: 0,
                below: 0,
                bucket: 0,
            }),
        }
    }

    /// The policy it was made from.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(window.policy(), &policy);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn policy(&self) -> &QuantileWindowPolicy {
        &self.policy
    }

    /// Takes in `value`; when the window is full the oldest leaves. `now_ns` is not used: the window is counted
    /// in values. O(1) for each kept quantile.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// window.record(0, 7);
    /// assert_eq!(window.count(0), 4);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn record(&mut self, now_ns: u64, value: u64) {
        let _ = now_ns;
        #[expect(clippy::cast_possible_truncation, reason = "there are 7 424 buckets")]
        self.push(SCALE.bucket(value) as u16);
    }

    #[inline]
    fn push(&mut self, new: u16) {
        match self.ring.push(new) {
            None => self.grow(usize::from(new)),
            Some(old) if old == new => {}
            Some(old) => self.slide(usize::from(old), usize::from(new)),
        }
    }

    /// A value came to `new`, one went from `old`; the ranks stay.
    #[inline]
    fn slide(&mut self, old: usize, new: usize) {
        self.take_out(old);
        self.put_in(new);
        for cursor in self.cursors.iter_mut().take(usize::from(self.policy.kept)) {
            cursor.below = cursor
                .below
                .wrapping_add(u32::from(new < cursor.bucket))
                .wrapping_sub(u32::from(old < cursor.bucket));
            cursor.settle(&self.counts, &self.occupied);
        }
    }

    /// A value came to `new` and none went: the ranks grow by one or not at all.
    #[cold]
    fn grow(&mut self, new: usize) {
        self.put_in(new);
        let len = u64::try_from(self.ring.len()).unwrap_or(u64::MAX);
        for cursor in self.cursors.iter_mut().take(usize::from(self.policy.kept)) {
            let rank = cursor.quantile.rank(len).unwrap_or(0);
            cursor.rank = u32::try_from(rank).unwrap_or(u32::MAX);
            if len == 1 {
                cursor.bucket = new;
            } else {
                cursor.below = cursor.below.wrapping_add(u32::from(new < cursor.bucket));
            }
            cursor.settle(&self.counts, &self.occupied);
        }
    }

    #[inline]
    fn put_in(&mut self, bucket: usize) {
        if let Some(count) = self.counts.get_mut(bucket) {
            if *count == 0 {
                self.occupied.insert(bucket);
            }
            *count = count.wrapping_add(1);
        }
    }

    #[inline]
    fn take_out(&mut self, bucket: usize) {
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.wrapping_sub(1);
            if *count == 0 {
                self.occupied.remove(bucket);
            }
        }
    }

    /// The upper end of [`interval`](Self::interval): at least the true quantile, at most 1/128 above it; `None`
    /// when empty.
    ///
    /// O(1) for a quantile of the policy. Any other is found by walking the counts from the nearer end, up to
    /// 3 712 of them, about a microsecond.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(window.quantile(0, Quantile::MAX), Some(30)); // of 10, 20 and 30
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn quantile(&self, now_ns: u64, q: Quantile) -> Option<u64> {
        Some(self.interval(now_ns, q)?.high)
    }

    /// The bucket of the value with the nearest rank: the true quantile lies in it. `None` when empty. The cost
    /// is that of [`quantile`](Self::quantile).
    ///
    /// ```
    /// use evenkeel_core::Quantile;
    /// use evenkeel_core::estimator::{Interval, QuantileWindow, QuantileWindowPolicy};
    ///
    /// let mut window = QuantileWindow::new(QuantileWindowPolicy::new(1000, &[Quantile::P99])?);
    /// window.record(0, 5_001);
    /// let interval = Interval { low: 4_992, high: 5_023 };
    /// assert_eq!(window.interval(0, Quantile::P99), Some(interval));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn interval(&self, now_ns: u64, q: Quantile) -> Option<Interval> {
        let _ = now_ns;
        if self.ring.len() == 0 {
            return None;
        }
        let mut kept = self.cursors.iter().take(usize::from(self.policy.kept));
        let bucket = match kept.find(|cursor| cursor.quantile == q) {
            Some(cursor) => cursor.bucket,
            None => self.search(q)?,
        };
        Some(SCALE.values(bucket))
    }

    #[cold]
    fn search(&self, q: Quantile) -> Option<usize> {
        let len = self.ring.len() as u64;
        let all = 0..=SCALE.buckets().saturating_sub(1);
        find_rank(all, q.rank(len)?, len, |bucket| {
            self.counts.get(bucket).map_or(0, |&count| u64::from(count))
        })
    }

    /// How many values the window holds, at most [`QuantileWindowPolicy::values`]. O(1).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// assert_eq!(window.count(0), 3);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn count(&self, now_ns: u64) -> u64 {
        let _ = now_ns;
        // at most 2^20
        self.ring.len() as u64
    }

    /// Forgets all values. O(buckets), whatever `n`.
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// window.clear();
    /// assert_eq!(window.count(0), 0);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn clear(&mut self) {
        self.ring.clear();
        self.counts.fill(0);
        *self.occupied = Occupancy::new();
        for cursor in &mut self.cursors {
            (cursor.rank, cursor.below, cursor.bucket) = (0, 0, 0);
        }
    }

    /// The buckets of the values from the oldest to the newest, to be stored and given to
    /// [`restore`](Self::restore). O(n).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// # let mut window = QuantileWindow::new(policy);
    /// # for value in [10, 20, 30] { window.record(0, value); }
    /// let stored = window.state();
    /// assert_eq!(QuantileWindow::restore(policy, stored), Ok(window));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> QuantileWindowState {
        QuantileWindowState {
            version: Version,
            buckets: self.ring.oldest_first(),
        }
    }

    /// The window that `state` was taken of; also one with room for more values, or with other quantiles. O(n).
    ///
    /// # Errors
    /// When the state has more values than the window holds, or a bucket that does not exist.
    ///
    /// ```
    /// use evenkeel_core::Quantile;
    /// use evenkeel_core::estimator::{QuantileWindow, QuantileWindowPolicy};
    ///
    /// let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
    /// let mut window = QuantileWindow::new(policy);
    /// window.record(0, 250);
    /// assert_eq!(QuantileWindow::restore(policy, window.state()), Ok(window));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn restore(
        policy: QuantileWindowPolicy,
        state: QuantileWindowState,
    ) -> Result<Self, RestoreError> {
        if state.buckets.len() > policy.capacity() {
            return Err(misfit("it has more values than the window holds"));
        }
        if state
            .buckets
            .iter()
            .any(|&bucket| usize::from(bucket) >= SCALE.buckets())
        {
            return Err(corrupt("it names a bucket that does not exist"));
        }
        let mut window = Self::new(policy);
        for bucket in state.buckets {
            window.push(bucket);
        }
        Ok(window)
    }
}

impl Cursor {
    /// Moves to the bucket of the rank, at most one occupied bucket away: the counts below and in the bucket
    /// were right for this rank before one value came and one went.
    #[inline]
    fn settle(&mut self, counts: &[u32], occupied: &Occupancy) {
        let held = counts.get(self.bucket).copied().unwrap_or(0);
        if self.rank <= self.below {
            self.step_down(counts, occupied);
        } else if self.rank > self.below.wrapping_add(held) {
            if let Some(bucket) = occupied.above(self.bucket) {
                self.below = self.below.wrapping_add(held);
                self.bucket = bucket;
            }
        }
    }

    #[inline]
    fn step_down(&mut self, counts: &[u32], occupied: &Occupancy) {
        if let Some(bucket) = occupied.below(self.bucket) {
            self.bucket = bucket;
            self.below = self
                .below
                .wrapping_sub(counts.get(bucket).copied().unwrap_or(0));
        }
    }
}

/// Equal when they hold the same buckets in the same order of arrival: then they answer alike for ever.
impl PartialEq for QuantileWindow {
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy && self.state() == other.state()
    }
}

impl Eq for QuantileWindow {}

/// The stored form of a [`QuantileWindow`]; plain data that only [`QuantileWindow::restore`] looks into.
///
/// ```
/// # use evenkeel_core::{Quantile, estimator::*};
/// # let policy = QuantileWindowPolicy::new(1000, &[Quantile::P99])?;
/// # let mut window = QuantileWindow::new(policy);
/// # for value in [10, 20, 30] { window.record(0, value); }
/// let stored: QuantileWindowState = window.state();
/// assert_eq!(QuantileWindow::restore(policy, stored), Ok(window));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuantileWindowState {
    /// The format is bound to the buckets of [`SCALE`]: other buckets are another version.
    version: Version<1>,
    buckets: Vec<u16>,
}
