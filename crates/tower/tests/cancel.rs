//! Every response future is dropped at every poll: what it held is given back. And what a panic leaves behind.

mod support;

use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger, Window};
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tower::{
    AdaptiveThrottleLayer, AnyRequest, BreakerLayer, BreakerTableLayer, Clock, RetryLayer,
    SharedBreaker, SharedBreakerTable, SharedThrottle, Streams, TestClock,
};
use support::{
    Steps, after, at_every_poll, breaker_on, call, ms, ns_of, opens_after, plain_retry, poll_times,
    ten_tokens,
};
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, service_fn};

/// A breaker whose open wait is just over.
fn half_open<C: Clock + Clone>(clock: &TestClock, handle: C) -> SharedBreaker<C> {
    let breaker = breaker_on(opens_after(1), handle);
    breaker.try_acquire().expect("closed").failure();
    clock.advance(ms(1_000));
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    breaker
}

/// One place, and nobody is in it: a probe passes, is the only one, and closes.
fn assert_not_wedged<C: Clock>(breaker: &SharedBreaker<C>) {
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    let probe = breaker.try_acquire().expect("the place is free");
    assert!(breaker.try_acquire().is_err(), "there is one place");
    probe.success();
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn a_call_in_closed_that_is_dropped_counts_for_nothing() {
    let polls = at_every_poll(|polls| {
        let breaker = breaker_on(opens_after(1), TestClock::new());
        let service = service_fn(|()| after(4, Err::<(), _>("down")));
        let mut guarded = BreakerLayer::new(&breaker).layer(service);
        let output = poll_times(call(&mut guarded, ()), polls);
        assert_eq!(breaker.stats().failures, u64::from(output.is_some()));
        assert_eq!(breaker.phase() == Phase::Open, output.is_some());
        output.is_some()
    });
    assert_eq!(polls, 5);
}

/// In closed no call has a place to be given back; each is counted all the same, and as what it was.
#[test]
fn each_call_in_closed_is_reported_once() {
    let open = BackoffPolicy::builder(ms(1_000));
    let policy = BreakerPolicy::builder(open, ms(5_000)).window(Window::Count { calls: 100 });
    let policy = policy.trigger(Trigger::Failures { failures: 100 });
    let breaker = breaker_on(policy.build().expect("a valid policy"), TestClock::new());
    let service = service_fn(|result: Result<(), ()>| after(1, result));
    let mut guarded = BreakerLayer::new(&breaker).layer(service);
    for calls in 1..=20 {
        assert!(poll_times(call(&mut guarded, Ok(())), 2).is_some_and(|answer| answer.is_ok()));
        assert!(poll_times(call(&mut guarded, Err(())), 2).is_some_and(|answer| answer.is_err()));
        assert!(poll_times(call(&mut guarded, Err(())), 1).is_none());
        let stats = breaker.stats();
        assert_eq!((stats.successes, stats.failures), (calls, calls));
        assert_eq!((stats.released, stats.stale), (calls, 0));
        assert_eq!(stats.admitted, 3 * calls);
    }
}

#[test]
fn a_probe_that_is_dropped_gives_its_place_back() {
    for waits in [false, true] {
        let polls = at_every_poll(|polls| {
            let clock = TestClock::new();
            let breaker = half_open(&clock, clock.clone());
            let mut layer = BreakerLayer::new(&breaker);
            if waits {
                layer = layer.wait_when_open();
            }
            let mut guarded = layer.layer(service_fn(|()| after(4, Ok::<_, ()>(7))));
            let output = poll_times(call(&mut guarded, ()), polls);
            if output.is_none() {
                assert_not_wedged(&breaker);
            }
            assert_eq!(breaker.stats().lost, 0);
            output.is_some()
        });
        assert_eq!(polls, 5);
    }
}

#[test]
fn a_probe_of_a_key_gives_its_place_back() {
    let polls = at_every_poll(|polls| {
        let clock = TestClock::new();
        let policy = BreakerTablePolicy::builder(opens_after(1), 10, ms(60_000)).build();
        let policy = policy.expect("a valid policy");
        let hosts =
            SharedBreakerTable::<&str, _>::with_clock(policy, clock.clone(), &Streams::seeded(1));
        hosts.try_acquire(&"a").expect("closed").failure();
        clock.advance(ms(1_000));
        let layer = BreakerTableLayer::new(&hosts, |host: &&'static str| *host);
        let mut guarded = layer.layer(service_fn(|_| after(3, Ok::<_, ()>(7))));
        let output = poll_times(call(&mut guarded, "a"), polls);
        if output.is_none() {
            assert_eq!(hosts.phase(&"a"), Phase::HalfOpen);
            hosts
                .try_acquire(&"a")
                .expect("the place is free")
                .success();
        }
        assert_eq!(hosts.phase(&"a"), Phase::Closed);
        output.is_some()
    });
    assert_eq!(polls, 4);
}

/// Tries to get a place when it is dropped.
struct Asks(SharedBreaker<TestClock>, Rc<Cell<Option<bool>>>);

impl Drop for Asks {
    fn drop(&mut self) {
        self.1.set(Some(self.0.try_acquire().is_ok()));
    }
}

#[test]
fn a_place_is_given_back_when_nobody_uses_it_any_more() {
    let clock = TestClock::new();
    let breaker = half_open(&clock, clock.clone());
    let free = Rc::new(Cell::new(None));
    let hangs = service_fn(|()| {
        let asks = Asks(breaker.clone(), Rc::clone(&free));
        async move {
            let _asks = asks;
            pending::<Result<(), ()>>().await
        }
    });
    let mut guarded = BreakerLayer::new(&breaker).layer(hangs);
    assert!(poll_times(call(&mut guarded, ()), 1).is_none());
    assert_eq!(free.take(), Some(false));
    let policy = plain_retry().build().expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest)
        .breaker(&breaker)
        .clock(clock);
    assert!(poll_times(call(&mut layer.layer(hangs), ()), 1).is_none());
    assert_eq!(free.take(), Some(false));
    assert_not_wedged(&breaker);
}

#[test]
fn a_request_that_is_dropped_was_not_accepted() {
    let policy = AdaptiveThrottlePolicy::builder()
        .build()
        .expect("a valid policy");
    let polls = at_every_poll(|polls| {
        let throttle = SharedThrottle::with_clock(policy, TestClock::new(), &Streams::seeded(1));
        let layer = AdaptiveThrottleLayer::new(&throttle);
        let mut throttled = layer.layer(service_fn(|()| after(2, Ok::<_, ()>(()))));
        let output = poll_times(call(&mut throttled, ()), polls);
        assert_eq!(
            (throttle.requests(), throttle.accepts()),
            (1, u32::from(output.is_some()))
        );
        output.is_some()
    });
    assert_eq!(polls, 3);
}

/// Ready after some polls, and polls of its futures; what is alive of it is counted.
#[derive(Clone)]
struct Slow {
    alive: Arc<()>,
    calls: Rc<Cell<u32>>,
    readying: u32,
}

impl Service<()> for Slow {
    type Response = &'static str;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<&'static str, &'static str>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.readying += 1;
        if self.readying % 3 == 0 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Fails twice, then hangs until its timeout, then succeeds.
    fn call(&mut self, (): ()) -> Self::Future {
        assert_eq!(self.readying % 3, 0, "called before it was ready");
        let number = self.calls.get() + 1;
        self.calls.set(number);
        let alive = Arc::clone(&self.alive);
        Box::pin(async move {
            let _alive = alive;
            match number {
                1 | 2 => after(2, Err("reset")).await,
                3 => pending().await,
                _ => after(2, Ok("done")).await,
            }
        })
    }
}

#[test]
fn a_retry_that_is_dropped_at_any_poll_gives_back_what_it_holds() {
    let policy = plain_retry()
        .max_attempts(5)
        .attempt_timeout(ms(50))
        .build();
    let policy = policy.expect("a valid policy");
    let polls = at_every_poll(|polls| {
        let clock = Steps::default();
        let breaker = breaker_on(opens_after(9), clock.clone());
        let tokens = ten_tokens(clock.clone());
        let slow = Slow {
            alive: Arc::default(),
            calls: Rc::default(),
            readying: 2,
        };
        let slots = Arc::new(Semaphore::new(1));
        let limited = ConcurrencyLimit::with_semaphore(slow.clone(), Arc::clone(&slots));
        let layer = RetryLayer::new(&policy, AnyRequest)
            .breaker(&breaker)
            .budget(&tokens);
        let mut retried = layer.clock(clock.clone()).layer(limited);
        let output = poll_times(call(&mut retried, ()), polls);
        drop(retried);
        // One here, and none in an attempt.
        assert_eq!(
            Arc::strong_count(&slow.alive),
            1,
            "no attempt outlives its operation"
        );
        assert_eq!(slots.available_permits(), 1);

        let (made, failures) = (u64::from(slow.calls.get()), breaker.stats().failures);
        let paid = (10_000 - tokens.balance_milli()) / 1_000;
        // A retry that becomes ready is paid and not yet called.
        assert!(
            paid == made.saturating_sub(1) || paid == made,
            "{paid} of {made}"
        );
        assert_eq!(breaker.phase(), Phase::Closed);
        if let Some(answer) = &output {
            assert_eq!((answer, made, paid, failures), (&Ok("done"), 4, 3, 3));
            assert!(clock.now_ns() >= ns_of(ms(100 + 200 + 400 + 50)));
        } else {
            assert!(
                failures <= 3 && failures + 1 >= made,
                "what ended was reported"
            );
        }
        output.is_some()
    });
    assert!(polls > 18, "{polls} points to drop it at");
}

/// It panics when it is called or polled, and the panic goes on up.
fn panicked<S: Service<()>>(service: &mut S) {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        poll_times(call(service, ()), 1).is_some()
    }));
    assert!(polled.is_err());
}

