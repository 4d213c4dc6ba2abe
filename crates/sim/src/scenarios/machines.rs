//! The machines of a client that calls a server: which of them it has, and by which policies.

use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;

use super::calls::BudgetPolicy;
use super::own;
use crate::param::Param;

/// What each client has between its calls and the server. Default: retries, and nothing else.
///
/// A policy of your own, in a scenario file the table of its name, takes the place of the default one. The flags stay:
/// so your own policy, too, can be compared with none.
///
/// ```
/// use evenkeel_sim::scenarios::Machines;
///
/// let machines = Machines { budget: true, ..Machines::default() };
/// assert!(machines.retry && !machines.breaker);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Machines {
    /// Whether failed attempts are made again. Default: yes. Without, an attempt still has its timeout.
    pub retry: bool,
    /// Whether retries are paid from a budget. Default: no.
    pub budget: bool,
    /// Whether there is a breaker. Default: no.
    pub breaker: bool,
    /// Whether there is an adaptive throttle. Default: no.
    pub throttle: bool,
    /// Instead of three attempts of 500 ms, with full jitter from 100 ms up to a second between them.
    pub retry_policy: Option<RetryPolicy>,
    /// Instead of a bucket of 10 tokens, a tenth for each success, one for each retry.
    pub retry_tokens_policy: Option<RetryTokensPolicy>,
    /// Instead of the bucket; where both are given, the bucket counts.
    pub retry_ratio_policy: Option<RetryRatioPolicy>,
    /// Instead of: half of the last 20 failed, of at least 10; 1 s to 30 s open with equal jitter; 4 of 5 probes must pass.
    pub breaker_policy: Option<BreakerPolicy>,
    /// Instead of the SRE book's with a history of 10 s.
    pub adaptive_throttle_policy: Option<AdaptiveThrottlePolicy>,
    /// How each client probes the server's health, for a breaker with `until_healthy`; without, such a breaker stays open.
    /// Default: it does not. A probe is work like any other, and no call.
    pub health_probe_policy: Option<HealthProbePolicy>,
}

impl Default for Machines {
    fn default() -> Self {
        Self {
            retry: true,
            budget: false,
            breaker: false,
            throttle: false,
            retry_policy: None,
            retry_tokens_policy: None,
            retry_ratio_policy: None,
            breaker_policy: None,
            adaptive_throttle_policy: None,
            health_probe_policy: None,
        }
    }
}

impl Machines {
    pub(super) fn params(&mut self) -> Vec<Param<'_>> {
        let mut params = vec![
            Param::flag(
                "retry",
                "whether failed attempts are made again",
                &mut self.retry,
            ),
            Param::flag(
                "budget",
                "whether retries are paid from a budget",
                &mut self.budget,
            ),
            Param::flag(
                "breaker",
                "whether each client has a breaker",
                &mut self.breaker,
            ),
            Param::flag(
                "throttle",
                "whether each client has an adaptive throttle",
                &mut self.throttle,
            ),
        ];
        params.extend(own("retry_policy", self.retry_policy.as_ref()));
        params.extend(own(
            "retry_tokens_policy",
            self.retry_tokens_policy.as_ref(),
        ));
        params.extend(own("retry_ratio_policy", self.retry_ratio_policy.as_ref()));
        params.extend(own("breaker_policy", self.breaker_policy.as_ref()));
        params.extend(own(
            "adaptive_throttle_policy",
            self.adaptive_throttle_policy.as_ref(),
        ));
        params.extend(own(
            "health_probe_policy",
            self.health_probe_policy.as_ref(),
        ));
        params
    }

    #[cfg(feature = "serde")]
    pub(super) fn tables(&mut self) -> Vec<crate::table::Table<'_>> {
        use crate::table::Table;
        use std::cell::Cell;

        // Either of two tables turns the budget on. A client has one: the second has no place, and is unused.
        let budget = Cell::from_mut(&mut self.budget);
        let both = self.retry_tokens_policy.is_none() && self.retry_ratio_policy.is_none();
        let mut tables = vec![
            Table::policy(&mut self.retry_policy).switches(Cell::from_mut(&mut self.retry)),
            Table::policy(&mut self.breaker_policy).switches(Cell::from_mut(&mut self.breaker)),
            Table::policy(&mut self.adaptive_throttle_policy)
                .switches(Cell::from_mut(&mut self.throttle)),
        ];
        tables.push(Table::policy(&mut self.health_probe_policy));
        if both || self.retry_tokens_policy.is_some() {
            tables.push(Table::policy(&mut self.retry_tokens_policy).switches(budget));
        }
        if both || self.retry_ratio_policy.is_some() {
            tables.push(Table::policy(&mut self.retry_ratio_policy).switches(budget));
        }
        tables
    }

    pub(super) fn retry(&self) -> RetryPolicy {
        let policy = self.retry_policy.unwrap_or_else(retry);
        if self.retry {
            return policy;
        }
        let once = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).max_attempts(1);
        let once = match policy.attempt_timeout().or_else(|| policy.deadline()) {
            Some(timeout) => once.attempt_timeout(timeout),
            None => once,
        };
        once.build().expect("it is a policy")
    }

    pub(super) fn breaker(&self) -> Option<BreakerPolicy> {
        let policy = || self.breaker_policy.unwrap_or_else(breaker);
        self.breaker.then(policy)
    }

    pub(super) fn budget(&self) -> Option<BudgetPolicy> {
        let policy = || match (self.retry_tokens_policy, self.retry_ratio_policy) {
            (Some(tokens), _) => BudgetPolicy::Tokens(tokens),
            (None, Some(ratio)) => BudgetPolicy::Ratio(ratio),
            (None, None) => BudgetPolicy::Tokens(tokens()),
        };
        self.budget.then(policy)
    }

    pub(super) fn throttle(&self) -> Option<AdaptiveThrottlePolicy> {
        let policy = || self.adaptive_throttle_policy.unwrap_or_else(throttle);
        self.throttle.then(policy)
    }
}

fn retry() -> RetryPolicy {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(1));
    let policy = RetryPolicy::builder(backoff).attempt_timeout(Duration::from_millis(500));
    policy.build().expect("it is a policy")
}

fn tokens() -> RetryTokensPolicy {
    RetryTokensPolicy::builder(10_000)
        .build()
        .expect("it is a policy")
}

fn breaker() -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(30));
    BreakerPolicy::builder(open, Duration::from_secs(2))
        .window(Window::Count { calls: 20 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 10,
        })
        .trials(5)
        .successes(4)
        .max_in_flight(2)
        .build()
        .expect("it is a policy")
}

fn throttle() -> AdaptiveThrottlePolicy {
    let policy = AdaptiveThrottlePolicy::builder().history(Duration::from_secs(10));
    policy.build().expect("it is a policy")
}
