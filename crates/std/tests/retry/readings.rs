//! How often the clock is read around a call: most of what a retry costs that has nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use evenkeel_core::retry::{RetryBuilder, RetryPolicy};
use evenkeel_std::{Classified, Clock, Retry, Sleep, TestClock, retry};

use crate::given::{MS, backoff, breaker, ms, tokens};

/// Counts who asks.
#[derive(Clone, Default)]
struct Counting {
    clock: TestClock,
    readings: Arc<AtomicU32>,
}

impl Clock for Counting {
    fn now_ns(&self) -> u64 {
        self.readings.fetch_add(1, Ordering::Relaxed);
        self.clock.now_ns()
    }
}

impl Sleep for Counting {
    fn park_until(&self, at_ns: u64) {
        self.clock.park_until(at_ns);
    }
}

type Call = fn(evenkeel_std::Attempt) -> Result<u16, &'static str>;

fn policy(change: impl FnOnce(RetryBuilder) -> RetryBuilder) -> RetryPolicy {
    change(RetryPolicy::builder(backoff()))
        .build()
        .expect("a policy")
}

/// An operation that succeeds at once, on the clock.
fn succeeding(policy: &RetryPolicy, clock: &Counting) -> Retry<Call, u16, &'static str, Counting> {
    retry(policy, (|_| Ok(200)) as Call).clock(clock.clone())
}

fn readings(run: impl FnOnce(&Counting)) -> u32 {
    let clock = Counting::default();
    run(&clock);
    clock.readings.load(Ordering::Relaxed)
}

#[test]
fn the_end_of_a_success_is_timed_where_somebody_looks() {
    let plain = policy(|builder| builder);
    let once = readings(|clock| drop(succeeding(&plain, clock).run()));
    assert_eq!(once, 1, "its beginning");

    let limits = [
        policy(|builder| builder.attempt_timeout(ms(50))),
        policy(|builder| builder.deadline(ms(500))),
    ];
    for limited in limits {
        let twice = readings(|clock| drop(succeeding(&limited, clock).run()));
        assert_eq!(twice, 2, "{limited:?}");
    }
    let asked = readings(|clock| drop(succeeding(&plain, clock).breaker(&breaker(9)).run()));
    assert_eq!(asked, 2, "by a breaker");
    let paid = readings(|clock| drop(succeeding(&plain, clock).budget(&tokens(1_000)).run()));
    assert_eq!(paid, 2, "by a budget");
}

#[test]
fn what_is_no_success_is_timed_once() {
    let plain = policy(|builder| builder);
    let permanent = readings(|clock| {
        let failing = succeeding(&plain, clock).classify_ok(|_| Some(Classified::permanent()));
        assert_eq!(failing.run(), Ok(200));
    });
    assert_eq!(permanent, 2);
}

#[test]
fn a_wait_counts_from_the_end_of_the_attempt() {
    let plain = policy(|builder| builder);
    let clock = TestClock::new();
    let mut began_ms = Vec::new();
    let answer = retry(&plain, |attempt| {
        began_ms.push(attempt.began_at_ns() / MS);
        clock.advance(ms(7));
        if attempt.is_retry() {
            Ok(())
        } else {
            Err("reset")
        }
    })
    .clock(&clock)
    .run();
    assert_eq!(answer, Ok(()));
    assert_eq!(began_ms, [0, 107]);
}
