//! The task with tower's retry and its budget, and the breaker of tower-resilience.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use rand::RngExt;
use tokio::time::{Sleep, sleep};
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, RetryLayer};
use tower::timeout::TimeoutLayer;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_resilience_circuitbreaker::{
    CircuitBreakerConfigError, CircuitBreakerError, CircuitBreakerLayer, CircuitState,
};

use crate::scenes::Caller;
use crate::server::Server;

// --- the task ---
/// All calls to one service; a clone is the same.
#[derive(Clone)]
pub(crate) struct Client {
    service: BoxCloneSyncService<(), Response<()>, BoxError>,
    budget: Arc<TpsBudget>,                             // for the table
    phase: Arc<dyn Fn() -> CircuitState + Send + Sync>, // for the table
}

impl Client {
    pub(crate) fn new(
        server: Arc<Server>,
        open: Duration,
    ) -> Result<Self, CircuitBreakerConfigError> {
        let budget = Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.2));
        let (breaker, handle) = CircuitBreakerLayer::builder()
            .consecutive_failures(5)
            .wait_duration_in_open(open)
            .permitted_calls_in_half_open(1)
            .failure_classifier(is_failure)
            .build_with_handle()?;
        let service = ServiceBuilder::new()
            .layer(TimeoutLayer::new(Duration::from_secs(10)))
            .layer(RetryLayer::new(Retries {
                budget: Arc::clone(&budget),
                made: 0,
            }))
            .layer(breaker)
            .layer(TimeoutLayer::new(Duration::from_secs(2)))
            .service_fn(move |()| {
                let server = Arc::clone(&server);
                async move { server.get().await }
            });
        let phase = Arc::new(move || handle.state()); // for the table
        Ok(Self {
            service: BoxCloneSyncService::new(service),
            budget, // for the table
            phase,  // for the table
        })
    }

    pub(crate) async fn get(&self) -> Result<Response<()>, BoxError> {
        self.service.clone().oneshot(()).await
    }
}

/// A 429 is our own limit: it says nothing of the service's health.
fn is_failure(result: &Result<Response<()>, BoxError>) -> bool {
    match result {
        Ok(response) => response.status().is_server_error(),
        Err(_) => true,
    }
}

/// The retries of one operation: tower clones it for each.
#[derive(Clone)]
struct Retries {
    budget: Arc<TpsBudget>,
    made: u32,
}

type Answer = Result<Response<()>, CircuitBreakerError<BoxError>>;

impl Policy<(), Response<()>, CircuitBreakerError<BoxError>> for Retries {
    type Future = Sleep;

    fn retry(&mut self, (): &mut (), result: &mut Answer) -> Option<Sleep> {
        let asked = match result {
            Ok(response) if is_transient(response.status()) => retry_after(response),
            Ok(_) => {
                self.budget.deposit();
                return None;
            }
            Err(error) if error.is_circuit_open() => return None,
            Err(_) => None,
        };
        if self.made == 3 || !self.budget.withdraw() {
            return None;
        }
        let ceiling = Duration::from_millis(200 << self.made).min(Duration::from_millis(500));
        self.made += 1;
        let jittered = rand::rng().random_range(Duration::ZERO..=ceiling);
        let asked = asked.unwrap_or_default().min(Duration::from_secs(6));
        Some(sleep(jittered.max(asked)))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

fn is_transient(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn retry_after(response: &Response<()>) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(SystemTime::now()).unwrap_or_default())
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
        match (self.phase)() {
            CircuitState::Closed => "closed",
            CircuitState::Open => "open",
            CircuitState::HalfOpen => "half-open",
        }
    }

    fn retries_left(&self) -> u64 {
        let withdrawn = std::iter::repeat_with(|| self.budget.withdraw());
        withdrawn.take_while(|paid| *paid).count() as u64
    }
}
