//! RollingHistogram under the laws.

use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};
use evenkeel_replay::rolling_histogram::Op;

use super::estimator::{QUANTILES, estimator};

estimator!(RollingHistogram: queries {
    let of_all = [Op::Count, Op::Sum, Op::Min, Op::Max, Op::Mean, Op::Summary];
    let quantiles = QUANTILES.map(|q| [Op::Quantile { q }, Op::Interval { q }]);
    of_all.into_iter().chain(quantiles.into_iter().flatten()).collect()
},
    /// An index, a count for each bucket with its number, and totals, for each slice.
    fn most_numbers(policy: &RollingHistogramPolicy) -> Option<usize> {
        Some(4 + policy.slices() as usize * (2 * 128 + 5))
    }
);
