//! The tests that tower-resilience has for its circuit breaker, restated: see docs/peers-tests.md. The layer.

mod support;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Cause, Mode, Phase, Trigger, Window};
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tower::{
    AnyRequest, BreakerLayer, BreakerService, CallError, Classified, RetryLayer, SharedBreaker,
    Through,
};
use support::{call, ms, now, poll_times};
use tokio_test::{assert_pending, assert_ready_ok};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_test::mock;

use support::peers::{TEN, bad, breaker, calls, failing, policy};

/// contract, concurrency: one place, many at once.
#[tokio::test(start_paused = true)]
async fn half_open_admits_no_more_than_it_may() {
    for places in [1, 3] {
        let builder = policy(TEN, &[Trigger::Consecutive { failures: 1 }]);
        let builder = builder
            .trials(places)
            .successes(places)
            .max_in_flight(places);
        let breaker = breaker(builder);
        calls(&breaker, bad(1)).await;
        tokio::time::advance(ms(500)).await;
        let reached = AtomicU32::new(0);
        let guarded = BreakerLayer::new(&breaker).layer(service_fn(|()| async {
            reached.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(ms(100)).await;
            Ok::<_, std::io::Error>(())
        }));
        let all = (0..50).map(|_| guarded.clone().oneshot(()));
        let (mut passed, mut refused) = (0, 0);
        let mut all: Vec<_> = all.map(Box::pin).collect();
        for round in 0..2 {
            poll_fn(|cx| {
                all.retain_mut(|future| match future.as_mut().poll(cx) {
                    Poll::Pending => true,
                    Poll::Ready(Ok(())) => {
                        passed += 1;
                        false
                    }
                    Poll::Ready(Err(error)) => {
                        assert!(error.refused().is_some());
                        refused += 1;
                        false
                    }
                });
                Poll::Ready(())
            })
            .await;
            if round == 0 {
                assert_eq!(breaker.phase(), Phase::HalfOpen);
                tokio::time::advance(ms(101)).await;
            }
        }
        assert_eq!((passed, refused), (places, 50 - places));
        assert_eq!(
            (reached.load(Ordering::Relaxed), breaker.phase()),
            (places, Phase::Closed)
        );
    }
}

/// contract: an open breaker leaves the service alone, for each of its clones, and a waiting one until its time.
#[tokio::test(start_paused = true)]
async fn an_open_breaker_does_not_ask_the_service_whether_it_is_ready() {
    #[derive(Clone)]
    struct NeverReady(Arc<AtomicU32>);
    impl Service<()> for NeverReady {
        type Response = ();
        type Error = std::io::Error;
        type Future = std::future::Ready<std::io::Result<()>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<std::io::Result<()>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Poll::Pending
        }
        fn call(&mut self, (): ()) -> Self::Future {
            unreachable!("it is not ready")
        }
    }
    let asked = Arc::new(AtomicU32::new(0));
    let breaker = breaker(policy(TEN, &[Trigger::Consecutive { failures: 1 }]));
    calls(&breaker, bad(1)).await;
    let mut first = BreakerLayer::new(&breaker).layer(NeverReady(Arc::clone(&asked)));
    let mut second = first.clone();
    for service in [&mut first, &mut second] {
        assert!(service.ready().await.is_ok());
        let answer = service.ready().await.expect("ready").call(()).await;
        assert!(matches!(answer, Err(CallError::Refused(_))));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let mut waiting = tokio_test::task::spawn(layer.layer(NeverReady(Arc::clone(&asked))));
    assert_pending!(waiting.enter(|cx, mut service| service.poll_ready(cx)));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    tokio::time::sleep(ms(500)).await;
    assert!(waiting.is_woken());
    assert_pending!(waiting.enter(|cx, mut service| service.poll_ready(cx)));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // Closed, it only waits for the service.
    let _ = breaker.reset();
    assert_pending!(waiting.enter(|cx, mut service| service.poll_ready(cx)));
    assert!(!waiting.is_woken());
}

