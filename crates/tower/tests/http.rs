//! HTTP requests and responses through the layers: what is sent again, and what the server is told of it.
#![cfg(feature = "http")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::breaker::Phase;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_tower::{
    Attempt, BreakerTableLayer, Clock, HttpStatus, IdempotentMethods, RetryLayer,
    SharedBreakerTable, TokioClock, service_unavailable,
};
use http::uri::Authority;
use http::{Method, Request, Response};
use support::{breaker_on, ms, ns_of, opens_after, plain_retry};
use tower::{Layer, ServiceBuilder, ServiceExt};

/// What a server was sent: method, body, the mark of a client, the attempt.
type Seen = (Method, String, Option<u8>, Option<u32>);

/// Sends a request to a server that answers 502 twice; what it saw, and the last status.
async fn sent(request: Request<String>) -> (Vec<Seen>, u16) {
    let seen = Mutex::new(Vec::new());
    let policy = plain_retry()
        .max_attempts(3)
        .build()
        .expect("a valid policy");
    let service = ServiceBuilder::new()
        .layer(RetryLayer::new(&policy, IdempotentMethods).classify(HttpStatus::new()))
        .service_fn(|request: Request<String>| {
            let attempt = request.extensions().get::<Attempt>().copied();
            let mark = request.extensions().get::<u8>().copied();
            let mut seen = seen.lock().expect("no panic");
            let number = attempt.map(Attempt::number);
            seen.push((request.method().clone(), request.into_body(), mark, number));
            let status = if seen.len() < 3 { 502 } else { 200 };
            std::future::ready(Response::builder().status(status).body(()))
        });
    let response = service.oneshot(request).await.expect("an answer");
    (
        seen.into_inner().expect("no panic"),
        response.status().as_u16(),
    )
}

fn request(method: Method) -> Request<String> {
    let request = Request::builder()
        .method(method)
        .uri("/orders")
        .extension(7_u8);
    request.body("a book".to_owned()).expect("a valid request")
}

#[tokio::test(start_paused = true)]
async fn idempotent_methods_are_sent_again_and_others_are_not() {
    let methods = [
        (Method::GET, true),
        (Method::HEAD, true),
        (Method::PUT, true),
        (Method::DELETE, true),
        (Method::OPTIONS, true),
        (Method::TRACE, true),
        (Method::POST, false),
        (Method::PATCH, false),
        (Method::CONNECT, false),
    ];
    for (method, again) in methods {
        let (seen, status) = sent(request(method.clone())).await;
        let expected = if again { (3, 200) } else { (1, 502) };
        assert_eq!((seen.len(), status), expected, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_any_request_one_that_can_be_sent_again() {
    let mut order = request(Method::POST);
    let key = "8e03978e-40d5-43e8-bc93-6894a57f9324".parse();
    order
        .headers_mut()
        .insert("idempotency-key", key.expect("a valid header"));
    let (seen, status) = sent(order).await;
    assert_eq!((seen.len(), status), (3, 200));
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_the_same_request_and_says_which_attempt_it_is() {
    let (seen, _) = sent(request(Method::PUT)).await;
    let attempt = |number| (Method::PUT, "a book".to_owned(), Some(7), number);
    assert_eq!(seen, [attempt(None), attempt(Some(2)), attempt(Some(3))]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(9), clock);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let policy = plain_retry()
        .max_attempts(2)
        .build()
        .expect("a valid policy");
    let retry = RetryLayer::new(&policy, IdempotentMethods)
        .breaker(&breaker)
        .clock(clock);
    let service = ServiceBuilder::new()
        .layer(retry.classify(HttpStatus::new().overload_opens(true)))
        .service_fn(|_: Request<String>| {
            let mut calls = calls.lock().expect("no panic");
            calls.push((clock.now_ns(), breaker.phase()));
            let busy: Response<()> = service_unavailable(Some(Duration::from_millis(700)));
            let response = if calls.len() == 1 {
                busy
            } else {
                Response::default()
            };
            std::future::ready(Ok::<_, std::io::Error>(response))
        });
    let response = service
        .oneshot(request(Method::GET))
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200);
    // 700 ms are a second in the header; the breaker has opened for that time, and the retry is its probe.
    let second = ns_of(ms(1_000));
    assert_eq!(
        *calls.lock().expect("no panic"),
        [(0, Phase::Closed), (second, Phase::HalfOpen)]
    );
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn a_refusal_is_told_in_whole_seconds_and_never_too_few() {
    let told = |wait: Option<Duration>| {
        let response: Response<String> = service_unavailable(wait);
        assert_eq!(
            (response.status().as_u16(), response.body().as_str()),
            (503, "")
        );
        let header = response.headers().get("retry-after");
        header.map(|header| header.to_str().expect("digits").to_owned())
    };
    assert_eq!(told(None), None);
    for (wait_ms, seconds) in [(0, "0"), (1, "1"), (1_000, "1"), (1_001, "2")] {
        assert_eq!(told(Some(ms(wait_ms))).as_deref(), Some(seconds));
    }
    assert_eq!(
        told(Some(Duration::MAX)).as_deref(),
        Some("18446744073709551615")
    );
}

/// The key is the host of the request as the http crate has it: a clone, without a copy, and equal in any case.
#[tokio::test(start_paused = true)]
async fn each_host_has_a_breaker() {
    let policy = BreakerTablePolicy::builder(opens_after(1), 10, ms(60_000)).build();
    let hosts = SharedBreakerTable::<Option<Authority>>::new(policy.expect("a valid policy"));
    let down = tower::service_fn(|_: Request<()>| std::future::ready(Err::<(), _>("down")));
    let layer = BreakerTableLayer::new(&hosts, |request: &Request<()>| {
        request.uri().authority().cloned()
    });
    let refused = async |uri: &str| {
        let request = Request::get(uri).body(()).expect("a valid request");
        let answer = layer.clone().layer(down).oneshot(request).await;
        answer.expect_err("down or refused").refused().is_some()
    };
    assert!(!refused("http://a.example/1").await);
    assert!(refused("http://A.example/2").await);
    assert!(!refused("http://b.example/1").await);
}
