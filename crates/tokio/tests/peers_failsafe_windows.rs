//! The scenarios of failsafe's windowed adder and moving average, restated with a breaker's window.

mod support;

use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_tokio::TestClock;
use support::breaker_on;

const fn secs(span: u64) -> Duration {
    Duration::from_secs(span)
}

/// A window with so many calls put in, and none that opens.
fn counts(span: u64, slices: u32) -> (impl Fn(u32), impl Fn() -> u32, TestClock) {
    let never = Trigger::Failures { failures: 1_000 };
    let window = Window::Time {
        span: secs(span),
        slices,
    };
    let builder =
        BreakerPolicy::builder(BackoffPolicy::builder(secs(5)), secs(3_600)).window(window);
    let policy = builder.trigger(never).build().expect("a valid policy");
    let clock = TestClock::new();
    let breaker = breaker_on(policy, clock.clone());
    let counted = breaker.clone();
    let add =
        move |calls| (0..calls).for_each(|_| breaker.try_acquire().expect("closed").success());
    (add, move || counted.window().calls, clock)
}

// windowed_adder: sum_when_time_stands_still, sliding_over_small_window
#[test]
fn a_small_window_slides() {
    let (add, sum, clock) = counts(3, 3);
    add(1);
    assert_eq!(sum(), 1);
    clock.advance(secs(1));
    assert_eq!(sum(), 1);
    add(2);
    let sums = [0, 1, 1, 1].map(|span| {
        clock.advance(secs(span));
        sum()
    });
    assert_eq!(sums, [3, 3, 2, 0]);
}

// windowed_adder: sliding_over_large_window
#[test]
fn a_large_window_slides() {
    let (add, sum, clock) = counts(20, 10);
    for number in 0..21 {
        add(number % 3);
        clock.advance(secs(1));
    }
    let sums = [0, 1, 1, 5].map(|span| {
        clock.advance(secs(span));
        sum()
    });
    assert_eq!(sums, [20, 18, 18, 12]);
    add(1);
    clock.advance(secs(10));
    assert_eq!(sum(), 3);
}

// windowed_adder: sliding_window_when_slices_are_skipped
#[test]
fn slices_that_nobody_looked_at_are_empty() {
    let (add, sum, clock) = counts(3, 3);
    let steps = [
        (0, 1, 1),
        (1, 2, 3),
        (1, 1, 4),
        (2, 0, 1),
        (100, 0, 0),
        (0, 100, 100),
        (1, 0, 100),
    ];
    let more = [(0, 100, 200), (1, 100, 300), (100, 0, 0)];
    for (span, calls, expected) in steps.into_iter().chain(more) {
        clock.advance(secs(span));
        add(calls);
        assert_eq!(sum(), expected);
    }
}

// ema: non_monotonic_timestamp panics there; here time that runs backwards stands still
#[test]
fn a_clock_that_steps_back_stands_still() {
    let (add, sum, clock) = counts(3, 3);
    clock.set_ns(10_000_000_000);
    add(1);
    clock.set_ns(1_000_000_000);
    add(1);
    assert_eq!(sum(), 2);
    clock.set_ns(13_000_000_000);
    assert_eq!(sum(), 0);
}
