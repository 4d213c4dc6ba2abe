//! Clients that all write one row, under optimistic concurrency control, and back off when they lose.

use std::time::Duration;

use evenkeel_core::backoff::{Backoff, BackoffPolicy, Growth, Jitter};

use super::own;
use crate::delay::Delay;
use crate::param::{Choice, Param};
use crate::random::{Stream, Streams};
use crate::scenario::{Metric, Run, Scenario};
use crate::server::VersionedRow;
use crate::watch::{Column, Watch};
use crate::world::{Model, Sim, World};

/// The simulation of the AWS Architecture Blog's "Exponential Backoff And Jitter" (2015).
///
/// All clients want to write a row at instant 0. Each reads its version and writes with it; a write whose version is
/// old fails, and its client backs off and begins again. Each message takes |normal(10 ms, 2 ms)|.
///
/// The article's ceiling of retry n is min(2000 ms, 5 ms * 2^n), n from 1: the core's, whose first is the base, with a
/// base of 10 ms. Its decorrelated jitter starts from 5 ms and so has that base.
///
/// ```
/// use evenkeel_sim::scenarios::{Algorithm, ContendingWriters};
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let calls = |algorithm| {
///     let scenario = ContendingWriters { clients: 50, algorithm, backoff_policy: None };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values[1]
/// };
/// assert!(calls(Algorithm::None) > calls(Algorithm::Exponential));
/// assert!(calls(Algorithm::Exponential) > calls(Algorithm::Full));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContendingWriters {
    /// How many want to write, 1 to 100 000. Default: 100, the most that the article shows.
    pub clients: u64,
    /// How they wait after a failed write. Default: [`Algorithm::Full`].
    pub algorithm: Algorithm,
    /// Instead of what `algorithm` says. A client that may not retry any more gives up.
    pub backoff_policy: Option<BackoffPolicy>,
}

impl Default for ContendingWriters {
    fn default() -> Self {
        Self {
            clients: 100,
            algorithm: Algorithm::Full,
            backoff_policy: None,
        }
    }
}

/// How a writer waits after a failed write.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::Algorithm};
///
/// let names: Vec<_> = Algorithm::ALL.iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["none", "exponential", "equal", "full", "decorrelated"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Not at all.
    None,
    /// The ceiling.
    Exponential,
    /// Half of the ceiling, and up to as much again.
    Equal,
    /// Up to the ceiling.
    Full,
    /// Up to three times the wait before.
    Decorrelated,
}

impl Choice for Algorithm {
    const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("exponential", Self::Exponential),
        ("equal", Self::Equal),
        ("full", Self::Full),
        ("decorrelated", Self::Decorrelated),
    ];
}

impl Algorithm {
    fn policy(self) -> BackoffPolicy {
        let ms = Duration::from_millis;
        let doubling = BackoffPolicy::builder(ms(10)).cap(ms(2_000));
        let builder = match self {
            Self::None => BackoffPolicy::builder(ms(0))
                .growth(Growth::Constant)
                .jitter(Jitter::None),
            Self::Exponential => doubling.jitter(Jitter::None),
            Self::Equal => doubling.jitter(Jitter::Equal),
            Self::Full => doubling.jitter(Jitter::Full),
            Self::Decorrelated => BackoffPolicy::builder(ms(5))
                .cap(ms(2_000))
                .jitter(Jitter::Decorrelated),
        };
        builder.build().expect("all of these are policies")
    }
}

const METRICS: &[Metric] = &[
    Metric {
        name: "time_ms",
        unit: "ms",
        about: "until the last client has its answer, or gives up",
    },
    Metric {
        name: "calls",
        unit: "",
        about: "writes that reached the server",
    },
    Metric {
        name: "failed",
        unit: "",
        about: "writes that came too late",
    },
];

