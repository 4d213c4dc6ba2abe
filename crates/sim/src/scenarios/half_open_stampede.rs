//! A server that comes back weak, and all of its clients' breakers that find out at once.

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::retry::RetryPolicy;

use super::calls::{self, COLUMNS, Plan, SECOND_NS, Traffic, Work};
use super::fit::{not_endless, outlasts};
use super::own;
use super::recovery::{falls, seconds_to_full};
use crate::delay::nanos;
use crate::delay::{Delay, rounded};
use crate::fault::{Fault, Faults};
use crate::load::Load;
use crate::param::{Choice, Param};
use crate::param_error::ParamError;
use crate::random::Streams;
use crate::scenario::{Metric, Run, Scenario};
use crate::watch::{Column, Watch};

/// A thundering herd of probes, and then of everything.
///
/// Clients call at four fifths of the server's capacity, each behind a breaker of its own, without retries. The server is
/// gone for about half a minute and comes back at half of its capacity, as servers do whose caches are cold, for 20 s more.
/// All breakers have tripped within a second or two, for the same reason. Without jitter they stay open for the same waits
/// (1, 2, 4, 8, 16 s), so all of them probe within the same second or two, find that the server is well, and close. If
/// it is still weak, more comes back than it can do, its queue grows past the timeout, and they trip together again: a
/// second outage, made by the recovery from the first.
///
/// Whether that happens is a matter of where the server's return lies between two waits, so each run is an outage of
/// another length, uniform within `outage_spread` of `outage`: a mean over runs is one over outages. With a spread of 0
/// all runs have one length, and show what holds for that length alone.
///
/// **Jitter** spreads the closes over as long as the waits are: much after a long outage, little after a short one.
/// **Probation** asks for 4 good probes of 5, two at a time, so a breaker closes on more than one lucky answer of a server
/// with `errors`. A **ramp**, say of 30 s, somewhat longer than the server is weak, lets each client's traffic grow by
/// itself, however closely the closes come. All of them refuse calls that another might have served: see `lost`.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::scenarios::HalfOpenStampede;
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let second_outages = |ramp| {
///     let scenario = HalfOpenStampede { clients: 50, ramp, outage_spread: 0.0, ..HalfOpenStampede::default() };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values[2]
/// };
/// assert!(second_outages(Duration::ZERO) >= 1.0);
/// assert_eq!(second_outages(Duration::from_secs(30)), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HalfOpenStampede {
    /// How many clients, 1 to 1 000 000. Default: 500.
    pub clients: u64,
    /// Calls a second of each client, 80 and more of all of them. Default: 4. The server can do five quarters of all.
    pub rate: f64,
    /// How long the server is gone, from 10 s on, on average. Default: 30 s.
    pub outage: Duration,
    /// How much longer or shorter that is in a run at most, as a share of `outage`: 0 to 1. Default: a half, so that
    /// from 15 s to 45 s all is equally likely.
    pub outage_spread: f64,
    /// How long it then has half of its capacity. Default: 20 s.
    pub weak: Duration,
    /// The share of requests that fail in that time, though they are worked on. Default: 0.
    pub errors: f64,
    /// How long a client waits for an answer. Default: 500 ms, the work that fits into the server's queue.
    pub timeout: Duration,
    /// How the waits of open breakers are drawn. Default: [`OpenJitter::None`].
    pub jitter: OpenJitter,
    /// Whether 4 of 5 probes must pass, two at a time; else one of one. Default: no.
    pub probation: bool,
    /// Over how long traffic grows after a breaker closes; 0 is at once. Default: 0.
    pub ramp: Duration,
    /// How long the run is, 20 to 100 000, and 25 more than the longest outage at least. Default: 120.
    pub seconds: u64,
    /// Instead of the breaker that `jitter`, `probation` and `ramp` describe.
    pub breaker_policy: Option<BreakerPolicy>,
    /// Instead of one attempt.
    pub retry_policy: Option<RetryPolicy>,
}

