//! A discrete-event simulator in one file: a heap of instants, a hundred clients with the core's machines, one server.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
use evenkeel_core::random::{Rng, scaled};
use evenkeel_core::retry::{
    AttemptOutcome, End, Parts, Retry, RetryAction, RetryCause, RetryPolicy,
};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use crate::server::{Request, Server};

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;
pub(crate) const SECONDS: usize = 60;
const CLIENTS: usize = 100;
/// A client begins an operation every 200 ms on average: 500 a second together.
const PAUSE_NS: u64 = 200 * MILLISECOND;

/// What the clients have besides retries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) breaker: bool,
    pub(crate) budget: bool,
}

/// What came of a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) operations: usize,
    pub(crate) requests: u64,
    /// Requests that were worked on when nobody waited for them any more.
    pub(crate) in_vain: u64,
    /// Operations that were answered, by the second of their beginning.
    pub(crate) answered: [u32; SECONDS],
    pub(crate) begun: [u32; SECONDS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A client begins its next operation.
    Begins { client: usize },
    /// An operation has a deadline: a timeout, or the end of a wait.
    Due { operation: usize },
    /// A worker is done with a request.
    Served { request: Request },
}

struct Client<'a> {
    breaker: Option<Breaker<&'a BreakerPolicy>>,
    budget: Option<RetryTokens<&'a RetryTokensPolicy>>,
    rng: Xoshiro256PlusPlus,
}

impl Client<'_> {
    /// What its operations share, and its generator.
    fn lend(&mut self) -> (Parts<'_>, &mut Xoshiro256PlusPlus) {
        let mut parts = Parts::none();
        if let Some(breaker) = &mut self.breaker {
            parts = parts.with_breaker(breaker);
        }
        if let Some(budget) = &mut self.budget {
            parts = parts.with_budget(budget);
        }
        (parts, &mut self.rng)
    }
}

struct Operation<'a> {
    client: usize,
    begun_ns: u64,
    retry: Retry<&'a RetryPolicy>,
    /// Its timer in the heap; `u64::MAX`: none.
    armed_at_ns: u64,
}

struct World<'a> {
    /// What happens next: when, in which order it was made, what. The order breaks ties, and nothing else may.
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    made: u64,
    now_ns: u64,
    policy: &'a RetryPolicy,
    clients: Vec<Client<'a>>,
    operations: Vec<Operation<'a>>,
    server: Server,
    outcome: Outcome,
}

/// A minute with these clients. The same seed is the same minute, to the last request.
pub(crate) fn run(seed: u64, variant: Variant) -> Result<Outcome, ConfigError> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(50)).cap(Duration::from_secs(1));
    let policy = RetryPolicy::builder(backoff)
        .max_attempts(4)
        .attempt_timeout(Duration::from_millis(500))
        .build()?;
    let open = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(4));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(1))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build()?;
    let budget = RetryTokensPolicy::builder(5_000).build()?; // five retries, and one for ten successes

    // Each has a stream of its own, so that one client more would not change what the others do.
    let mut streams = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut stream = || Xoshiro256PlusPlus::seed_from_u64(streams.next_u64());
    let server = Server::new(stream());
    let client = |rng| Client {
        breaker: variant.breaker.then(|| Breaker::new(&breaker)),
        budget: variant.budget.then(|| RetryTokens::new(&budget)),
        rng,
    };
    let mut world = World {
        heap: BinaryHeap::new(),
        made: 0,
        now_ns: 0,
        policy: &policy,
        clients: (0..CLIENTS).map(|_| client(stream())).collect(),
        operations: Vec::new(),
        server,
        outcome: Outcome {
            operations: 0,
            requests: 0,
            in_vain: 0,
            answered: [0; SECONDS],
            begun: [0; SECONDS],
        },
    };
    for client in 0..CLIENTS {
        world.pause(client);
    }
    world.run();
    Ok(world.outcome)
}

