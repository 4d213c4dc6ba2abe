//! QuantileWindow under the laws.

use evenkeel_core::estimator::QuantileWindow;
use evenkeel_replay::quantile_window::Op;

use super::estimator::{QUANTILES, estimator};

estimator!(QuantileWindow: queries {
    let quantiles = QUANTILES.map(|q| [Op::Quantile { q }, Op::Interval { q }]);
    [Op::Count].into_iter().chain(quantiles.into_iter().flatten()).collect()
});
