//! The world of calls at work: what each event does.

use evenkeel_core::budget::RetryCause;
use evenkeel_core::health::ProbeId;
use evenkeel_core::retry::{AttemptId, AttemptOutcome, End, Retry, RetryPolicy};

use super::client::{Client, Phases};
use super::{Machine, Plan, Tally, Traffic};
use crate::load::Arrivals;
use crate::operation::{Standing, advance};
use crate::random::{Stream, Streams};
use crate::server::{Arrival, Server, Started};
use crate::slab::{Key, Slab};
use crate::watch::{Column, Watch};
use crate::world::{Model, Sim, World};

pub(in crate::scenarios) const COLUMNS: &[Column] = &[
    Column::rate("arrivals"),
    Column::rate("goodput"),
    Column::rate("load"),
    Column::rate("refused"),
    Column::rate("given up"),
    Column::level("in flight"),
    Column::level("closed"),
    Column::level("open"),
    Column::level("half-open"),
];
const ARRIVALS: usize = 0;
const GOODPUT: usize = 1;
const LOAD: usize = 2;
const REFUSED: usize = 3;
const GIVEN_UP: usize = 4;
const IN_FLIGHT: usize = 5;
/// And open and half-open behind it.
const CLOSED: usize = 6;

/// One run of the plan.
pub(in crate::scenarios) fn run(plan: &Plan, streams: Streams, watch: &mut Watch) -> Tally {
    watch.columns(COLUMNS);
    let clients = (0..plan.clients).map(|id| Client::new(plan, id, streams));
    let breakers = plan.breaker.as_ref().map_or(0, |_| u64::from(plan.clients));
    let arrivals = match &plan.traffic {
        Traffic::Open(load) => Some(load.clone().arrivals()),
        Traffic::Closed { .. } => None,
    };
    let mut sim = Sim::new(Calls {
        plan,
        clients: clients.collect(),
        operations: Slab::new(),
        server: plan.server.machine(),
        restarts: 0,
        arrivals,
        rngs: ["arrivals", "network", "server"].map(|kind| streams.of(kind, 0)),
        phases: Phases::all_closed(breakers),
        tally: Tally::new(plan.end_ns),
        watch,
    });
    for at_ns in plan.faults.changes_ns() {
        sim.world.at(at_ns, Event::Fault);
    }
    sim.model.begin(&mut sim.world);
    sim.run_until(plan.end_ns);
    sim.model.watch.end(plan.end_ns);
    let mut tally = sim.model.tally;
    tally.events = sim.world.events();
    tally
}

pub(super) struct Calls<'a> {
    pub(super) plan: &'a Plan,
    pub(super) clients: Vec<Client<'a>>,
    operations: Slab<Operation<'a>>,
    server: Machine<Request>,
    /// How often the server was restarted; what it began before that never ends.
    restarts: u32,
    arrivals: Option<Arrivals>,
    /// Of the arrivals, the network, the server.
    pub(super) rngs: [Stream; 3],
    pub(super) phases: Phases,
    tally: Tally,
    watch: &'a mut Watch,
}

/// A call, with all of its attempts.
struct Operation<'a> {
    retry: Retry<&'a RetryPolicy>,
    client: u32,
    began_ns: u64,
    sent: bool,
}

/// What a request is for.
#[derive(Clone, Copy)]
pub(super) enum What {
    Attempt { operation: Key, attempt: AttemptId },
    Probe(ProbeId),
}

/// A message of a client, on its way.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) what: What,
    pub(super) client: u32,
}

/// What comes back.
#[derive(Clone, Copy)]
pub(super) enum Reply {
    Done,
    /// It was worked on, and failed.
    Failed,
    /// The queue was full.
    Full,
    /// Nobody listens.
    Down,
}

pub(super) enum Event {
    /// A call comes from outside.
    Arrival,
    /// A client has thought.
    Thought { client: u32 },
    /// A request reaches the server.
    Reach(Request),
    /// The server is done with it, if it was not restarted since.
    Finish { request: Request, restarts: u32 },
    /// The answer reaches the client.
    Answer { request: Request, reply: Reply },
    /// Something of the operation is due.
    Due(Key),
    /// The client's probe is due.
    ProbeDue { client: u32, timer: u32 },
    /// A fault begins or ends.
    Fault,
}

