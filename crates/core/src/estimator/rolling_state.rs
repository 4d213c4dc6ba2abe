//! The stored form of a rolling histogram: its slices as lists of occupied buckets, and the checks on the way back.

use alloc::vec::Vec;

use super::check_version;
use super::rolling_histogram::RollingHistogramPolicy;
use super::totals::Totals;
use crate::error::RestoreError;

const VERSION: u16 = 1;

/// The stored form of a [`RollingHistogram`]; plain data that only [`RollingHistogram::restore`] looks into.
///
/// It holds instants, of the origin of time of whoever stored it.
///
/// [`RollingHistogram`]: super::RollingHistogram
/// [`RollingHistogram::restore`]: super::RollingHistogram::restore
///
/// ```
/// # use evenkeel_core::{Quantile, estimator::*}; let policy = RollingHistogramPolicy::new(core::time::Duration::from_secs(10), 10, 5).unwrap(); let mut rolling = RollingHistogram::new(policy); rolling.record(0, 30);
/// let stored: RollingHistogramState = rolling.state();
/// assert_eq!(RollingHistogram::restore(policy, stored), Ok(rolling));
/// ```
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollingHistogramState {
    version: u16,
    slice_ns: u64,
    precision_bits: u8,
    latest_ns: u64,
    /// Those that are not empty, oldest first.
    slices: Vec<SliceState>,
}

#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, PartialEq, Eq)]
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
            let fits = bucket >= next && bucket < policy.scale.buckets() && count > 0;
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
            version: VERSION,
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
        check_version(self.version, VERSION)?;
        if self.slice_ns != policy.grid.slice_ns() {
            return Err(RestoreError::Misfit {
                what: "its slices have another length",
            });
        }
        if self.precision_bits != policy.scale.bits() {
            return Err(RestoreError::Misfit {
                what: "it has the buckets of another precision",
            });
        }
        let current = policy.grid.index(self.latest_ns);
        let first = current.saturating_sub(policy.grid.slices().saturating_sub(1).into());
        // None after the last slice of all time.
        let mut next = Some(0);
        for slice in &self.slices {
            if next.is_none_or(|next| slice.index < next) || slice.index > current {
                return Err(RestoreError::Corrupt {
                    what: "its slices are not in order, or after its latest instant",
                });
            }
            if slice.index < first {
                return Err(RestoreError::Misfit {
                    what: "it has slices from further back than the policy looks",
                });
            }
            if !slice.is_consistent(policy) {
                return Err(RestoreError::Corrupt {
                    what: "the totals of a slice are not those of its buckets",
                });
            }
            next = slice.index.checked_add(1);
        }
        Ok((self.latest_ns, self.slices))
    }
}
