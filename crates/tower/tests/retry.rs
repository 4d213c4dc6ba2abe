//! The retry layer: which requests are sent again, by whom, how often, and what comes back.

mod support;

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_core::breaker::Phase;
use evenkeel_core::retry::End;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_tower::retry::Failed;
use evenkeel_tower::{
    AnyRequest, Attempt, Classified, Clock, Replay, RetryEvent, RetryLayer, SharedBreakerTable,
    Streams, TestClock, TokioClock, WaitCause,
};
use support::{breaker_on, call, ms, now, ns_of, opens_after, plain_retry, scripted, ten_tokens};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

#[tokio::test(start_paused = true)]
async fn waits_and_attempts_are_those_of_the_policy() {
    let clock = TokioClock::starting_now();
    let policy = plain_retry()
        .max_attempts(4)
        .build()
        .expect("a valid policy");
    let service = scripted([Err("one"), Err("two"), Err("three"), Ok("done")]);
    let mut retried = RetryLayer::new(&policy, AnyRequest)
        .clock(clock)
        .layer(service.clone());
    assert_eq!(call(&mut retried, "x").await, Ok("done"));
    assert_eq!(clock.now_ns(), ns_of(ms(100 + 200 + 400)));
    assert_eq!(
        (service.calls(), service.readied()),
        (4, 4),
        "each attempt was made ready for"
    );
}

#[test]
fn the_error_says_why_it_ended_and_what_the_service_said() {
    let policy = plain_retry()
        .max_attempts(2)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest).clock(TestClock::new());
    let failing = || scripted([Err::<(), _>("one"), Err("two")]);
    let error = support::poll_times(call(&mut layer.layer(failing()), ()), 9).expect("over");
    let error = error.expect_err("it failed");
    assert_eq!(
        (error.end(), error.attempts(), error.into_last()),
        (End::Attempts, 2, Some("two"))
    );
}

#[test]
fn an_answer_that_is_a_failure_comes_back_as_the_answer_that_it_is() {
    let policy = plain_retry()
        .max_attempts(3)
        .build()
        .expect("a valid policy");
    let by_status = |result: Result<&u16, &&str>| match result {
        Ok(..=499) => None,
        _ => Some(Classified::transient()),
    };
    let layer = RetryLayer::new(&policy, AnyRequest)
        .classify(by_status)
        .clock(TestClock::new());
    let service = scripted([Err("reset"), Ok(502), Ok(503)]);
    let answer = support::poll_times(call(&mut layer.layer(service.clone()), ()), 9);
    assert_eq!((answer, service.calls()), (Some(Ok(503)), 3));
    let service = scripted([Ok(502), Ok(200)]);
    let answer = support::poll_times(call(&mut layer.layer(service.clone()), ()), 9);
    assert_eq!((answer, service.calls()), (Some(Ok(200)), 2));
}

/// Copies what it is told to and counts the copies.
#[derive(Clone)]
struct Counts {
    may: bool,
    copies: Arc<AtomicU32>,
}

impl Replay<String> for Counts {
    fn may_replay(&self, _: &String) -> bool {
        self.may
    }

    fn copy(&self, request: &String) -> String {
        self.copies.fetch_add(1, Ordering::Relaxed);
        request.clone()
    }

