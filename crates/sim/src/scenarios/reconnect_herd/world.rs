//! The herd at work: what each event does.

use std::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, LinkId, Reconnect, ReconnectPolicy};

use super::ReconnectHerd;
use crate::delay::Delay;
use crate::delay::nanos;
use crate::random::{Stream, Streams};
use crate::scenario::Run;
use crate::server::{Arrival, Listener, Server, Started};
use crate::slab::Timer;
use crate::watch::{Column, Watch};
use crate::world::{Model, Sim, World};

pub(super) const COLUMNS: &[Column] = &[
    Column::rate("load"),
    Column::rate("goodput"),
    Column::rate("refused"),
    Column::level("in flight"),
    Column::level("up"),
];
const LOAD: usize = 0;
const GOODPUT: usize = 1;
const REFUSED: usize = 2;
const IN_FLIGHT: usize = 3;
const UP: usize = 4;

/// One run.
pub(super) fn run(
    scenario: &ReconnectHerd,
    policy: &ReconnectPolicy,
    streams: Streams,
    watch: &mut Watch,
) -> Run {
    watch.columns(COLUMNS);
    let client = |id| Client {
        reconnect: Reconnect::new(policy),
        timer: Timer::default(),
        rng: streams.of("client", id),
    };
    let mut sim = Sim::new(Herd {
        scenario: *scenario,
        clients: (0..scenario.clients).map(client).collect(),
        network: Delay::exponential(Duration::from_millis(20)),
        listener: Listener::new(scenario.accepts, scenario.backlog),
        server: streams.of("server", 0),
        up: 0,
        tally: [0; 3],
        watch,
    });
    for client in 0..scenario.clients as u32 {
        sim.model.lose(client, &mut sim.world);
    }
    sim.run_until(scenario.seconds * 1_000_000_000);
    let all_up = sim.model.is_up();
    let end_ns = if all_up {
        sim.world.now_ns()
    } else {
        scenario.seconds * 1_000_000_000
    };
    sim.model.watch.end(end_ns);
    let [connects, refused, dropped] = sim.model.tally.map(|count| count as f64);
    Run {
        values: vec![
            end_ns as f64 / 1e9,
            refused,
            dropped,
            connects / scenario.clients as f64,
        ],
        events: sim.world.events(),
        end_ns,
    }
}

struct Client<'a> {
    reconnect: Reconnect<&'a ReconnectPolicy>,
    timer: Timer,
    rng: Stream,
}

struct Herd<'a> {
    scenario: ReconnectHerd,
    clients: Vec<Client<'a>>,
    network: Delay,
    listener: Listener,
    server: Stream,
    /// Links that stand and will stay.
    up: u64,
    /// Connects, those refused, links dropped.
    tally: [u64; 3],
    watch: &'a mut Watch,
}

type Connect = (u32, LinkId);

enum Event {
    /// A connect reaches the listener.
    Reach(Connect),
    /// The listener accepts it.
    Accept(Connect),
    /// What became of it reaches the client.
    Hear { connect: Connect, heard: Heard },
    /// The client's machine is due.
    Due { client: u32, timer: u32 },
}

#[derive(Clone, Copy)]
enum Heard {
    Refused,
    /// Accepted and greeted, to stay.
    Greeted,
    /// Accepted and greeted, to be dropped.
    GreetedInVain,
    Dropped,
}

impl Herd<'_> {
    fn is_up(&self) -> bool {
        100 * self.up >= 99 * self.scenario.clients
    }

    /// The link that the client had is lost, and it was a good one.
    fn lose(&mut self, client: u32, world: &mut World<Event>) {
        let Client { reconnect, rng, .. } = &mut self.clients[client as usize];
        if let LinkAction::Connect { link, .. } = reconnect.poll(0, rng) {
            let _ = reconnect.on_event(0, link, LinkEvent::Connected, rng);
            let _ = reconnect.on_frame(0, link);
            let _ = reconnect.on_event(0, link, LinkEvent::Lost, rng);
        }
        self.poll(client, world);
    }

    /// The canonical loop, from one event to the next.
    fn poll(&mut self, client: u32, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let Client {
            reconnect,
            timer,
            rng,
        } = &mut self.clients[client as usize];
        loop {
            match reconnect.poll(now_ns, rng) {
                LinkAction::Connect { link, .. } => {
                    self.tally[0] += 1;
                    self.watch.count(LOAD, now_ns, 1);
                    world.after(self.network.draw_ns(rng), Event::Reach((client, link)));
                }
                // The listener learns nothing of it: what it accepts then is stale.
                LinkAction::Abandon { .. } => {}
                _ => break,
            }
        }
        let timer = timer.set();
        if let Some(at_ns) = reconnect.next_deadline_ns() {
            world.at(at_ns, Event::Due { client, timer });
        }
    }

    fn tell(&mut self, connect: Connect, heard: Heard, after_ns: u64, world: &mut World<Event>) {
        let rng = &mut self.clients[connect.0 as usize].rng;
        let delay_ns = self.network.draw_ns(rng).saturating_add(after_ns);
        world.after(delay_ns, Event::Hear { connect, heard });
    }

    fn accept(&mut self, connect: Connect, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let _: Option<Started<Connect>> = self.listener.finish(now_ns, &mut self.server);
        let stays = now_ns >= nanos(self.scenario.drops);
        let heard = if stays {
            Heard::Greeted
        } else {
            Heard::GreetedInVain
        };
        self.tell(connect, heard, 0, world);
    }

    fn hear(&mut self, (client, link): Connect, heard: Heard, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let Client { reconnect, rng, .. } = &mut self.clients[client as usize];
        let fact = match heard {
            Heard::Refused => LinkEvent::Failed,
            Heard::Greeted | Heard::GreetedInVain => LinkEvent::Connected,
            Heard::Dropped => LinkEvent::Lost,
        };
        let counted = reconnect.on_event(now_ns, link, fact, rng) == Reported::Counted;
        let accepted = counted && fact == LinkEvent::Connected;
        if accepted {
            let _ = reconnect.on_frame(now_ns, link);
        }
        match heard {
            Heard::Greeted if accepted => {
                self.up += 1;
                self.watch.count(GOODPUT, now_ns, 1);
                self.watch.level(UP, now_ns, self.up as f64);
                if self.is_up() {
                    world.stop();
                }
            }
            Heard::GreetedInVain if accepted => {
                let life = Delay::exponential(self.scenario.life);
                let life_ns = life.draw_ns(&mut self.server);
                self.tally[2] += 1;
                self.tell((client, link), Heard::Dropped, life_ns, world);
            }
            _ => {}
        }
        self.poll(client, world);
    }
}

impl Model for Herd<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        match event {
            Event::Reach(connect) => {
                match self.listener.arrive(now_ns, connect, &mut self.server) {
                    Arrival::Started(started) => {
                        world.at(started.ends_at_ns, Event::Accept(connect));
                    }
                    _ => {
                        self.tally[1] += 1;
                        self.watch.count(REFUSED, now_ns, 1);
                        self.tell(connect, Heard::Refused, 0, world);
                    }
                }
            }
            Event::Accept(connect) => self.accept(connect, world),
            Event::Hear { connect, heard } => self.hear(connect, heard, world),
            Event::Due { client, timer } => {
                if self.clients[client as usize].timer.is_due(timer) {
                    self.poll(client, world);
                }
            }
        }
        let in_flight = Server::<Connect>::in_progress(&self.listener);
        self.watch.level(IN_FLIGHT, now_ns, in_flight as f64);
    }
}