const COLUMNS: &[Column] = &[
    Column::rate("goodput"),
    Column::rate("load"),
    Column::level("in flight"),
];
const GOODPUT: usize = 0;
const LOAD: usize = 1;
const IN_FLIGHT: usize = 2;

impl Scenario for ContendingWriters {
    fn name(&self) -> &'static str {
        "contending-writers"
    }

    fn about(&self) -> &'static str {
        "clients that write one row back off, with and without jitter"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        let clients = &mut self.clients;
        let mut params = vec![Param::count(
            "clients",
            "how many want to write",
            clients,
            1..=100_000,
        )];
        match &self.backoff_policy {
            None => params.push(Param::choice(
                "algorithm",
                "how they wait after a failed write",
                &mut self.algorithm,
            )),
            policy => params.extend(own("backoff_policy", policy.as_ref())),
        }
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        vec![crate::table::Table::policy(&mut self.backoff_policy)]
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        watch.columns(COLUMNS);
        let algorithm = self.algorithm;
        let policy = self.backoff_policy.unwrap_or_else(|| algorithm.policy());
        let writer = |id| Writer {
            backoff: Backoff::new(&policy),
            rng: streams.of("client", id),
        };
        let mut sim = Sim::new(Row {
            message: Delay::abs_normal(Duration::from_millis(10), Duration::from_millis(2)),
            row: VersionedRow::default(),
            writers: (0..self.clients).map(writer).collect(),
            busy: self.clients,
            watch,
        });
        for client in 0..sim.model.writers.len() {
            sim.model.read(client, 0, &mut sim.world);
        }
        sim.run();
        sim.model.watch.end(sim.world.now_ns());
        let row = &sim.model.row;
        let (calls, written) = (row.writes(), row.version());
        Run {
            values: vec![
                sim.world.now_ns() as f64 / 1e6,
                calls as f64,
                (calls - written) as f64,
            ],
            events: sim.world.events(),
            end_ns: sim.world.now_ns(),
        }
    }
}

struct Writer<'a> {
    backoff: Backoff<&'a BackoffPolicy>,
    rng: Stream,
}

struct Row<'a> {
    message: Delay,
    row: VersionedRow,
    writers: Vec<Writer<'a>>,
    /// Those that have not succeeded yet, or have a wait before them.
    busy: u64,
    watch: &'a mut Watch,
}

/// Each is the arrival of a message.
enum Event {
    Read { client: usize },
    Version { client: usize, version: u64 },
    Write { client: usize, version: u64 },
    Answer { client: usize, written: bool },
}

impl Row<'_> {
    /// Sends a read after a wait.
    fn read(&mut self, client: usize, wait_ns: u64, world: &mut World<Event>) {
        let delay_ns = self.delay_ns(client);
        world.after(wait_ns.saturating_add(delay_ns), Event::Read { client });
    }

    fn delay_ns(&mut self, client: usize) -> u64 {
        self.message.draw_ns(&mut self.writers[client].rng)
    }
}

impl Model for Row<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        match event {
            Event::Read { client } => {
                let version = self.row.version();
                world.after(self.delay_ns(client), Event::Version { client, version });
            }
            Event::Version { client, version } => {
                world.after(self.delay_ns(client), Event::Write { client, version });
            }
            Event::Write { client, version } => {
                let written = self.row.write(version);
                self.watch.count(LOAD, now_ns, 1);
                self.watch.count(GOODPUT, now_ns, written.into());
                world.after(self.delay_ns(client), Event::Answer { client, written });
            }
            Event::Answer { written: true, .. } => self.busy -= 1,
            Event::Answer { client, .. } => {
                let writer = &mut self.writers[client];
                let wait = writer.backoff.next_wait(now_ns, &mut writer.rng);
                match wait {
                    Ok(wait) => self.read(client, wait.delay_ns, world),
                    Err(_) => self.busy -= 1,
                }
            }
        }
        self.watch.level(IN_FLIGHT, now_ns, self.busy as f64);
    }
}