/// What a panic of the service, in its call or in its future, leaves behind.
fn panics<S>(service: S)
where
    S: Service<(), Response = (), Error = &'static str> + Clone,
{
    let clock = TestClock::new();
    let breaker = half_open(&clock, clock.clone());
    let mut guarded = BreakerLayer::new(&breaker).layer(service.clone());
    panicked(&mut guarded);
    assert_eq!(
        (breaker.phase(), breaker.stats().failures),
        (Phase::Open, 2)
    );

    let breaker = breaker_on(opens_after(1), clock.clone());
    let mut guarded = BreakerLayer::new(&breaker).layer(service.clone());
    panicked(&mut guarded);
    let stats = breaker.stats();
    assert_eq!(
        (breaker.phase(), stats.failures, stats.stale),
        (Phase::Open, 1, 0)
    );

    let breaker = half_open(&clock, clock.clone());
    let mut guarded = BreakerLayer::new(&breaker)
        .wait_when_open()
        .layer(service.clone());
    panicked(&mut guarded);
    assert_eq!(
        (breaker.phase(), breaker.stats().failures),
        (Phase::Open, 2)
    );

    let policy = BreakerTablePolicy::builder(opens_after(1), 10, ms(60_000)).build();
    let policy = policy.expect("a valid policy");
    let hosts = SharedBreakerTable::<u8, _>::with_clock(policy, clock.clone(), &Streams::seeded(1));
    let mut guarded = BreakerTableLayer::new(&hosts, |(): &()| 7).layer(service.clone());
    panicked(&mut guarded);
    assert_eq!(hosts.phase(&7), Phase::Open);

    let breaker = half_open(&clock, clock.clone());
    let tokens = ten_tokens(clock.clone());
    let policy = plain_retry().build().expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest)
        .breaker(&breaker)
        .budget(&tokens);
    let mut retried = layer.clock(clock).layer(service.clone());
    panicked(&mut retried);
    assert_eq!(
        (breaker.phase(), breaker.stats().failures),
        (Phase::Open, 2)
    );
    assert_eq!(tokens.balance_milli(), 10_000);

    let policy = AdaptiveThrottlePolicy::builder()
        .build()
        .expect("a valid policy");
    let throttle = SharedThrottle::with_clock(policy, TestClock::new(), &Streams::seeded(1));
    let mut throttled = AdaptiveThrottleLayer::new(&throttle).layer(service);
    panicked(&mut throttled);
    assert_eq!((throttle.requests(), throttle.accepts()), (1, 0));
}

#[test]
fn a_panic_of_the_service_is_a_failure() {
    panics(service_fn(|()| async { panic!("in the future") }));
    #[derive(Clone)]
    struct InCall;
    impl Service<()> for InCall {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            panic!("in the call")
        }
    }
    panics(InCall);
}

#[test]
fn a_panic_of_the_classifier_is_a_failure() {
    let clock = TestClock::new();
    let breaker = half_open(&clock, clock.clone());
    let classify = |_: Result<&(), &()>| panic!("in the classifier");
    let layer = BreakerLayer::new(&breaker).classify(classify);
    let mut guarded = layer.layer(service_fn(|()| after(0, Ok(()))));
    let polled = catch_unwind(AssertUnwindSafe(|| poll_times(call(&mut guarded, ()), 1)));
    assert!(polled.is_err());
    assert_eq!(
        (breaker.phase(), breaker.stats().failures),
        (Phase::Open, 2)
    );
}
