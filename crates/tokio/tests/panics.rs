//! A panic in what is guarded is a failure, goes on up, and leaves nothing held.

mod support;

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};

use evenkeel_core::breaker::{Outcome, Phase};
use evenkeel_tokio::{Classified, Clock, SharedBreaker, TestClock, retry};
use support::{after, breaker_on, ms, opens_after, plain_retry, poll_times, ten_tokens};

fn panics(future: impl Future) -> String {
    let caught = catch_unwind(AssertUnwindSafe(|| drop(poll_times(future, 100))));
    let panic = caught.expect_err("it panics");
    panic
        .downcast_ref::<&str>()
        .map_or_else(String::new, |said| (*said).into())
}

fn half_open(clock: &TestClock) -> SharedBreaker<TestClock> {
    let breaker = breaker_on(opens_after(1), clock.clone());
    breaker.try_acquire().expect("closed").failure();
    clock.advance(ms(1_000));
    breaker
}

#[test]
fn a_panic_in_a_call_is_a_failure() {
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let call = breaker.call(async {
        after(2, ()).await;
        panic!("at the third poll") as Result<(), ()>
    });
    assert_eq!(panics(call), "at the third poll");
    assert_eq!(
        (breaker.phase(), breaker.stats().failures),
        (Phase::Open, 1)
    );
}

#[test]
fn a_panic_in_a_probe_opens_it_again() {
    let clock = TestClock::new();
    let breaker = half_open(&clock);
    assert_eq!(
        panics(breaker.call(async { panic!("down") as Result<(), ()> })),
        "down"
    );
    assert_eq!((breaker.phase(), breaker.stats().opened), (Phase::Open, 2));
    clock.advance(ms(1_000));
    assert_eq!(
        poll_times(breaker.call(async { Ok::<_, ()>(1) }), 1),
        Some(Ok(1))
    );
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn a_panic_in_the_classifier_of_a_call_is_a_failure() {
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let classify = |_: &Result<(), ()>| -> Outcome { panic!("unknown status") };
    assert_eq!(
        panics(breaker.call_with(classify, async { Ok(()) })),
        "unknown status"
    );
    assert_eq!(breaker.phase(), Phase::Open);
}

#[test]
fn a_call_that_another_ones_panic_drops_was_given_up_and_has_not_failed() {
    let clock = TestClock::new();
    let breaker = half_open(&clock);
    let both = async {
        let mut call = std::pin::pin!(breaker.call(pending::<Result<(), ()>>()));
        std::future::poll_fn(|cx| {
            let _ = call.as_mut().poll(cx);
            std::task::Poll::<()>::Ready(())
        })
        .await;
        panic!("somebody else"); // the call is dropped by this
    };
    assert_eq!(panics(both), "somebody else");
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    assert!(breaker.try_acquire().is_ok(), "its place is free");
}

/// Each place of a retry in which the caller's own code runs, and how many attempts are out or paid when it panics.
#[test]
fn a_panic_anywhere_in_a_retry_is_one_failure_and_leaves_nothing_held() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Place {
        Call,
        Attempt,
        Classify,
        ClassifyOk,
        Hook,
    }
    use Place::{Attempt, Call, Classify, ClassifyOk, Hook};
    for place in [Call, Attempt, Classify, ClassifyOk, Hook] {
        let clock = TestClock::new();
        let (breaker, tokens) = (
            breaker_on(opens_after(9), clock.clone()),
            ten_tokens(clock.clone()),
        );
        let policy = plain_retry().build().expect("a valid policy");
        let hits = |here: Place| assert!(place != here, "hit");
        let mut attempts = 0;
        let operation = retry(&policy, |attempt| {
            attempts = attempt.number();
            if attempts == 2 {
                hits(Call);
            }
            async move {
                after(1, ()).await;
                if attempt.number() == 1 {
                    Err("reset")
                } else {
                    hits(Attempt);
                    Ok(())
                }
            }
        });
        let operation = operation
            .breaker(&breaker)
            .budget(&tokens)
            .clock(clock.clone());
        let operation = operation
            .classify(|_| {
                hits(Classify);
                Classified::transient()
            })
            .classify_ok(|()| {
                hits(ClassifyOk);
                None
            })
            .on_retry(|_| hits(Hook));
        assert_eq!(panics(operation.run()), "hit", "{place:?}");

        let stats = breaker.stats();
        // The hook panics when nothing is out: the failure was that of the first attempt.
        let (failures, paid) = match place {
            Classify => (1, 0),
            Hook => (1, 0),
            Call | Attempt | ClassifyOk => (2, 1),
        };
        assert_eq!((stats.failures, stats.released), (failures, 0), "{place:?}");
        assert_eq!(tokens.balance_milli(), 10_000 - paid * 1_000, "{place:?}");
    }
}

#[test]
fn a_retry_that_is_a_probe_and_panics_opens_the_breaker_again() {
    let clock = TestClock::new();
    let breaker = half_open(&clock);
    let policy = plain_retry().build().expect("a valid policy");
    let operation = retry(&policy, |_| async { panic!("down") as Result<(), ()> });
    assert_eq!(
        panics(operation.breaker(&breaker).clock(clock.clone()).run()),
        "down"
    );
    assert_eq!((breaker.phase(), breaker.stats().lost), (Phase::Open, 0));
    assert_eq!(clock.now_ns(), 1_000_000_000, "no wait after a panic");
}

#[tokio::test]
async fn a_task_that_panics_tells_the_breaker_before_anybody_joins_it() {
    let breaker = SharedBreaker::new(opens_after(1));
    let handle = breaker.clone();
    let task = tokio::spawn(async move {
        handle
            .call(async { panic!("in a task") as Result<(), ()> })
            .await
    });
    assert!(task.await.expect_err("it panicked").is_panic());
    assert_eq!(breaker.phase(), Phase::Open);
}