/// How the waits of open breakers are drawn.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::OpenJitter};
///
/// assert_eq!(OpenJitter::ALL.len(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenJitter {
    /// They are not: all wait alike.
    None,
    /// From the upper half.
    Equal,
    /// From nothing to all.
    Full,
}

impl Choice for OpenJitter {
    const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("equal", Self::Equal),
        ("full", Self::Full),
    ];
}

impl Default for HalfOpenStampede {
    fn default() -> Self {
        Self {
            clients: 500,
            rate: 4.0,
            outage: Duration::from_secs(30),
            outage_spread: 0.5,
            weak: Duration::from_secs(20),
            errors: 0.0,
            timeout: Duration::from_millis(500),
            jitter: OpenJitter::None,
            probation: false,
            ramp: Duration::ZERO,
            seconds: 120,
            breaker_policy: None,
            retry_policy: None,
        }
    }
}

const BEGINS: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);
/// With less there is no whole worker.
const LEAST_CALLS: f64 = 80.0;
/// A larger server has more workers, not faster ones.
const WORK: Duration = Duration::from_millis(10);

const METRICS: &[Metric] = &[
    Metric {
        name: "peak_probes",
        unit: "1/s",
        about: "the most probes of any tenth of a second since the server's return, as a rate",
    },
    Metric {
        name: "full_goodput_s",
        unit: "s",
        about: "from the server's return until, from then on, nine tenths of the calls of any 5 s succeed; all that was left where they never do",
    },
    Metric {
        name: "second_outages",
        unit: "",
        about: "how often goodput, once back at half of the calls, fell below a quarter of them",
    },
    Metric {
        name: "failed",
        unit: "",
        about: "calls that were sent and did not succeed, of all calls since the server's return",
    },
    Metric {
        name: "refused",
        unit: "",
        about: "calls that the client's own breaker refused, of the same",
    },
    Metric {
        name: "lost",
        unit: "",
        about: "both together: calls that did not succeed, of the same",
    },
];

impl Scenario for HalfOpenStampede {
    fn name(&self) -> &'static str {
        "half-open-stampede"
    }

    fn about(&self) -> &'static str {
        "a server comes back weak, and the breakers of all clients let it be overrun"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        let spans = || Duration::ZERO..=HOUR;
        let mut params = vec![
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
            Param::span(
                "outage",
                "how long the server is gone, from 10 s on, on average",
                &mut self.outage,
                spans(),
            ),
            Param::real(
                "outage_spread",
                "how much longer or shorter in a run, uniformly",
                &mut self.outage_spread,
                0.0..=1.0,
            ),
            Param::span(
                "weak",
                "how long it then has half of its capacity",
                &mut self.weak,
                spans(),
            ),
            Param::real(
                "errors",
                "the share of requests that fail in that time",
                &mut self.errors,
                0.0..=1.0,
            ),
            Param::count(
                "seconds",
                "how long the run is",
                &mut self.seconds,
                20..=100_000,
            ),
        ];
        if self.retry_policy.is_none() {
            let range = Duration::from_millis(1)..=HOUR;
            let about = "how long a client waits for an answer";
            params.push(Param::span("timeout", about, &mut self.timeout, range));
        }
        if self.breaker_policy.is_none() {
            let Self {
                jitter,
                probation,
                ramp,
                ..
            } = self;
            params.extend(breaker_params(jitter, probation, ramp));
        }
        params.extend(own("breaker_policy", self.breaker_policy.as_ref()));
        params.extend(own("retry_policy", self.retry_policy.as_ref()));
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        use crate::table::Table;

        vec![
            Table::policy(&mut self.breaker_policy),
            Table::policy(&mut self.retry_policy),
        ]
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn check(&self) -> Result<(), ParamError> {
        let calls = self.clients as f64 * self.rate;
        if calls < LEAST_CALLS {
            let problem =
                format!("makes {calls} calls a second of all clients: {LEAST_CALLS} is the least");
            let name = "rate";
            return Err(ParamError::Together { name, problem });
        }
        outlasts(self.seconds, BEGINS + self.outage(1.0))?;
        not_endless("rate", calls, self.seconds)
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        let outage = self.outage(streams.of("outage", 0).unit());
        let plan = self.plan(outage);
        let tally = calls::run(&plan, streams, watch);
        let returns_ns = nanos(BEGINS + outage).min(plan.end_ns);
        let seconds: Vec<_> = tally.seconds(returns_ns).collect();
        let since = tally.sum(returns_ns, plan.end_ns);
        let share = |of: u64| of as f64 / since.calls.max(1) as f64;
        // Calls of before may end after it: a run that begins with good ones has none that failed.
        let failed = since.calls.saturating_sub(since.good + since.refused);
        Run {
            values: vec![
                tally.peak_probes(returns_ns),
                seconds_to_full(&seconds) as f64,
                falls(&seconds) as f64,
                share(failed),
                share(since.refused),
                share(failed + since.refused),
            ],
            events: tally.events(),
            end_ns: plan.end_ns,
        }
    }
}

