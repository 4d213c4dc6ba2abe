//! The task with evenkeel-tokio.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::{ConfigError, Ratio};
use evenkeel_tokio::{RetryError, SharedBreaker, SharedRatio, retry};
use evenkeel_tower::HttpStatus;
use http::{Response, StatusCode};

use crate::scenes::{Caller, caller_of_ours};
use crate::server::{Broken, Server};

// --- the task ---
/// All calls to one service; a clone is the same.
#[derive(Clone)]
pub(crate) struct Client {
    server: Arc<Server>,
    policy: RetryPolicy,
    breaker: SharedBreaker,
    budget: SharedRatio,
}

impl Client {
    pub(crate) fn new(server: Arc<Server>, open: Duration) -> Result<Self, ConfigError> {
        let backoff =
            BackoffPolicy::builder(Duration::from_millis(200)).cap(Duration::from_millis(500));
        let policy = RetryPolicy::builder(backoff)
            .max_attempts(4)
            .attempt_timeout(Duration::from_secs(2))
            .deadline(Duration::from_secs(10))
            .advisory_cap(Duration::from_secs(6));
        let breaker = BreakerPolicy::builder(BackoffPolicy::builder(open), Duration::from_secs(3))
            .trigger(Trigger::Consecutive { failures: 5 });
        let budget = RetryRatioPolicy::builder(Ratio::percent(20));
        Ok(Self {
            server,
            policy: policy.build()?,
            breaker: SharedBreaker::new(breaker.build()?),
            budget: SharedRatio::new(budget.build()?),
        })
    }

    pub(crate) async fn get(&self) -> Result<Response<()>, RetryError<Broken>> {
        retry(&self.policy, |_| self.server.get())
            .breaker(&self.breaker)
            .budget(&self.budget)
            .classify_ok(|response| HttpStatus::new().response(response))
            .await
    }
}
// --- the end of the task ---

caller_of_ours!(Client);
