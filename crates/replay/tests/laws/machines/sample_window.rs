//! SampleWindow under the laws.

use evenkeel_core::estimator::SampleWindow;
use evenkeel_replay::sample_window::Op;

use super::estimator::{QUANTILES, estimator};

estimator!(SampleWindow: queries {
    let of_all = [Op::Count, Op::Sum, Op::Min, Op::Max, Op::Mean, Op::Summary];
    let quantiles = QUANTILES.map(|q| Op::Quantile { q });
    of_all.into_iter().chain(quantiles).collect()
});
