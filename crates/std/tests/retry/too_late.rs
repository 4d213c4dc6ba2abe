//! Answers that come too late, and answers that are failures.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_std::{Classified, TestClock, retry};

use crate::given::{MS, backoff, breaker, ms, tokens};

#[test]
fn a_success_that_comes_too_late_is_the_answer_and_the_breaker_hears_of_a_failure() {
    let policy = RetryPolicy::builder(backoff())
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let (clock, breaker, tokens) = (TestClock::new(), breaker(9), tokens(1_000));
    let mut calls = 0;
    let answer = retry(&policy, |_| {
        calls += 1;
        clock.advance(ms(60));
        Ok::<_, &str>("written")
    })
    .clock(&clock)
    .breaker(&breaker)
    .budget(&tokens)
    .run();
    assert_eq!((answer, calls), (Ok("written"), 1));
    let stats = breaker.with(|breaker| breaker.stats(60 * MS));
    assert_eq!((stats.successes, stats.failures), (0, 1));
    // The retry that core had planned, and paid for, is not made.
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(60 * MS)), 1_000);
}

#[test]
fn an_error_that_comes_too_late_and_is_permanent_ends_it() {
    let policy = RetryPolicy::builder(backoff())
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let clock = TestClock::new();
    let failed = retry(&policy, |_| {
        clock.advance(ms(50)); // at the very instant is too late
        Err::<(), _>(404)
    })
    .clock(&clock)
    .classify(|_| Classified::permanent())
    .run();
    let error = failed.expect_err("it failed");
    assert_eq!(
        (error.end(), error.attempts(), error.last()),
        (End::Permanent, 1, Some(&404))
    );
}

#[test]
fn an_answer_that_is_a_failure_is_dropped_before_the_next_attempt() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(1)));
    let held = Arc::new(());
    let answer = retry(&policy.build().expect("a valid policy"), |_| {
        assert_eq!(Arc::strong_count(&held), 1);
        Ok::<_, ()>(Arc::clone(&held))
    })
    .classify_ok(|_| Some(Classified::transient()))
    .clock(TestClock::new())
    .run();
    assert_eq!(Arc::strong_count(&held), 2, "the last comes back");
    drop(answer);
}
