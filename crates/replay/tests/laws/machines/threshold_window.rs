//! ThresholdWindow under the laws.

use evenkeel_core::estimator::ThresholdWindow;
use evenkeel_replay::threshold_window::Op;

use super::estimator::estimator;

estimator!(ThresholdWindow: queries {
    vec![Op::Count, Op::IsAbove, Op::CountAbove]
});