impl World<'_> {
    fn run(&mut self) {
        while let Some(Reverse((at_ns, _, event))) = self.heap.pop() {
            self.now_ns = at_ns;
            match event {
                Event::Begins { client } => self.begin(client),
                Event::Due { operation } => self.due(operation),
                Event::Served { request } => self.served(request),
            }
        }
        self.outcome.operations = self.operations.len();
    }

    /// One timer of an operation counts. What else of it is in the heap, or comes when it is over, was overtaken.
    fn due(&mut self, index: usize) {
        let operation = &mut self.operations[index];
        if operation.armed_at_ns == self.now_ns && operation.retry.end().is_none() {
            operation.armed_at_ns = u64::MAX;
            self.drive(index);
        }
    }

    fn schedule(&mut self, at_ns: u64, event: Event) {
        self.heap.push(Reverse((at_ns, self.made, event)));
        self.made += 1;
    }

    fn pause(&mut self, client: usize) {
        let word = self.clients[client].rng.next_u64();
        let at_ns = self.now_ns + scaled(word, 2 * PAUSE_NS);
        if at_ns < SECONDS as u64 * SECOND {
            self.schedule(at_ns, Event::Begins { client });
        }
    }

    fn begin(&mut self, client: usize) {
        self.pause(client);
        let begun_ns = self.now_ns;
        self.outcome.begun[second(begun_ns)] += 1;
        self.operations.push(Operation {
            client,
            begun_ns,
            retry: Retry::new(self.policy, begun_ns),
            armed_at_ns: u64::MAX,
        });
        self.drive(self.operations.len() - 1);
    }

    /// The loop of every driver, in any runtime: ask the machine, do what it says, come back at its deadline.
    fn drive(&mut self, index: usize) {
        loop {
            let operation = &mut self.operations[index];
            let (mut parts, rng) = self.clients[operation.client].lend();
            match operation.retry.poll(self.now_ns, &mut parts, rng).action {
                RetryAction::Attempt { attempt, .. } => {
                    self.outcome.requests += 1;
                    if self.server.take((index, attempt)) {
                        self.work();
                    } else {
                        let full = AttemptOutcome::transient(RetryCause::Throttled);
                        self.report((index, attempt), full);
                    }
                }
                // The server is not told. Said once: `Done` may be next, and has no deadline.
                RetryAction::Abandon { .. } => {}
                RetryAction::Done { end } => {
                    if end == End::Succeeded {
                        self.outcome.answered[second(operation.begun_ns)] += 1;
                    }
                    return;
                }
                _ => return self.arm(index), // in flight, or waiting
            }
        }
    }

    /// Sees to it that the operation is asked at its deadline. A timer that comes before it will see to it.
    fn arm(&mut self, index: usize) {
        let operation = &mut self.operations[index];
        let next_ns = operation.retry.next_deadline_ns().unwrap_or(u64::MAX);
        if next_ns < operation.armed_at_ns {
            operation.armed_at_ns = next_ns;
            self.schedule(next_ns, Event::Due { operation: index });
        }
    }

    /// An attempt ended so. Answers whether anybody still wanted to know.
    fn report(&mut self, (index, attempt): Request, outcome: AttemptOutcome) -> bool {
        let operation = &mut self.operations[index];
        let (mut parts, rng) = self.clients[operation.client].lend();
        let retry = &mut operation.retry;
        let report = retry.on_outcome(self.now_ns, attempt, outcome, &mut parts, rng);
        !report.reported.is_stale()
    }

    fn work(&mut self) {
        while let Some((request, done_ns)) = self.server.begin(self.now_ns) {
            self.schedule(done_ns, Event::Served { request });
        }
    }

    fn served(&mut self, request: Request) {
        self.server.end();
        self.work();
        if self.report(request, AttemptOutcome::Success) {
            self.drive(request.0);
        } else {
            self.outcome.in_vain += 1;
        }
    }
}

fn second(at_ns: u64) -> usize {
    usize::try_from(at_ns / SECOND)
        .unwrap_or(usize::MAX)
        .min(SECONDS - 1)
}
