//! A server that is slower the more it has to do, clients that give up and ask again: it never recovers.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::retry::{AttemptId, AttemptOutcome, End, Parts, Retry, RetryPolicy};

use super::own;
use crate::delay::Delay;
use crate::load::{Arrivals, Load};
use crate::operation::{Standing, advance};
use crate::param::{Choice, Param};
use crate::random::{Stream, Streams};
use crate::scenario::{Metric, Run, Scenario};
use crate::server::{Arrival, Concurrent, Server};
use crate::slab::{Key, Slab};
use crate::watch::{Column, Watch};
use crate::world::{Model, Sim, World};

/// Marc Brooker's simple collapse simulator.
///
/// A response takes 1 s, and 10 ms for each request in progress; a client gives an attempt up after 3 s and makes at most
/// three. Requests whose client gave up are still worked on. So latency passes the timeout at 200 in progress, and from
/// there on the server works for nobody.
///
/// After the spike three runs in four stay collapsed without backoff, and with it one in about two thousand.
///
/// Each request is an operation of core's [`Retry`]. The model's b starts at 10 s and doubles before each retry, so the
/// first wait is up to 20 s: a base of 20 s with full jitter.
///
/// ```
/// use evenkeel_sim::scenarios::{CollapseClient, CollapseLoad, CongestiveCollapse};
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let goodput = |client| {
///     let scenario = CongestiveCollapse { client, ..CongestiveCollapse::default() };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values[1]
/// };
/// assert!(goodput(CollapseClient::BackoffAndJitter) > 0.8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CongestiveCollapse {
    /// How requests come. Default: [`CollapseLoad::Spike`].
    pub load: CollapseLoad,
    /// How a client retries. Default: [`CollapseClient::NoBackoff`].
    pub client: CollapseClient,
    /// Instead of what `client` says.
    pub retry_policy: Option<RetryPolicy>,
}

impl Default for CongestiveCollapse {
    fn default() -> Self {
        Self {
            load: CollapseLoad::Spike,
            client: CollapseClient::NoBackoff,
            retry_policy: None,
        }
    }
}

/// How requests come to the server that collapses.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::CollapseLoad};
///
/// assert_eq!(CollapseLoad::ALL.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollapseLoad {
    /// 40 a second, and 80 a second from 20 s to 25 s.
    Spike,
    /// Up to 80 a second at 25 s and down again, by 1.6 each second.
    Ramp,
}

impl Choice for CollapseLoad {
    const ALL: &'static [(&'static str, Self)] = &[("spike", Self::Spike), ("ramp", Self::Ramp)];
}

/// How the clients of the server that collapses retry.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::CollapseClient};
///
/// assert_eq!(CollapseClient::ALL.len(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollapseClient {
    /// At once.
    NoBackoff,
    /// After a wait of up to 20 s, then of up to 40 s.
    BackoffAndJitter,
}

impl Choice for CollapseClient {
    const ALL: &'static [(&'static str, Self)] = &[
        ("no-backoff", Self::NoBackoff),
        ("backoff-and-jitter", Self::BackoffAndJitter),
    ];
}

const SECOND_NS: u64 = 1_000_000_000;
const END_NS: u64 = 80 * SECOND_NS;
/// The last 20 seconds begin.
const LAST_NS: u64 = END_NS - 20 * SECOND_NS;

const METRICS: &[Metric] = &[
    Metric {
        name: "collapsed",
        unit: "0 or 1",
        about: "whether goodput in the last 20 s is under half of the arrivals",
    },
    Metric {
        name: "goodput_fraction",
        unit: "",
        about: "successes by arrivals: of the last 20 s (spike), of the whole run (ramp)",
    },
];

const COLUMNS: &[Column] = &[
    Column::rate("arrivals"),
    Column::rate("goodput"),
    Column::rate("load"),
    Column::rate("given up"),
    Column::level("in flight"),
];
const ARRIVALS: usize = 0;
const GOODPUT: usize = 1;
const LOAD: usize = 2;
const GIVEN_UP: usize = 3;
const IN_FLIGHT: usize = 4;

impl Scenario for CongestiveCollapse {
    fn name(&self) -> &'static str {
        "congestive-collapse"
    }

    fn about(&self) -> &'static str {
        "a burst of load tips a server into work that nobody waits for any more"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        let mut params = vec![Param::choice("load", "how requests come", &mut self.load)];
        match &self.retry_policy {
            None => params.push(Param::choice(
                "client",
                "how a client retries",
                &mut self.client,
            )),
            policy => params.extend(own("retry_policy", policy.as_ref())),
        }
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        vec![crate::table::Table::policy(&mut self.retry_policy)]
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        watch.columns(COLUMNS);
        let policy = self.retry_policy.unwrap_or_else(|| self.policy());
        let mut sim = Sim::new(Collapsing {
            policy: &policy,
            step: Delay::exponential(Duration::from_millis(100)),
            server: Concurrent::new(Duration::from_secs(1), Duration::from_millis(10)),
            arrivals: self.load().arrivals(),
            operations: Slab::new(),
            rngs: ["arrivals", "network", "client"].map(|kind| streams.of(kind, 0)),
            arrived: Tally::default(),
            succeeded: Tally::default(),
            watch,
        });
        sim.world.at(SECOND_NS / 100, Event::Arrival);
        sim.run_until(END_NS);
        let Collapsing {
            arrived,
            succeeded,
            watch,
            ..
        } = sim.model;
        watch.end(END_NS);
        let (good, of) = match self.load {
            CollapseLoad::Spike => (succeeded.last, arrived.last),
            CollapseLoad::Ramp => (succeeded.all, arrived.all),
        };
        let collapsed = 2 * succeeded.last < arrived.last;
        Run {
            values: vec![f64::from(collapsed), good as f64 / of.max(1) as f64],
            events: sim.world.events(),
            end_ns: END_NS,
        }
    }
}

