//! What an operation does not hold while it waits, and before its next attempt: a slot, a connection.

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel_core::retry::WhenRefused;
use evenkeel_tower::{AnyRequest, Classified, Clock, RetryLayer, TokioClock};
use support::{breaker_on, ms, ns_of, opens_after, plain_retry, scripted};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_breaker_holds_no_slot() {
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(1), clock);
    let limit = Arc::new(tokio::sync::Semaphore::new(1));
    let inner = scripted([Ok::<_, &str>("up")]);
    let limited = tower::limit::ConcurrencyLimit::with_semaphore(inner, Arc::clone(&limit));
    let policy = plain_retry()
        .deadline(ms(30_000))
        .when_refused(WhenRefused::Wait)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest).clock(clock);
    let mut service = layer.breaker(&breaker).layer(limited);
    ServiceExt::<()>::ready(&mut service).await.expect("ready");
    breaker.try_acquire().expect("closed").failure();
    let mut answer = tokio_test::task::spawn(service.call(()));
    assert_eq!(limit.available_permits(), 0, "reserved for the call");
    assert!(answer.poll().is_pending());
    assert_eq!(limit.available_permits(), 1, "it waits for the breaker");
    assert_eq!(answer.await, Ok("up"));
    assert_eq!(clock.now_ns(), ns_of(ms(1_000)));
}

/// As with a connection of a pool, which a response holds until its body is read or dropped.
#[tokio::test(start_paused = true)]
async fn a_failed_answer_does_not_hold_what_the_next_attempt_needs() {
    let pool = Arc::new(tokio::sync::Semaphore::new(1));
    let attempts = AtomicU32::new(0);
    let service = service_fn(|()| {
        let connection = Arc::clone(&pool).acquire_owned();
        let status = [503, 200][attempts.fetch_add(1, Ordering::Relaxed) as usize];
        async move { Ok::<_, Infallible>((status, connection.await.expect("never closed"))) }
    });
    let policy = plain_retry()
        .max_attempts(2)
        .attempt_timeout(ms(1_000))
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest);
    let layer = layer.classify(|result: Result<&(u16, _), &Infallible>| match result {
        Ok((503, _)) => Some(Classified::transient()),
        _ => None,
    });
    let answer = layer.layer(service).oneshot(()).await.expect("an answer");
    assert_eq!(answer.0, 200);
}
