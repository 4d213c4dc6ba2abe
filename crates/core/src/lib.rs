//! Resilience as deterministic state machines: backoff, circuit breaker, latency percentiles.
//!
//! Nothing here reads a clock, draws its own randomness, sleeps, locks, or does I/O. The caller passes `now_ns` and a
//! random generator, and gets back a decision and the next deadline. So a simulator can embed the machines, a test can
//! replay them bit for bit, and an adapter for any runtime is a few lines.
//!
//! # Shapes
//!
//! | shape | machines | question | verbs |
//! |---|---|---|---|
//! | schedule | [`Backoff`](backoff::Backoff) | how long? | `next_wait(now_ns, rng) -> Result<Wait, Exhausted>`, `reset()` |
//! | gate | [`Breaker`](breaker::Breaker) | may I, now? | `try_acquire(now_ns, rng) -> Result<Grant, Refused>`, `on_outcome(now_ns, permit, ..)` |
//! | estimator | [`SampleWindow`](estimator#which-one), `QuantileWindow`, `ThresholdWindow`, `LogHistogram`, `RollingHistogram` | what is p99? | `record(now_ns, value)`, `quantile(now_ns, q) -> Option<u64>` |
//!
//! A machine is a checked, immutable policy and a small plain state. `try_` asks, `on_` reports a fact, `poll` advances,
//! nouns are pure queries. Arguments come in one order: `now_ns`, id, fact, then the generator.
//!
//! # A call through a breaker, with retries
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::Ratio;
//! use evenkeel_core::backoff::{Backoff, BackoffPolicy};
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger, Window};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100)).max_retries(8).build()?;
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
//!     .window(Window::Count { calls: 100 })
//!     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 3 })
//!     .build()?;
//!
//! let (mut backoff, mut breaker) = (Backoff::new(backoff), Breaker::new(breaker));
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//! let mut now_ns = 0; // any clock: here we simply step to the next instant
//!
//! let mut answers = [false, false, false, true].into_iter(); // what the dependency will do
//! let outcome = loop {
//!     match breaker.try_acquire(now_ns, &mut rng) {
//!         Ok(grant) => {
//!             let Some(ok) = answers.next() else { break "gave up" };
//!             let outcome = if ok { Outcome::Success } else { Outcome::Failure };
//!             let latency_ns = 2_000_000;
//!             now_ns += latency_ns;
//!             let receipt = breaker.on_outcome(now_ns, grant.permit, outcome, latency_ns, &mut rng);
//!             for t in receipt.transitions() {
//!                 println!("{} -> {} at {} because {}", t.from, t.to, t.at_ns, t.cause);
//!             }
//!             if ok {
//!                 break "done";
//!             }
//!             now_ns = backoff.next_wait(now_ns, &mut rng)?.at_ns;
//!         }
//!         // Three failures opened it: come back when it says.
//!         Err(refused) => now_ns = refused.retry_at_ns().expect("open until an instant"),
//!     }
//! };
//! assert_eq!(outcome, "done");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # What holds for every machine
//!
//! - The same policy, state, inputs and random words give the same answers and state, on any machine.
//! - An instant is a `u64` of nanoseconds from any origin. Time that runs backwards stands still. At exactly the deadline is
//!   ready. Any `u64` is safe; a deadline past the last instant is `None`.
//! - Queries take `&self` and change nothing. `poll` is never needed for a right answer: it only reports earlier.
//! - One random word for each choice, none otherwise; [`random::scaled`] is the only way a word becomes a number.
//! - A late report changes nothing and is answered as stale; so is a doubled one of a probe, and a foreign one where breakers
//!   are [tagged](breaker::Breaker::tagged).
//! - Memory is fixed by the policy, work for each call is bounded, also after years of idleness.
//! - [`state()`](breaker::Breaker::state) is plain data; `restore` checks it as hostile input.
//! - No float, no `unsafe`, no panic for any argument: lints of this crate deny them.
//!
//! # Features
//!
//! - `alloc` (default): estimators that keep values, and windows larger than their inline size. Without it `build()` refuses
//!   those: see [`Window`](breaker::Window) for what fits, and 16 probes in flight.
//! - `serde`: policies in the format of evenkeel's policy files (reading goes through `build()`; a format that describes
//!   itself, such as TOML or JSON), states with a version.
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

pub mod backoff;
mod bits;
pub mod breaker;
mod decimal;
pub mod error;
pub mod estimator;
mod quantile;
pub mod random;
mod ratio;
mod refusal;
#[cfg(feature = "serde")]
mod runs;
mod slices;
pub mod span;
mod store;
#[cfg(feature = "serde")]
mod text;
pub mod time;

pub use error::{ConfigError, RestoreError};
pub use quantile::Quantile;
pub use ratio::Ratio;
pub use refusal::Refusal;

/// README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
