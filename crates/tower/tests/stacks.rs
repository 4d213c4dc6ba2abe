//! Layers around each other and around tower's: who answers when the service is not ready, whose slot a wait holds, and
//! what is left of a refusal on its way out.

mod support;

use std::error::Error;
use std::io;
use std::sync::Arc;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{Mode, Phase};
use evenkeel_core::retry::{End, WhenRefused};
use evenkeel_core::throttle::{AdaptiveThrottlePolicy, Throttled};
use evenkeel_tower::{
    AdaptiveThrottleLayer, AnyRequest, BreakerLayer, ByResult, CallError, Clock, Opaque,
    RetryAfter, RetryError, RetryLayer, SharedBreaker, SharedThrottle, Streams, TestClock, Through,
    TokioClock, by,
};
use support::{breaker_on, call, ms, ns_of, opens_after, plain_retry, scripted};
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

type BoxError = Box<dyn Error + Send + Sync>;
type Throttles<E> = CallError<E, Refusal<Throttled>>;

#[tokio::test(start_paused = true)]
async fn a_breaker_answers_at_once_although_the_service_is_not_ready() {
    let clock = TokioClock::starting_now();
    let policy = plain_retry().build().expect("a valid policy");
    let full = Arc::new(Semaphore::new(0));
    for forced in [false, true] {
        let breaker = breaker_on(opens_after(1), clock);
        if forced {
            let _ = breaker.set_mode(Mode::ForcedOpen);
        } else {
            breaker.try_acquire().expect("closed").failure();
        }
        let service = scripted([]);
        let limited = ConcurrencyLimit::with_semaphore(service.clone(), Arc::clone(&full));
        let layer = RetryLayer::new(&policy, AnyRequest).clock(clock);
        let mut service_with_retries = layer.breaker(&breaker).layer(limited);
        let before_ns = clock.now_ns();
        let answer: Result<(), RetryError<&str>> = call(&mut service_with_retries, ()).await;
        assert_eq!(answer.expect_err("open").end().name(), "breaker-open");
        assert_eq!((clock.now_ns(), service.calls()), (before_ns, 0));
    }
}

/// Also what was only queued for may be granted later, to a service that nobody polls any more.
#[tokio::test(start_paused = true)]
async fn who_waits_for_the_breaker_has_left_the_queue() {
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(1), clock);
    let slots = Arc::new(Semaphore::new(1));
    let taken = Arc::clone(&slots).try_acquire_owned().expect("free");
    let policy = plain_retry()
        .deadline(ms(30_000))
        .when_refused(WhenRefused::Wait)
        .build()
        .expect("a valid policy");
    let service = scripted([Ok::<_, &str>("up")]);
    let limited = ConcurrencyLimit::with_semaphore(service.clone(), Arc::clone(&slots));
    let layer = RetryLayer::new(&policy, AnyRequest).clock(clock);
    let mut service_with_retries = layer.breaker(&breaker).layer(limited);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(Service::<()>::poll_ready(&mut service_with_retries, &mut cx).is_pending());
    breaker.try_acquire().expect("closed").failure();
    assert!(Service::<()>::poll_ready(&mut service_with_retries, &mut cx).is_ready());
    let mut answer = tokio_test::task::spawn(service_with_retries.call(()));
    assert!(answer.poll().is_pending());
    drop(taken);
    assert_eq!(slots.available_permits(), 1, "it waits for the breaker");
    assert_eq!(answer.await, Ok("up"));
    assert_eq!(clock.now_ns(), ns_of(ms(1_000)));
}

/// An open breaker behind tower's own `Timeout`, which makes a box of the error.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_found_in_a_box_and_not_retried() {
    let clock = TokioClock::starting_now();
    let [inner, own] = [0, 1].map(|_| breaker_on(opens_after(1), clock));
    inner.try_acquire().expect("closed").failure();
    let policy = plain_retry().max_attempts(9).build();
    let retry = RetryLayer::new(&policy.expect("a valid policy"), AnyRequest)
        .breaker(&own)
        .clock(clock)
        .classify(Through(ByResult));
    let service = scripted::<(), io::Error>([]);
    let mut stack = ServiceBuilder::new()
        .layer(retry)
        .timeout(ms(500))
        .layer(BreakerLayer::new(&inner))
        .service(service.clone());
    let answer: Result<(), RetryError<BoxError>> = call::<_, ()>(&mut stack, ()).await;
    let error = answer.expect_err("open");
    let end = End::Refused {
        retry_at_ns: Some(ns_of(ms(1_000))),
    };
    assert_eq!((error.end(), error.attempts()), (end, 1));
    assert_eq!(error.retry_after(0), Some(ms(1_000)));
    assert_eq!((own.phase(), own.stats().failures), (Phase::Closed, 0));
    assert_eq!(service.calls(), 0);
}