/// contract: a readied instance is driven as tower wants it.
#[tokio::test(start_paused = true)]
async fn the_instance_that_is_ready_is_the_one_that_is_called() {
    let breaker = breaker(policy(TEN, &[failing(50, 10)]));
    let service = support::scripted((0..3).map(Ok::<_, ()>));
    let limited = tower::limit::ConcurrencyLimit::new(service, 8);
    let mut guarded = BreakerLayer::new(&breaker).layer(limited);
    for number in 0..3 {
        assert_eq!(now(call(&mut guarded, ())), Ok(number));
    }
    let (mut guarded, mut handle) = mock::spawn_layer::<(), (), _>(BreakerLayer::new(&breaker));
    handle.send_error("closed");
    let error = tokio_test::assert_ready_err!(guarded.poll_ready());
    assert!(matches!(error, CallError::Failed(_)));
}

/// reset, lib, handle: an operator's commands, seen by every clone, with the transition told.
#[tokio::test(start_paused = true)]
async fn an_operator_forces_and_resets() {
    let breaker = breaker(policy(TEN, &[Trigger::Consecutive { failures: 2 }]));
    let causes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = Arc::clone(&causes);
    breaker.on_transition(move |made| told.lock().expect("no panic").push(made.cause));
    let layer = BreakerLayer::new(&breaker);
    let (mut one, mut handle) = mock::spawn_layer::<(), (), _>(layer.clone());
    let _ = breaker.set_mode(Mode::ForcedOpen);
    assert_ready_ok!(one.poll_ready());
    assert!(matches!(one.call(()).await, Err(CallError::Refused(_))));
    tokio::time::advance(ms(60_000)).await;
    assert_eq!(breaker.phase(), Phase::Open, "time does not override it");
    let _ = breaker.set_mode(Mode::ForcedClosed);
    calls(&breaker, bad(9)).await;
    assert_eq!(breaker.phase(), Phase::Closed, "nor do failures");
    let _ = breaker.reset();
    calls(&breaker, bad(1)).await;
    let _ = breaker.reset();
    calls(&breaker, bad(1)).await;
    assert_eq!(breaker.phase(), Phase::Closed, "a reset forgets");
    calls(&breaker, bad(1)).await;
    let _ = breaker.reset();
    assert_eq!(breaker.phase(), Phase::Closed);
    let causes = causes.lock().expect("no panic");
    let [forced, reset] = [Cause::Forced, Cause::Reset];
    assert_eq!(
        *causes,
        [forced, forced, reset, reset, Cause::Consecutive, reset]
    );
    drop(handle.next_request());
}

/// edge_cases, combinations, lib: a classifier says which errors count; one serves two responses.
#[tokio::test(start_paused = true)]
async fn a_classifier_says_what_counts() {
    #[derive(Clone, Copy)]
    struct NotFoundIsFine;
    impl<Res> evenkeel_tower::Classify<Res, std::io::Error> for NotFoundIsFine {
        fn classify(&self, result: Result<&Res, &std::io::Error>) -> Option<Classified> {
            result.err().map(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Classified::permanent(),
                _ => Classified::transient(),
            })
        }
    }
    for (kind, opens) in [
        (std::io::ErrorKind::NotFound, false),
        (std::io::ErrorKind::ConnectionReset, true),
    ] {
        let breaker = breaker(policy(TEN, &[Trigger::Consecutive { failures: 3 }]));
        let layer = BreakerLayer::new(&breaker).classify(NotFoundIsFine);
        let mut numbers = layer.layer(service_fn(
            move |()| async move { Err::<u8, _>(kind.into()) },
        ));
        let mut texts = layer.layer(service_fn(move |()| async move {
            Err::<String, _>(kind.into())
        }));
        for _ in 0..2 {
            assert!(now(call(&mut numbers, ())).is_err());
            let _: Result<String, CallError<std::io::Error>> = now(call(&mut texts, ()));
        }
        assert_eq!(breaker.phase() == Phase::Open, opens);
    }
    for (said, phase) in [
        (None, Phase::Closed),
        (Some(Classified::transient()), Phase::Open),
    ] {
        let breaker = breaker(policy(TEN, &[Trigger::Consecutive { failures: 3 }]));
        let layer = BreakerLayer::new(&breaker).classify(move |_: Result<&(), &()>| said);
        let mut guarded = layer.layer(support::scripted([Ok(()), Err(()), Ok(())]));
        for _ in 0..3 {
            let _ = now(call(&mut guarded, ()));
        }
        assert_eq!(breaker.phase(), phase);
    }
}

