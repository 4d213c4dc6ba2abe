//! Resilience as deterministic state machines.
#![no_std]
#![deny(
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod bits;
mod decimal;
pub mod error;
mod quantile;
pub mod random;
mod ratio;
mod refusal;
pub mod span;
mod store;
pub mod time;

pub use error::{ConfigError, RestoreError};
pub use quantile::Quantile;
pub use ratio::Ratio;
pub use refusal::Refusal;
