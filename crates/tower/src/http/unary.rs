//! Which gRPC calls may be sent again.

use evenkeel_std::Attempt;
use http::{HeaderName, Request};

use crate::retry::Replay;

const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

/// gRPC's unary calls: each may be sent again, whichever the method, and a retry says in
/// `grpc-previous-rpc-attempts` how many went before it, as gRPC's own clients do.
///
/// **For services whose calls may be done twice**: that every gRPC call is a `POST` says nothing of what it does. Which
/// codes are retried then, [`GrpcStatus`](super::GrpcStatus) says; for a service with others, say it by the path:
/// `|request: &Request<_>| request.uri().path() != "/orders.Orders/Place"`.
///
/// A copy is a clone, so the body must be `Clone`: a message in memory (`Full<Bytes>`, `Bytes`). tonic's own body is
/// not: a layer between tonic and the retry has to collect it.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_tower::{GrpcStatus, GrpcUnary, RetryLayer};
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(100))).build()?;
/// let orders = ServiceBuilder::new()
///     .layer(RetryLayer::new(&policy, GrpcUnary).classify(GrpcStatus::new()))
///     .service_fn(|call: Request<Vec<u8>>| async move {
///         let unavailable = call.headers().get("grpc-previous-rpc-attempts").is_none_or(|sent| sent != "2");
///         Response::builder().header("grpc-status", if unavailable { "14" } else { "0" }).body(())
///     });
/// let answer = orders.oneshot(Request::post("http://orders/orders.Orders/Get").body(vec![0; 5])?).await?;
/// assert_eq!(answer.headers()["grpc-status"], "0");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrpcUnary;

impl<B: Clone> Replay<Request<B>> for GrpcUnary {
    fn may_replay(&self, _: &Request<B>) -> bool {
        true
    }

    fn copy(&self, request: &Request<B>) -> Request<B> {
        request.clone()
    }

    fn on_attempt(&self, request: &mut Request<B>, attempt: Attempt) {
        if attempt.is_retry() {
            let before = attempt.number().saturating_sub(1);
            request
                .headers_mut()
                .insert(PREVIOUS_ATTEMPTS, before.into());
        }
    }
}
