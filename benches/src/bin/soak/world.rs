//! The handles that all callers share, and what must hold of them when everybody has gone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{
    BreakerBuilder, BreakerPolicy, BreakerStats, Health, Phase, Trigger, Window,
};
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tokio::observe::{Observer, RetryObserver};
use evenkeel_tokio::{
    SharedBreaker, SharedBreakerTable, SharedRatio, SharedThrottle, SharedTokens,
};

use crate::ledger::{Counted, Ledger};
use crate::services::Service;

/// A server behind a breaker.
pub(crate) struct Guarded {
    pub(crate) name: &'static str,
    pub(crate) breaker: SharedBreaker,
    pub(crate) service: Arc<Service>,
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    /// By failures in a row, by rate and slowness with a ramp, and closed again by a health probe.
    pub(crate) guarded: [Guarded; 3],
    pub(crate) table: SharedBreakerTable<u64>,
    pub(crate) many: Arc<Service>,
    pub(crate) throttle: SharedThrottle,
    pub(crate) busy: Arc<Service>,
    pub(crate) tokens: Counted<SharedTokens>,
    pub(crate) ratio: Counted<SharedRatio>,
    pub(crate) retry: RetryPolicy,
    pub(crate) observer: Observer,
    pub(crate) calls: RetryObserver,
}

/// No call takes so long, so no probe may ever be lost: one that is has been leaked.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
const MOST_KEYS: u32 = 1_000;
/// Retries to requests, and retries a second that are always allowed.
const RATIO: Ratio = Ratio::percent(20);
const FLOOR: u32 = 10;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn opens() -> BreakerBuilder {
    let open = BackoffPolicy::builder(ms(50)).cap(ms(400));
    BreakerPolicy::builder(open, PROBE_TIMEOUT)
}

/// In the order of [`World::guarded`].
fn breaker_policies() -> [BreakerBuilder; 3] {
    let half = Ratio::percent(50);
    let slow = Trigger::SlowRate {
        slower_than: ms(10),
        at_least: half,
        min_calls: 50,
    };
    let failing = Trigger::FailureRate {
        at_least: half,
        min_calls: 50,
    };
    let window = Window::Time {
        span: ms(1_000),
        slices: 10,
    };
    let by_rate = opens().window(window).trigger(failing).trigger(slow);
    let probed = opens().window(Window::Count { calls: 100 });
    let probed = probed.trigger(Trigger::Failures { failures: 20 });
    [
        opens().trigger(Trigger::Consecutive { failures: 5 }),
        by_rate.max_in_flight(3).trials(8).successes(6).ramp(ms(50)),
        probed.max_in_flight(2).trials(4).until_healthy(true),
    ]
}

