//! The stored form of a rolling histogram: its slices as lists of occupied buckets, and the checks on the way back.

use alloc::vec::Vec;

use super::rolling_histogram::{RollingHistogram, RollingHistogramPolicy};
use super::totals::Totals;
use crate::error::{RestoreError, corrupt, misfit};
use crate::rebase::Rebase;
use crate::slices::SliceGrid;
use crate::time::Monotone;
use crate::version::Version;

/// The stored form of a [`RollingHistogram`]; plain data that only [`RollingHistogram::restore`] looks into.
///
/// It holds instants, of the origin of time of whoever stored it.
///
/// [`RollingHistogram`]: super::RollingHistogram
/// [`RollingHistogram::restore`]: super::RollingHistogram::restore
///
/// ```
/// # use evenkeel_core::{Quantile, estimator::*};
/// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
/// # let mut rolling = RollingHistogram::new(policy);
/// # rolling.record(0, 30);
/// let stored: RollingHistogramState = rolling.state();
/// assert_eq!(RollingHistogram::restore(policy, stored), Ok(rolling));
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RollingHistogramState {
    version: Version<1>,
    slice_ns: u64,
    precision_bits: u8,
    latest_ns: u64,
    /// Those that are not empty, oldest first.
    slices: Vec<SliceState>,
}

#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SliceState {
    index: u64,
    totals: Totals,
    /// Buckets that are not empty, in ascending order, with their counts.
    counts: Vec<(u16, u32)>,
}

impl SliceState {
    pub(super) fn of(index: u64, totals: &Totals, row: &[u32]) -> Self {
        let buckets = (0_u16..).zip(row.iter().copied());
        Self {
            index,
            totals: *totals,
            counts: buckets.filter(|&(_, count)| count > 0).collect(),
        }
    }

    pub(super) const fn index(&self) -> u64 {
        self.index
    }

    pub(super) const fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (usize, u32)> {
        self.counts
            .iter()
            .map(|&(bucket, count)| (bucket.into(), count))
    }

    /// Whether some values lead to it.
    fn is_consistent(&self, policy: RollingHistogramPolicy) -> bool {
        let mut next = 0;
        let in_order = self.counts().all(|(bucket, count)| {
            // A bucket that does not exist is none of the largest value's.
            let fits = bucket >= next && count > 0;
            next = bucket.saturating_add(1);
            fits
        });
        let occupied = self.counts().map(|(bucket, count)| (bucket, count.into()));
        in_order
            && self.totals.count() > 0
            && self.totals.count() <= u64::from(u32::MAX)
            && self.totals.agree_with(policy.scale, occupied)
    }
}

impl RollingHistogramState {
    pub(super) const fn new(
        policy: RollingHistogramPolicy,
        latest_ns: u64,
        slices: Vec<SliceState>,
    ) -> Self {
        Self {
            version: Version,
            slice_ns: policy.grid.slice_ns(),
            precision_bits: policy.scale.bits(),
            latest_ns,
            slices,
        }
    }

    /// The latest instant and the slices, if `policy` could have left them behind.
    pub(super) fn checked(
        self,
        policy: RollingHistogramPolicy,
    ) -> Result<(u64, Vec<SliceState>), RestoreError> {
        if self.slice_ns != policy.grid.slice_ns() {
            return Err(misfit("its slices have another length"));
        }
        if self.precision_bits != policy.scale.bits() {
            return Err(misfit("it has the buckets of another precision"));
        }
        let current = policy.grid.index(self.latest_ns);
        let first = current.saturating_sub(policy.grid.slices().saturating_sub(1).into());
        // None after the last slice of all time.
        let mut next = Some(0);
        for slice in &self.slices {
            if next.is_none_or(|next| slice.index < next) || slice.index > current {
                return Err(corrupt(
                    "its slices are not in order, or after its latest instant",
                ));
            }
            if slice.index < first {
                return Err(misfit(
                    "it has slices from further back than the policy looks",
                ));
            }
            if !slice.is_consistent(policy) {
                return Err(corrupt(
                    "the totals of a slice are not those of its buckets",
                ));
            }
            next = slice.index.checked_add(1);
        }
        Ok((self.latest_ns, self.slices))
    }
}

impl RollingHistogram {
    /// Everything it holds, to be stored and given to [`restore`](Self::restore). Only occupied buckets are in
    /// it. O(slices * buckets).
    ///
    /// ```
    /// # use evenkeel_core::{Quantile, estimator::*};
    /// # let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap();
    /// # let mut rolling = RollingHistogram::new(policy);
    /// # rolling.record(0, 30);
    /// assert_eq!(RollingHistogram::restore(policy, rolling.state()), Ok(rolling));
    /// ```
    #[must_use]
    pub fn state(&self) -> RollingHistogramState {
        let mut slices = Vec::new();
        for back in (0..self.policy.grid.slices()).rev() {
            let place = self.place_of(back);
            let start = self.row(place);
            let end = start.saturating_add(self.policy.scale.buckets());
            if let (Some(index), Some(totals), Some(row)) = (
                self.current.checked_sub(back.into()),
                self.totals.get(place).filter(|totals| totals.count() > 0),
                self.counts.get(start..end),
            ) {
                slices.push(SliceState::of(index, totals, row));
            }
        }
        RollingHistogramState::new(self.policy, self.clock.latest_ns(), slices)
    }

