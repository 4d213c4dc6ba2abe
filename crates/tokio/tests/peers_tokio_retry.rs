//! The scenarios of tokio-retry's own tests (0.3), restated; docs/peers-tests.md says which is which.

mod support;

use std::cell::Cell;
use std::future::ready;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tokio::{Classified, Clock, RetryExt, TokioClock};
use support::{ms, ns_of, waits_of};

/// A fixed interval of 100 ms.
fn fixed() -> BackoffBuilder {
    BackoffPolicy::builder(ms(100))
        .growth(Growth::Constant)
        .jitter(Jitter::None)
}

async fn first_waits<const N: usize>(backoff: BackoffBuilder) -> [Duration; N] {
    let policy = RetryPolicy::builder(backoff.jitter(Jitter::None).max_retries(N as u32));
    let (waits, _) = waits_of(&policy.build().expect("a valid policy"), 0).await;
    waits.try_into().expect("so many")
}

fn factor(factor: u32) -> Growth {
    Growth::Exponential {
        factor: Ratio::new(factor, 1).expect("a ratio"),
    }
}

// attempts_just_once
#[tokio::test(start_paused = true)]
async fn without_retries_there_is_one_attempt() {
    let policy = RetryPolicy::builder(fixed())
        .max_attempts(1)
        .build()
        .expect("a valid policy");
    let calls = Cell::new(0);
    let call = || {
        calls.set(calls.get() + 1);
        ready(Err::<(), u64>(42))
    };
    let failed = call.retry(&policy).await.expect_err("it fails");
    assert_eq!((failed.into_last(), calls.get()), (Some(42), 1));
}

// attempts_until_max_retries_exceeded
#[tokio::test(start_paused = true)]
async fn two_retries_are_three_attempts() {
    let policy = RetryPolicy::builder(fixed().max_retries(2))
        .build()
        .expect("a valid policy");
    let (clock, calls) = (TokioClock::starting_now(), Cell::new(0));
    let call = || {
        calls.set(calls.get() + 1);
        ready(Err::<(), u64>(42))
    };
    let failed = call
        .retry(&policy)
        .clock(clock)
        .await
        .expect_err("it fails");
    assert_eq!(
        (failed.into_last(), calls.get(), clock.now_ns()),
        (Some(42), 3, ns_of(ms(200)))
    );
}

// attempts_until_success, compatible_with_tokio_core
#[tokio::test(start_paused = true)]
async fn it_goes_on_until_it_succeeds() {
    let policy = RetryPolicy::builder(fixed())
        .unlimited_attempts()
        .deadline(ms(60_000));
    let policy = policy.build().expect("a valid policy");
    let (clock, calls) = (TokioClock::starting_now(), Cell::new(0));
    let call = || {
        calls.set(calls.get() + 1);
        ready(if calls.get() > 3 { Ok(()) } else { Err(42) })
    };
    assert_eq!(call.retry(&policy).clock(clock).await, Ok(()));
    assert_eq!((calls.get(), clock.now_ns()), (4, ns_of(ms(300))));
}

// attempts_retry_only_if_given_condition_is_true
#[tokio::test(start_paused = true)]
async fn it_goes_on_only_while_the_condition_holds() {
    let policy = RetryPolicy::builder(fixed().max_retries(5))
        .build()
        .expect("a valid policy");
    let calls = Cell::new(0);
    let call = || {
        calls.set(calls.get() + 1);
        ready(Err::<(), _>(calls.get()))
    };
    let while_below_three = |error: &i32| match *error < 3 {
        true => Classified::transient(),
        false => Classified::permanent(),
    };
    let failed = call
        .retry(&policy)
        .classify(while_below_three)
        .await
        .expect_err("it fails");
    assert_eq!(
        (failed.end(), failed.into_last(), calls.get()),
        (End::Permanent, Some(3), 3)
    );
}

// exponential: base_10, base_2, can_use_factor_to_get_seconds. Base and factor are two numbers here, so that no unit
// hides in the first.
#[tokio::test]
async fn exponential_waits() {
    let ten = BackoffPolicy::builder(ms(10)).growth(factor(10));
    assert_eq!(first_waits(ten).await, [10, 100, 1_000].map(ms));
    let two = BackoffPolicy::builder(ms(2));
    assert_eq!(first_waits(two).await, [2, 4, 8].map(ms));
    let seconds = BackoffPolicy::builder(ms(2_000)).growth(factor(2));
    assert_eq!(first_waits(seconds).await, [2_000, 4_000, 8_000].map(ms));
}

// exponential and fibonacci: stops_increasing_at_max_delay, returns_max_when_max_less_than_base
#[tokio::test]
async fn waits_stop_growing_at_the_cap() {
    let capped = BackoffPolicy::builder(ms(2)).cap(ms(4));
    assert_eq!(first_waits(capped).await, [2, 4, 4].map(ms));
    let below_base = BackoffPolicy::builder(ms(20)).cap(ms(10));
    assert_eq!(first_waits(below_base).await, [10, 10].map(ms));
}

// exponential and fibonacci: saturates_at_maximum_value. Theirs goes to 585 million years; a policy that long is
// refused here, and a growth stops at 146 years.
#[tokio::test]
async fn growth_saturates() {
    assert!(
        BackoffPolicy::builder(Duration::from_millis(u64::MAX - 1))
            .build()
            .is_err()
    );
    let long = BackoffPolicy::builder(Duration::from_nanos(1 << 61)).growth(factor(4));
    let [first, second] = first_waits(long).await;
    assert_eq!([first, second].map(ns_of), [1 << 61, 1 << 62]);
}

// fixed_interval: returns_some_fixed
#[tokio::test]
async fn fixed_waits() {
    let backoff = BackoffPolicy::builder(ms(123)).growth(Growth::Constant);
    assert_eq!(first_waits(backoff).await, [ms(123); 3]);
}

// fibonacci: returns_the_fibonacci_series_starting_at_10. There is no Fibonacci growth here; a linear one grows as
// gently at first.
#[tokio::test]
async fn gentle_growth() {
    let linear = BackoffPolicy::builder(ms(10)).growth(Growth::Linear { step: ms(10) });
    assert_eq!(first_waits(linear).await, [10, 20, 30, 40, 50, 60].map(ms));
}
