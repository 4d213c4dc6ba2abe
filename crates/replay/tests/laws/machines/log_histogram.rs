//! LogHistogram under the laws.

use evenkeel_core::estimator::LogHistogram;
use evenkeel_replay::log_histogram::Op;

use super::estimator::{QUANTILES, estimator};

estimator!(LogHistogram: queries {
    let of_all = [Op::Count, Op::Sum, Op::Min, Op::Max, Op::Mean, Op::Summary];
    let quantiles = QUANTILES.map(|q| [Op::Quantile { q }, Op::Interval { q }]);
    of_all.into_iter().chain(quantiles.into_iter().flatten()).collect()
});
