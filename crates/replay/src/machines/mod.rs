//! One folder for each machine: its calls and answers, how a recorder wraps it, and random calls for it.

pub mod adaptive_throttle;
pub mod backoff;
#[cfg(feature = "alloc")]
pub mod backoff_table;
pub mod breaker;
#[cfg(feature = "alloc")]
pub mod breaker_table;
mod budget;
#[cfg(feature = "std")]
mod cleared;
mod either;
mod estimator;
pub mod health_probe;
pub mod log_histogram;
mod own;
#[cfg(feature = "alloc")]
pub mod quantile_window;
pub mod reconnect;
#[cfg(feature = "alloc")]
pub mod recovery_budget;
pub mod restart;
pub mod retry;
pub mod retry_ratio;
pub mod retry_tokens;
#[cfg(feature = "alloc")]
pub mod rolling_histogram;
#[cfg(feature = "alloc")]
pub mod sample_window;
pub mod threshold_window;
