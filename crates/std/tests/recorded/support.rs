//! What these tests share.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Trigger, Window};
use evenkeel_core::retry::RetryBuilder;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_replay::journal::{Journal, Reader};
use evenkeel_replay::{Verified, verify};

/// Replays all that is in memory.
pub(crate) fn verified(journal: &Journal) -> Verified {
    let mut written = Vec::new();
    let summary = journal.dump(&mut written).expect("it is in memory");
    let verified = verify(Reader::new(&written[..])).unwrap();
    assert_eq!((verified.ops, verified.gaps), (summary.ops, 0), "no gap");
    assert_eq!(journal.dropped(), 0);
    verified
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn breaker(trigger: Trigger) -> BreakerBuilder {
    let open = BackoffPolicy::builder(millis(20)).cap(millis(80));
    let builder = BreakerPolicy::builder(open, millis(50)).max_in_flight(2);
    builder
        .trials(3)
        .successes(2)
        .ramp(millis(30))
        .trigger(trigger)
}

/// One for each way that the lock is not needed.
pub(crate) fn policies() -> Vec<BreakerPolicy> {
    let rate = Trigger::FailureRate {
        at_least: Ratio::percent(50),
        min_calls: 10,
    };
    let slow = Trigger::SlowRate {
        slower_than: millis(5),
        at_least: Ratio::percent(50),
        min_calls: 4,
    };
    let span = Window::Time {
        span: millis(100),
        slices: 10,
    };
    let builders = [
        breaker(Trigger::Consecutive { failures: 2 }),
        breaker(rate).window(Window::Count { calls: 20 }),
        breaker(rate).window(span).trigger(slow),
    ];
    let policies = builders.into_iter().map(|builder| builder.build());
    policies.collect::<Result<_, _>>().expect("valid policies")
}

pub(crate) fn retries() -> RetryBuilder {
    RetryPolicy::builder(BackoffPolicy::builder(millis(5)).cap(millis(20))).max_attempts(4)
}

/// Runs `work` on so many threads, which start together.
pub(crate) fn together(threads: usize, work: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        for number in 0..threads {
            let (work, barrier) = (&work, &barrier);
            scope.spawn(move || {
                barrier.wait();
                work(number);
            });
        }
    });
}
