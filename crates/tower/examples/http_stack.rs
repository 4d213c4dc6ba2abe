//! An HTTP client with retries, budget, breaker and throttle, against a server on loopback that has a bad start:
//! hyper's client, as the innermost service.
//!
//! `cargo run -p evenkeel-tower --example http_stack`

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tower::retry::Failed;
use evenkeel_tower::{
    AdaptiveThrottleLayer, Attempt, HttpStatus, IdempotentMethods, RetryEvent, RetryLayer,
    SharedBreaker, SharedRatio, SharedThrottle, Through, WaitCause,
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{Service, ServiceBuilder, ServiceExt};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Answers 503 with `Retry-After`, hangs up, is slow, and then does its work.
async fn serve(request: Request<Incoming>, number: u32) -> Result<Response<Full<Bytes>>, Error> {
    println!(
        "  server: {} {}, request {number}",
        request.method(),
        request.uri()
    );
    let response = Response::builder();
    match number {
        1 => Ok(response
            .status(503)
            .header("retry-after", "1")
            .body(Full::default())?),
        2 => Err("hangs up".into()),
        3 => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(response.body(Full::default())?)
        }
        _ => Ok(response.body(Full::from("hello"))?),
    }
}

async fn listen() -> Result<SocketAddr, Error> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let requests = Arc::new(AtomicU32::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let requests = Arc::clone(&requests);
            let answer = hyper::service::service_fn(move |request| {
                serve(request, requests.fetch_add(1, Ordering::Relaxed) + 1)
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok(address)
}

fn tell<E>(event: &RetryEvent<'_, Failed<Response<Incoming>, E>>) {
    let answer = event.error().and_then(Failed::answer);
    let failed = match (event.cause(), answer) {
        (WaitCause::Failed, Some(response)) => response.status().to_string(),
        (WaitCause::Failed, None) => "no answer".to_owned(),
        (cause, _) => cause.name().to_owned(),
    };
    println!(
        "  client: attempt {}: {failed}; again in {:?}",
        event.attempts(),
        event.wait()
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
    let policy = RetryPolicy::builder(backoff)
        .max_attempts(5)
        .attempt_timeout(Duration::from_millis(500))
        .deadline(Duration::from_secs(10))
        .build()?;
    let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5));
    let breaker = breaker
        .trigger(Trigger::Consecutive { failures: 10 })
        .build()?;
    let breaker = SharedBreaker::new(breaker);
    let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
    let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build()?);

    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let retry = RetryLayer::new(&policy, IdempotentMethods)
        .breaker(&breaker)
        .budget(&budget);
    let mut service = ServiceBuilder::new()
        .layer(retry.classify(Through(HttpStatus::new())).on_retry(tell))
        .layer(AdaptiveThrottleLayer::new(&throttle).classify(HttpStatus::new()))
        // Which attempt it is, for the server's log: the retry has put it into the extensions.
        .map_request(|mut request: Request<Full<Bytes>>| {
            if let Some(attempt) = request.extensions().get::<Attempt>().copied() {
                request
                    .headers_mut()
                    .insert("x-attempt", attempt.number().into());
            }
            request
        })
        .service(client);

    let address = listen().await?;
    for method in ["GET", "POST"] {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{address}/index"));
        let response = service
            .ready()
            .await?
            .call(request.body(Full::default())?)
            .await?;
        let (status, body) = (response.status(), response.into_body().collect().await?);
        println!("{method}: {status} {:?}", body.to_bytes());
    }
    println!(
        "breaker {}, {} of {} requests were accepted",
        breaker.phase(),
        throttle.accepts(),
        throttle.requests(),
    );
    Ok(())
}