impl CongestiveCollapse {
    fn policy(self) -> RetryPolicy {
        let backoff = match self.client {
            CollapseClient::NoBackoff => {
                BackoffPolicy::builder(Duration::ZERO).jitter(Jitter::None)
            }
            CollapseClient::BackoffAndJitter => {
                BackoffPolicy::builder(Duration::from_secs(20)).jitter(Jitter::Full)
            }
        };
        RetryPolicy::builder(backoff)
            .max_attempts(3)
            .attempt_timeout(Duration::from_secs(3))
            .build()
            .expect("both are policies")
    }

    const fn load(self) -> Load {
        match self.load {
            CollapseLoad::Spike => Load::Spike {
                rate: 40.0,
                spike: 80.0,
                from: Duration::from_secs(20),
                until: Duration::from_secs(25),
            },
            CollapseLoad::Ramp => Load::Ramp {
                peak: 80.0,
                slope: 1.6,
                at: Duration::from_secs(25),
            },
        }
    }
}

/// How often something happened: in all, and in the last 20 seconds.
#[derive(Clone, Copy, Default)]
struct Tally {
    all: u64,
    last: u64,
}

impl Tally {
    fn count(&mut self, now_ns: u64) {
        self.all += 1;
        self.last += u64::from(now_ns >= LAST_NS);
    }
}

struct Collapsing<'a> {
    policy: &'a RetryPolicy,
    step: Delay,
    server: Concurrent,
    arrivals: Arrivals,
    operations: Slab<Retry<&'a RetryPolicy>>,
    /// Of the arrivals, the network, the clients' waits.
    rngs: [Stream; 3],
    arrived: Tally,
    succeeded: Tally,
    watch: &'a mut Watch,
}

type Request = (Key, AttemptId);

enum Event {
    /// A new operation.
    Arrival,
    /// An attempt reaches the server.
    Reach(Request),
    /// The server is done with it.
    Finish(Request),
    /// The answer reaches the client.
    Answer(Request),
    /// Something of the operation is due.
    Due(Key),
}

impl Collapsing<'_> {
    fn arrive(&mut self, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        if let Some(at_ns) = self.arrivals.next_ns(now_ns, &mut self.rngs[0]) {
            world.at(at_ns, Event::Arrival);
        }
        self.arrived.count(now_ns);
        self.watch.count(ARRIVALS, now_ns, 1);
        let operation = self.operations.insert(Retry::new(self.policy, now_ns));
        self.advance(operation, world);
    }

    fn advance(&mut self, operation: Key, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let Some(retry) = self.operations.get_mut(operation) else {
            return;
        };
        let [_, network, waits] = &mut self.rngs;
        let standing = advance(retry, now_ns, &mut Parts::none(), waits, |attempt| {
            self.watch.count(LOAD, now_ns, 1);
            let delay_ns = self.step.draw_ns(network);
            world.after(delay_ns, Event::Reach((operation, attempt)));
        });
        match standing {
            Standing::Waiting { until_ns } => {
                if let Some(at_ns) = until_ns {
                    world.at(at_ns, Event::Due(operation));
                }
            }
            Standing::Done(end) => {
                self.operations.remove(operation);
                if end == End::Succeeded {
                    self.succeeded.count(now_ns);
                    self.watch.count(GOODPUT, now_ns, 1);
                } else {
                    self.watch.count(GIVEN_UP, now_ns, 1);
                }
            }
        }
    }
}

impl Model for Collapsing<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let [_, network, waits] = &mut self.rngs;
        match event {
            Event::Arrival => self.arrive(world),
            Event::Due(operation) => self.advance(operation, world),
            Event::Reach(request) => {
                if let Arrival::Started(started) = self.server.arrive(now_ns, request, network) {
                    world.at(started.ends_at_ns, Event::Finish(started.request));
                }
            }
            Event::Finish(request) => {
                // It takes all at once: none waits.
                let _: Option<crate::Started<Request>> = self.server.finish(now_ns, network);
                world.after(self.step.draw_ns(network), Event::Answer(request));
            }
            Event::Answer((operation, attempt)) => {
                if let Some(retry) = self.operations.get_mut(operation) {
                    let (outcome, mut parts) = (AttemptOutcome::Success, Parts::none());
                    let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, waits);
                    self.advance(operation, world);
                }
            }
        }
        let in_flight = Server::<Request>::in_progress(&self.server);
        self.watch.level(IN_FLIGHT, now_ns, in_flight as f64);
    }
}
