//! A breaker policy as plain numbers: what the reference works from, and what the real policy is built from.

use core::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};

use super::words::Words;

/// "No span of a policy is longer": the bound of ceilings where there is no cap.
const LONGEST_NS: u128 = 1 << 62;

#[derive(Clone, Debug)]
pub struct Plan {
    pub triggers: Vec<Trigger>,
    pub window: Option<Window>,
    pub base_ns: u64,
    pub cap_ns: Option<u64>,
    pub growth: Growth,
    pub jitter: Jitter,
    pub calm_after_ns: Option<u64>,
    pub advisory_cap_ns: Option<u64>,
    pub until_healthy: bool,
    pub max_in_flight: u32,
    pub trials: u32,
    pub successes: u32,
    pub probe_timeout_ns: u64,
    pub ramp_ns: Option<u64>,
}

impl Plan {
    /// One trigger, one probe, a constant wait without jitter: the least that there is.
    pub fn small(trigger: Trigger) -> Self {
        Self {
            triggers: vec![trigger],
            window: None,
            base_ns: 10,
            cap_ns: None,
            growth: Growth::Constant,
            jitter: Jitter::None,
            calm_after_ns: None,
            advisory_cap_ns: None,
            until_healthy: false,
            max_in_flight: 1,
            trials: 1,
            successes: 1,
            probe_timeout_ns: 6,
            ramp_ns: None,
        }
    }

    pub fn build(&self) -> Result<BreakerPolicy, ConfigError> {
        let ns = Duration::from_nanos;
        let mut open = BackoffPolicy::builder(ns(self.base_ns))
            .growth(self.growth)
            .jitter(self.jitter);
        if let Some(cap_ns) = self.cap_ns {
            open = open.cap(ns(cap_ns));
        }
        let mut builder = BreakerPolicy::builder(open.build()?, ns(self.probe_timeout_ns))
            .until_healthy(self.until_healthy)
            .max_in_flight(self.max_in_flight)
            .trials(self.trials)
            .successes(self.successes);
        for trigger in &self.triggers {
            builder = builder.trigger(*trigger);
        }
        if let Some(window) = self.window {
            builder = builder.window(window);
        }
        if let Some(span_ns) = self.calm_after_ns {
            builder = builder.calm_after(ns(span_ns));
        }
        if let Some(span_ns) = self.advisory_cap_ns {
            builder = builder.advisory_cap(ns(span_ns));
        }
        if let Some(span_ns) = self.ramp_ns {
            builder = builder.ramp(ns(span_ns));
        }
        builder.build()
    }

    /// The length of a slice of a time window.
    pub fn slice_ns(&self) -> Option<u64> {
        match self.window {
            Some(Window::Time { span, slices }) => Some(nanos(span) / u64::from(slices)),
            _ => None,
        }
    }

    /// Above this a probe failed: "the slow-rate's limit, else the latency trigger's".
    pub fn slow_limit_ns(&self) -> Option<u64> {
        let slow_rate = self.triggers.iter().find_map(|trigger| match trigger {
            Trigger::SlowRate { slower_than, .. } => Some(nanos(*slower_than)),
            _ => None,
        });
        let latency = self.triggers.iter().find_map(|trigger| match trigger {
            Trigger::Latency { above, .. } => Some(nanos(*above)),
            _ => None,
        });
        slow_rate.or(latency)
    }

    /// The n-th wait in a row, from 1; `previous_ns` is the one before it. Draws a word where there is jitter.
    pub fn wait_ns(&self, n: u64, previous_ns: Option<u64>, word: Option<u64>) -> u64 {
        let cap = self.cap_ns.map_or(LONGEST_NS, u128::from);
        let base = u128::from(self.base_ns);
        let c = self.ceiling_ns(n);
        let Some(word) = word else {
            return narrow(c);
        };
        let scaled = |n: u128| (u128::from(word) * n) >> 64;
        narrow(match self.jitter {
            Jitter::Full => scaled(c + 1),
            Jitter::Equal => c / 2 + scaled(c - c / 2 + 1),
            Jitter::Spread(r) => {
                let d = c * u128::from(r.numerator()) / u128::from(r.denominator());
                let lo = c - d;
                let hi = self.cap_ns.map_or(c + d, |cap| (c + d).min(cap.into()));
                lo + scaled(hi - lo + 1)
            }
            Jitter::Decorrelated => {
                let s = previous_ns.map_or(base, u128::from);
                cap.min(base + scaled((3 * s).saturating_sub(base) + 1))
            }
            _ => c,
        })
    }

    fn ceiling_ns(&self, n: u64) -> u128 {
        let cap = self.cap_ns.map_or(LONGEST_NS, u128::from);
        let base = u128::from(self.base_ns).min(cap);
        match self.growth {
            Growth::Linear { step } => {
                cap.min(u128::from(self.base_ns) + u128::from(n - 1) * u128::from(nanos(step)))
            }
            Growth::Exponential { factor } => (1..n).fold(base, |c, _| {
                cap.min(c * u128::from(factor.numerator()) / u128::from(factor.denominator()))
            }),
            _ => base,
        }
    }

    /// The word of a wait: none without jitter.
    pub fn word(&self, words: &mut Words) -> Option<u64> {
        (self.jitter != Jitter::None).then(|| words.next())
    }
}

pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).expect("spans of policies fit")
}

fn narrow(ns: u128) -> u64 {
    u64::try_from(ns).expect("two spans fit a u64")
}
