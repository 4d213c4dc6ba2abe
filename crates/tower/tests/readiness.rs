//! A breaker that makes callers wait: ready when a call may be made, and nobody sleeps through the moment.

mod support;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Mode, Phase, RefusedBy, Trigger, Window};
use evenkeel_tower::{BreakerLayer, BreakerService, CallError, Clock, SharedBreaker, TokioClock};
use support::{Scripted, breaker_on, ms, now, ns_of, opens_after, scripted};
use tokio_test::task::{Spawn, spawn};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

type Waiting = Spawn<BreakerService<Scripted<u8, &'static str>, evenkeel_tower::ByResult>>;

/// Open, for one second.
fn open() -> (TokioClock, SharedBreaker) {
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(1), clock);
    breaker.try_acquire().expect("closed").failure();
    (clock, breaker)
}

fn waiting(breaker: &SharedBreaker, services: usize) -> Vec<Waiting> {
    let layer = BreakerLayer::new(breaker).wait_when_open();
    let service = scripted((0..9).map(Ok));
    (0..services)
        .map(|_| spawn(layer.layer(service.clone())))
        .collect()
}

fn is_ready(service: &mut Waiting) -> bool {
    service.enter(|cx, mut service| {
        let polled = Service::<()>::poll_ready(&mut *service, cx);
        assert!(!matches!(polled, Poll::Ready(Err(_))));
        polled.is_ready()
    })
}

fn call(
    service: &mut Waiting,
) -> impl Future<Output = Result<u8, CallError<&'static str>>> + use<> {
    service.enter(|_, mut service| service.call(()))
}