    fn on_attempt(&self, request: &mut String, attempt: Attempt) {
        use std::fmt::Write;
        write!(request, " #{}", attempt.number()).expect("a string");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_copied_for_every_attempt_but_the_last() {
    for (may, sent, copies) in [
        (true, vec!["a #1", "a #2", "a #3"], 2),
        (false, vec!["a #1"], 0),
    ] {
        let policy = plain_retry()
            .attempt_timeout(ms(50))
            .max_attempts(3)
            .build();
        let counts = Counts {
            may,
            copies: Arc::default(),
        };
        let layer = RetryLayer::new(&policy.expect("a valid policy"), counts.clone());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let hangs = service_fn(|request: String| {
            seen.lock().expect("no panic").push(request);
            pending::<Result<(), Infallible>>()
        });
        let error = layer
            .layer(hangs)
            .oneshot("a".to_owned())
            .await
            .expect_err("it hangs");
        assert_eq!((error.end(), error.last()), (End::Attempts, None));
        assert_eq!(*seen.lock().expect("no panic"), sent);
        assert_eq!(counts.copies.load(Ordering::Relaxed), copies);
    }
}

#[test]
fn what_may_not_be_sent_again_keeps_timeout_deadline_and_breaker() {
    let policies = [
        plain_retry().max_attempts(3),
        plain_retry().deadline(ms(10_000)).unlimited_attempts(),
        evenkeel_core::retry::RetryPolicy::builder(support::plain_backoff().max_retries(5)),
    ];
    for policy in policies {
        let clock = TestClock::new();
        let breaker = breaker_on(opens_after(1), clock.clone());
        let policy = policy
            .attempt_timeout(ms(50))
            .build()
            .expect("a valid policy");
        let layer = RetryLayer::new(&policy, |request: &u8| *request > 0).breaker(&breaker);
        let hangs = service_fn(|_: u8| pending::<Result<(), ()>>());
        let mut retried = layer.clock(clock.clone()).layer(hangs);
        let error = support::poll_times(call(&mut retried, 0), 9)
            .expect("over")
            .expect_err("hangs");
        assert_eq!((error.end(), error.attempts()), (End::Attempts, 1));
        assert_eq!(
            (clock.now_ns(), breaker.phase()),
            (ns_of(ms(50)), Phase::Open)
        );
        let refused = support::poll_times(call(&mut retried, 0), 9)
            .expect("over")
            .expect_err("open");
        assert!(matches!(refused.end(), End::BreakerOpen { .. }));
    }
}

#[test]
fn a_budget_is_paid_for_retries_that_are_made() {
    let clock = TestClock::new();
    let tokens = ten_tokens(clock.clone());
    let policy = plain_retry()
        .max_attempts(3)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest)
        .budget(&tokens)
        .clock(clock);
    let service = scripted([Err("one"), Ok("two")]);
    assert_eq!(
        support::poll_times(call(&mut layer.layer(service), ()), 9),
        Some(Ok("two"))
    );
    assert_eq!(
        tokens.balance_milli(),
        9_000,
        "credit is none, and a deposit does not fit"
    );
}

#[test]
fn what_the_breaker_refuses_costs_no_token() {
    let clock = TestClock::new();
    let (tokens, breaker) = (
        ten_tokens(clock.clone()),
        breaker_on(opens_after(1), clock.clone()),
    );
    let policy = plain_retry()
        .max_attempts(3)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest)
        .budget(&tokens)
        .breaker(&breaker);
    let service = scripted([Err::<(), _>("one")]);
    let mut retried = layer.clock(clock).layer(service.clone());
    let error = support::poll_times(call(&mut retried, ()), 9)
        .expect("over")
        .expect_err("refused");
    assert_eq!(
        (error.end().name(), error.last(), service.calls()),
        ("breaker-open", Some(&"one"), 1)
    );
    assert_eq!(tokens.balance_milli(), 10_000);
}

#[test]
fn each_key_has_a_breaker_of_its_own() {
    let clock = TestClock::new();
    let policy = BreakerTablePolicy::builder(opens_after(1), 10, ms(60_000)).build();
    let policy = policy.expect("a valid policy");
    let table = SharedBreakerTable::<u8, _>::with_clock(policy, clock.clone(), &Streams::seeded(1));
    let once = plain_retry()
        .max_attempts(1)
        .build()
        .expect("a valid policy");
    let layer =
        RetryLayer::new(&once, AnyRequest).breaker_table(&table, |request: &u8| request / 10);
    let mut retried = layer.clock(clock).layer(scripted([Err("down"), Ok("up")]));
    assert!(now(call(&mut retried, 17)).is_err());
    assert_eq!(
        now(call(&mut retried, 18)).expect_err("open").end().name(),
        "breaker-open"
    );
    assert_eq!(now(call(&mut retried, 28)), Ok("up"));
}