#[test]
fn a_refusal_says_when_to_come_back_however_deep_it_is() {
    let breaker = breaker_on(opens_after(1), TestClock::new());
    breaker.try_acquire().expect("closed").failure();
    let refused = breaker.try_acquire().expect_err("open");
    let at = Some(ns_of(ms(1_000)));
    let nested: Throttles<CallError<io::Error>> = CallError::Failed(CallError::Refused(refused));
    assert_eq!(nested.retry_at_ns(), at);
    let failed: CallError<io::Error> = CallError::Failed(io::Error::other("down"));
    assert_eq!(failed.retry_at_ns(), None);
    let boxed: BoxError = nested.into();
    assert_eq!(boxed.retry_at_ns(), at);
    let opaque = Opaque::from(boxed);
    assert_eq!(opaque.retry_at_ns(), at);
    let around: Throttles<Opaque> = CallError::Failed(opaque);
    assert_eq!(around.retry_at_ns(), at);
    let ended = RetryError::<io::Error>::new(End::Refused { retry_at_ns: at }, 1, None);
    assert_eq!(ended.boxed().retry_at_ns(), at);
}

/// What a throttle keeps here was not sent: the operation ends, and says so.
#[tokio::test(start_paused = true)]
async fn what_a_throttle_refuses_ends_the_operation() {
    let policy = AdaptiveThrottlePolicy::builder().build();
    let policy = policy.expect("a valid policy");
    let throttle = SharedThrottle::with_clock(policy, TokioClock::default(), &Streams::seeded(1));
    for _ in 0..2_000 {
        let _ = throttle.try_request();
    }
    let retry = plain_retry().build().expect("a valid policy");
    let layer = RetryLayer::new(&retry, AnyRequest).classify(Through(ByResult));
    let throttled = AdaptiveThrottleLayer::new(&throttle);
    let mut refused = 0;
    for _ in 0..50 {
        let service = service_fn(|()| async { Err::<(), _>("down") });
        let mut stack = layer.layer(throttled.layer(service));
        let error = call(&mut stack, ()).await.expect_err("down or refused");
        if error.end().name() == "refused" {
            assert!(matches!(error.last(), Some(CallError::Refused(_))));
            refused += 1;
        }
    }
    assert!(refused >= 45, "{refused}");
}

/// tower's `Timeout` on both sides of a breaker, `?`, and the types back out of the box.
#[tokio::test(start_paused = true)]
async fn errors_without_a_type_travel_through_all_layers() -> Result<(), BoxError> {
    let breaker = SharedBreaker::new(opens_after(9));
    let policy = plain_retry().max_attempts(2).build()?;
    let mut stack = ServiceBuilder::new()
        .timeout(ms(60_000))
        .layer(RetryLayer::new(&policy, AnyRequest).classify(Through(ByResult)))
        .layer(BreakerLayer::new(&breaker))
        .map_err(Opaque::from)
        .timeout(ms(500))
        .service_fn(|wait_ms: u64| async move {
            tokio::time::sleep(ms(wait_ms)).await;
            Ok::<_, io::Error>(wait_ms)
        });
    assert_eq!(stack.ready().await?.call(7).await?, 7);
    let error = stack.ready().await?.call(700).await.expect_err("slow");
    let known = error.downcast_ref::<RetryError<CallError<Opaque>>>();
    assert_eq!(known.map(RetryError::attempts), Some(2));

    // Where nobody said `Opaque`, the box of a retry tells as much.
    let mut stack = ServiceBuilder::new()
        .map_err(RetryError::boxed)
        .layer(RetryLayer::new(&policy, AnyRequest))
        .timeout(ms(500))
        .service_fn(|()| async { Err::<(), _>(io::Error::other("down")) });
    let error = stack.ready().await?.call(()).await.expect_err("down");
    let known = error.downcast_ref::<RetryError<Opaque>>();
    assert_eq!(
        known.map(|known| (known.end(), known.attempts())),
        Some((End::Attempts, 2))
    );
    let source = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    assert!(source.is_some(), "the chain has the error, not its cover");
    Ok(())
}

/// None of them names a type.
#[test]
fn closures_need_no_types() {
    let clock = TestClock::new();
    let policy = plain_retry().max_attempts(2).build();
    let retry = RetryLayer::new(&policy.expect("a valid policy"), AnyRequest)
        .clock(clock)
        .on_retry(|event| assert_eq!(event.error().and_then(|failed| failed.answer()), Some(&503)))
        .classify(by(|result| match result {
            Ok(503) => Some(evenkeel_tower::Classified::transient()),
            _ => None,
        }));
    let mut service = retry.layer(scripted([Ok::<u16, io::Error>(503), Ok(200)]));
    let answer = support::poll_times(call(&mut service, ()), 9).expect("over");
    assert_eq!(answer.ok(), Some(200));
}