impl Calls<'_> {
    fn begin(&mut self, world: &mut World<Event>) {
        // At 0, before all else: a fault may be there from the beginning.
        self.change(world.now_ns());
        for client in 0..self.plan.clients {
            self.probe(client, world);
        }
        match &self.plan.traffic {
            Traffic::Open(_) => self.arrive_later(world),
            Traffic::Closed { .. } => {
                for client in 0..self.plan.clients {
                    self.think(client, world);
                }
            }
        }
    }

    fn arrive_later(&mut self, world: &mut World<Event>) {
        let [rng, ..] = &mut self.rngs;
        let next_ns = self
            .arrivals
            .as_mut()
            .and_then(|arrivals| arrivals.next_ns(world.now_ns(), rng));
        if let Some(at_ns) = next_ns {
            world.at(at_ns, Event::Arrival);
        }
    }

    fn think(&mut self, client: u32, world: &mut World<Event>) {
        if let Traffic::Closed { think } = &self.plan.traffic {
            let delay_ns = think.draw_ns(&mut self.clients[client as usize].rng);
            world.after(delay_ns, Event::Thought { client });
        }
    }

    /// A new call of this client.
    fn call(&mut self, client: u32, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        self.tally.at(now_ns).calls += 1;
        self.watch.count(ARRIVALS, now_ns, 1);
        let Client { throttle, rng, .. } = &mut self.clients[client as usize];
        if let Some(throttle) = throttle {
            if throttle.try_request(now_ns, rng).is_err() {
                self.refused(client, world);
                return;
            }
        }
        let operation = self.operations.insert(Operation {
            retry: Retry::new(&self.plan.retry, now_ns),
            client,
            began_ns: now_ns,
            sent: false,
        });
        self.advance(operation, world);
    }

    fn refused(&mut self, client: u32, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        self.tally.at(now_ns).refused += 1;
        self.watch.count(REFUSED, now_ns, 1);
        self.think(client, world);
    }

    fn advance(&mut self, key: Key, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let Some(operation) = self.operations.get_mut(key) else {
            return;
        };
        let id = operation.client;
        let client = &mut self.clients[id as usize];
        let [_, network, _] = &mut self.rngs;
        let (tally, watch, delay) = (&mut self.tally, &mut *self.watch, self.plan.network);
        let probes = self.phases.probes;
        let standing = client.with_parts(&mut self.phases, |parts, rng| {
            advance(&mut operation.retry, now_ns, parts, rng, |attempt| {
                operation.sent = true;
                tally.at(now_ns).attempts += 1;
                watch.count(LOAD, now_ns, 1);
                let operation = key;
                let what = What::Attempt { operation, attempt };
                let request = Request { what, client: id };
                world.after(delay.draw_ns(network), Event::Reach(request));
            })
        });
        self.tally.at(now_ns).probes += self.phases.probes - probes;
        match standing {
            Standing::Waiting { until_ns } => {
                if let Some(at_ns) = until_ns {
                    world.at(at_ns, Event::Due(key));
                }
            }
            Standing::Done(end) => self.ended(key, end, world),
        }
    }

    fn ended(&mut self, key: Key, end: End, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let Some(operation) = self.operations.remove(key) else {
            return;
        };
        if !operation.sent {
            self.refused(operation.client, world);
            return;
        }
        if end == End::Succeeded {
            self.tally.at(now_ns).good += 1;
            self.tally.took(now_ns, now_ns - operation.began_ns);
            self.watch.count(GOODPUT, now_ns, 1);
            if let Some(throttle) = &mut self.clients[operation.client as usize].throttle {
                throttle.on_accepted(now_ns);
            }
        } else {
            self.watch.count(GIVEN_UP, now_ns, 1);
        }
        self.think(operation.client, world);
    }

    /// Sends an answer, unless the network is cut.
    fn answer(&mut self, request: Request, reply: Reply, world: &mut World<Event>) {
        let clients = u64::from(self.plan.clients);
        let client = u64::from(request.client);
        if !self.plan.faults.is_cut(world.now_ns(), client, clients) {
            let delay_ns = self.plan.network.draw_ns(&mut self.rngs[1]);
            world.after(delay_ns, Event::Answer { request, reply });
        }
    }

    fn reach(&mut self, request: Request, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let clients = u64::from(self.plan.clients);
        if self
            .plan
            .faults
            .is_cut(now_ns, u64::from(request.client), clients)
        {
            return;
        }
        if self.plan.faults.is_out(now_ns) {
            self.answer(request, Reply::Down, world);
            return;
        }
        match self.server.arrive(now_ns, request, &mut self.rngs[2]) {
            Arrival::Started(started) => self.started(started, world),
            Arrival::Waiting => {}
            Arrival::Refused(request) => self.answer(request, Reply::Full, world),
        }
    }

    fn started(&self, started: Started<Request>, world: &mut World<Event>) {
        let Started {
            request,
            ends_at_ns,
        } = started;
        let restarts = self.restarts;
        world.at(ends_at_ns, Event::Finish { request, restarts });
    }

    fn finish(&mut self, request: Request, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        if let Some(next) = self.server.finish(now_ns, &mut self.rngs[2]) {
            self.started(next, world);
        }
        if let What::Attempt { operation, attempt } = request.what {
            let operation = self.operations.get_mut(operation);
            let awaited = operation.is_some_and(|call| call.retry.in_flight() == Some(attempt));
            self.tally.worked += 1;
            self.tally.for_nobody += u64::from(!awaited);
        }
        let failed = self.plan.faults.fails(now_ns, &mut self.rngs[2]);
        let reply = if failed { Reply::Failed } else { Reply::Done };
        self.answer(request, reply, world);
    }

    fn answered(&mut self, request: Request, reply: Reply, world: &mut World<Event>) {
        let (key, attempt) = match request.what {
            What::Attempt { operation, attempt } => (operation, attempt),
            What::Probe(probe) => return self.probed(request.client, probe, reply, world),
        };
        let Some(operation) = self.operations.get_mut(key) else {
            return;
        };
        let outcome = match reply {
            Reply::Done => AttemptOutcome::Success,
            Reply::Failed | Reply::Down => AttemptOutcome::transient(RetryCause::Failure),
            Reply::Full => AttemptOutcome::transient(RetryCause::Throttled),
        };
        let client = &mut self.clients[request.client as usize];
        client.with_parts(&mut self.phases, |parts, rng| {
            let _ = operation
                .retry
                .on_outcome(world.now_ns(), attempt, outcome, parts, rng);
        });
        self.advance(key, world);
    }

    /// A fault may have begun or ended.
    fn change(&mut self, now_ns: u64) {
        self.server.slow_down(self.plan.faults.slow_down(now_ns));
        if self.plan.faults.is_out(now_ns) {
            self.server.clear();
            self.restarts += 1;
        }
    }
}

impl Model for Calls<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        match event {
            Event::Arrival => {
                self.arrive_later(world);
                let client = self.rngs[0].below(u64::from(self.plan.clients));
                self.call(client as u32, world);
            }
            Event::Thought { client } => self.call(client, world),
            Event::Reach(request) => self.reach(request, world),
            Event::Finish { request, restarts } => {
                if self.restarts == restarts {
                    self.finish(request, world);
                }
            }
            Event::Answer { request, reply } => self.answered(request, reply, world),
            Event::Due(operation) => self.advance(operation, world),
            Event::ProbeDue { client, timer } => {
                if self.clients[client as usize].timer.is_due(timer) {
                    self.probe(client, world);
                }
            }
            Event::Fault => self.change(world.now_ns()),
        }
        if self.watch.is_on() {
            let now_ns = world.now_ns();
            let in_flight = self.server.in_progress() as f64;
            self.watch.level(IN_FLIGHT, now_ns, in_flight);
            for (at, count) in self.phases.counts().into_iter().enumerate() {
                self.watch.level(CLOSED + at, now_ns, count as f64);
            }
        }
    }
}
