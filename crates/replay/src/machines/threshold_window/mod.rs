//! What can happen to a [`ThresholdWindow`].
//!
//! ```
//! use evenkeel_core::{Quantile, estimator::{ThresholdWindow, ThresholdWindowPolicy}};
//! use evenkeel_replay::{Machine, words::Replaying, threshold_window::{Answer, Op}};
//!
//! let mut window = ThresholdWindow::new(ThresholdWindowPolicy::new(100, Quantile::P50, 5)?);
//! let rng = &mut Replaying::new(&[]); // no call of an estimator draws a word
//! window.apply(0, &Op::Record { value: 7 }, rng);
//! assert_eq!(window.apply(0, &Op::IsAbove, rng), Answer::IsAbove(Some(true)));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod generate;

use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy, ThresholdWindowState};

use crate::machines::estimator::estimator;

estimator! {
    ThresholdWindow, ThresholdWindowPolicy, ThresholdWindowState, "threshold_window";
    queries {
        Count: count() -> u64,
        IsAbove: is_above() -> Option<bool>,
        CountAbove: count_above() -> u64,
    }
}
