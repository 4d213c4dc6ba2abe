//! The task with evenkeel-tower.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::{ConfigError, Ratio};
use evenkeel_tower::{AnyRequest, HttpStatus, RetryError, RetryLayer, SharedBreaker, SharedRatio};
use http::{Response, StatusCode};
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use crate::scenes::{Caller, caller_of_ours};
use crate::server::{Broken, Server};

// --- the task ---
/// All calls to one service; a clone is the same.
#[derive(Clone)]
pub(crate) struct Client {
    service: BoxCloneSyncService<(), Response<()>, RetryError<Broken>>,
    breaker: SharedBreaker, // for the table
    budget: SharedRatio,    // for the table
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
        let breaker = SharedBreaker::new(breaker.build()?);
        let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
        let retries = RetryLayer::new(&policy.build()?, AnyRequest)
            .classify(HttpStatus::new())
            .breaker(&breaker)
            .budget(&budget);
        let service = ServiceBuilder::new().layer(retries).service_fn(move |()| {
            let server = Arc::clone(&server);
            async move { server.get().await }
        });
        Ok(Self {
            service: BoxCloneSyncService::new(service),
            breaker, // for the table
            budget,  // for the table
        })
    }

    pub(crate) async fn get(&self) -> Result<Response<()>, RetryError<Broken>> {
        self.service.clone().oneshot(()).await
    }
}
// --- the end of the task ---

caller_of_ours!(Client);