#[tokio::test(start_paused = true)]
async fn it_is_not_ready_before_the_open_wait_is_over() {
    let (clock, breaker) = open();
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let mut service = layer.layer(service_fn(|()| async { Ok::<_, &str>("up") }));
    let answer = service.ready().await.expect("ready").call(()).await;
    assert_eq!((answer, clock.now_ns()), (Ok("up"), ns_of(ms(1_000))));
    assert_eq!(
        (breaker.phase(), breaker.stats().refused),
        (Phase::Closed, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_balancer_is_told_to_go_elsewhere() {
    let (_, breaker) = open();
    let mut shed = ServiceBuilder::new()
        .load_shed()
        .layer(BreakerLayer::new(&breaker).wait_when_open())
        .service_fn(|()| async { Err::<(), _>(std::io::Error::other("never called")) });
    let error = shed
        .ready()
        .await
        .expect("it sheds")
        .call(())
        .await
        .expect_err("not ready");
    assert!(error.is::<tower::load_shed::error::Overloaded>());
}

#[tokio::test(start_paused = true)]
async fn a_probes_place_is_kept_for_the_call() {
    let (_, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    let mut services = waiting(&breaker, 2);
    assert!(is_ready(&mut services[0]));
    assert!(
        breaker.try_acquire().is_err(),
        "there is one place, and it is taken"
    );
    assert!(!is_ready(&mut services[1]));
    let probe = call(&mut services[0]);
    assert!(!services[1].is_woken());
    assert_eq!(probe.await, Ok(0));
    assert!(services[1].is_woken(), "it has closed");
    assert!(is_ready(&mut services[1]));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_not_used_is_given_back() {
    let (_, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    let mut services = waiting(&breaker, 3);
    let mut first = services.remove(0);
    assert!(is_ready(&mut first) && !is_ready(&mut services[0]) && !is_ready(&mut services[1]));
    drop(first);
    assert!(services[0].is_woken() && services[1].is_woken());
    assert!(is_ready(&mut services[0]) && !is_ready(&mut services[1]));
    // The call is given up: the place is free again.
    drop(call(&mut services[0]));
    assert!(services[1].is_woken() && is_ready(&mut services[1]));
    assert_eq!(
        (breaker.phase(), breaker.stats().lost),
        (Phase::HalfOpen, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_clone_has_to_ask_for_itself() {
    let (_, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let mut service = layer.layer(scripted([Ok::<_, &'static str>(0_u8)]));
    let ready = std::future::poll_fn(|cx| Service::<()>::poll_ready(&mut service, cx));
    ready.await.expect("ready");
    let mut clone = spawn(service.clone());
    assert!(!is_ready(&mut clone));
    drop(service);
    assert!(is_ready(&mut clone));
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_makes_all_wait_for_the_next_instant() {
    let (clock, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let mut probe = layer.layer(scripted([Err::<u8, _>("still down")]));
    let ready = std::future::poll_fn(|cx| Service::<()>::poll_ready(&mut probe, cx));
    ready.await.expect("ready");
    let mut other = spawn(layer.layer(scripted([Ok::<_, &'static str>(1_u8)])));
    assert!(!is_ready(&mut other));
    assert!(now(probe.call(())).is_err());
    assert!(other.is_woken() && !is_ready(&mut other));
    let ready = std::future::poll_fn(|_| {
        if is_ready(&mut other) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    // It is polled by hand here, so somebody has to look now and then.
    let ticks = async {
        let mut ready = std::pin::pin!(ready);
        loop {
            tokio::select! {
                () = &mut ready => return clock.now_ns(),
                () = tokio::time::sleep(ms(100)) => {}
            }
        }
    };
    assert_eq!(ticks.await, ns_of(ms(2_000)));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_lost_elsewhere_is_not_waited_for_longer_than_its_lease() {
    let (clock, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    // Not by this layer: nobody tells it when that place is free.
    let elsewhere = breaker.try_acquire_owned().expect("a place");
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let mut service = layer.layer(scripted([Ok::<_, &'static str>(1_u8)]));
    let answer = ServiceExt::<()>::ready(&mut service)
        .await
        .expect("ready")
        .call(())
        .await;
    // Ten seconds of lease, and the open wait that the loss begins.
    assert_eq!((answer, clock.now_ns()), (Ok(1), ns_of(ms(12_000))));
    drop(elsewhere);
}

#[tokio::test(start_paused = true)]
async fn an_operator_wakes_them() {
    let (clock, breaker) = open();
    let _ = breaker.set_mode(Mode::ForcedOpen);
    let mut services = waiting(&breaker, 2);
    assert!(!is_ready(&mut services[0]));
    tokio::time::advance(ms(3_000)).await;
    assert!(!services[0].is_woken());
    let _ = breaker.set_mode(Mode::ForcedClosed);
    assert!(services[0].is_woken() && is_ready(&mut services[0]));
    assert_eq!(call(&mut services[0]).await, Ok(0));

    // Forced while it was open anyway and set free before its time: no transition, so nobody is told.
    let breaker = breaker_on(opens_after(1), clock);
    breaker.try_acquire().expect("closed").failure();
    let _ = breaker.set_mode(Mode::ForcedOpen);
    let mut service = waiting(&breaker, 1).remove(0).into_inner();
    let began_ns = clock.now_ns();
    let ready = ServiceExt::<()>::ready(&mut service);
    let free = async {
        tokio::time::sleep(ms(500)).await;
        let _ = breaker.set_mode(Mode::Normal);
    };
    let (ready, ()) = tokio::join!(ready, free);
    ready.expect("ready");
    assert_eq!(
        clock.now_ns() - began_ns,
        ns_of(ms(10_000)),
        "it looks again after a probe's time"
    );
}

#[tokio::test(start_paused = true)]
async fn it_can_open_between_ready_and_call() {
    let breaker = breaker_on(opens_after(1), TokioClock::starting_now());
    let mut service = waiting(&breaker, 1).remove(0);
    assert!(is_ready(&mut service));
    assert_eq!(breaker.stats().admitted, 0, "closed: nothing is taken");
    breaker.try_acquire().expect("closed").failure();
    let refused = call(&mut service).await.expect_err("open");
    assert_eq!(
        refused.refused().map(|no| no.reason()),
        Some(RefusedBy::Open)
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_before_the_call_is_not_the_calls() {
    let open = BackoffPolicy::builder(ms(1_000)).jitter(Jitter::None);
    let slow = Trigger::SlowRate {
        slower_than: ms(200),
        at_least: Ratio::ONE,
        min_calls: 1,
    };
    let policy = BreakerPolicy::builder(open, ms(10_000))
        .window(Window::Count { calls: 1 })
        .trigger(slow)
        .trigger(Trigger::Consecutive { failures: 1 });
    let breaker = SharedBreaker::new(policy.build().expect("a valid policy"));
    breaker.try_acquire().expect("closed").failure();
    tokio::time::advance(ms(1_000)).await;
    let mut service = waiting(&breaker, 1).remove(0);
    assert!(is_ready(&mut service));
    tokio::time::advance(ms(5_000)).await;
    assert_eq!(call(&mut service).await, Ok(0));
    assert_eq!(breaker.phase(), Phase::Closed, "the probe was quick");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_kept_is_taken_anew_when_asked_again() {
    let (_, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    let mut service = waiting(&breaker, 1).remove(0);
    for _ in 0..5 {
        assert!(is_ready(&mut service));
        tokio::time::advance(ms(9_000)).await;
    }
    assert_eq!(call(&mut service).await, Ok(0));
    assert_eq!((breaker.phase(), breaker.stats().lost), (Phase::Closed, 0));
}

/// A probe's place that was kept while the breaker opened again: by an operator, and because it was lost.
#[tokio::test(start_paused = true)]
async fn a_place_is_no_leave_once_the_breaker_has_opened_again() {
    for lost in [false, true] {
        let (_, breaker) = open();
        tokio::time::advance(ms(1_000)).await;
        let mut service = waiting(&breaker, 1).remove(0);
        assert!(is_ready(&mut service));
        if lost {
            tokio::time::advance(ms(10_500)).await;
        } else {
            let _ = breaker.set_mode(Mode::ForcedOpen);
        }
        assert_eq!(breaker.phase(), Phase::Open);
        let refused = call(&mut service).await.expect_err("open");
        assert!(refused.refused().is_some());
        assert_eq!(service.get_ref().calls(), 0);
    }
}

/// Ready the first time it is asked, and not again.
struct Once(bool);

impl Service<()> for Once {
    type Response = u8;
    type Error = &'static str;
    type Future = std::future::Pending<Result<u8, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if std::mem::replace(&mut self.0, false) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_no_longer_ready_keeps_no_place() {
    let (_, breaker) = open();
    tokio::time::advance(ms(1_000)).await;
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let mut service = spawn(layer.layer(Once(true)));
    let mut poll = || service.enter(|cx, mut service| service.poll_ready(cx).is_ready());
    assert!(poll());
    assert!(breaker.try_acquire().is_err());
    assert!(!poll());
    assert!(breaker.try_acquire().is_ok());
}

/// Real threads, a breaker that opens for a millisecond again and again, and many that wait for it: all come through.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sleeps_for_ever() {
    let open = BackoffPolicy::builder(ms(1)).cap(ms(2));
    let policy = BreakerPolicy::builder(open, ms(20)).trigger(Trigger::Consecutive { failures: 1 });
    let breaker = SharedBreaker::new(policy.build().expect("a valid policy"));
    let layer = BreakerLayer::new(&breaker).wait_when_open();
    let calls = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let calls = Arc::clone(&calls);
            let mut service = layer.layer(service_fn(move |()| {
                let number = calls.fetch_add(1, Ordering::Relaxed);
                async move {
                    tokio::task::yield_now().await;
                    if number % 16 == 7 {
                        Err("down")
                    } else {
                        Ok(())
                    }
                }
            }));
            tokio::spawn(async move {
                let mut done = 0;
                while done < 50 {
                    let response = service.ready().await.expect("ready").call(());
                    if task % 4 == 0 {
                        // Given up before it is over.
                        drop(response);
                        done += 1;
                    } else if response.await.is_ok() {
                        done += 1;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        let done = tokio::time::timeout(Duration::from_secs(60), task).await;
        done.expect("nobody waits for ever").expect("no panic");
    }
    assert!(breaker.stats().opened > 0);
}
