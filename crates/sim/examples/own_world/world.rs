//! The world around them: messages that take a while, an outage, and what is counted.

use std::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Mode, Permit, Trigger};
use evenkeel_sim::{
    Arrival, Delay, Fault, Faults, Model, Server, Sim, Stream, Streams, Timer, World,
};

use crate::client::Client;
use crate::server::Api;

pub(crate) const SECOND: u64 = 1_000_000_000;
const END_NS: u64 = 30 * SECOND;
const CLIENTS: u64 = 200;

/// What came of the calls. Those in flight at the end are sent and not answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) wanted: u64,
    pub(crate) held_back: u64,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
}

struct Crowd<'a> {
    clients: Vec<Client<'a>>,
    api: Api,
    /// Which life of the server an event is of: what it worked on before an outage does not end after it.
    life: Timer,
    alive: u32,
    api_rng: Stream,
    network: Delay,
    faults: Faults,
    counts: Counts,
}

/// A call of a client.
pub(crate) type Call = (usize, Permit);

enum Event {
    Want { client: usize },
    Reach(Call),
    Finish { call: Call, life: u32 },
    Answer { call: Call, answered: bool },
    Fault,
}

impl Crowd<'_> {
    /// The answer is on its way.
    fn answer(&mut self, call: Call, answered: bool, world: &mut World<Event>) {
        let delay_ns = self.network.draw_ns(&mut self.clients[call.0].rng);
        world.after(delay_ns, Event::Answer { call, answered });
    }
}

impl Model for Crowd<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        match event {
            Event::Want { client } => {
                let caller = &mut self.clients[client];
                world.after(caller.gap_ns(), Event::Want { client });
                self.counts.wanted += 1;
                match caller.ask(now_ns) {
                    Some(permit) => {
                        self.counts.sent += 1;
                        let delay_ns = self.network.draw_ns(&mut caller.rng);
                        world.after(delay_ns, Event::Reach((client, permit)));
                    }
                    None => self.counts.held_back += 1,
                }
            }
            Event::Reach(call) if self.faults.is_out(now_ns) => self.answer(call, false, world),
            Event::Reach(call) => match self.api.arrive(now_ns, call, &mut self.api_rng) {
                Arrival::Started(started) => {
                    let (call, life) = (started.request, self.alive);
                    world.at(started.ends_at_ns, Event::Finish { call, life });
                }
                Arrival::Waiting => {}
                Arrival::Refused(call) => self.answer(call, false, world),
            },
            Event::Finish { call, life } => {
                let is_done = self.life.is_due(life);
                if is_done {
                    let _ = self.api.finish(now_ns, &mut self.api_rng);
                }
                self.answer(call, is_done, world);
            }
            Event::Answer {
                call: (client, permit),
                answered,
            } => {
                self.counts.answered += u64::from(answered);
                self.clients[client].report(now_ns, permit, answered);
            }
            Event::Fault => {
                self.api.clear();
                self.alive = self.life.set();
            }
        }
    }
}

/// Half a minute: 800 calls a second are wanted, the API answers 500, and from 10 s to 15 s none.
pub(crate) fn run(seed: u64, mode: Mode) -> Result<Counts, ConfigError> {
    let open = BackoffPolicy::builder(Duration::from_millis(500));
    let policy = BreakerPolicy::builder(open, Duration::from_secs(1))
        .trigger(Trigger::Consecutive { failures: 3 })
        .build()?;
    let streams = Streams::seeded(seed);
    let gap = Delay::exponential(Duration::from_millis(250));
    let [from, until] = [10, 15].map(Duration::from_secs);
    let mut life = Timer::default();
    let client = |id| Client::new(&policy, mode, gap, streams, id);
    let mut sim = Sim::new(Crowd {
        clients: (0..CLIENTS).map(client).collect(),
        api: Api::new(500),
        alive: life.set(),
        life,
        api_rng: streams.of("api", 0),
        network: Delay::log_normal(Duration::from_millis(5), 0.5),
        faults: Faults::none().with(from, until, Fault::Outage),
        counts: Counts::default(),
    });
    for client in 0..sim.model.clients.len() {
        let gap_ns = sim.model.clients[client].gap_ns();
        sim.world.at(gap_ns, Event::Want { client });
    }
    for at_ns in sim.model.faults.changes_ns() {
        sim.world.at(at_ns, Event::Fault);
    }
    sim.run_until(END_NS);
    Ok(sim.model.counts)
}

/// Both ways side by side.
pub(crate) fn table(seed: u64) -> Result<String, ConfigError> {
    let mut text = String::from("               wanted  held back     sent  answered  in vain\n");
    for (name, mode) in [
        ("no breaker", Mode::ForcedClosed),
        ("breaker", Mode::Normal),
    ] {
        let Counts {
            wanted,
            held_back,
            sent,
            answered,
        } = run(seed, mode)?;
        let in_vain = sent - answered;
        text += &format!(
            "{name:12} {wanted:>8} {held_back:>10} {sent:>8} {answered:>9} {in_vain:>8}\n"
        );
    }
    Ok(text)
}