#[tokio::test(start_paused = true)]
async fn advice_is_waited_for() {
    let clock = TokioClock::starting_now();
    let policy = plain_retry()
        .max_attempts(2)
        .build()
        .expect("a valid policy");
    let said = |result: Result<&&str, &&str>| {
        result
            .is_err()
            .then(|| Classified::throttled().retry_after(ms(7_000)))
    };
    let layer = RetryLayer::new(&policy, AnyRequest)
        .classify(said)
        .clock(clock);
    let service = scripted([Err("busy"), Ok("done")]);
    assert_eq!(layer.layer(service).oneshot(()).await, Ok("done"));
    assert_eq!(clock.now_ns(), ns_of(ms(7_000)));
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_answers_errors_and_timeouts() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&log);
    let policy = plain_retry()
        .attempt_timeout(ms(50))
        .max_attempts(4)
        .build();
    let by_status = |result: Result<&u16, &&str>| match result {
        Ok(200) => None,
        _ => Some(Classified::transient()),
    };
    let layer = RetryLayer::new(&policy.expect("a valid policy"), AnyRequest)
        .classify(by_status)
        .on_retry(move |event: &RetryEvent<'_, Failed<u16, &'static str>>| {
            let failed = event.error();
            let answer = failed.and_then(Failed::answer).copied();
            let error = failed.and_then(Failed::error).copied();
            let mut log = heard.lock().expect("no panic");
            log.push((event.attempts(), event.cause(), answer, error));
        });
    let attempts = AtomicU32::new(0);
    let service = service_fn(|()| async {
        match attempts.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(503),
            1 => Err("reset"),
            2 => pending().await,
            _ => Ok(200),
        }
    });
    assert_eq!(layer.layer(service).oneshot(()).await, Ok(200));
    let log = log.lock().expect("no panic");
    assert_eq!(log[0], (1, WaitCause::Failed, Some(503), None));
    assert_eq!(log[1], (2, WaitCause::Failed, None, Some("reset")));
    assert_eq!((log[2].0, log[2].1), (3, WaitCause::TimedOut));
    assert_eq!(log.len(), 3);
}

#[test]
fn a_service_that_fails_to_become_ready_is_an_attempt_that_failed() {
    #[derive(Clone)]
    struct Flaky(Arc<AtomicU32>);

    impl Service<()> for Flaky {
        type Response = u32;
        type Error = &'static str;
        type Future = std::future::Ready<Result<u32, &'static str>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(match self.0.fetch_add(1, Ordering::Relaxed) {
                1 => Err("the pool is gone"),
                _ => Ok(()),
            })
        }

        fn call(&mut self, (): ()) -> Self::Future {
            let readied = self.0.load(Ordering::Relaxed);
            std::future::ready(if readied > 2 {
                Ok(readied)
            } else {
                Err("reset")
            })
        }
    }

    let policy = plain_retry()
        .max_attempts(3)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest).clock(TestClock::new());
    let mut retried = layer.layer(Flaky(Arc::default()));
    assert_eq!(support::poll_times(call(&mut retried, ()), 9), Some(Ok(3)));
    // The first readiness is the caller's: there is no attempt yet.
    let mut broken = layer.layer(Flaky(Arc::new(AtomicU32::new(1))));
    let polled = broken.poll_ready(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else {
        panic!("it failed");
    };
    assert_eq!(
        (error.attempts(), error.into_last()),
        (0, Some("the pool is gone"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_slot_of_a_limited_service_is_held_while_attempts_are_out_and_not_between() {
    let limit = Arc::new(tokio::sync::Semaphore::new(1));
    let inner = scripted([Err("one"), Ok("two")]);
    let limited = tower::limit::ConcurrencyLimit::with_semaphore(inner, Arc::clone(&limit));
    let free = Arc::clone(&limit);
    let policy = plain_retry()
        .max_attempts(2)
        .build()
        .expect("a valid policy");
    let layer = RetryLayer::new(&policy, AnyRequest).on_retry(
        move |_: &RetryEvent<'_, Failed<&str, &str>>| assert_eq!(free.available_permits(), 1),
    );
    let mut retried = layer.layer(limited);
    let answer = call(&mut retried, ());
    assert_eq!(limit.available_permits(), 0, "reserved for the call");
    assert_eq!(answer.await, Ok("two"));
    assert_eq!(limit.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_before_it_was_polled_was_never_sent() {
    let policy = plain_retry().build().expect("a valid policy");
    let service = scripted([Ok::<_, ()>(())]);
    let mut retried = RetryLayer::new(&policy, AnyRequest).layer(service.clone());
    drop(call(&mut retried, ()));
    assert_eq!(service.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_all_attempts_and_waits() {
    let clock = TokioClock::starting_now();
    let policy = plain_retry().max_attempts(9).deadline(ms(1_000)).build();
    let policy = policy.expect("a valid policy");
    let layer = ServiceBuilder::new().layer(RetryLayer::new(&policy, AnyRequest).clock(clock));
    let service = layer.service_fn(|()| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Err::<(), _>("slow")
    });
    let error = service.oneshot(()).await.expect_err("too slow");
    // 300 + 100 + 300 + 200, and the third is cut.
    assert_eq!((error.end(), error.attempts()), (End::Deadline, 3));
    assert_eq!(clock.now_ns(), ns_of(ms(1_000)));
}