impl World {
    /// `threaded`: the observer has a thread, which sees no paused time.
    pub(crate) fn new(threaded: bool) -> Result<Self> {
        let [in_a_row, by_rate, probed] = breaker_policies();
        let keyed = opens().trigger(Trigger::Consecutive { failures: 2 });
        let keyed = BreakerTablePolicy::builder(keyed.build()?, MOST_KEYS, PROBE_TIMEOUT);
        let tokens = RetryTokensPolicy::builder(1_000_000)
            .refill_milli(500_000)
            .refill_per(ms(1_000));
        let ratio = RetryRatioPolicy::builder(RATIO).floor_per_second(FLOOR);
        let waits = BackoffPolicy::builder(ms(2)).cap(ms(20));
        let retry = RetryPolicy::builder(waits)
            .max_attempts(4)
            .attempt_timeout(ms(25))
            .deadline(ms(200));
        let observer = Observer::builder();
        let observer = match threaded {
            true => observer.publish_every(ms(1_000)).build(),
            false => observer.unthreaded().build(),
        };
        let guarded = |name, policy| Guarded {
            name,
            breaker: SharedBreaker::builder(policy).count_all(true).build(),
            service: Arc::default(),
        };
        let world = Self {
            ledger: Ledger::default(),
            guarded: [
                guarded("in-a-row", in_a_row.build()?),
                guarded("by-rate", by_rate.build()?),
                guarded("probed", probed.build()?),
            ],
            table: SharedBreakerTable::new(keyed.build()?),
            many: Arc::default(),
            throttle: SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?),
            busy: Arc::default(),
            tokens: Counted::new(SharedTokens::new(tokens.build()?)),
            ratio: Counted::new(SharedRatio::new(ratio.build()?)),
            retry: retry.build()?,
            calls: observer.retry("soak"),
            observer,
        };
        world.observe();
        Ok(world)
    }

    fn observe(&self) {
        for guarded in &self.guarded {
            self.observer.breaker(guarded.name, &guarded.breaker);
        }
        self.observer.breaker_table("keyed", &self.table);
        self.observer.tokens("tokens", &self.tokens.budget);
        self.observer.ratio("ratio", &self.ratio.budget);
        self.observer.throttle("throttle", &self.throttle);
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        let guarded = self.guarded.iter().map(|guarded| &guarded.service);
        guarded.chain([&self.many, &self.busy])
    }

    /// Attempts that reached a server.
    pub(crate) fn attempts(&self) -> u64 {
        self.services().map(|service| service.begun.get()).sum()
    }

    /// Probes that were let through and have not reported.
    pub(crate) fn probes_out(&self) -> u64 {
        let guarded = self.guarded.iter();
        let out = guarded.map(|guarded| not_reported(guarded.breaker.stats()));
        out.sum::<u64>() + not_reported(self.table.stats())
    }

    pub(crate) fn summary(&self) -> String {
        let mut lines = String::new();
        let guarded = self.guarded.iter();
        let stats = guarded.map(|guarded| (guarded.name, guarded.breaker.stats()));
        for (name, stats) in stats.chain([("keyed", self.table.stats())]) {
            lines += &format!("{name}: {stats:?}\n");
        }
        for (name, tally) in [("tokens", &self.tokens.tally), ("ratio", &self.ratio.tally)] {
            lines += &format!("{name}: {tally:?}\n");
        }
        lines.trim_end().to_owned()
    }

    /// Everybody has gone: what is wrong.
    pub(crate) async fn audit(&self, span: Duration) -> Vec<String> {
        let mut findings = Vec::new();
        for service in self.services() {
            if service.inside() != 0 {
                findings.push(format!("{} calls are still there", service.inside()));
            }
        }
        for Guarded {
            name,
            breaker,
            service,
        } in &self.guarded
        {
            findings.extend(balance(name, breaker.stats(), service));
            findings.extend(places(name, breaker).await);
        }
        findings.extend(balance("keyed", self.table.stats(), &self.many));
        if self.table.len() > MOST_KEYS as usize {
            findings.push(format!("{} keys in the table", self.table.len()));
        }
        findings.extend(self.tokens.tally.finding("tokens"));
        let ratio = &self.ratio.tally;
        findings.extend(ratio.finding("ratio"));
        let allowed = RATIO.of(ratio.requests.get()) + u64::from(FLOOR) * (span.as_secs() + 60);
        if ratio.retries.get() > allowed {
            let made = ratio.retries.get();
            findings.push(format!("ratio: {made} retries, {allowed} are allowed"));
        }
        findings
    }
}

/// Calls that were let through, less those that have told how they ended.
fn not_reported(stats: BreakerStats) -> u64 {
    let told = stats.successes + stats.failures + stats.released + stats.stale;
    stats.admitted.saturating_sub(told)
}

/// Every call that the server saw was let through once, and has reported once.
fn balance(name: &str, stats: BreakerStats, service: &Service) -> Vec<String> {
    let mut findings = Vec::new();
    let told = stats.successes + stats.failures + stats.released + stats.stale;
    let begun = service.begun.get();
    if stats.admitted != begun || told != begun {
        findings.push(format!(
            "{name}: the server saw {begun} calls, the breaker let through {} and heard of {told}",
            stats.admitted
        ));
    }
    if stats.lost != 0 {
        findings.push(format!("{name}: {} probes were never heard of", stats.lost));
    }
    findings
}

/// All places of a half-open breaker can be taken, and no more than there are.
async fn places(name: &str, breaker: &SharedBreaker) -> Option<String> {
    while breaker.phase() == Phase::Closed {
        if let Ok(guard) = breaker.try_acquire() {
            guard.overloaded(None);
        }
        // On its ramp it refuses some.
        tokio::time::sleep(ms(1)).await;
    }
    let _ = breaker.on_health(Health::Up);
    while breaker.phase() == Phase::Open {
        tokio::time::sleep(ms(10)).await;
    }
    let places = breaker.policy().max_in_flight() as usize;
    let guards: Vec<_> = (0..=places)
        .map_while(|_| breaker.try_acquire().ok())
        .collect();
    (guards.len() != places)
        .then(|| format!("{name}: {} of {places} places can be taken", guards.len()))
}
