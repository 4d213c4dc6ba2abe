//! A service of your own: clients, a server, a load and faults, all as parameters. The one to copy and change.

mod load;
mod server;

use std::time::Duration;

use evenkeel_core::Quantile;

pub use load::{LoadKind, ServiceLoad};
pub use server::{ServerKind, ServiceServer};

use super::Machines;
use super::calls::{self, COLUMNS, Plan, SECOND_NS};
use super::fit::not_endless;
use crate::delay::Delay;
use crate::fault::Faults;
use crate::param::Param;
use crate::param_error::ParamError;
use crate::random::Streams;
use crate::scenario::{Metric, Run, Scenario};
use crate::watch::{Column, Watch};

/// Clients that call one server, as you describe them. docs/scenarios/service.toml has all of it, to be copied.
///
/// A call goes from its client to the server, which works first come, first served with a bounded queue, or on everything
/// at once and the slower the more it has; and back. What the client has given up is worked on all the same. Each client
/// has [`Machines`] of its own. What a fault does is said at [`Fault`](crate::Fault); a client learns of a partition,
/// and of what an outage has destroyed, by its timeouts alone, so give its policy one.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::scenarios::{Service, ServiceLoad};
/// use evenkeel_sim::{Fault, Faults, Scenario, Streams, Watch};
///
/// let [from, until] = [5, 10].map(Duration::from_secs);
/// let faults = Faults::none().with(from, until, Fault::ErrorRate(0.5));
/// let load = ServiceLoad { rate: 100.0, ..ServiceLoad::default() };
/// let service = Service { faults, load, seconds: 20, ..Service::default() };
/// let run = service.run(Streams::of_run(7, 0), &mut Watch::off());
/// assert!(run.values[0] > 0.9); // three attempts: seven eighths succeed while half of the attempts fail
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// How long the run is, 1 to 100 000. Default: 60.
    pub seconds: u64,
    /// How many clients, 1 to 1 000 000. Default: 100.
    pub clients: u64,
    /// How long a message takes one way, on average, 1 µs and more. Default: 1 ms.
    pub network: Duration,
    /// What they call.
    pub server: ServiceServer,
    /// When they call.
    pub load: ServiceLoad,
    /// What goes wrong. Default: nothing.
    pub faults: Faults,
    /// What the clients have. Default: retries.
    pub machines: Machines,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            seconds: 60,
            clients: 100,
            network: Duration::from_millis(1),
            server: ServiceServer::default(),
            load: ServiceLoad::default(),
            faults: Faults::none(),
            machines: Machines::default(),
        }
    }
}

const METRICS: &[Metric] = &[
    Metric {
        name: "success",
        unit: "",
        about: "calls that succeed, of all calls",
    },
    Metric {
        name: "last_success",
        unit: "",
        about: "the same of the last tenth of the run: whether it has recovered; 1 where there are none",
    },
    Metric {
        name: "amplification",
        unit: "",
        about: "attempts a call",
    },
    Metric {
        name: "refused",
        unit: "",
        about: "calls that the client's own breaker or throttle refused, of all calls",
    },
    Metric {
        name: "wasted",
        unit: "",
        about: "the share of the server's work that nobody waited for any more",
    },
    Metric {
        name: "p50_ms",
        unit: "ms",
        about: "the median of how long calls that succeed take, with their retries",
    },
    Metric {
        name: "p99_ms",
        unit: "ms",
        about: "the same, 99 of 100",
    },
];

impl Scenario for Service {
    fn name(&self) -> &'static str {
        "service"
    }

    fn about(&self) -> &'static str {
        "clients and a server as you describe them: the one to copy and change"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        // At 0 a client without waits would ask again and again at one instant.
        let network = Duration::from_micros(1)..=Duration::from_secs(3_600);
        let mut params = vec![
            Param::count(
                "seconds",
                "how long the run is",
                &mut self.seconds,
                1..=100_000,
            ),
            Param::count(
                "clients.count",
                "how many clients",
                &mut self.clients,
                1..=1_000_000,
            ),
            Param::span(
                "clients.network",
                "one way to the server, on average",
                &mut self.network,
                network,
            ),
        ];
        params.extend(self.server.params());
        params.extend(self.load.params());
        if self.faults != Faults::none() {
            params.push(Param::told(
                "fault",
                "what goes wrong",
                self.faults.to_string(),
            ));
        }
        params.extend(self.machines.params());
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        let mut tables = self.machines.tables();
        tables.push(crate::table::Table::faults(&mut self.faults));
        tables
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn check(&self) -> Result<(), ParamError> {
        let (name, calls) = self.load.most(self.clients)?;
        not_endless(name, calls, self.seconds)
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        let plan = self.plan();
        let tally = calls::run(&plan, streams, watch);
        let end_ns = plan.end_ns;
        let all = tally.sum(0, end_ns);
        let last = tally.sum(end_ns - end_ns / 10, end_ns);
        let share = |of: u64, all: u64| of as f64 / all.max(1) as f64;
        Run {
            values: vec![
                share(all.good, all.calls).min(1.0),
                // Where there were none, none has failed.
                if last.calls == 0 {
                    1.0
                } else {
                    share(last.good, last.calls).min(1.0)
                },
                share(all.attempts, all.calls),
                share(all.refused, all.calls),
                tally.wasted(),
                tally.latency_ms(Quantile::P50),
                tally.latency_ms(Quantile::P99),
            ],
            events: tally.events(),
            end_ns,
        }
    }
}

impl Service {
    fn plan(&self) -> Plan {
        Plan {
            end_ns: self.seconds * SECOND_NS,
            clients: self.clients as u32,
            traffic: self.load.traffic(),
            network: Delay::exponential(self.network),
            server: self.server.work(),
            faults: self.faults.clone(),
            retry: self.machines.retry(),
            breaker: self.machines.breaker(),
            budget: self.machines.budget(),
            throttle: self.machines.throttle(),
            health_probe: self.machines.health_probe_policy,
        }
    }
}
