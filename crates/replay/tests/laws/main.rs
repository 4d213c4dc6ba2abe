//! The laws that hold for every machine: one harness, run over all of them, and over a canary that breaks each.
//!
//! `EVENKEEL_LAWS_SEED` chooses other scripts, `EVENKEEL_LAWS_RUNS` more of them. `cargo test --test laws --
//! --show-output` prints how often each law was put to the test. Neither proptest nor criterion: this runs with the
//! oldest compiler and on other architectures, too.

mod canary;
mod harness;
mod machines;
