//! Peers of which a share comes and goes: what a table of backoffs saves, and what it costs.

use std::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy};

use super::fit::not_endless;
use super::own;
use crate::delay::Delay;
use crate::param::Param;
use crate::param_error::ParamError;
use crate::random::{Stream, Streams};
use crate::scenario::{Metric, Run, Scenario};
use crate::watch::{Column, Watch};
use crate::world::{Model, Sim, World};

/// One node, its peers, and a [`BackoffTable`] that holds back those that fail.
///
/// The node has messages for each peer, as a Poisson stream, and sends a message only where the table lets it. A share of
/// the peers flaps: up for a while, down for a while, each drawn from an exponential distribution. A message to a peer
/// that is down is a wasted attempt; a message that the table holds back from a peer that is up again is one missed. The
/// backoff of a key settles only how the one is traded for the other: it knows how often the peer failed, not how long
/// the peer will be down.
///
/// With **advisories** a peer that is down answers, through its proxy or its admission control, when it expects to be
/// back: with what is left, times a log-normal error. The table weighs that against its own wait by the policy's
/// advisory rule.
///
/// ```
/// use evenkeel_sim::scenarios::FlappingPeer;
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let wasted = |advisories| {
///     let scenario = FlappingPeer { peers: 200, advisories, ..FlappingPeer::default() };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values[0]
/// };
/// assert!(wasted(true) < wasted(false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlappingPeer {
    /// How many peers, 1 to 1 000 000. Default: 1000.
    pub peers: u64,
    /// The share of them that flaps. Default: a fifth.
    pub flapping: f64,
    /// Messages a second for each peer. Default: 1.
    pub rate: f64,
    /// How long such a peer is up, on average. Default: 60 s.
    pub up: Duration,
    /// How long it is down, on average. Default: 20 s.
    pub down: Duration,
    /// Whether a peer that is down says when it will be back. Default: no.
    pub advisories: bool,
    /// How wrong it is then: the standard deviation of the logarithm. Default: 0.3, mostly within a third.
    pub error: f64,
    /// How long the run is, 1 to 100 000. Default: 600.
    pub seconds: u64,
    /// Instead of full jitter from 500 ms up to 60 s, forgotten after 5 minutes.
    pub backoff_table_policy: Option<BackoffTablePolicy>,
}

impl Default for FlappingPeer {
    fn default() -> Self {
        Self {
            peers: 1_000,
            flapping: 0.2,
            rate: 1.0,
            up: Duration::from_secs(60),
            down: Duration::from_secs(20),
            advisories: false,
            error: 0.3,
            seconds: 600,
            backoff_table_policy: None,
        }
    }
}

const METRICS: &[Metric] = &[
    Metric {
        name: "wasted",
        unit: "",
        about: "attempts that found their peer down, for each time that a peer was down",
    },
    Metric {
        name: "detection_s",
        unit: "s",
        about: "from a peer's return to the first message that reaches it, on average",
    },
    Metric {
        name: "missed",
        unit: "",
        about: "messages held back from a peer that was up, of all to peers that were up",
    },
];

const COLUMNS: &[Column] = &[
    Column::rate("load"),
    Column::rate("goodput"),
    Column::rate("wasted"),
    Column::rate("refused"),
    Column::level("down"),
];
const LOAD: usize = 0;
const GOODPUT: usize = 1;
const WASTED: usize = 2;
const REFUSED: usize = 3;
const DOWN: usize = 4;

impl Scenario for FlappingPeer {
    fn name(&self) -> &'static str {
        "flapping-peer"
    }

    fn about(&self) -> &'static str {
        "peers come and go: attempts wasted on those that are down, and how late their return is noticed"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        let spans = || Duration::from_millis(1)..=Duration::from_secs(86_400);
        let mut params = vec![
            Param::count("peers", "how many peers", &mut self.peers, 1..=1_000_000),
            Param::real(
                "flapping",
                "the share of them that flaps",
                &mut self.flapping,
                0.0..=1.0,
            ),
            Param::real(
                "rate",
                "messages a second for each peer",
                &mut self.rate,
                0.001..=1e6,
            ),
            Param::span(
                "up",
                "how long such a peer is up, on average",
                &mut self.up,
                spans(),
            ),
            Param::span(
                "down",
                "how long it is down, on average",
                &mut self.down,
                spans(),
            ),
            Param::flag(
                "advisories",
                "whether it says when it will be back",
                &mut self.advisories,
            ),
            Param::real(
                "error",
                "how wrong it is, as a logarithm's deviation",
                &mut self.error,
                0.0..=10.0,
            ),
            Param::count(
                "seconds",
                "how long the run is",
                &mut self.seconds,
                1..=100_000,
            ),
        ];
        params.extend(own(
            "backoff_table_policy",
            self.backoff_table_policy.as_ref(),
        ));
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        vec![crate::table::Table::policy(&mut self.backoff_table_policy)]
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn check(&self) -> Result<(), ParamError> {
        not_endless("rate", self.peers as f64 * self.rate, self.seconds)
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        watch.columns(COLUMNS);
        let end_ns = self.seconds * 1_000_000_000;
        let peer = |id| Peer {
            rng: streams.of("peer", id),
            back_at_ns: None,
            returned_at_ns: None,
        };
        let mut sim = Sim::new(Node {
            scenario: *self,
            table: BackoffTable::new(self.backoff_table_policy.unwrap_or_else(policy)),
            peers: (0..self.peers).map(peer).collect(),
            rngs: ["table", "advice"].map(|kind| streams.of(kind, 0)),
            down: 0,
            tally: Tally::default(),
            watch,
        });
        let flapping = (self.flapping * self.peers as f64).round() as usize;
        for peer in 0..sim.model.peers.len() {
            sim.model.send_later(peer, &mut sim.world);
            if peer < flapping {
                sim.model.stay_up(peer, &mut sim.world);
            }
        }
        sim.run_until(end_ns);
        let Node { tally, watch, .. } = sim.model;
        watch.end(end_ns);
        let ratio = |of: u64, all: u64| of as f64 / all.max(1) as f64;
        Run {
            values: vec![
                ratio(tally.wasted, tally.falls),
                tally.detection_s / tally.detections.max(1) as f64,
                ratio(tally.missed, tally.missed + tally.reached),
            ],
            events: sim.world.events(),
            end_ns,
        }
    }
}

