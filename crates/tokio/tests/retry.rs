//! What a retry asks, pays, hears and says.

mod support;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::ready;
use std::io;
use std::time::{Duration, SystemTime};

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Mode, Outcome, Phase, RefusedBy};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::{End, RetryPolicy, WhenRefused};
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_tokio::{
    Classified, Clock, RetryError, RetryExt, SharedBreakerTable, SharedRatio, Streams, TestClock,
    TokioClock, retry, retry_after,
};
use support::{breaker_on, ms, ns_of, opens_after, plain_backoff, plain_retry, ten_tokens};

#[tokio::test(start_paused = true)]
async fn an_attempt_knows_its_number() {
    let policy = plain_retry()
        .max_attempts(4)
        .build()
        .expect("a valid policy");
    let seen = RefCell::new(Vec::new());
    let failed = retry(&policy, |attempt| {
        seen.borrow_mut()
            .push((attempt.number(), attempt.is_retry(), attempt.timeout()));
        ready(Err::<(), _>("down"))
    });
    assert_eq!(failed.await.expect_err("it is down").attempts(), 4);
    let expected = [
        (1, false, None),
        (2, true, None),
        (3, true, None),
        (4, true, None),
    ];
    assert_eq!(seen.into_inner(), expected);
}

#[tokio::test(start_paused = true)]
async fn retry_after_in_seconds_is_waited_for_and_no_less() {
    let policy = plain_retry().advisory_cap(ms(60_000)).max_attempts(4);
    let policy = policy.build().expect("a valid policy");
    let clock = TokioClock::starting_now();
    let headers = ["7", "0", "Sun, 06 Nov 1994 08:49:37 GMT"];
    let waits = RefCell::new(Vec::new());
    let operation = retry(&policy, |attempt| {
        let header = headers.get(attempt.number() as usize - 1).copied();
        ready(header.map_or(Ok("hello"), Err))
    });
    let now = SystemTime::now();
    let operation = operation
        .classify(|header| Classified::transient().retry_after(retry_after(header, now)))
        .on_retry(|event| waits.borrow_mut().push(event.wait()))
        .clock(clock);
    assert_eq!(operation.await, Ok("hello"));
    // The backoff alone says 100, 200, 400 ms; a date that is past asks for nothing.
    assert_eq!(waits.into_inner(), [ms(7_000), ms(200), ms(400)]);
    assert_eq!(clock.now_ns(), ns_of(ms(7_600)));
}

