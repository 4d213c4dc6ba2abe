//! The breaker layers: what is refused, with what error, and what the breaker hears.

mod support;

use std::error::Error;
use std::io;
use std::task::{Context, Poll, Waker};

use evenkeel_core::breaker::{Mode, Phase, RefusedBy};
use evenkeel_core::retry::End;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tower::{
    AdaptiveThrottleLayer, AnyRequest, BreakerLayer, BreakerTableLayer, CallError, Clock,
    RetryAfter, RetryError, RetryLayer, SharedBreaker, SharedBreakerTable, SharedThrottle, Streams,
    TestClock,
};
use support::{breaker_on, call, ms, now, opens_after, plain_retry, scripted};
use tower::{Layer, Service};

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

#[test]
fn an_open_breaker_refuses_without_calling() {
    let clock = TestClock::new();
    let breaker = breaker_on(opens_after(2), clock.clone());
    let service = scripted([Err(reset()), Err(reset()), Ok("up")]);
    let mut guarded = BreakerLayer::new(&breaker).layer(service.clone());
    for _ in 0..2 {
        let failed = now(call(&mut guarded, ())).expect_err("down");
        assert_eq!(failed.to_string(), reset().to_string());
        assert_eq!(
            failed.into_failed().map(|error| error.kind()),
            Some(reset().kind())
        );
    }
    clock.advance(ms(300));
    let refused = now(call(&mut guarded, ())).expect_err("open");
    assert_eq!(
        refused.refused().map(|no| no.reason()),
        Some(RefusedBy::Open)
    );
    assert_eq!(refused.retry_after(300_000_000), Some(ms(700)));
    assert_eq!((service.calls(), breaker.stats().refused), (2, 1));
    clock.advance(ms(700));
    assert_eq!(now(call(&mut guarded, ())).expect("a probe"), "up");
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn services_of_one_layer_share_the_breaker() {
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let layer = BreakerLayer::new(&breaker);
    assert!(now(call(&mut layer.layer(scripted([Err::<(), _>("down")])), ())).is_err());
    let mut other = layer.layer(scripted([Ok::<_, ()>("up")]));
    assert!(matches!(
        now(call(&mut other, ())),
        Err(CallError::Refused(_))
    ));
}

#[test]
fn a_service_that_fails_to_become_ready_was_not_called() {
    struct Gone;
    impl Service<()> for Gone {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Err("gone"))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            unreachable!("it is not ready")
        }
    }
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let mut guarded = BreakerLayer::new(&breaker).layer(Gone);
    let polled = guarded.poll_ready(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(
        polled,
        Poll::Ready(Err(CallError::Failed("gone")))
    ));
    assert_eq!(breaker.stats().admitted, 0);
}

/// Is never ready.
#[derive(Clone)]
struct Busy;

impl Service<()> for Busy {
    type Response = ();
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<()>>;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
    fn call(&mut self, (): ()) -> Self::Future {
        unreachable!("it is not ready")
    }
}

#[test]
fn a_call_that_is_refused_anyway_does_not_wait_for_the_service() {
    let clock = TestClock::new();
    let breaker = breaker_on(opens_after(1), clock.clone());
    let mut guarded = BreakerLayer::new(&breaker).layer(Busy);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        guarded.poll_ready(&mut cx).is_pending(),
        "closed: the service is what is waited for"
    );
    breaker.try_acquire().expect("closed").failure();
    assert!(guarded.poll_ready(&mut cx).is_ready());
    let refused = now(guarded.call(())).expect_err("open");
    assert_eq!(
        refused.refused().map(|no| no.reason()),
        Some(RefusedBy::Open)
    );
    // Half-open by the time of the call: the service is still not ready, and the place stays free.
    assert!(guarded.poll_ready(&mut cx).is_ready());
    clock.advance(ms(1_000));
    assert!(now(guarded.call(())).is_err_and(|error| error.refused().is_some()));
    breaker.try_acquire().expect("the place is free").success();
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn an_operator_is_obeyed() {
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let _ = breaker.set_mode(Mode::ForcedOpen);
    let mut guarded = BreakerLayer::new(&breaker).layer(scripted([Err::<(), _>("down"); 3]));
    let refused = now(call(&mut guarded, ())).expect_err("forced open");
    assert_eq!(refused.refused().map(RetryAfter::retry_at_ns), Some(None));
    let _ = breaker.set_mode(Mode::Observe);
    for _ in 0..3 {
        assert!(now(call(&mut guarded, ())).is_err_and(|error| error.refused().is_none()));
    }
}

fn hosts(clock: &TestClock, max_keys: u32) -> SharedBreakerTable<&'static str, TestClock> {
    let policy = BreakerTablePolicy::builder(opens_after(1), max_keys, ms(60_000)).build();
    let policy = policy.expect("a valid policy");
    SharedBreakerTable::with_clock(policy, clock.clone(), &Streams::seeded(1))
}

