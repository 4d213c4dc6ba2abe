//! The service: axum behind evenkeel's layers, and what it tells a scraper.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_core::throttle::{AdaptiveThrottlePolicy, Throttled};
use evenkeel_core::{ConfigError, Ratio, Refusal};
use evenkeel_tower::observe::Observer;
use evenkeel_tower::{
    AdaptiveThrottleLayer, BreakerLayer, CallError, Clock, HttpStatus, IdempotentMethods,
    RetryError, RetryLayer, SharedBreaker, SharedRatio, SharedThrottle, Through, TokioClock,
    UnavailableLayer, service_unavailable,
};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use metrics_exporter_prometheus::PrometheusHandle;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use crate::faults::Reports;

/// What calls the upstream, whatever layers it has.
type Upstream = BoxCloneSyncService<Request<String>, Response<Incoming>, UpstreamError>;

/// The retry's error, around the throttle's, around the client's.
type UpstreamError = RetryError<CallError<ClientError, Refusal<Throttled>>>;

/// What the handlers share.
#[derive(Clone)]
struct App {
    upstream: Upstream,
    uri: String,
    reports: Reports,
    clock: TokioClock,
    observer: Observer,
    metrics: PrometheusHandle,
}

/// The routes, and all that stands before and behind them.
pub(crate) fn router(
    uri: String,
    reports: Reports,
    metrics: PrometheusHandle,
) -> Result<Router, ConfigError> {
    let observer = Observer::new();
    let app = App {
        upstream: upstream(&observer)?,
        uri,
        reports,
        clock: TokioClock::default(),
        observer: observer.clone(),
        metrics,
    };
    let guard = reports_breaker(&observer)?;
    let guard = ServiceBuilder::new()
        .layer(UnavailableLayer::new(guard.clock()))
        .layer(BreakerLayer::new(&guard).classify(HttpStatus::new()));
    Ok(Router::new()
        .route("/orders/{id}", get(order))
        .route("/reports", get(report).layer(guard))
        .route("/metrics", get(scrape))
        .with_state(app))
}

/// Before the handler: while it is slow, callers are told to come back instead of piling up.
fn reports_breaker(observer: &Observer) -> Result<SharedBreaker, ConfigError> {
    let ms = Duration::from_millis;
    let open = BackoffPolicy::builder(ms(200)).cap(Duration::from_secs(1));
    let slow = Trigger::SlowRate {
        slower_than: ms(100),
        at_least: Ratio::percent(50),
        min_calls: 10,
    };
    let policy = BreakerPolicy::builder(open, Duration::from_secs(1))
        .window(Window::Count { calls: 20 })
        .trigger(slow)
        .build()?;
    let breaker = SharedBreaker::builder(policy).count_all(true).build();
    observer.breaker("reports", &breaker);
    Ok(breaker)
}

/// Behind the handler: retries that know the breaker and the budget, and follow Retry-After. Each attempt goes through
/// the throttle.
fn upstream(observer: &Observer) -> Result<Upstream, ConfigError> {
    let ms = Duration::from_millis;
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(20)).cap(ms(200)))
        .max_attempts(3)
        .attempt_timeout(ms(200))
        .deadline(Duration::from_secs(1))
        .build()?;
    let open = BackoffPolicy::builder(ms(200)).cap(ms(400));
    let breaker = BreakerPolicy::builder(open, ms(500))
        .trigger(Trigger::Consecutive { failures: 10 })
        .build()?;
    let breaker = SharedBreaker::builder(breaker).count_all(true).build();
    let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
    let throttle = AdaptiveThrottlePolicy::builder()
        .history(ms(500))
        .max_rejection(Ratio::percent(50))
        .build()?;
    let throttle = SharedThrottle::new(throttle);
    observer.breaker("upstream", &breaker);
    observer.ratio("upstream", &budget);
    observer.throttle("upstream", &throttle);

    let retries = RetryLayer::new(&policy, IdempotentMethods)
        .classify(Through(HttpStatus::new()))
        .breaker(&breaker)
        .budget(&budget)
        .observe(&observer.retry("upstream"));
    let throttled = AdaptiveThrottleLayer::new(&throttle).classify(HttpStatus::new());
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    // The first layer is the outermost.
    let service = ServiceBuilder::new()
        .layer(retries)
        .layer(throttled)
        .service(client);
    Ok(BoxCloneSyncService::new(service))
}

async fn order(State(app): State<App>, Path(id): Path<u32>) -> Response {
    let request = Request::get(format!("{}orders/{id}", app.uri)).body(String::new());
    let request = request.expect("a URI that ends in a slash, and a number");
    match app.upstream.oneshot(request).await {
        // Also a failure that was answered: the last one, when no retry is left.
        Ok(answer) => answer.map(Body::new),
        // Refused by the breaker or by the throttle: with Retry-After where it is known.
        Err(error) if matches!(error.end(), End::BreakerOpen { .. } | End::Refused { .. }) => {
            service_unavailable(error.retry_after(app.clock.now_ns()))
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn report(State(app): State<App>) -> &'static str {
    app.reports.make().await;
    "a report"
}

/// Sets the metrics to what holds now, and renders them.
async fn scrape(State(app): State<App>) -> String {
    app.observer.publish();
    app.metrics.render()
}
