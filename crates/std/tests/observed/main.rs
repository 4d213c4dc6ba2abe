//! Handles that are observed: what subscribers hear and recorders show, and that neither is ever waited for.

mod breakers;
mod lifetime;
mod listeners;
mod names;
mod recorder;
mod retries;
mod slow;
mod subscriber;

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Trigger};
use evenkeel_std::observe::Observer;
use evenkeel_std::{SharedBreaker, TestClock};

/// Opens at the second failure in a row, for a second.
fn two_failures() -> BreakerBuilder {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::None);
    BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 2 })
}

fn breaker(clock: &TestClock) -> SharedBreaker<TestClock> {
    let policy = two_failures().build().expect("a policy");
    let builder = SharedBreaker::builder(policy).count_all(true);
    builder.clock(clock.clone()).build()
}

/// Without a thread: all happens where the test says publish.
fn unthreaded() -> Observer {
    Observer::builder().unthreaded().build()
}

fn fail(breaker: &SharedBreaker<TestClock>) {
    let _ = breaker.call(|| Err::<(), _>("reset"));
}