#[tokio::test(start_paused = true)]
async fn advice_that_no_deadline_can_wait_for_ends_at_once() {
    let policy = plain_retry().advisory_cap(ms(600_000)).deadline(ms(10_000));
    let policy = policy.build().expect("a valid policy");
    let clock = TokioClock::starting_now();
    let operation = retry(&policy, |_| ready(Err::<(), _>("overloaded"))).clock(clock);
    let failed = operation
        .classify(|_| Classified::throttled().retry_after(ms(11_000)))
        .await;
    assert_eq!(failed.expect_err("it is overloaded").end(), End::Deadline);
    assert_eq!(clock.now_ns(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_server_can_say_stop() {
    let policy = plain_retry().build().expect("a valid policy");
    let operation = retry(&policy, |_| ready(Err::<(), _>("gone")));
    let failed = operation
        .classify(|_| Classified::transient().stop())
        .await
        .expect_err("gone");
    assert_eq!((failed.end(), failed.attempts()), (End::Advised, 1));
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_spent_ends_the_operation_with_its_error() {
    let policy = plain_retry()
        .max_attempts(30)
        .build()
        .expect("a valid policy");
    let tokens = ten_tokens(TokioClock::default());
    let made = Cell::new(0);
    for _ in 0..3 {
        let operation = retry(&policy, |_| {
            made.set(made.get() + 1);
            ready(Err::<(), _>("down"))
        });
        let failed = operation.budget(&tokens).await.expect_err("it is down");
        assert_eq!(
            (failed.end(), failed.last()),
            (End::BudgetSpent { retry_at_ns: None }, Some(&"down"))
        );
    }
    assert_eq!(
        made.get(),
        3 + 10,
        "three requests, ten retries between them"
    );
    assert!(tokens.balance_milli() < 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_ratio_bounds_the_retries_of_all_who_share_it() {
    let policy = plain_retry()
        .max_attempts(5)
        .build()
        .expect("a valid policy");
    let ratio = RetryRatioPolicy::builder(Ratio::percent(20))
        .floor_per_second(0)
        .build();
    let ratio = SharedRatio::new(ratio.expect("a valid policy"));
    let made = Cell::new(0);
    for _ in 0..100 {
        let operation = retry(&policy, |_| {
            made.set(made.get() + 1);
            ready(Err::<(), _>("down"))
        });
        let _ = operation.budget(&ratio).await;
    }
    assert!(
        (115..=120).contains(&made.get()),
        "{} of at most 120",
        made.get()
    );
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_ends_the_operation_before_its_attempt() {
    let policy = plain_retry()
        .max_attempts(5)
        .build()
        .expect("a valid policy");
    let (clock, made) = (TokioClock::starting_now(), Cell::new(0));
    let (breaker, tokens) = (breaker_on(opens_after(2), clock), ten_tokens(clock));
    let operation = || {
        let operation = retry(&policy, |_| {
            made.set(made.get() + 1);
            ready(Err::<(), _>("down"))
        });
        operation.breaker(&breaker).budget(&tokens).clock(clock)
    };
    let failed = operation().await.expect_err("it is down");
    let open = End::BreakerOpen {
        reason: RefusedBy::Open,
        retry_at_ns: Some(ns_of(ms(1_100))),
    };
    assert_eq!(
        (failed.end(), failed.attempts(), failed.last()),
        (open, 2, Some(&"down"))
    );
    // The third attempt was to be at 300 ms; what it had paid came back.
    assert_eq!(
        (clock.now_ns(), tokens.balance_milli()),
        (ns_of(ms(300)), 9_000)
    );

    let failed = operation().await.expect_err("it is open");
    assert_eq!(
        (failed.end(), failed.attempts(), failed.last()),
        (open, 0, None)
    );
    assert_eq!(
        failed.to_string(),
        "the breaker refused the attempt: open, before any attempt"
    );
    assert_eq!(made.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_operation_can_wait_for_the_breaker() {
    let policy = plain_retry()
        .max_attempts(5)
        .deadline(ms(5_000))
        .when_refused(WhenRefused::Wait);
    let policy = policy.build().expect("a valid policy");
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(2), clock);
    let events = RefCell::new(Vec::new());
    let operation = retry(&policy, |attempt| {
        ready(if attempt.number() < 3 {
            Err("down")
        } else {
            Ok(clock.now_ns())
        })
    });
    let operation = operation.breaker(&breaker).clock(clock);
    let operation = operation.on_retry(|event| {
        events
            .borrow_mut()
            .push((event.cause().name(), event.attempts(), event.wait()));
    });
    assert_eq!(operation.await, Ok(ns_of(ms(1_100))));
    let expected = [
        ("failed", 1, ms(100)),
        ("failed", 2, ms(200)),
        ("refused", 2, ms(800)),
    ];
    assert_eq!(events.into_inner(), expected);
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_an_operator_holds_open() {
    let policy = plain_retry()
        .deadline(ms(5_000))
        .when_refused(WhenRefused::Wait);
    let policy = policy.build().expect("a valid policy");
    let breaker = breaker_on(opens_after(2), TokioClock::default());
    let _ = breaker.set_mode(Mode::ForcedOpen);
    let failed = retry(&policy, |_| ready(Ok::<_, ()>(1)))
        .breaker(&breaker)
        .await;
    let end = failed.expect_err("it is held open").end();
    assert_eq!(
        end,
        End::BreakerOpen {
            reason: RefusedBy::ForcedOpen,
            retry_at_ns: None
        }
    );
}

#[tokio::test(start_paused = true)]
async fn overload_opens_for_all_unless_it_is_the_callers_own_limit() {
    let policy = plain_retry()
        .advisory_cap(ms(9_000))
        .build()
        .expect("a valid policy");
    let clock = TokioClock::starting_now();
    let throttled = || Classified::throttled().retry_after(ms(2_000));
    for (classified, phase) in [
        (throttled(), Phase::Open),
        (throttled().breaker(Outcome::Failure), Phase::Closed),
        (throttled().breaker(Outcome::Ignored), Phase::Closed),
    ] {
        let breaker = breaker_on(opens_after(5), clock);
        let seen = Cell::new(None);
        let operation = retry(&policy, |attempt| {
            ready(if attempt.is_retry() { Ok(()) } else { Err(429) })
        });
        let operation = operation
            .breaker(&breaker)
            .clock(clock)
            .classify(|_| classified);
        let _ = operation
            .on_retry(|_| seen.set(Some(breaker.phase())))
            .await;
        assert_eq!(seen.get(), Some(phase));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_use_the_breaker_and_the_budget() {
    let policy = plain_retry().build().expect("a valid policy");
    let (breaker, tokens) = (
        breaker_on(opens_after(1), TokioClock::default()),
        ten_tokens(TokioClock::default()),
    );
    let operation = retry(&policy, |attempt| {
        ready(if attempt.is_retry() {
            Ok(1)
        } else {
            Err("down")
        })
    });
    let operation = operation.breaker(&breaker).budget(&tokens);
    // It closes what the failure has opened.
    let operation = operation.on_retry(|_| {
        assert_eq!(
            (breaker.phase(), tokens.balance_milli()),
            (Phase::Open, 9_000)
        );
        let _ = breaker.reset();
    });
    assert_eq!(operation.await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn an_ok_that_is_a_failure_is_retried_and_returned_as_it_is() {
    let policy = plain_retry()
        .max_attempts(2)
        .build()
        .expect("a valid policy");
    let breaker = breaker_on(opens_after(9), TokioClock::default());
    let operation = retry(&policy, |_| ready(Ok::<_, ()>(503))).breaker(&breaker);
    let operation = operation.classify_ok(|status| (*status >= 500).then(Classified::transient));
    assert_eq!(operation.await, Ok(503));
    assert_eq!(breaker.stats().failures, 2);
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_the_source() -> Result<(), Box<dyn Error>> {
    let policy = plain_retry().build()?;
    let refused = || {
        ready(Err::<(), _>(io::Error::from(
            io::ErrorKind::ConnectionRefused,
        )))
    };
    let failed: RetryError<io::Error> = refused.retry(&policy).await.expect_err("refused");
    assert_eq!(
        failed.to_string(),
        "the last attempt that is allowed has failed, after 3 attempts"
    );
    assert_eq!(
        failed.source().map(ToString::to_string).as_deref(),
        Some("connection refused")
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_of_a_table_is_a_breaker_for_a_retry() {
    let policy = plain_retry()
        .max_attempts(9)
        .build()
        .expect("a valid policy");
    let table = BreakerTablePolicy::builder(opens_after(2), 10, ms(60_000)).build();
    let hosts = SharedBreakerTable::<String>::new(table.expect("a valid policy"));
    let operation = |host: &str| {
        let gate = hosts.gate(host.to_owned());
        retry(&policy, |_| ready(Err::<(), _>("down")))
            .breaker(&gate)
            .run()
    };
    assert_eq!(operation("a").await.expect_err("down").attempts(), 2);
    assert_eq!(
        (hosts.phase("a"), hosts.phase("b")),
        (Phase::Open, Phase::Closed)
    );
    assert_eq!(operation("b").await.expect_err("down").attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn idle_keys_of_a_table_are_forgotten() {
    let table = BreakerTablePolicy::builder(opens_after(2), 10, ms(60_000)).build();
    let hosts = SharedBreakerTable::<String>::new(table.expect("a valid policy"));
    for host in ["a", "b", "c"] {
        let _ = hosts.call(host, ready(Err::<(), _>("down"))).await;
    }
    assert_eq!(hosts.len(), 3);
    tokio::time::sleep(ms(61_000)).await;
    // One more failure: the first was forgotten with its key.
    let _ = hosts.call("a", ready(Err::<(), _>("down"))).await;
    assert_eq!(
        (hosts.phase("a"), hosts.stats_of("b")),
        (Phase::Closed, None)
    );
}

/// When the three attempts of an operation that fails were made.
async fn instants(streams: &Streams) -> Vec<u64> {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(100)));
    let policy = policy.build().expect("a valid policy");
    let (clock, made) = (TestClock::new(), RefCell::new(Vec::new()));
    let operation = retry(&policy, |_| {
        made.borrow_mut().push(clock.now_ns());
        ready(Err::<(), _>("down"))
    });
    let _ = operation.clock(clock.clone()).streams(streams).await;
    made.into_inner()
}

#[tokio::test]
async fn two_operations_differ_and_one_seed_gives_the_same() {
    let streams = Streams::seeded(7);
    let two = [instants(&streams).await, instants(&streams).await];
    assert_ne!(two[0], two[1]);
    let again = Streams::seeded(7);
    assert_eq!([instants(&again).await, instants(&again).await], two);
}

#[test]
fn futures_of_send_parts_are_send() {
    const fn is_send<T: Send>(_: &T) {}
    let policy = RetryPolicy::builder(plain_backoff())
        .build()
        .expect("a valid policy");
    let breaker = breaker_on(opens_after(2), TokioClock::default());
    is_send(&breaker.call(ready(Ok::<_, ()>(1))));
    let tokens = ten_tokens(TokioClock::default());
    let operation = retry(&policy, |_| ready(Ok::<_, io::Error>(Duration::ZERO)));
    is_send(&operation.breaker(&breaker).budget(&tokens).run());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_a_failure_is_dropped_before_the_next_attempt() {
    let policy = plain_retry().max_attempts(3).build();
    let held = std::sync::Arc::new(());
    let answer = retry(&policy.expect("a valid policy"), |_| {
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        ready(Ok::<_, ()>(std::sync::Arc::clone(&held)))
    })
    .classify_ok(|_| Some(Classified::transient()))
    .await;
    assert_eq!(
        std::sync::Arc::strong_count(&held),
        2,
        "the last comes back"
    );
    drop(answer);
}