fn breaker_params<'a>(
    jitter: &'a mut OpenJitter,
    probation: &'a mut bool,
    ramp: &'a mut Duration,
) -> [Param<'a>; 3] {
    [
        Param::choice("jitter", "how the waits of open breakers are drawn", jitter),
        Param::flag(
            "probation",
            "whether 4 of 5 probes must pass, not 1 of 1",
            probation,
        ),
        Param::span(
            "ramp",
            "over how long traffic grows after a close",
            ramp,
            Duration::ZERO..=HOUR,
        ),
    ]
}

impl HalfOpenStampede {
    /// How long it is in a run, by a draw of 0 to 1 for the shortest to the longest.
    fn outage(&self, draw: f64) -> Duration {
        let factor = 1.0 + self.outage_spread * (2.0 * draw - 1.0);
        Duration::from_nanos(rounded(self.outage.as_nanos() as f64 * factor))
    }

    fn plan(&self, outage: Duration) -> Plan {
        let calls = self.clients as f64 * self.rate;
        let capacity = 1.25 * calls;
        let workers = (capacity * WORK.as_secs_f64()).ceil();
        let returns = BEGINS + outage;
        let faults = Faults::none().with(BEGINS, returns, Fault::Outage);
        Plan {
            end_ns: self.seconds * SECOND_NS,
            clients: self.clients as u32,
            traffic: Traffic::Open(Load::Poisson { rate: calls }),
            network: Delay::exponential(Duration::from_millis(1)),
            server: Work::Queue {
                workers: workers as u64,
                // Half a second of work, and a second of it while the server is weak: twice the timeout.
                room: (capacity / 2.0) as u64,
                work: Delay::exponential(Duration::from_secs_f64(workers / capacity)),
            },
            faults: faults
                .with(returns, returns + self.weak, Fault::SlowDown(2.0))
                .with(returns, returns + self.weak, Fault::ErrorRate(self.errors)),
            retry: self.retry_policy.unwrap_or_else(|| self.once()),
            breaker: Some(self.breaker_policy.unwrap_or_else(|| self.breaker())),
            budget: None,
            throttle: None,
            health_probe: None,
        }
    }

    fn once(&self) -> RetryPolicy {
        RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO))
            .max_attempts(1)
            .attempt_timeout(self.timeout)
            .build()
            .expect("it is a policy")
    }

    fn breaker(&self) -> BreakerPolicy {
        let jitter = match self.jitter {
            OpenJitter::None => Jitter::None,
            OpenJitter::Equal => Jitter::Equal,
            OpenJitter::Full => Jitter::Full,
        };
        let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(30));
        let mut breaker = BreakerPolicy::builder(open.jitter(jitter), 2 * self.timeout)
            .window(Window::Count { calls: 20 })
            .trigger(Trigger::Consecutive { failures: 5 })
            .trigger(Trigger::FailureRate {
                at_least: Ratio::percent(50),
                min_calls: 10,
            });
        if self.probation {
            breaker = breaker.trials(5).successes(4).max_in_flight(2);
        }
        if !self.ramp.is_zero() {
            breaker = breaker.ramp(self.ramp);
        }
        breaker.build().expect("its ranges are a policy's")
    }
}
