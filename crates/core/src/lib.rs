//! Resilience as deterministic state machines: retry, circuit breaker, reconnection, backoff, budgets, percentiles.
//!
//! Nothing here reads a clock, draws its own randomness, sleeps, locks, or does I/O. The caller passes `now_ns` and a
//! random generator, and gets back a decision and the next deadline. So a simulator can embed the machines, a test can
//! replay them bit for bit, and an adapter for any runtime is a few lines.
//!
//! # Three that most programs need
//!
//! **[Retry](retry)**: one operation, from its first attempt to its end. It asks the breaker and pays from the budget that
//! it borrows. It is a driver: do what `poll` says, tell it what came of it. What it shares is lent for the one call of `poll`
//! or `on_outcome`: under a mutex, let the guard go before the call and before sleeping. An open breaker ends the operation
//! when its next attempt is due, unless `when_refused` says to wait. An `attempt_timeout` is for callers that can give a call
//! up: a report at or after it is stale, even of a success.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::Ratio;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
//! use evenkeel_core::budget::{RetryCause, RetryRatio, RetryRatioPolicy};
//! use evenkeel_core::retry::{AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
//! let policy = RetryPolicy::builder(backoff).max_attempts(4).deadline(Duration::from_secs(10)).build()?;
//! // Shared by all calls of a service: retries are at most a fifth of the requests, and it opens after ten failures in a row.
//! let mut ratio = RetryRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let trigger = Trigger::Consecutive { failures: 10 };
//! let mut breaker = Breaker::new(BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(trigger).build()?);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//! let mut answers = [false, false, true].into_iter(); // what the dependency will do
//!
//! let mut now_ns = 0; // any clock: `origin.elapsed().as_nanos() as u64`; here we simply step to the next instant
//! let mut retry = Retry::new(&policy, now_ns);
//! let end = loop {
//!     let mut parts = Parts::none().with_breaker(&mut breaker).with_budget(&mut ratio);
//!     match retry.poll(now_ns, &mut parts, &mut rng).action {
//!         RetryAction::Attempt { attempt, .. } => {
//!             now_ns += 2_000_000; // the call
//!             let outcome = match answers.next() {
//!                 Some(true) => AttemptOutcome::Success,
//!                 _ => AttemptOutcome::transient(RetryCause::Failure),
//!             };
//!             let mut parts = Parts::none().with_breaker(&mut breaker).with_budget(&mut ratio);
//!             let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
//!         }
//!         RetryAction::WaitUntil { at_ns } => now_ns = at_ns, // sleep for `time::until(now_ns, at_ns)`
//!         RetryAction::Done { end } => break end,
//!         _ => unreachable!("this policy has no attempt timeout"),
//!     }
//! };
//! assert_eq!((end, retry.attempts()), (End::Succeeded, 3));
//! let stats = breaker.stats(now_ns);
//! assert_eq!((stats.failures, stats.successes), (2, 1));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! **[Breaker](breaker)**: stop calling what does not answer, find out when it does again. It is a gate: ask, and report
//! with the permit that it gives.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::Ratio;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Phase, Trigger, Window};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
//! let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
//!     .window(Window::Count { calls: 100 })
//!     .trigger(Trigger::FailureRate { at_least: Ratio::percent(50), min_calls: 3 })
//!     .build()?;
//! let mut breaker = Breaker::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//! let mut log = Vec::new();
//!
//! let (mut now_ns, mut refusals) = (0, 0);
//! for ok in [false, false, false, true] {
//!     let grant = loop {
//!         match breaker.try_acquire(now_ns, &mut rng) {
//!             Ok(grant) => break grant,
//!             Err(refused) => {
//!                 log.extend(refused.transitions);
//!                 refusals += 1;
//!                 now_ns = refused.retry_at_ns().expect("open until an instant"); // come back when it says
//!             }
//!         }
//!     };
//!     log.extend(grant.transitions);
//!     let outcome = if ok { Outcome::Success } else { Outcome::Failure };
//!     let latency_ns = 2_000_000;
//!     now_ns += latency_ns;
//!     let receipt = breaker.on_outcome(now_ns, grant.permit, outcome, latency_ns, &mut rng);
//!     log.extend(receipt.transitions());
//! }
//! assert_eq!((breaker.phase(now_ns), refusals), (Phase::Closed, 1));
//! let causes: Vec<_> = log.iter().map(|transition| transition.cause.name()).collect();
//! assert_eq!(causes, ["failure-rate", "wait-over", "trials-passed"]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! **[Reconnect](reconnect)**: keep a link up, without a storm and without a hot loop.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::reconnect::{LinkAction, LinkEvent, Reconnect, ReconnectPolicy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
//! let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10)) // a try may take 10 s
//!     .stable_after(Duration::from_secs(60)) // a link lost earlier continues the backoff
//!     .silence_limit(Duration::from_secs(45)) // no frame for so long: the link is lost
//!     .build()?;
//! let mut reconnect = Reconnect::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//!
//! // The server refuses twice, hangs once, then takes the connection and goes silent after a frame.
//! let mut server = ["refuses", "refuses", "hangs", "takes"].into_iter();
//! let (mut now_ns, mut lost) = (0, Vec::new());
//! while lost.len() < 2 {
//!     match reconnect.poll(now_ns, &mut rng) {
//!         LinkAction::Connect { link, .. } => match server.next() {
//!             Some("refuses") => drop(reconnect.on_event(now_ns, link, LinkEvent::Failed, &mut rng)),
//!             Some("takes") => {
//!                 let _ = reconnect.on_event(now_ns, link, LinkEvent::Connected, &mut rng);
//!                 let _ = reconnect.on_frame(now_ns, link);
//!             }
//!             _ => {}
//!         },
//!         LinkAction::Abandon { reason, .. } => lost.push(reason.name()), // close it
//!         // Waiting, connecting or connected: sleep until something is due, or until something happens.
//!         _ => now_ns = reconnect.next_deadline_ns().expect("it never gives up"),
//!     }
//! }
//! assert_eq!(lost, ["connect-timeout", "silent"]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # All, by shape
//!
//! | shape | machines | question | verbs |
//! |---|---|---|---|
//! | schedule | [`Backoff`](backoff::Backoff) | how long? | `next_wait(now_ns, rng) -> Result<Wait, Exhausted>`, `reset()` |
//! | gate | [`Breaker`](breaker::Breaker), [`RetryTokens`](budget::RetryTokens), [`RetryRatio`](budget::RetryRatio), [`AdaptiveThrottle`](throttle::AdaptiveThrottle); for many keys `BackoffTable`, `RecoveryBudget`, `BreakerTable` in `table` | may I, now? | `try_*(now_ns, ..) -> Result<Grant, Refusal>`, `on_*(now_ns, grant, fact, ..)` |
//! | driver | [`Retry`](retry::Retry), [`Reconnect`](reconnect::Reconnect), [`Restart`](restart::Restart), [`HealthProbe`](health::HealthProbe) | what do I do next? | `poll(now_ns, .., rng) -> Action`, `on_*(now_ns, id, fact, ..)` |
//! | estimator | [`SampleWindow`](estimator#which-one), `QuantileWindow`, `ThresholdWindow`, `LogHistogram`, `RollingHistogram` | what is p99? | `record(now_ns, value)`, `quantile(now_ns, q) -> Option<u64>` |
//!
//! A machine is a checked, immutable policy and a small plain state. `try_` asks, `on_` reports a fact, `poll` advances,
//! nouns are pure queries. Arguments come in one order: `now_ns`, id or key, fact, shared parts, then the generator. Which one for
//! which problem: `docs/choosing.md`.
//!
//! Every driver runs in the same loop, in any runtime (`Retry::poll` also takes what it shares; its answer's `action` is
//! meant here):
//!
//! ```text
//! loop {
//!     match machine.poll(now_ns(), .., &mut rng) {
//!         something to do      => do it, then machine.on_*(now_ns(), id, fact, .., &mut rng)
//!         wait, running, up .. => sleep until machine.next_deadline_ns(), or until some fact arrives
//!         the end              => return
//!     }
//! }
//! ```
//!
//! Sleep only on an answer that waits: `Abandon` (drop the call) is something to do, and after it a machine that is
//! over has no deadline, though it has not said so yet.
//!
//! An instant's name says what it is: `at_ns` when something happens, `until_ns` when a state ends, `retry_at_ns` when a
//! question that was refused is answered with yes. [`time::after`] makes an instant of a span, [`time::until`] the `Duration`
//! to sleep for.
//!
//! # What holds for every machine
//!
//! - The same policy, state, inputs and random words give the same answers and state, on any machine.
//! - An instant is a `u64` of nanoseconds from any origin. Time that runs backwards stands still. At exactly the deadline is
//!   ready. Any `u64` is safe; a deadline past the last instant is `None`.
//! - Queries take `&self` and change nothing. Polling late or never changes no answer: what fell due happened at its instant.
//! - One random word for each choice, none otherwise; [`random::scaled`] is the only way a word becomes a number.
//! - A late, foreign or doubled report changes nothing and is answered as stale, by ids. Ids are of one machine: what
//!   another gave may look the same, so send along whose it is (a breaker's permits can carry that themselves:
//!   [tagged](breaker::Breaker::tagged)).
//! - Memory is fixed by the policy, work for each call is bounded, also after years of idleness.
//! - [`state()`](breaker::Breaker::state) is plain data; `restore` checks it as hostile input; [`Rebase`] takes it into a
//!   process whose clock starts elsewhere.
//! - No float, no `unsafe`, no panic for any argument: lints of this crate deny them.
//!
//! # The laws
//!
//! One suite is run over every machine with hostile instants, ids and states (evenkeel-replay's `tests/laws`), and
//! over a canary that breaks each law and must be caught:
//!
//! | law | |
//! |---|---|
//! | L1 | the same policy, state, inputs and words give the same answers and state |
//! | L2 | time that runs backwards stands still |
//! | L3 | before the deadline `poll` changes nothing |
//! | L4 | at the deadline it makes progress |
//! | L5 | polling late or never changes no later answer |
//! | L6 | `restore(policy, state())` cannot be told from the original, at any step |
//! | L7 | a constant added to all instants shifts all answers by it |
//! | L8 | stale and foreign ids change nothing (ids are of one machine; what another gave may look the same) |
//! | L9 | to forget a key whose state is as new cannot be observed |
//! | L10 | memory is fixed by the policy, work for each call is bounded, also after years of idleness |
//! | L11 | words drawn are choices made |
//! | L12 | every `u64` is safe for every instant and value |
//! | L13 | tables of the same content answer in the same order, whatever their history or hasher |
//!
//! # Features
//!
//! - `alloc` (default): tables, estimators that keep values, and windows larger than their inline size. Without it `build()`
//!   refuses those: see [`Window`](breaker::Window) for what fits, and 16 probes in flight.
//! - `serde`: policies in the format of evenkeel's policy files (reading goes through `build()`; a format that describes
//!   itself, such as TOML or JSON), states with a version.
//!
//! With `serde`, a policy file is a struct of yours with the tables that you want (here with the `toml` crate):
//!
//! ```
//! # #[cfg(feature = "serde")] {
//! #[derive(serde::Deserialize)]
//! struct Policies {
//!     retry: evenkeel_core::retry::RetryPolicy,
//!     breaker: evenkeel_core::breaker::BreakerPolicy,
//! }
//! let text = r#"
//!     retry = { backoff = { base = "100ms", cap = "5s" }, max_attempts = 4 }
//!     [breaker]
//!     triggers  = [{ kind = "consecutive", failures = 5 }]
//!     open      = { base = "1s", cap = "60s" }
//!     half_open = { probe_timeout = "5s" }
//! "#;
//! let policies: Policies = toml::from_str(text)?;
//! assert_eq!((policies.retry.max_attempts(), policies.breaker.trials()), (Some(4), 1));
//! # }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
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

pub mod advice;
pub mod backoff;
mod bits;
pub mod breaker;
pub mod budget;
mod config;
mod decimal;
pub mod error;
pub mod estimator;
pub mod health;
mod named;
mod packed;
mod quantile;
pub mod random;
mod ratio;
mod rebase;
pub mod reconnect;
mod refusal;
mod reported;
pub mod restart;
pub mod retry;
#[cfg(feature = "serde")]
mod runs;
mod slices;
pub mod span;
mod store;
#[cfg(feature = "alloc")]
pub mod table;
mod tally;
#[cfg(feature = "serde")]
mod text;
pub mod throttle;
pub mod time;
mod version;

pub use error::{ConfigError, RestoreError};
pub use quantile::Quantile;
pub use ratio::Ratio;
pub use rebase::Rebase;
pub use refusal::Refusal;
pub use reported::Reported;

/// README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