/// integration: with tower's timeout and behind a retry.
#[tokio::test(start_paused = true)]
async fn it_composes_with_timeouts_and_retries() {
    let breaker = breaker(policy(TEN, &[Trigger::Consecutive { failures: 2 }]));
    let mut service = ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker))
        .timeout(ms(50))
        .service_fn(|()| async {
            tokio::time::sleep(ms(500)).await;
            Ok::<_, std::io::Error>(())
        });
    for _ in 0..2 {
        assert!(
            service
                .ready()
                .await
                .expect("ready")
                .call(())
                .await
                .is_err()
        );
    }
    assert_eq!(breaker.phase(), Phase::Open);

    let _ = breaker.reset();
    let backoff = BackoffPolicy::builder(ms(1)).jitter(Jitter::None);
    let policy = RetryPolicy::builder(backoff)
        .max_attempts(9)
        .build()
        .expect("a valid policy");
    let retry = RetryLayer::new(&policy, AnyRequest).classify(Through(evenkeel_tower::ByResult));
    let inner = support::scripted((0..9).map(|_| Err::<(), _>("down")));
    let mut service = retry.layer(BreakerLayer::new(&breaker).layer(inner.clone()));
    let error = call(&mut service, ()).await.expect_err("down");
    // Two reach the service; the third is refused, which is no reason to hammer on.
    assert_eq!(
        (error.end().name(), error.attempts(), inner.calls()),
        ("refused", 3, 2)
    );
}

/// stress, property: whatever happens, the books balance.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_books_balance_under_load() {
    let open = BackoffPolicy::builder(Duration::from_micros(200));
    let builder = BreakerPolicy::builder(open, ms(1_000)).window(Window::Count { calls: 100 });
    let policy = builder
        .trigger(failing(50, 20))
        .build()
        .expect("a valid policy");
    let breaker = SharedBreaker::builder(policy).count_all(true).build();
    let reached = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..16_u32)
        .map(|task| {
            let reached = Arc::clone(&reached);
            let mut guarded: BreakerService<_> =
                BreakerLayer::new(&breaker).layer(service_fn(move |number: u32| {
                    reached.fetch_add(1, Ordering::Relaxed);
                    let bad = (number / 500 + task) % 2 == 0;
                    std::future::ready(if bad { Err("down") } else { Ok(()) })
                }));
            tokio::spawn(async move {
                for number in 0..5_000 {
                    let response = guarded.ready().await.expect("ready").call(number);
                    if number % 7 == 0 {
                        drop(response);
                    } else {
                        let _ = poll_times(response, 1);
                    }
                    if number % 64 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    let stats = breaker.stats();
    assert_eq!(stats.admitted + stats.refused, 16 * 5_000);
    // A few that were told "ready, and refused" were let through by the time of their call, and gave that back.
    let reached = u64::from(reached.load(Ordering::Relaxed));
    assert!(
        reached <= stats.admitted && stats.admitted - reached < 1_000,
        "{reached}, {stats:?}"
    );
    assert!(
        stats.opened > 0 && stats.refused > 0 && stats.lost == 0,
        "{stats:?}"
    );
}
