//! README's example of a layer is the code of this test, which sends again what may be sent again, and no more.
#![cfg(feature = "http")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tower::SharedBreaker;
use evenkeel_tower::{HttpStatus, IdempotentMethods, RetryLayer};
use http::{Request, Response};
use tower::ServiceBuilder;
use tower::{ServiceExt, service_fn};

const README: &str = include_str!("../../../README.md");

#[tokio::test(start_paused = true)]
async fn a_get_is_sent_again_and_a_post_is_not() {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100));
    let policy = RetryPolicy::builder(backoff).max_attempts(4).build();
    let policy = policy.expect("a valid policy");
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 10 });
    let breaker = SharedBreaker::new(breaker.build().expect("a valid policy"));
    let sent = AtomicU32::new(0);
    // Every second request is answered with 200, the others with 503.
    let client = service_fn(|_: Request<String>| {
        let odd = sent.fetch_add(1, Ordering::Relaxed) % 2 == 0;
        let answer = Response::builder().status(if odd { 503 } else { 200 });
        std::future::ready(answer.body(String::new()))
    });

    let retries = RetryLayer::new(&policy, IdempotentMethods)
        .classify(HttpStatus::new())
        .breaker(&breaker);
    let client = ServiceBuilder::new().layer(retries).service(client);

    let told = async |request: http::request::Builder| {
        let request = request.uri("/").body(String::new()).expect("a request");
        let answer = client.clone().oneshot(request).await;
        (
            answer.expect("an answer").status().as_u16(),
            sent.load(Ordering::Relaxed),
        )
    };
    assert_eq!(told(Request::get("/")).await, (200, 2));
    assert_eq!(told(Request::post("/")).await, (503, 3));
}

#[test]
fn readmes_example_is_that_code() {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let source = plain(include_str!("readme.rs"));
    let blocks = README.split("```rust,ignore\n").skip(1);
    let block = blocks
        .filter_map(|rest| rest.split("```").next())
        .find(|block| block.contains("evenkeel_tower"));
    for part in block.expect("an example").split_inclusive(';') {
        assert!(source.contains(&plain(part)), "{part}");
    }
}