    /// The histogram that `state` was taken of; also one that looks back over more slices of the same length.
    /// O(slices * buckets).
    ///
    /// The instants in a state keep the origin of time that they were stored with. A process with another origin,
    /// such as a clock that began anew with it, takes it over with [`restore_rebased`](Self::restore_rebased).
    ///
    /// # Errors
    /// When the state has another slice length or precision, a slice further back than the policy looks, or no
    /// history leads to it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};
    ///
    /// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?;
    /// let mut rolling = RollingHistogram::new(policy);
    /// rolling.record(0, 250);
    /// assert_eq!(RollingHistogram::restore(policy, rolling.state()), Ok(rolling.clone()));
    ///
    /// let finer = RollingHistogramPolicy::new(Duration::from_secs(10), 100, 5)?;
    /// assert!(RollingHistogram::restore(finer, rolling.state()).is_err());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn restore(
        policy: RollingHistogramPolicy,
        state: RollingHistogramState,
    ) -> Result<Self, RestoreError> {
        let (latest_ns, slices) = state.checked(policy)?;
        Ok(Self::holding(policy, latest_ns, &slices))
    }

    /// The histogram of another process, whose clock started elsewhere: see [`Rebase`]. Values move with their slice, to
    /// the slice that its start falls into now; what has fallen out by now, or would lie before 0, is dropped.
    /// O(slices * buckets).
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, estimator::{RollingHistogram, RollingHistogramPolicy}};
    /// // 10 slices of 1 s.
    /// let policy = RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?;
    /// let second = |n: u64| n * 1_000_000_000;
    /// let mut rolling = RollingHistogram::new(policy);
    /// rolling.record(second(503), 30);
    /// rolling.record(second(507), 70);
    ///
    /// // Stored at 508 s; 4 s later it is 20 s here. The first value would fall out at 513 s, the second at 517 s.
    /// let rebase = Rebase { taken_at_ns: second(508), now_ns: second(20), away: Duration::from_secs(4) };
    /// let here = RollingHistogram::restore_rebased(policy, rolling.state(), rebase)?;
    /// assert_eq!((here.count(second(20)), here.count(second(21)), here.count(second(25))), (2, 1, 0));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: RollingHistogramPolicy,
        state: RollingHistogramState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        let (latest_ns, slices) = state.checked(policy)?;
        let (latest_ns, slices) = rebased(policy.grid, latest_ns, slices, &rebase);
        Ok(Self::holding(policy, latest_ns, &slices))
    }

    /// What was checked, or was rebased since.
    fn holding(policy: RollingHistogramPolicy, latest_ns: u64, slices: &[SliceState]) -> Self {
        let mut restored = Self::new(policy);
        restored.clock = Monotone::since(latest_ns);
        restored.current = policy.grid.index(latest_ns);
        restored.place = policy.grid.place(restored.current);
        for slice in slices {
            let place = policy.grid.place(slice.index());
            let start = restored.row(place);
            if let Some(totals) = restored.totals.get_mut(place) {
                *totals = *slice.totals();
            }
            for (bucket, held) in slice.counts() {
                if let (Some(count), Some(live)) = (
                    restored.counts.get_mut(start.wrapping_add(bucket)),
                    restored.live.get_mut(bucket),
                ) {
                    *count = held;
                    *live = live.wrapping_add(held.into());
                }
            }
        }
        restored
    }
}

/// The slices at their new places, and the latest instant.
fn rebased(
    grid: SliceGrid,
    latest_ns: u64,
    mut slices: Vec<SliceState>,
    rebase: &Rebase,
) -> (u64, Vec<SliceState>) {
    let now_ns = rebase.old_now_ns(Monotone::since(latest_ns));
    // The slice of now moves, and the others with it: what has fallen out by now stays behind, or before 0.
    let current = grid.index(now_ns);
    let moved = rebase.slice(grid, current);
    let latest_ns = rebase.past_ns(latest_ns);
    let newest = grid.index(latest_ns);
    slices.retain_mut(|slice| {
        let back = current.saturating_sub(slice.index);
        match moved.checked_sub(back) {
            // Where slices begin elsewhere now, the latest instant can lie in the slice after the newest of these.
            Some(index) if newest.saturating_sub(index) < grid.slices().into() => {
                slice.index = index;
                true
            }
            _ => false,
        }
    });
    (latest_ns, slices)
}
