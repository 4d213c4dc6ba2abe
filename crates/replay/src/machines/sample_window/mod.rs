//! What can happen to a [`SampleWindow`].
//!
//! ```
//! use evenkeel_core::{Quantile, estimator::{SampleWindow, SampleWindowPolicy}};
//! use evenkeel_replay::{Machine, words::Replaying, sample_window::{Answer, Op}};
//!
//! let mut window = SampleWindow::new(SampleWindowPolicy::new(100)?);
//! let rng = &mut Replaying::new(&[]); // no call of an estimator draws a word
//! window.apply(0, &Op::Record { value: 7 }, rng);
//! assert_eq!(window.apply(0, &Op::Quantile { q: Quantile::P50 }, rng), Answer::Quantile(Some(7)));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod generate;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    LatencySummary, SampleWindow, SampleWindowPolicy, SampleWindowState,
};

use crate::machines::estimator::{estimator, halves};

estimator! {
    SampleWindow, SampleWindowPolicy, SampleWindowState, "sample_window";
    queries {
        Count: count() -> u64,
        Sum: sum() -> #[serde(with = "halves")] u128,
        Min: min() -> Option<u64>,
        Max: max() -> Option<u64>,
        Mean: mean() -> Option<u64>,
        Summary: summary() -> Option<LatencySummary>,
        Quantile: quantile(q: Quantile) -> Option<u64>,
    }
}