#[test]
fn each_key_has_a_breaker_of_its_own() {
    let clock = TestClock::new();
    let hosts = hosts(&clock, 10);
    let service = scripted([Err("down"), Ok("b"), Ok("a")]);
    let layer = BreakerTableLayer::new(&hosts, |host: &&'static str| *host);
    let mut guarded = layer.streams(&Streams::seeded(1)).layer(service.clone());
    assert_eq!(now(call(&mut guarded, "a")), Err(CallError::Failed("down")));
    let refused = now(call(&mut guarded, "a")).expect_err("open");
    let refused = refused.refused().expect("open");
    assert_eq!(RetryAfter::retry_after(refused, 0), Some(ms(1_000)));
    assert_eq!(now(call(&mut guarded, "b")), Ok("b"));
    clock.advance(ms(1_000));
    assert_eq!(now(call(&mut guarded, "a")), Ok("a"));
    assert_eq!((hosts.phase("a"), service.calls()), (Phase::Closed, 3));
}

#[test]
fn keys_that_do_not_fit_share_a_breaker() {
    let clock = TestClock::new();
    let hosts = hosts(&clock, 1);
    let layer = BreakerTableLayer::new(&hosts, |host: &&'static str| *host);
    let mut guarded = layer.layer(scripted([Err::<(), _>("down"), Err("down")]));
    assert!(now(call(&mut guarded, "a")).is_err_and(|error| error.refused().is_none()));
    assert!(now(call(&mut guarded, "b")).is_err_and(|error| error.refused().is_none()));
    assert!(now(call(&mut guarded, "c")).is_err_and(|error| error.refused().is_some()));
}

#[test]
fn errors_have_their_sources_and_travel() {
    fn travels<E: Error + Send + Sync + 'static>(error: E) -> Box<dyn Error + Send + Sync> {
        error.into()
    }
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let layer = BreakerLayer::new(&breaker);
    let outer = || io::Error::other(io::Error::other("the cause"));
    let mut guarded = layer.layer(scripted([Err::<(), _>(outer())]));
    let failed = travels(now(call(&mut guarded, ())).expect_err("down"));
    let source = failed.source().map(ToString::to_string);
    assert_eq!(source, outer().source().map(ToString::to_string));
    let refused = travels(now(call(&mut guarded, ())).expect_err("open"));
    let why = refused.source().map(ToString::to_string);
    assert_eq!(
        (refused.to_string().as_str(), why.as_deref()),
        ("the call was not made", Some("refused: open"))
    );

    let once = plain_retry()
        .max_attempts(1)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&once, AnyRequest)
        .breaker(&breaker)
        .clock(TestClock::new());
    let refused: RetryError<io::Error> =
        now(call(&mut layer.layer(scripted([Ok(())])), ())).expect_err("open");
    assert!(matches!(
        refused.end(),
        End::BreakerOpen {
            reason: RefusedBy::Open,
            ..
        }
    ));
    assert_eq!(refused.retry_after(0), Some(ms(1_000)));
    let failed = RetryError::new(End::Attempts, 1, Some(reset()));
    assert_eq!(failed.retry_after(0), None);
    let failed = travels(failed);
    assert_eq!(
        failed.source().map(ToString::to_string),
        Some(reset().to_string())
    );
}

#[test]
fn a_throttle_refuses_what_would_be_refused_there() {
    let policy = AdaptiveThrottlePolicy::builder()
        .build()
        .expect("a valid policy");
    let clock = TestClock::new();
    let throttle = SharedThrottle::with_clock(policy, clock.clone(), &Streams::seeded(1));
    let service = scripted((0..1_000).map(|_| Err::<(), _>("overloaded")));
    let mut throttled = AdaptiveThrottleLayer::new(&throttle).layer(service.clone());
    let mut refused = 0;
    for _ in 0..1_000 {
        clock.advance(ms(1));
        match now(call(&mut throttled, ())) {
            Err(CallError::Refused(no)) => {
                // Surely yes when all that it remembers is forgotten.
                assert!(no.retry_after(clock.now_ns()) <= Some(policy.history()));
                refused += 1;
            }
            Err(CallError::Failed(_)) => {}
            Ok(()) => unreachable!("it is overloaded"),
        }
    }
    assert_eq!(refused + service.calls(), 1_000);
    assert!(refused > 900, "{refused} of 1000 were kept away");
    assert_eq!((throttle.requests(), throttle.accepts()), (1_000, 0));
}

#[test]
fn layers_can_be_shared_and_futures_sent() {
    fn shared<T: Clone + Send + Sync + 'static>(value: &T) -> &T {
        value
    }
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let policy = plain_retry().build().expect("a valid policy");
    let breaker = SharedBreaker::new(opens_after(1));
    let throttle = SharedThrottle::new(AdaptiveThrottlePolicy::builder().build().expect("valid"));
    let table = BreakerTablePolicy::builder(opens_after(1), 10, ms(60_000)).build();
    let hosts = SharedBreakerTable::<u8>::new(table.expect("a valid policy"));

    let retry = RetryLayer::new(&policy, AnyRequest).breaker(&breaker);
    let service = scripted([Ok::<(), ()>(())]);
    drop(sent(call(
        &mut sent(shared(&retry).layer(service.clone())),
        1_u8,
    )));
    let layer = BreakerLayer::new(&breaker);
    drop(sent(call(&mut sent(shared(&layer).layer(service)), 1_u8)));
    let layer = BreakerTableLayer::new(&hosts, |key: &u8| *key);
    let service = scripted([Ok::<(), ()>(()), Ok(())]);
    drop(sent(call(
        &mut sent(shared(&layer).layer(service.clone())),
        1_u8,
    )));
    let layer = AdaptiveThrottleLayer::new(&throttle);
    drop(sent(call(&mut sent(shared(&layer).layer(service)), 1_u8)));
    drop(sent(
        shared(&BreakerLayer::new(&breaker).wait_when_open()).clone(),
    ));
}
