//! Log-linear buckets: each power of two is cut into `2^bits` equal parts, so that a bucket is never wider than
//! `1 / 2^bits` of the values in it. The layout of Gil Tene's HdrHistogram, over all of `u64`.
//!
//! Finding a bucket takes a count of leading zeros and two shifts, no logarithm and no float. Values below
//! `2^(bits + 1)` have a bucket each and are exact.

use core::ops::RangeInclusive;

use super::interval::Interval;

/// The finest scale: a relative error of at most 1/128.
pub(super) const MAX_BITS: u8 = 7;

/// The buckets of one precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scale {
    /// From 1 to [`MAX_BITS`].
    bits: u8,
}

impl Scale {
    /// `bits` is kept within 1 to [`MAX_BITS`]; policies refuse others before.
    pub(super) const fn new(bits: u8) -> Self {
        Self {
            bits: if bits < 1 {
                1
            } else if bits > MAX_BITS {
                MAX_BITS
            } else {
                bits
            },
        }
    }

    #[inline]
    pub(super) const fn bits(self) -> u8 {
        self.bits
    }

    /// How many buckets cover all of `u64`: 7 424 at 7 bits, 1 920 at 5, 496 at 3, 128 at 1.
    pub(super) const fn buckets(self) -> usize {
        // bits is at most 7, so this is at most 58 << 7
        65_usize.wrapping_sub(self.bits as usize) << self.bits
    }

    /// The bucket that holds `value`; buckets are in the order of their values.
    #[inline]
    pub(super) const fn bucket(self, value: u64) -> usize {
        // The bit that is set here gives the smallest values, which are exact, the shift of 0.
        let top = (value | (1 << self.bits)).leading_zeros();
        let shift = 63_u32.wrapping_sub(top).wrapping_sub(self.bits as u32);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "value >> shift is below 2^(bits + 1)"
        )]
        let fine = (value >> shift) as usize;
        ((shift as usize) << self.bits).wrapping_add(fine)
    }

    /// The values of `bucket`, which must be one of [`buckets`](Self::buckets).
    #[inline]
    pub(super) const fn values(self, bucket: usize) -> Interval {
        let shift = (bucket >> self.bits).saturating_sub(1);
        let fine = bucket.wrapping_sub(shift << self.bits);
        let low = (fine as u64) << (shift & 63);
        Interval {
            low,
            high: low | (1_u64 << (shift & 63)).wrapping_sub(1),
        }
    }
}

/// The bucket of the value with rank `rank` of `count`, where `buckets` hold all of them and `count_at` says how
/// many each holds. Walks from the end that is nearer by rank: p99 is found from above.
pub(super) fn find_rank(
    buckets: RangeInclusive<usize>,
    rank: u64,
    count: u64,
    count_at: impl Fn(usize) -> u64,
) -> Option<usize> {
    let mut seen = 0_u64;
    let mut reaches = |wanted: u64, bucket: usize| {
        seen = seen.saturating_add(count_at(bucket));
        seen >= wanted
    };
    let from_above = count.saturating_sub(rank).saturating_add(1);
    if rank <= from_above {
        buckets.into_iter().find(|&bucket| reaches(rank, bucket))
    } else {
        let mut descending = buckets.into_iter().rev();
        descending.find(|&bucket| reaches(from_above, bucket))
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_buckets_join_without_gap() {
        for bits in 1..=MAX_BITS {
            let scale = Scale::new(bits);
            let mut next_low = Some(0);
            for bucket in 0..scale.buckets() {
                let Interval { low, high } = scale.values(bucket);
                assert_eq!(Some(low), next_low, "bucket {bucket} of {bits} bits");
                assert_eq!(scale.bucket(low), bucket);
                assert_eq!(scale.bucket(high), bucket);
                assert!(high - low <= low >> bits, "error above 2^-{bits}");
                next_low = high.checked_add(1);
            }
            assert_eq!(next_low, None, "the last bucket ends at u64::MAX");
        }
    }

    #[test]
    fn the_documented_numbers_of_buckets_hold() {
        let buckets = [7, 5, 3, 1].map(|bits| Scale::new(bits).buckets());
        assert_eq!(buckets, [7_424, 1_920, 496, 128]);
        assert_eq!(
            Scale::new(7).values(255),
            Interval {
                low: 255,
                high: 255
            }
        );
        assert_eq!(
            Scale::new(7).values(256),
            Interval {
                low: 256,
                high: 257
            }
        );
    }

    #[test]
    fn a_rank_is_found_from_either_end() {
        let counts = [0_u64, 3, 0, 0, 2, 1, 0];
        let sorted = [1, 1, 1, 4, 4, 5];
        for (rank, bucket) in (1..).zip(sorted) {
            assert_eq!(
                find_rank(0..=6, rank, 6, |at| counts[at]),
                Some(bucket),
                "rank {rank}"
            );
        }
    }
}
