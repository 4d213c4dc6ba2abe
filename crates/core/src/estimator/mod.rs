//! Latency percentiles: five estimators, because "what is p99" is five questions.
//!
//! # Which one
//!
//! | question | estimator | answer | memory |
//! |---|---|---|---|
//! | any quantile of the last `n` values? | `SampleWindow` | exact | 16 B a value |
//! | chosen quantiles of the last `n` values, at every value? | `QuantileWindow` | at most 1/128 above | 2 B a value + 32 kB |
//! | is the quantile of the last `n` values above a limit? | [`ThresholdWindow`] | exact | 1 bit a value |
//! | any quantile of everything so far, merged over threads or hosts? | [`LogHistogram`] | an interval | 59 kB or less |
//! | any quantile of the last span of time? | `RollingHistogram` | an interval | 8 kB a slice at 5 bits |
//!
//! `SampleWindow`, `QuantileWindow` and `RollingHistogram` need the feature `alloc`.
//!
//! # One in the place of another
//!
//! All five have `new(policy)`, `record(now_ns, value)`, `count(now_ns)`, `clear()`, `policy()`, `state()` and
//! `restore(policy, state)`, with the same signatures. What else each can tell:
//!
//! | | `SampleWindow` | `QuantileWindow` | [`ThresholdWindow`] | [`LogHistogram`] | `RollingHistogram` |
//! |---|---|---|---|---|---|
//! | `quantile(now_ns, q)` | yes | yes | | yes | yes |
//! | `interval(now_ns, q)` | (exact) | yes | | yes | yes |
//! | `sum`, `min`, `max`, `mean`, `summary` `(now_ns)` | yes | | | yes | yes |
//! | `is_above(now_ns)`, `count_above(now_ns)` | | | yes | | |
//! | `merge(other)` | | | | yes | |
//!
//! `now_ns` comes first everywhere, also where an estimator has no use for the time. A value is a `u64` of any
//! unit (this library uses nanoseconds), from 0 to `u64::MAX`. Queries take `&self`, change nothing, and answer
//! `None` when there is no value. Estimators that are equal answer alike for ever.
//!
//! The rank rule is [`Quantile`](crate::Quantile)'s, the same in all: nearest rank, `ceil(q * n)`, at least 1.
//! Nothing is interpolated, so an exact answer is always a value that was recorded.
//!
//! ```
//! use evenkeel_core::Quantile;
//! // Another estimator in these two places, and the rest stays as it is.
//! use evenkeel_core::estimator::{LogHistogram as Latencies, LogHistogramPolicy};
//! let policy = LogHistogramPolicy::new(3)?;
//!
//! let mut latencies = Latencies::new(policy);
//! for (now_ns, latency_ns) in [(0, 90_000_000), (10, 250_000_000), (20, 300_000_000)] {
//!     latencies.record(now_ns, latency_ns);
//! }
//! assert_eq!(latencies.count(20), 3);
//! assert_eq!(latencies.quantile(20, Quantile::MAX), Some(300_000_000));
//!
//! let again = Latencies::restore(*latencies.policy(), latencies.state())?;
//! assert_eq!(again, latencies);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! Where only a limit matters, one bit a value is enough:
//!
//! ```
//! use evenkeel_core::Quantile;
//! use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};
//!
//! // Is the median of the last 4 latencies above 200 ms?
//! let policy = ThresholdWindowPolicy::new(4, Quantile::P50, 200_000_000)?;
//! let mut window = ThresholdWindow::new(policy);
//! assert_eq!(window.is_above(0), None);
//! for (now_ns, latency_ns) in [(0, 90_000_000), (10, 250_000_000), (20, 300_000_000)] {
//!     window.record(now_ns, latency_ns);
//! }
//! assert_eq!((window.is_above(20), window.count_above(20)), (Some(true), 2));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```
//!
//! # Stored states
//!
//! `state()` is plain data with a version; `restore` checks it as hostile input and answers what is wrong with a
//! [`RestoreError`](crate::RestoreError). Only that of `RollingHistogram` holds instants: a process whose clock starts
//! elsewhere takes it over with `restore_rebased`. The other four can be restored anywhere.

#[cfg(feature = "serde")]
mod fields;
mod interval;
mod log_histogram;
mod log_linear;
#[cfg(feature = "alloc")]
mod occupancy;
#[cfg(feature = "alloc")]
mod quantile_window;
#[cfg(feature = "alloc")]
mod ring;
#[cfg(feature = "alloc")]
mod rolling_histogram;
#[cfg(feature = "alloc")]
mod rolling_state;
#[cfg(feature = "alloc")]
mod rolling_view;
#[cfg(feature = "alloc")]
mod sample_window;
#[cfg(feature = "alloc")]
mod sorted;
mod summary;
mod threshold_window;
mod totals;

pub use interval::Interval;
pub use log_histogram::{LogHistogram, LogHistogramPolicy, LogHistogramState, PrecisionMismatch};
#[cfg(feature = "alloc")]
pub use quantile_window::{QuantileWindow, QuantileWindowPolicy, QuantileWindowState};
#[cfg(feature = "alloc")]
pub use rolling_histogram::{RollingHistogram, RollingHistogramPolicy};
#[cfg(feature = "alloc")]
pub use rolling_state::RollingHistogramState;
#[cfg(feature = "alloc")]
pub use sample_window::{SampleWindow, SampleWindowPolicy, SampleWindowState};
pub use summary::LatencySummary;
pub use threshold_window::{ThresholdWindow, ThresholdWindowPolicy, ThresholdWindowState};

/// The most values that a window can hold: 2^20, about a million.
///
/// Beyond that a window is a history, and a [`LogHistogram`] answers in less memory.
///
/// ```
/// assert_eq!(evenkeel_core::estimator::MAX_VALUES, 1_048_576);
/// ```
pub const MAX_VALUES: u32 = 1 << 20;
