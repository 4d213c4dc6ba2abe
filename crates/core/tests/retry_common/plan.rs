//! A retry policy and its parts as plain numbers.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::retry::{RetryPolicy, WhenRefused};

use super::script::Says;

/// The rule for advice, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    AtLeast,
    Exact,
    Within(u64),
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub base: u64,
    pub cap: Option<u64>,
    /// Full jitter, or none.
    pub jitter: bool,
    pub max_retries: Option<u32>,
    pub max_total: Option<u64>,
    pub max_attempts: Option<u32>,
    pub timeout: Option<u64>,
    pub deadline: Option<u64>,
    pub waits_when_refused: bool,
    pub rule: Rule,
    pub advisory_cap: Option<u64>,
    pub spread_percent: u32,
    pub gate: Option<Vec<Says>>,
    pub budget: Option<Vec<bool>>,
    pub seed: u64,
}

impl Plan {
    /// Full jitter on 100 ns doubling, two retries, no parts.
    pub const fn plain() -> Self {
        Self {
            base: 100,
            cap: None,
            jitter: false,
            max_retries: None,
            max_total: None,
            max_attempts: None,
            timeout: None,
            deadline: None,
            waits_when_refused: false,
            rule: Rule::AtLeast,
            advisory_cap: None,
            spread_percent: 0,
            gate: None,
            budget: None,
            seed: 1,
        }
    }

    /// The policy, if there is one.
    pub fn policy(&self) -> Option<RetryPolicy> {
        let ns = Duration::from_nanos;
        let jitter = if self.jitter {
            Jitter::Full
        } else {
            Jitter::None
        };
        let mut backoff = BackoffPolicy::builder(ns(self.base)).jitter(jitter);
        if let Some(cap) = self.cap {
            backoff = backoff.cap(ns(cap));
        }
        if let Some(retries) = self.max_retries {
            backoff = backoff.max_retries(retries);
        }
        if let Some(total) = self.max_total {
            backoff = backoff.max_total_wait(ns(total));
        }
        let mut builder = RetryPolicy::builder(backoff)
            .advisory_rule(match self.rule {
                Rule::AtLeast => AdvisoryRule::AtLeast,
                Rule::Exact => AdvisoryRule::Exact,
                Rule::Within(extra) => AdvisoryRule::Within(ns(extra)),
            })
            .advisory_spread(Ratio::percent(self.spread_percent));
        if let Some(cap) = self.advisory_cap {
            builder = builder.advisory_cap(ns(cap));
        }
        if let Some(attempts) = self.max_attempts {
            builder = builder.max_attempts(attempts);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.attempt_timeout(ns(timeout));
        }
        if let Some(deadline) = self.deadline {
            builder = builder.deadline(ns(deadline));
        }
        if self.waits_when_refused {
            builder = builder.when_refused(WhenRefused::Wait);
        }
        builder.build().ok()
    }

    /// How many attempts there are at most, by the plan's own numbers.
    pub fn attempts(&self) -> usize {
        let retries = self.max_retries.map(|retries| retries as usize + 1);
        let own = self.max_attempts.map(|attempts| attempts as usize);
        own.or(retries).unwrap_or(3)
    }
}
