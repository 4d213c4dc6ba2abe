//! The task with evenkeel-tokio.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Trigger};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::{ConfigError, Ratio};
use evenkeel_tokio::{Classified, RetryError, SharedBreaker, SharedRatio, retry, retry_after};
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};

use crate::scenes::Caller;
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
            .classify_ok(by_status)
            .await
    }
}

/// A 429 is our own limit: it says nothing of the service's health.
fn by_status(response: &Response<()>) -> Option<Classified> {
    let header = response.headers().get(RETRY_AFTER);
    let header = header.and_then(|value| value.to_str().ok());
    let asked = header.and_then(|value| retry_after(value, SystemTime::now()));
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => Some(
            Classified::throttled()
                .retry_after(asked)
                .breaker(Outcome::Ignored),
        ),
        status if status.is_server_error() => Some(Classified::transient().retry_after(asked)),
        _ => None,
    }
}
// --- the end of the task ---

impl Caller for Client {
    fn new(server: Arc<Server>, open: Duration) -> Self {
        Self::new(server, open).expect("a policy that can be")
    }

    async fn get(&self) -> Result<StatusCode, String> {
        let answer = self.get().await;
        answer
            .map(|response| response.status())
            .map_err(|error| error.to_string())
    }

    fn phase(&self) -> &'static str {
        self.breaker.phase().name()
    }

    fn retries_left(&self) -> u64 {
        self.budget.retries_left()
    }
}
