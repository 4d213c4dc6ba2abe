//! A discrete-event world on virtual time, in which evenkeel's machines meet a crowd.
//!
//! A policy is right or wrong only in a crowd: one client that retries is prudent, a thousand are a storm. Here a million
//! clients, each with a breaker and a backoff of its own, call servers that queue, slow down and fail, at millions of
//! events a second, and the same seed gives the same bytes on every machine, in debug and in release.
//!
//! | part | what there is |
//! |---|---|
//! | time | [`Model`], [`World`], [`Sim`]; below them the [`Queue`] |
//! | chance | [`Streams`]: one [`Stream`] for each entity; [`Delay`] for networks and service times |
//! | servers | [`Server`]: [`Concurrent`], [`BoundedQueue`], [`Listener`]; [`VersionedRow`] |
//! | load | [`Load`]: Poisson, spike, ramp, the instants of a trace |
//! | faults | [`Faults`]: outage, slow-down, partition, error rate, by time |
//! | clients | any machine of [`evenkeel_core`]; [`advance`] for operations that retry; [`Slab`] and [`Timer`] |
//! | scenarios | [`Scenario`]: parameters by name, metrics over runs, curves over time; [`scenarios`] are built in |
//!
//! A world of your own, whole: clients behind breakers, a server that is gone for two seconds.
//!
//! ```
//! use std::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Permit, Trigger};
//! use evenkeel_sim::{Delay, Fault, Faults, Model, Sim, Stream, Streams, World};
//!
//! struct Clients<'a> {
//!     clients: Vec<(Breaker<&'a BreakerPolicy>, Stream)>,
//!     faults: Faults,
//!     network: Delay,
//!     wasted: u32,
//! }
//!
//! enum Event {
//!     Call { client: usize },
//!     Answer { client: usize, permit: Permit },
//! }
//!
//! impl Model for Clients<'_> {
//!     type Event = Event;
//!     fn on_event(&mut self, event: Event, world: &mut World<Event>) {
//!         let now_ns = world.now_ns();
//!         match event {
//!             Event::Call { client } => {
//!                 world.after(100_000_000, Event::Call { client }); // ten calls a second
//!                 let (breaker, rng) = &mut self.clients[client];
//!                 if let Ok(grant) = breaker.try_acquire(now_ns, rng) {
//!                     let permit = grant.permit;
//!                     world.after(self.network.draw_ns(rng), Event::Answer { client, permit });
//!                 }
//!             }
//!             Event::Answer { client, permit } => {
//!                 let failed = self.faults.is_out(now_ns);
//!                 self.wasted += u32::from(failed);
//!                 let outcome = if failed { Outcome::Failure } else { Outcome::Success };
//!                 let (breaker, rng) = &mut self.clients[client];
//!                 let _ = breaker.on_outcome(now_ns, permit, outcome, 0, rng);
//!             }
//!         }
//!     }
//! }
//!
//! let second = Duration::from_secs(1);
//! let open = BackoffPolicy::builder(second);
//! let policy = BreakerPolicy::builder(open, second).trigger(Trigger::Consecutive { failures: 3 }).build()?;
//! let streams = Streams::seeded(7);
//! let mut sim = Sim::new(Clients {
//!     clients: (0..100).map(|id| (Breaker::new(&policy), streams.of("client", id))).collect(),
//!     faults: Faults::none().with(second, 3 * second, Fault::Outage),
//!     network: Delay::exponential(Duration::from_millis(5)),
//!     wasted: 0,
//! });
//! for client in 0..100 {
//!     sim.world.at(0, Event::Call { client });
//! }
//! sim.run_until(10_000_000_000);
//! // Without breakers it would be 2 000: ten a second of a hundred clients, for two seconds.
//! assert!((300..700).contains(&sim.model.wasted));
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```
//!
//! With a server of one's own, too, and the same calls with breakers and without: the example `own_world`, explained in
//! `docs/simulators.md`.
//!
//! A run is deterministic because nothing in it is left to the platform: time is virtual, ties go by the order in which
//! events were put in, each entity has a random stream of its own, and logarithms come from `libm` (those of the standard
//! library differ in the last bit between platforms).
//!
//! Feature `serde`: a [`Report`] serializes, and scenarios are read from files.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod delay;
mod fault;
#[cfg(feature = "serde")]
mod file;
#[cfg(feature = "serde")]
mod file_error;
mod load;
mod operation;
mod param;
mod param_error;
mod queue;
mod random;
mod report;
mod scenario;
pub mod scenarios;
mod server;
mod slab;
#[cfg(feature = "serde")]
mod table;
mod trace_file;
mod watch;
mod world;
mod ziggurat;

pub use delay::Delay;
pub use fault::{Fault, Faults};
#[cfg(feature = "serde")]
pub use file::ScenarioFile;
#[cfg(feature = "serde")]
pub use file_error::FileError;
pub use load::{Arrivals, Load, TraceError};
pub use operation::{Standing, advance};
pub use param::{Choice, Param, Value};
pub use param_error::ParamError;
pub use queue::Queue;
pub use random::{Stream, Streams};
pub use report::Report;
pub use scenario::{Metric, Run, Scenario, Summary, summarize};
pub use server::{Arrival, BoundedQueue, Concurrent, Listener, Server, Started, VersionedRow};
pub use slab::{Key, Slab, Timer};
#[cfg(feature = "serde")]
pub use table::{Policy, Table};
pub use trace_file::TraceFile;
pub use watch::{Column, Curve, Series, Watch};
pub use world::{Model, Sim, World};
