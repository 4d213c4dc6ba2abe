//! Links that are all lost at one instant, and a server that can take them back only so fast.

mod world;

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::reconnect::ReconnectPolicy;

use super::own;
use crate::param::{Choice, Param};
use crate::random::Streams;
use crate::scenario::{Metric, Run, Scenario};
use crate::watch::{Column, Watch};
use world::COLUMNS;

/// A herd of reconnects: a broker restarts, and everyone who was connected to it comes back at once.
///
/// The listener accepts so many connections a second and keeps a short backlog; beyond it, a connect is refused. For the
/// first seconds after the restart it accepts and greets, and then drops the link: a proxy that is up before what is
/// behind it, or a server that loads its state. A link that stands after that stays.
///
/// Without jitter all come in step: the backlog takes the first of each wave, all others are refused and wait alike for
/// the next. With jitter the same tries are spread over the waits, and the listener is busy all of the time; the least
/// possible is `clients / accepts` seconds.
///
/// `stable_after` decides what a greeting is worth. At 0 a link that was greeted has proven itself, so each that is dropped
/// starts its waits anew, and the herd comes back at full speed for as long as the server drops. With more than the life of
/// a dropped link, it counts as one more failure.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::scenarios::{LinkJitter, ReconnectHerd};
/// use evenkeel_sim::{Scenario, Streams, Watch};
///
/// let up_s = |jitter| {
///     let scenario = ReconnectHerd { clients: 1_000, jitter, drops: Duration::ZERO, ..ReconnectHerd::default() };
///     scenario.run(Streams::of_run(7, 0), &mut Watch::off()).values[0]
/// };
/// assert!(up_s(LinkJitter::Full) < up_s(LinkJitter::None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReconnectHerd {
    /// How many links are lost, 1 to 1 000 000. Default: 5000.
    pub clients: u64,
    /// Connections a second that the listener accepts. Default: 250.
    pub accepts: f64,
    /// How many connects can wait for it; more are refused. Default: 128, the usual backlog.
    pub backlog: u64,
    /// For how long accepted links are dropped after their greeting. Default: 10 s.
    pub drops: Duration,
    /// How long such a link lives, on average. Default: 100 ms.
    pub life: Duration,
    /// How waits are drawn. Default: [`LinkJitter::Full`].
    pub jitter: LinkJitter,
    /// The first wait's ceiling. Default: 500 ms.
    pub base: Duration,
    /// Every wait's ceiling. Default: 30 s.
    pub cap: Duration,
    /// How long a link must stand to have proven itself. Default: 30 s.
    pub stable_after: Duration,
    /// The run ends when 99 % are up, and here if they never are. Default: 3600 s.
    pub seconds: u64,
    /// Instead of what `jitter`, `base`, `cap` and `stable_after` say.
    pub reconnect_policy: Option<ReconnectPolicy>,
}

/// How the waits of links are drawn.
///
/// ```
/// use evenkeel_sim::{Choice, scenarios::LinkJitter};
///
/// assert_eq!(LinkJitter::ALL.len(), 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkJitter {
    /// They are not: all wait alike.
    None,
    /// From the upper half.
    Equal,
    /// From nothing to all.
    Full,
    /// From the base to three times the wait before.
    Decorrelated,
}

impl Choice for LinkJitter {
    const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("equal", Self::Equal),
        ("full", Self::Full),
        ("decorrelated", Self::Decorrelated),
    ];
}

impl Default for ReconnectHerd {
    fn default() -> Self {
        Self {
            clients: 5_000,
            accepts: 250.0,
            backlog: 128,
            drops: Duration::from_secs(10),
            life: Duration::from_millis(100),
            jitter: LinkJitter::Full,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            stable_after: Duration::from_secs(30),
            seconds: 3_600,
            reconnect_policy: None,
        }
    }
}

const METRICS: &[Metric] = &[
    Metric {
        name: "up_s",
        unit: "s",
        about: "from the loss until 99 % of the links are up; the run's length where they never are",
    },
    Metric {
        name: "refused",
        unit: "",
        about: "connects that the listener refused",
    },
    Metric {
        name: "dropped",
        unit: "",
        about: "links that were accepted and dropped",
    },
    Metric {
        name: "connects_a_link",
        unit: "",
        about: "tries, by links",
    },
];

impl Scenario for ReconnectHerd {
    fn name(&self) -> &'static str {
        "reconnect-herd"
    }

    fn about(&self) -> &'static str {
        "all links are lost at once, and the server takes them back only so fast"
    }

    fn params(&mut self) -> Vec<Param<'_>> {
        let (none, hour) = (Duration::ZERO, Duration::from_secs(3_600));
        let least = Duration::from_millis(1);
        let mut params = vec![
            Param::count(
                "clients",
                "how many links are lost",
                &mut self.clients,
                1..=1_000_000,
            ),
            Param::real(
                "accepts",
                "connections a second that are accepted",
                &mut self.accepts,
                0.001..=1e6,
            ),
            Param::count(
                "backlog",
                "how many connects can wait",
                &mut self.backlog,
                1..=1_000_000,
            ),
            Param::span(
                "drops",
                "for how long accepted links are dropped",
                &mut self.drops,
                none..=hour,
            ),
            Param::span(
                "life",
                "how long such a link lives",
                &mut self.life,
                none..=hour,
            ),
            Param::count(
                "seconds",
                "when the run ends at the latest",
                &mut self.seconds,
                1..=100_000,
            ),
        ];
        if self.reconnect_policy.is_none() {
            params.push(Param::choice(
                "jitter",
                "how waits are drawn",
                &mut self.jitter,
            ));
            params.push(Param::span(
                "base",
                "the first wait's ceiling",
                &mut self.base,
                least..=hour,
            ));
            params.push(Param::span(
                "cap",
                "every wait's ceiling",
                &mut self.cap,
                least..=hour,
            ));
            params.push(Param::span(
                "stable_after",
                "how long a link must stand to have proven itself",
                &mut self.stable_after,
                none..=hour,
            ));
        }
        params.extend(own("reconnect_policy", self.reconnect_policy.as_ref()));
        params
    }

    #[cfg(feature = "serde")]
    fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        vec![crate::table::Table::policy(&mut self.reconnect_policy)]
    }

    fn metrics(&self) -> &'static [Metric] {
        METRICS
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn run(&self, streams: Streams, watch: &mut Watch) -> Run {
        let policy = self.reconnect_policy.unwrap_or_else(|| self.policy());
        world::run(self, &policy, streams, watch)
    }
}

impl ReconnectHerd {
    fn policy(&self) -> ReconnectPolicy {
        let jitter = match self.jitter {
            LinkJitter::None => Jitter::None,
            LinkJitter::Equal => Jitter::Equal,
            LinkJitter::Full => Jitter::Full,
            LinkJitter::Decorrelated => Jitter::Decorrelated,
        };
        let backoff = BackoffPolicy::builder(self.base)
            .cap(self.cap)
            .jitter(jitter);
        ReconnectPolicy::builder(backoff, Duration::from_secs(5))
            .stable_after(self.stable_after)
            .build()
            .expect("its ranges are a policy's")
    }
}
