//! The five estimators: facts a user relies on, models against a naive reference, stored states, real traces.

#[cfg(feature = "serde")]
mod hostile_states;
mod log_histogram;
mod model;
mod policies;
#[cfg(feature = "alloc")]
mod quantile_window;
mod reference;
#[cfg(feature = "alloc")]
mod rolling_histogram;
#[cfg(feature = "alloc")]
mod sample_window;
mod shape;
mod threshold_window;
#[cfg(feature = "alloc")]
mod traces;