fn policy() -> BackoffTablePolicy {
    let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(60));
    BackoffTablePolicy::builder(backoff, 1_000_000, Duration::from_secs(300))
        .build()
        .expect("it is a policy")
}

struct Peer {
    rng: Stream,
    /// When it will be up; it is down until then.
    back_at_ns: Option<u64>,
    /// It is up since then, and no message has reached it.
    returned_at_ns: Option<u64>,
}

#[derive(Default)]
struct Tally {
    falls: u64,
    wasted: u64,
    reached: u64,
    missed: u64,
    detections: u64,
    detection_s: f64,
}

struct Node<'a> {
    scenario: FlappingPeer,
    table: BackoffTable<u32>,
    peers: Vec<Peer>,
    /// Of the table's waits, and of the errors of advice: peers fall and return alike with and without it.
    rngs: [Stream; 2],
    down: u64,
    tally: Tally,
    watch: &'a mut Watch,
}

#[derive(Clone, Copy)]
enum Event {
    /// There is a message for this peer.
    Message { peer: usize },
    /// It goes down.
    Fall { peer: usize },
    /// It comes back.
    Return { peer: usize },
}

impl Node<'_> {
    fn send_later(&mut self, peer: usize, world: &mut World<Event>) {
        let gap = Delay::exponential(Duration::from_secs_f64(1.0 / self.scenario.rate));
        world.after(
            gap.draw_ns(&mut self.peers[peer].rng),
            Event::Message { peer },
        );
    }

    fn stay_up(&mut self, peer: usize, world: &mut World<Event>) {
        let up = Delay::exponential(self.scenario.up);
        world.after(up.draw_ns(&mut self.peers[peer].rng), Event::Fall { peer });
    }

    fn fall(&mut self, peer: usize, world: &mut World<Event>) {
        let it = &mut self.peers[peer];
        let down_ns = Delay::exponential(self.scenario.down).draw_ns(&mut it.rng);
        it.back_at_ns = Some(world.now_ns().saturating_add(down_ns));
        it.returned_at_ns = None;
        world.after(down_ns, Event::Return { peer });
        self.tally.falls += 1;
        self.down += 1;
        self.watch.level(DOWN, world.now_ns(), self.down as f64);
    }

    fn message(&mut self, peer: usize, now_ns: u64) {
        let key = peer as u32;
        let it = &mut self.peers[peer];
        if self.table.try_acquire(now_ns, &key).is_err() {
            self.tally.missed += u64::from(it.back_at_ns.is_none());
            self.watch.count(REFUSED, now_ns, 1);
            return;
        }
        self.watch.count(LOAD, now_ns, 1);
        let Some(back_at_ns) = it.back_at_ns else {
            let _ = self.table.on_success(now_ns, &key);
            self.tally.reached += 1;
            if let Some(returned_at_ns) = it.returned_at_ns.take() {
                self.tally.detections += 1;
                self.tally.detection_s += (now_ns - returned_at_ns) as f64 / 1e9;
            }
            self.watch.count(GOODPUT, now_ns, 1);
            return;
        };
        self.tally.wasted += 1;
        self.watch.count(WASTED, now_ns, 1);
        let [waits, errors] = &mut self.rngs;
        // A table that is too small holds back by its overflow entry: that is an answer, too.
        let _ = if self.scenario.advisories {
            let left = Duration::from_nanos(back_at_ns - now_ns);
            let guess_ns = Delay::log_normal(left, self.scenario.error).draw_ns(errors);
            let at_ns = now_ns.saturating_add(guess_ns);
            let advice = Advice::RetryAt { at_ns };
            self.table.on_advice(now_ns, &key, advice, waits)
        } else {
            self.table.on_failure(now_ns, &key, waits)
        };
    }
}

impl Model for Node<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        match event {
            Event::Message { peer } => {
                self.send_later(peer, world);
                self.message(peer, world.now_ns());
            }
            Event::Fall { peer } => self.fall(peer, world),
            Event::Return { peer } => {
                self.peers[peer].back_at_ns = None;
                self.peers[peer].returned_at_ns = Some(world.now_ns());
                self.down -= 1;
                self.watch.level(DOWN, world.now_ns(), self.down as f64);
                self.stay_up(peer, world);
            }
        }
    }
}
