//! Clients whose server fails some of their calls: what each way to retry makes of success and load.

use std::time::Duration;

use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};

use super::fit::not_endless;
use crate::delay::Delay;
use crate::load::{Arrivals, Load};
use crate::param::{Choice, Param};
use crate::param_error::ParamError;
use crate::random::{Stream, Streams};
use crate::scenario::{Metric, Run, Scenario};
use crate::watch::{Column, Watch};
use crate::world::{Model, Sim, World};

/// The simulation of Marc Brooker's "Fixing retries with token buckets and circuit breakers" (2022).
///
/// Clients call as Poisson streams, without a limit in flight; the server fails each attempt independently with the same
/// probability. A retry that is permitted is sent at once. Each message takes an exponential draw with mean 10 ms.
///
/// The token bucket is core's [`RetryTokens`]. The article's needs *strictly* more than one token; core's needs the
/// cost. All amounts are multiples of a tenth, so a bucket with a thousandth less at first and at most decides the same.
///
/// ```
/// use evenkeel_sim::scenarios::{RetryStrategies, Strategy};
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let run = |strategy| {
///     let scenario = RetryStrategies { strategy, failure_rate: 0.5, seconds: 10, ..RetryStrategies::default() };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values
/// };
/// let [success, load] = run(Strategy::ThreeRetries)[..] else { unreachable!("it has two metrics") };
/// assert!((success - (1.0 - 0.5_f64.powi(4))).abs() < 0.01);
/// assert!((load - 1.875).abs() < 0.05);
/// assert!(run(Strategy::TokenBucket)[1] < 1.2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryStrategies {
    /// What decides on a retry. Default: [`Strategy::ThreeRetries`].
    pub strategy: Strategy,
    /// The probability that an attempt fails. Default: a tenth.
    pub failure_rate: f64,
    /// How many clients, 1 to 1 000 000. Default: 100.
    pub clients: u64,
    /// Calls a second of each client. Default: 10.
    pub rate: f64,
    /// After this many seconds no new calls. Default: 100.
    pub seconds: u64,
}

impl Default for RetryStrategies {
    fn default() -> Self {
        Self {
            strategy: Strategy::ThreeRetries,
            failure_rate: 0.1,
            clients: 100,
            rate: 10.0,
            seconds: 100,
        }
    }
}

/// What decides whether a failed attempt is made again.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::Strategy};
///
/// let names: Vec<_> = Strategy::ALL.iter().map(|(name, _)| *name).collect();
/// assert_eq!(names, ["none", "three-retries", "token-bucket", "breaker"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// It is not.
    None,
    /// Up to three times.
    ThreeRetries,
    /// As long as the client's bucket has tokens: 5 at most and at first, a tenth for each call, 1 for a retry.
    TokenBucket,
    /// Up to three times, unless more than a tenth of all of the client's calls so far have failed.
    Breaker,
}

impl Choice for Strategy {
    const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("three-retries", Self::ThreeRetries),
        ("token-bucket", Self::TokenBucket),
        ("breaker", Self::Breaker),
    ];
}

const METRICS: &[Metric] = &[
    Metric {
        name: "success_fraction",
        unit: "",
        about: "calls that succeed, of all calls",
    },
    Metric {
        name: "load_ratio",
        unit: "",
        about: "attempts a call",
    },
];

const COLUMNS: &[Column] = &[
    Column::rate("goodput"),
    Column::rate("load"),
    Column::rate("given up"),
    Column::level("in flight"),
];
const GOODPUT: usize = 0;
const LOAD: usize = 1;
const GIVEN_UP: usize = 2;
const IN_FLIGHT: usize = 3;

