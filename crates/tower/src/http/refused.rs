//! A refusal as an HTTP response.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};

/// A response 503 with an empty body; where it is known when to come back, with `Retry-After` in whole seconds, rounded
/// up so that nobody comes early.
///
/// What a server makes of a refusal:
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::backoff::{BackoffPolicy, Jitter};
/// use evenkeel_core::breaker::{BreakerPolicy, Trigger};
/// use evenkeel_tower::{BreakerLayer, CallError, Clock, RetryAfter, SharedBreaker, service_unavailable};
/// use http::Response;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = BackoffPolicy::builder(Duration::from_millis(1_500)).jitter(Jitter::None);
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 1 });
/// let breaker = SharedBreaker::new(policy.build()?);
/// breaker.try_acquire()?.failure();
///
/// let clock = *breaker.clock();
/// let service = ServiceBuilder::new()
///     .map_result(move |result: Result<Response<String>, CallError<std::io::Error>>| match result {
///         Err(CallError::Refused(refused)) => Ok(service_unavailable(refused.retry_after(clock.now_ns()))),
///         result => result,
///     })
///     .layer(BreakerLayer::new(&breaker))
///     .service_fn(|()| async { Ok(Response::new("hello".to_owned())) });
/// let response = service.oneshot(()).await?;
/// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"2".parse()?));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn service_unavailable<B: Default>(retry_after: Option<Duration>) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    if let Some(wait) = retry_after {
        let part = u64::from(wait.subsec_nanos() > 0);
        let seconds = wait.as_secs().saturating_add(part);
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}
