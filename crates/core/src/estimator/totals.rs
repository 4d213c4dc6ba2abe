//! What is exact beside the buckets of a histogram: count, sum, smallest and largest value.

use super::interval::Interval;
use super::log_linear::Scale;
use super::summary::LatencySummary;
use crate::Quantile;

/// The totals of a set of values. Count and sum stop at their largest value instead of wrapping.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Totals {
    count: u64,
    /// `u64::MAX` when there is no value.
    min: u64,
    /// 0 when there is no value.
    max: u64,
    #[cfg_attr(feature = "serde", serde(with = "halves"))]
    sum: u128,
}

impl Totals {
    pub(super) const EMPTY: Self = Self {
        count: 0,
        min: u64::MAX,
        max: 0,
        sum: 0,
    };

    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        self.count = self.count.saturating_add(1);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum = self.sum.saturating_add(u128::from(value));
    }

    #[inline]
    pub(super) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
    }

    #[inline]
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    #[inline]
    pub(super) const fn sum(&self) -> u128 {
        self.sum
    }

    pub(super) fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    pub(super) fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    pub(super) fn mean(&self) -> Option<u64> {
        let mean = self.sum.checked_div(u128::from(self.count))?;
        // A count that has stopped growing could otherwise raise the mean above every value.
        Some(u64::try_from(mean).map_or(self.max, |mean| mean.min(self.max)))
    }

    /// `bucket`, cut down by what the totals know of the value with this rank.
    pub(super) fn clip(&self, rank: u64, bucket: Interval) -> Interval {
        if rank <= 1 {
            exactly(self.min)
        } else if rank >= self.count {
            exactly(self.max)
        } else {
            Interval {
                low: bucket.low.max(self.min),
                high: bucket.high.min(self.max),
            }
        }
    }

    pub(super) fn summary(
        &self,
        quantile: impl Fn(Quantile) -> Option<u64>,
    ) -> Option<LatencySummary> {
        Some(LatencySummary {
            count: self.count,
            mean: self.mean()?,
            min: self.min()?,
            max: self.max()?,
            p50: quantile(Quantile::P50)?,
            p90: quantile(Quantile::P90)?,
            p95: quantile(Quantile::P95)?,
            p99: quantile(Quantile::P99)?,
            p999: quantile(Quantile::P999)?,
        })
    }

    /// Whether some set of values has these totals and these counts of `occupied` buckets of `scale`, given as
    /// (bucket, count) in ascending order without empty ones.
    pub(super) fn agree_with(
        &self,
        scale: Scale,
        occupied: impl Iterator<Item = (usize, u64)>,
    ) -> bool {
        let (mut count, mut least, mut most) = (0_u64, 0_u128, 0_u128);
        let mut first_and_last = None;
        for (bucket, held) in occupied {
            let Interval { low, high } = scale.values(bucket);
            // No value is below the smallest or above the largest.
            let (low, high) = (low.max(self.min), high.min(self.max));
            count = count.saturating_add(held);
            least = least.saturating_add(u128::from(low).saturating_mul(u128::from(held)));
            most = most.saturating_add(u128::from(high).saturating_mul(u128::from(held)));
            let (first, first_high, ..) = first_and_last.unwrap_or((bucket, high, 0, 0));
            first_and_last = Some((first, first_high, bucket, low));
        }
        let Some((first, first_high, last, last_low)) = first_and_last else {
            return *self == Self::EMPTY;
        };
        // One value of the first bucket is the smallest itself, one of the last the largest itself.
        let add_difference = |sum: u128, plus: u64, minus: u64| {
            sum.saturating_add(u128::from(plus))
                .saturating_sub(u128::from(minus))
        };
        let least = add_difference(least, self.max, last_low);
        let most = add_difference(most, self.min, first_high);
        self.count == count
            && self.min <= self.max
            && scale.bucket(self.min) == first
            && scale.bucket(self.max) == last
            && (count == u64::MAX || (least <= self.sum && self.sum <= most))
    }
}

const fn exactly(value: u64) -> Interval {
    Interval {
        low: value,
        high: value,
    }
}

/// A sum as two words, high one first: not every format can hold 128 bits.
#[cfg(feature = "serde")]
mod halves {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves of the number"
    )]
    pub(super) fn serialize<S: Serializer>(sum: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        [(sum >> 64) as u64, *sum as u64].serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let [high, low] = <[u64; 2]>::deserialize(deserializer)?;
        Ok(u128::from(high) << 64 | u128::from(low))
    }
}

#[cfg(all(test, feature = "alloc"))]
mod tests {
    use super::*;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::vec;
    use alloc::vec::Vec;

    /// Counts of the 8 buckets of 0 to 15 at one bit, and the totals of all values that lead to them.
    type Reachable = BTreeMap<Vec<u64>, BTreeSet<(u64, u64, u128)>>;

    fn reach(scale: Scale, values: &mut Vec<u64>, reached: &mut Reachable) {
        let mut counts = vec![0_u64; 8];
        for &value in values.iter() {
            if let Some(count) = counts.get_mut(scale.bucket(value)) {
                *count = count.wrapping_add(1);
            }
        }
        if let (Some(&min), Some(&max)) = (values.iter().min(), values.iter().max()) {
            let sum = values.iter().map(|&v| u128::from(v)).sum();
            reached.entry(counts).or_default().insert((min, max, sum));
        }
        if values.len() < 3 {
            for next in values.last().copied().unwrap_or(0)..16 {
                values.push(next);
                reach(scale, values, reached);
                values.pop();
            }
        }
    }

    #[test]
    fn totals_agree_with_buckets_exactly_when_some_values_have_both() {
        let scale = Scale::new(1);
        let mut reached = Reachable::new();
        reach(scale, &mut Vec::new(), &mut reached);
        assert_eq!(reached.len(), 164, "one, two or three values in 8 buckets");
        for (counts, possible) in &reached {
            let count = counts.iter().sum();
            for min in 0..16 {
                for max in 0..16 {
                    for sum in 0..48 {
                        let totals = Totals {
                            count,
                            min,
                            max,
                            sum,
                        };
                        let occupied = counts.iter().copied().enumerate();
                        let agree =
                            totals.agree_with(scale, occupied.filter(|&(_, held)| held > 0));
                        assert_eq!(
                            agree,
                            possible.contains(&(min, max, sum)),
                            "{counts:?} {totals:?}"
                        );
                    }
                }
            }
        }
    }
}