impl Scenario for RetryStrategies {
    fn name(&self) -> &'static str {
        "retry-strategies"
    }

    fn about(&self) -> &'static str {
        "what retries, a token bucket and a breaker do to success and load while a share of the attempts fails"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        vec![
            Param::choice("strategy", "what decides on a retry", &mut self.strategy),
            Param::real(
                "failure_rate",
                "the probability that an attempt fails",
                &mut self.failure_rate,
                0.0..=1.0,
            ),
            Param::count(
                "clients",
                "how many clients",
                &mut self.clients,
                1..=1_000_000,
            ),
            Param::real(
                "rate",
                "calls a second of each client",
                &mut self.rate,
                0.001..=1e6,
            ),
            Param::count(
                "seconds",
                "after how long there are no new calls",
                &mut self.seconds,
                1..=1_000_000,
            ),
        ]
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn check(&self) -> Result<(), ParamError> {
        not_endless("rate", self.clients as f64 * self.rate, self.seconds)
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        watch.columns(COLUMNS);
        let bucket = RetryTokensPolicy::builder(4_999)
            .deposit_milli(100)
            .credit_milli(0)
            .build()
            .expect("it is a policy");
        let load = Load::Poisson { rate: self.rate };
        let client = |id| Client {
            rng: streams.of("client", id),
            arrivals: load.clone().arrivals(),
            bucket: RetryTokens::new(&bucket),
            calls: 0,
            failures: 0,
        };
        let mut sim = Sim::new(Service {
            scenario: *self,
            message: Delay::exponential(Duration::from_millis(10)),
            clients: (0..self.clients).map(client).collect(),
            attempts: 0,
            successes: 0,
            in_flight: 0,
            watch,
        });
        for client in 0..sim.model.clients.len() {
            let delay_ns = sim.model.delay_ns(client);
            sim.world.after(delay_ns, Event::Begin { client });
        }
        sim.run();
        sim.model.watch.end(sim.world.now_ns());
        let calls: u64 = sim.model.clients.iter().map(|client| client.calls).sum();
        let calls = calls.max(1) as f64;
        Run {
            values: vec![
                sim.model.successes as f64 / calls,
                sim.model.attempts as f64 / calls,
            ],
            events: sim.world.events(),
            end_ns: sim.world.now_ns(),
        }
    }
}

struct Client<'a> {
    rng: Stream,
    arrivals: Arrivals,
    bucket: RetryTokens<&'a RetryTokensPolicy>,
    /// Life-long, and each failed attempt counts: the article's breaker, which is no machine of ours.
    calls: u64,
    failures: u64,
}

struct Service<'a> {
    scenario: RetryStrategies,
    message: Delay,
    clients: Vec<Client<'a>>,
    attempts: u64,
    successes: u64,
    in_flight: u64,
    watch: &'a mut Watch,
}

enum Event {
    /// The client is up.
    Begin { client: usize },
    /// A new call.
    Call { client: usize },
    /// An attempt reaches the server, after so many retries of its call.
    Attempt { client: usize, retries: u32 },
    /// The answer reaches the client.
    Answer {
        client: usize,
        retries: u32,
        ok: bool,
    },
}

impl Service<'_> {
    fn delay_ns(&mut self, client: usize) -> u64 {
        self.message.draw_ns(&mut self.clients[client].rng)
    }

    fn send(&mut self, client: usize, retries: u32, world: &mut World<Event>) {
        self.attempts += 1;
        self.watch.count(LOAD, world.now_ns(), 1);
        world.after(self.delay_ns(client), Event::Attempt { client, retries });
    }

    /// Lets the client's next call come, if it is within the time.
    fn call_later(&mut self, client: usize, world: &mut World<Event>) {
        let end_ns = self.scenario.seconds.saturating_mul(1_000_000_000);
        let Client { arrivals, rng, .. } = &mut self.clients[client];
        let next_ns = arrivals.next_ns(world.now_ns(), rng);
        if let Some(at_ns) = next_ns.filter(|&at_ns| at_ns <= end_ns) {
            world.at(at_ns, Event::Call { client });
        }
    }

    fn may_retry(&mut self, client: usize, retries: u32, now_ns: u64) -> bool {
        let client = &mut self.clients[client];
        client.failures += 1;
        match self.scenario.strategy {
            Strategy::None => false,
            Strategy::ThreeRetries => retries < 3,
            Strategy::TokenBucket => client
                .bucket
                .try_withdraw(now_ns, RetryCause::Failure)
                .is_ok(),
            // More than a tenth, without a rounding.
            Strategy::Breaker => retries < 3 && client.failures * 10 <= client.calls,
        }
    }
}

impl Model for Service<'_> {
    type Event = Event;

    fn on_event(&mut self, event: Event, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        match event {
            Event::Begin { client } => self.call_later(client, world),
            Event::Call { client } => {
                self.call_later(client, world);
                self.clients[client].calls += 1;
                self.clients[client].bucket.on_request(now_ns);
                self.in_flight += 1;
                self.send(client, 0, world);
            }
            Event::Attempt { client, retries } => {
                let ok = !self.clients[client].rng.chance(self.scenario.failure_rate);
                let delay_ns = self.delay_ns(client);
                world.after(
                    delay_ns,
                    Event::Answer {
                        client,
                        retries,
                        ok,
                    },
                );
            }
            Event::Answer { ok: true, .. } => {
                self.successes += 1;
                self.in_flight -= 1;
                self.watch.count(GOODPUT, now_ns, 1);
            }
            Event::Answer {
                client, retries, ..
            } => {
                if self.may_retry(client, retries, now_ns) {
                    self.send(client, retries + 1, world);
                } else {
                    self.in_flight -= 1;
                    self.watch.count(GIVEN_UP, now_ns, 1);
                }
            }
        }
        self.watch.level(IN_FLIGHT, now_ns, self.in_flight as f64);
    }
}
