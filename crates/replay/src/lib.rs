//! Record what a machine of evenkeel-core was asked, told and answered; replay it; change the policy and see what parts.
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
pub mod any;
#[cfg(feature = "std")]
mod diff;
#[cfg(feature = "std")]
mod difference;
#[cfg(feature = "std")]
mod digest;
pub mod generate;
#[cfg(feature = "std")]
pub mod golden;
#[cfg(feature = "alloc")]
mod group;
#[cfg(feature = "std")]
pub mod journal;
#[cfg(feature = "alloc")]
mod key;
mod machine;
mod machines;
#[cfg(feature = "std")]
mod moved;
#[cfg(feature = "std")]
mod past;
#[cfg(feature = "std")]
mod recorder;
#[cfg(feature = "std")]
pub mod shrink;
#[cfg(feature = "alloc")]
mod table_key;
#[cfg(feature = "std")]
mod verify;
#[cfg(feature = "std")]
pub mod what_if;
pub mod words;

#[cfg(feature = "std")]
pub use diff::{Diff, DiffDamage, Parting, diff};
#[cfg(feature = "std")]
pub use difference::{CallDifference, Difference, What};
#[cfg(feature = "alloc")]
pub use group::Group;
#[cfg(feature = "alloc")]
pub use key::{Key, ToKey};
pub use machine::{Assumed, Change, Machine, NoId, Verdict};
pub use machines::{
    adaptive_throttle, backoff, breaker, health_probe, log_histogram, reconnect, restart, retry,
    retry_ratio, retry_tokens, threshold_window,
};
#[cfg(feature = "alloc")]
pub use machines::{
    backoff_table, breaker_table, quantile_window, recovery_budget, rolling_histogram,
    sample_window,
};
#[cfg(feature = "std")]
pub use recorder::{Feed, Recorder};
#[cfg(feature = "alloc")]
pub use table_key::TableKey;
#[cfg(feature = "std")]
pub use verify::{Failed, Unverified, Verified, verify, verify_file};
