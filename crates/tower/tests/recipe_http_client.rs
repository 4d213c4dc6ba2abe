//! docs/recipes/http-client.md: what may be sent again is, as the server asks, and an outage gets fewer calls, not more.
#![cfg(feature = "http")]

use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tower::{HttpStatus, IdempotentMethods, RetryLayer, SharedBreaker, SharedRatio};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn an_outage_gets_fewer_calls() -> Result<(), Box<dyn std::error::Error>> {
    let status = AtomicU16::new(200);
    let (sent, later) = (AtomicU32::new(0), AtomicU32::new(1));
    let client = service_fn(|_: Request<String>| {
        sent.fetch_add(1, Ordering::Relaxed);
        let answer = match status.load(Ordering::Relaxed) {
            429 => Response::builder()
                .status(429)
                .header("Retry-After", later.load(Ordering::Relaxed)),
            status => Response::builder().status(status),
        };
        std::future::ready(answer.body(String::new()))
    });

    // Once, for all calls to one service:
    let ms = Duration::from_millis;
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(100)).cap(ms(2_000)))
        .max_attempts(3)
        .attempt_timeout(ms(800))
        .deadline(ms(3_000))
        .advisory_cap(ms(60_000))
        .advisory_spread(Ratio::percent(20))
        .build()?;
    let open = BackoffPolicy::builder(ms(1_000)).cap(ms(10_000));
    let breaker = BreakerPolicy::builder(open, ms(1_000))
        .window(Window::Count { calls: 50 })
        .trigger(Trigger::Consecutive { failures: 10 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 20,
        })
        .max_in_flight(2)
        .trials(5)
        .successes(4)
        .build()?;
    let breaker = SharedBreaker::new(breaker);
    let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(10)).build()?);
    let retries = RetryLayer::new(&policy, IdempotentMethods)
        .classify(HttpStatus::new())
        .breaker(&breaker)
        .budget(&budget);
    let client = ServiceBuilder::new().layer(retries).service(client);

    let get = || {
        client
            .clone()
            .oneshot(Request::get("/").body(String::new()).expect("a request"))
    };
    assert_eq!(get().await?.status(), 200);

    // "Come back in a second": it does, and not earlier.
    status.store(429, Ordering::Relaxed);
    let begun = tokio::time::Instant::now();
    assert_eq!(get().await?.status(), 429);
    assert!(begun.elapsed() >= ms(1_000) && begun.elapsed() <= ms(3_000));

    // "In half a minute": that is too long for the caller, who hears it at once.
    later.store(30, Ordering::Relaxed);
    let begun = tokio::time::Instant::now();
    assert_eq!(get().await?.status(), 429);
    assert_eq!(begun.elapsed(), Duration::ZERO);

    status.store(503, Ordering::Relaxed);
    sent.store(0, Ordering::Relaxed);
    for _ in 0..1_000 {
        let _ = get().await;
    }
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 100, "{sent} of a thousand operations went out");
    Ok(())
}
