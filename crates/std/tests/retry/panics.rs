//! A panic in the call or in a hook: what was taken is given back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use evenkeel_core::breaker::Phase;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_std::{Clock, TestClock, retry};

use crate::given::{MS, backoff, breaker, ms, tokens};

#[test]
fn a_panic_in_the_call_is_a_failure_and_goes_on_up() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let (breaker, tokens) = (breaker(2), tokens(5_000));
    let call = || {
        retry(&policy, |attempt| match attempt.number() {
            1 => Err::<(), _>("reset"),
            _ => panic!("a bug"),
        })
        .clock(TestClock::new())
        .breaker(&breaker)
        .budget(&tokens)
        .run()
    };
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
    assert_eq!(panic.downcast_ref(), Some(&"a bug"));
    // The error and the panic: two failures open it.
    assert_eq!(breaker.with(|breaker| breaker.phase(100 * MS)), Phase::Open);
    // The retry was made: it is spent.
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(100 * MS)), 4_000);
}

#[test]
fn a_panic_in_a_half_open_probe_frees_its_place() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(1)
        .build()
        .expect("a policy");
    let (clock, breaker) = (TestClock::new(), breaker(1));
    let call = |fails: bool| {
        let call = retry(&policy, move |_| {
            if fails {
                panic!("a bug")
            } else {
                Ok::<_, &str>(())
            }
        });
        let call = call.clock(&clock).breaker(&breaker);
        catch_unwind(AssertUnwindSafe(|| call.run()))
    };
    for _ in 0..3 {
        assert!(
            call(true).is_err(),
            "closed, then half-open: the failure opens it (again)"
        );
        clock.advance(ms(60_000));
    }
    assert!(
        call(false).is_ok_and(|answer| answer.is_ok()),
        "and a probe is let in again"
    );
    assert_eq!(
        breaker.with(|breaker| breaker.phase(clock.now_ns())),
        Phase::Closed
    );
}

#[test]
fn a_panic_in_a_hook_gives_back_what_the_retry_had_taken() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let tokens = tokens(5_000);
    let call = retry(&policy, |_| Err::<(), _>("reset")).clock(TestClock::new());
    let call = call
        .budget(&tokens)
        .on_retry(|_| panic!("a bug in the hook"));
    assert!(catch_unwind(AssertUnwindSafe(|| call.run())).is_err());
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(0)), 5_000);
}
