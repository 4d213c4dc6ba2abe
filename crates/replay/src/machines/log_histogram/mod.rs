//! What can happen to a [`LogHistogram`].
//!
//! ```
//! use evenkeel_core::{Quantile, estimator::{LogHistogram, LogHistogramPolicy}};
//! use evenkeel_replay::{Machine, words::Replaying, log_histogram::{Answer, Op}};
//!
//! let mut histogram = LogHistogram::new(LogHistogramPolicy::new(3)?);
//! let rng = &mut Replaying::new(&[]); // no call of an estimator draws a word
//! histogram.apply(0, &Op::Record { value: 7 }, rng);
//! assert_eq!(histogram.apply(0, &Op::Quantile { q: Quantile::P50 }, rng), Answer::Quantile(Some(7)));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod generate;
#[cfg(feature = "alloc")]
mod merge;
#[cfg(feature = "std")]
mod recorder;

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use evenkeel_core::Quantile;
#[cfg(feature = "alloc")]
use evenkeel_core::estimator::PrecisionMismatch;
use evenkeel_core::estimator::{
    Interval, LatencySummary, LogHistogram, LogHistogramPolicy, LogHistogramState,
};

#[cfg(feature = "alloc")]
use crate::machines::either;
use crate::machines::estimator::{estimator, halves};

estimator! {
    LogHistogram, LogHistogramPolicy, LogHistogramState, "log_histogram";
    commands {
        #[cfg(feature = "alloc")]
        Merge: merge(#[serde(with = "merge")] other: Box<LogHistogram>)
            -> Merged(#[serde(with = "either")] Result<(), PrecisionMismatch>),
    }
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
