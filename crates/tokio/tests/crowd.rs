//! Ten thousand at once through one half-open breaker, and a runtime that goes away in the middle of calls.

mod support;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger};
use evenkeel_tokio::{CallError, SharedBreaker, retry};
use support::{ms, opens_after, plain_retry, ten_tokens};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const CALLS: usize = 10_000;

/// Opens for no longer than a nanosecond: it is half-open when anybody looks. A probe has an hour.
fn soon_half_open(max_in_flight: u32) -> SharedBreaker {
    let open = BackoffPolicy::builder(std::time::Duration::from_nanos(1)).jitter(Jitter::None);
    let builder = BreakerPolicy::builder(open, ms(3_600_000));
    let builder = builder.trigger(Trigger::Consecutive { failures: 1 });
    let builder = builder.max_in_flight(max_in_flight).trials(9_000);
    let breaker = SharedBreaker::new(builder.build().expect("a valid policy"));
    breaker.try_acquire().expect("closed").failure();
    breaker
}

/// How many are inside now, and the most there ever were.
#[derive(Default)]
struct Inside {
    now: AtomicU32,
    most: AtomicU32,
}

struct Entered(Arc<Inside>);

impl Inside {
    fn enter(self: &Arc<Self>) -> Entered {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Entered(Arc::clone(self))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// All ask before anybody is let go on: exactly the places are taken, and all of them come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_thousand_concurrent_calls_in_half_open_three_pass() {
    let breaker = soon_half_open(3);
    let (inside, gate) = (Arc::<Inside>::default(), Arc::new(Semaphore::new(0)));
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (breaker, inside, gate) = (breaker.clone(), inside.clone(), gate.clone());
        calls.spawn(async move {
            let call = breaker.call(async {
                let _entered = inside.enter();
                let _ = gate.acquire().await;
                Ok::<_, ()>(number)
            });
            call.await
                .map_err(|error| assert!(matches!(error, CallError::Refused(_))))
        });
    }
    // The refused end by themselves.
    for _ in 0..CALLS - 3 {
        let ended = calls.join_next().await.expect("more").expect("no panic");
        assert_eq!(ended, Err(()));
    }
    assert_eq!(inside.now.load(Ordering::SeqCst), 3);
    assert_eq!(breaker.stats().refused, CALLS as u64 - 3);
    gate.add_permits(3);
    while let Some(ended) = calls.join_next().await {
        assert!(ended.expect("no panic").is_ok());
    }
    assert_eq!(inside.most.load(Ordering::SeqCst), 3);
    assert_places_are_free(&breaker, 3);
}

/// Probes that end well, are given up or are aborted, all at once: never more inside than there are places.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_ends_a_probe_its_place_is_free_again() {
    let breaker = soon_half_open(3);
    let inside = Arc::<Inside>::default();
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let (breaker, inside) = (breaker.clone(), inside.clone());
        let handle = calls.spawn(async move {
            let call = breaker.call(async {
                let _entered = inside.enter();
                tokio::task::yield_now().await;
                if number % 2 == 0 {
                    Ok::<_, ()>(())
                } else {
                    pending().await
                }
            });
            let patience = async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            };
            tokio::select! {
                _ = call => {}
                () = patience => {}
            }
        });
        if number % 7 == 0 {
            handle.abort();
        }
    }
    while calls.join_next().await.is_some() {}
    let (now, most) = (
        inside.now.load(Ordering::SeqCst),
        inside.most.load(Ordering::SeqCst),
    );
    assert_eq!(now, 0);
    assert!((1..=3).contains(&most), "{most}");
    let stats = breaker.stats();
    assert_eq!((stats.stale, stats.lost), (0, 0));
    assert!(stats.successes > 0 && stats.released > 0, "{stats:?}");
    assert_places_are_free(&breaker, 3);
}

fn assert_places_are_free(breaker: &SharedBreaker, places: usize) {
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    let guards: Vec<_> = (0..places)
        .map(|_| breaker.try_acquire().expect("a free place"))
        .collect();
    assert!(breaker.try_acquire().is_err());
    drop(guards);
    assert!(breaker.try_acquire().is_ok());
}

#[test]
fn a_runtime_that_shuts_down_gives_back_what_its_calls_held() {
    let breaker = soon_half_open(2);
    let tokens = ten_tokens(evenkeel_tokio::TokioClock::default());
    let policy = plain_retry().build().expect("a valid policy");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    let began = Arc::new(Semaphore::new(0));
    let (handle, started) = (breaker.clone(), Arc::clone(&began));
    drop(runtime.spawn(async move {
        let hangs = async {
            started.add_permits(1);
            pending::<Result<(), ()>>().await
        };
        handle.call(hangs).await
    }));
    let (handle, budget, started) = (breaker.clone(), tokens.clone(), Arc::clone(&began));
    drop(runtime.spawn(async move {
        let hangs = move |_| {
            started.add_permits(1);
            pending::<Result<(), ()>>()
        };
        retry(&policy, hangs).breaker(&handle).budget(&budget).await
    }));
    // One that waits for its retry, which it has paid: an hour.
    let policy = evenkeel_core::retry::RetryPolicy::builder(
        BackoffPolicy::builder(ms(3_600_000)).jitter(Jitter::None),
    );
    let policy = policy.build().expect("a valid policy");
    let (budget, started) = (tokens.clone(), Arc::clone(&began));
    drop(runtime.spawn(async move {
        let waits = retry(&policy, |_| async { Err::<(), _>("reset") }).budget(&budget);
        waits.on_retry(move |_| started.add_permits(1)).await
    }));
    drop(runtime.block_on(began.acquire_many(3)).expect("not closed"));
    assert!(breaker.try_acquire().is_err(), "both places are taken");
    // One retry is paid; the other request put its thousandth in before that or after.
    assert!((9_000..=9_001).contains(&tokens.balance_milli()));
    drop(runtime);
    assert_places_are_free(&breaker, 2);
    assert_eq!(tokens.balance_milli(), 10_000);
}

/// A call may outlive its runtime in somebody's hands; dropped there, it needs none.
#[test]
fn a_future_that_is_dropped_outside_of_a_runtime_needs_none() {
    let breaker = SharedBreaker::new(opens_after(1));
    let policy = plain_retry()
        .attempt_timeout(ms(9))
        .build()
        .expect("a valid policy");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let handle = breaker.clone();
    let mut operation = Box::pin(
        retry(&policy, |_| pending::<Result<(), ()>>())
            .breaker(&handle)
            .run(),
    );
    runtime.block_on(async {
        let once = std::future::poll_fn(|cx| {
            assert!(operation.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        });
        once.await;
    });
    drop(runtime);
    drop(operation);
    assert_eq!(
        (breaker.phase(), breaker.stats().released),
        (Phase::Closed, 1)
    );
}
