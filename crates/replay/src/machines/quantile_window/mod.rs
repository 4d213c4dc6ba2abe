//! What can happen to a [`QuantileWindow`].
//!
//! ```
//! use evenkeel_core::{Quantile, estimator::{QuantileWindow, QuantileWindowPolicy}};
//! use evenkeel_replay::{Machine, words::Replaying, quantile_window::{Answer, Op}};
//!
//! let mut window = QuantileWindow::new(QuantileWindowPolicy::new(100, &[Quantile::P50])?);
//! let rng = &mut Replaying::new(&[]); // no call of an estimator draws a word
//! window.apply(0, &Op::Record { value: 7 }, rng);
//! assert_eq!(window.apply(0, &Op::Quantile { q: Quantile::P50 }, rng), Answer::Quantile(Some(7)));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod generate;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{
    Interval, QuantileWindow, QuantileWindowPolicy, QuantileWindowState,
};

use crate::machines::estimator::estimator;

estimator! {
    QuantileWindow, QuantileWindowPolicy, QuantileWindowState, "quantile_window";
    queries {
        Count: count() -> u64,
        Quantile: quantile(q: Quantile) -> Option<u64>,
        Interval: interval(q: Quantile) -> Option<Interval>,
    }
}
