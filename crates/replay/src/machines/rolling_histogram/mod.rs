//! What can happen to a [`RollingHistogram`].
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::{Quantile, estimator::{RollingHistogram, RollingHistogramPolicy}};
//! use evenkeel_replay::{Machine, words::Replaying, rolling_histogram::{Answer, Op}};
//!
//! let mut histogram = RollingHistogram::new(RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)?);
//! let rng = &mut Replaying::new(&[]); // no call of an estimator draws a word
//! histogram.apply(0, &Op::Record { value: 7 }, rng);
//! assert_eq!(histogram.apply(0, &Op::Quantile { q: Quantile::P50 }, rng), Answer::Quantile(Some(7)));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod generate;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    Interval, LatencySummary, RollingHistogram, RollingHistogramPolicy, RollingHistogramState,
};

use crate::machines::estimator::{estimator, halves};

estimator! {
    RollingHistogram, RollingHistogramPolicy, RollingHistogramState, "rolling_histogram";
    queries {
        Count: count() -> u64,
        Sum: sum() -> #[serde(with = "halves")] u128,
        Min: min() -> Option<u64>,
        Max: max() -> Option<u64>,
        Mean: mean() -> Option<u64>,
        Summary: summary() -> Option<LatencySummary>,
        Quantile: quantile(q: Quantile) -> Option<u64>,
        Interval: interval(q: Quantile) -> Option<Interval>,
    }
}
