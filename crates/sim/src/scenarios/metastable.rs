//! A service that a short stall breaks for good: retries keep it down, long after their cause has gone.

use std::time::Duration;

use super::Machines;
use super::calls::{self, COLUMNS, Plan, SECOND_NS, Traffic, Work};
use super::fit::{not_endless, outlasts};
use super::recovery::seconds_to_full;
use crate::delay::Delay;
use crate::delay::nanos;
use crate::fault::{Fault, Faults};
use crate::load::Load;
use crate::param::Param;
use crate::param_error::ParamError;
use crate::random::Streams;
use crate::scenario::{Metric, Run, Scenario};
use crate::watch::{Column, Watch};

/// A metastable failure: a trigger, and an effect that sustains itself when the trigger has gone (Bronson, Aghayev,
/// Charapko, Zhu: "Metastable Failures in Distributed Systems", HotOS 2021).
///
/// Calls come from outside at four fifths of the server's capacity and do not wait for each other. The server works
/// first come, first served, and cannot know that a client has given up. For ten seconds it is ten times slower (a
/// failover, a cold cache, a long collection): the queue fills to a second of work, twice the timeout. From there on all
/// that it works on has been given up, and each call comes back twice: 2.4 times the capacity would be needed to get out.
/// Backoff does not help: it makes each retry later, not one fewer, and calls keep coming.
///
/// What helps is fewer attempts for the same calls. A budget bounds what retries add to a tenth of what *succeeds*, so
/// the queue drains as it would without retries. A breaker stops calls at their source until the queue is gone. An
/// adaptive throttle sends what the server has lately done, twice.
///
/// Sizes: full queue / capacity = 1 s is above the timeout of 500 ms, and calls x attempts (3) is above the capacity while
/// calls alone are below. Every service with those two properties behaves so, whatever the numbers; with room for less
/// than 500 ms of work (`room = 200`) it recovers by itself, which is the third remedy.
///
/// ```
/// use evenkeel_sim::scenarios::{Machines, Metastable};
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let recovered = |machines| {
///     let scenario = Metastable { machines, seconds: 60, ..Metastable::default() };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values[0]
/// };
/// assert_eq!(recovered(Machines::default()), 0.0);
/// assert_eq!(recovered(Machines { budget: true, ..Machines::default() }), 1.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Metastable {
    /// How many clients, each with machines of its own, 1 to 1 000 000. Default: 100.
    pub clients: u64,
    /// Calls a second of all clients. Default: 400.
    pub rate: f64,
    /// Requests a second that the server can do, 50 and more. Default: 500: 10 workers that take 20 ms each.
    pub capacity: f64,
    /// How many requests can wait. Default: 500, a second of work.
    pub room: u64,
    /// How long the server is slow, from 20 s on. Default: 10 s.
    pub outage: Duration,
    /// How many times slower it is then. Default: 10.
    pub slow_down: f64,
    /// How long the run is, 40 to 100 000, and 35 more than the outage at least. Default: 120.
    pub seconds: u64,
    /// What the clients have. Default: retries.
    pub machines: Machines,
}

impl Default for Metastable {
    fn default() -> Self {
        Self {
            clients: 100,
            rate: 400.0,
            capacity: 500.0,
            room: 500,
            outage: Duration::from_secs(10),
            slow_down: 10.0,
            seconds: 120,
            machines: Machines::default(),
        }
    }
}

const BEGINS: Duration = Duration::from_secs(20);
/// A larger server has more workers, not faster ones.
const WORK: Duration = Duration::from_millis(20);

const METRICS: &[Metric] = &[
    Metric {
        name: "recovered",
        unit: "0 or 1",
        about: "whether nine tenths of the calls of the last 10 s succeed",
    },
    Metric {
        name: "recovery_s",
        unit: "s",
        about: "from the outage's end until, from then on, nine tenths of the calls of any 5 s succeed; all that was left where they never do",
    },
    Metric {
        name: "amplification",
        unit: "",
        about: "attempts a call, from the outage's beginning on",
    },
    Metric {
        name: "lost",
        unit: "",
        about: "calls that do not succeed, of all calls from the outage's beginning on",
    },
    Metric {
        name: "wasted",
        unit: "",
        about: "the share of the server's work that nobody waited for any more",
    },
];

impl Scenario for Metastable {
    fn name(&self) -> &'static str {
        "metastable"
    }

    fn about(&self) -> &'static str {
        "a short stall breaks a service, and its clients' retries keep it broken"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        let hour = Duration::from_secs(3_600);
        let mut params = vec![
            Param::count(
                "clients",
                "how many clients",
                &mut self.clients,
                1..=1_000_000,
            ),
            Param::real(
                "rate",
                "calls a second of all clients",
                &mut self.rate,
                0.001..=1e6,
            ),
            Param::real(
                "capacity",
                "requests a second that the server can do",
                &mut self.capacity,
                // One worker's.
                50.0..=1e6,
            ),
            Param::count(
                "room",
                "how many requests can wait",
                &mut self.room,
                0..=1_000_000_000,
            ),
            Param::span(
                "outage",
                "how long the server is slow, from 20 s on",
                &mut self.outage,
                Duration::ZERO..=hour,
            ),
            Param::real(
                "slow_down",
                "how many times slower it is then",
                &mut self.slow_down,
                1.0..=1e6,
            ),
            Param::count(
                "seconds",
                "how long the run is",
                &mut self.seconds,
                40..=100_000,
            ),
        ];
        params.extend(self.machines.params());
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        self.machines.tables()
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn check(&self) -> Result<(), ParamError> {
        outlasts(self.seconds, BEGINS + self.outage)?;
        not_endless("rate", self.rate, self.seconds)
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        let plan = self.plan();
        let tally = calls::run(&plan, streams, watch);
        let (end_ns, begins_ns) = (plan.end_ns, nanos(BEGINS));
        let ends_ns = nanos(BEGINS + self.outage).min(end_ns);
        let since = tally.sum(begins_ns, end_ns);
        let last = tally.sum(end_ns - 10 * SECOND_NS, end_ns);
        let seconds: Vec<_> = tally.seconds(ends_ns).collect();
        let calls = since.calls.max(1) as f64;
        Run {
            values: vec![
                f64::from(10 * last.good >= 9 * last.calls),
                seconds_to_full(&seconds) as f64,
                since.attempts as f64 / calls,
                1.0 - (since.good as f64 / calls).min(1.0),
                tally.wasted(),
            ],
            events: tally.events(),
            end_ns,
        }
    }
}

impl Metastable {
    fn plan(&self) -> Plan {
        let faults = Faults::none();
        let workers = (self.capacity * WORK.as_secs_f64()).ceil();
        Plan {
            end_ns: self.seconds * SECOND_NS,
            clients: self.clients as u32,
            traffic: Traffic::Open(Load::Poisson { rate: self.rate }),
            network: Delay::exponential(Duration::from_millis(1)),
            server: Work::Queue {
                workers: workers as u64,
                room: self.room,
                work: Delay::exponential(Duration::from_secs_f64(workers / self.capacity)),
            },
            faults: faults.with(
                BEGINS,
                BEGINS + self.outage,
                Fault::SlowDown(self.slow_down),
            ),
            retry: self.machines.retry(),
            breaker: self.machines.breaker(),
            budget: self.machines.budget(),
            throttle: self.machines.throttle(),
            health_probe: self.machines.health_probe_policy,
        }
    }
}
