//! No wait is shorter than it should be, each is told once, and no two operations wait alike.

use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_std::{Clock, Sleep, Stop, Streams, TestClock, WaitCause, retry};

use crate::given::{MS, backoff, ms};

/// A clock whose sleeps end after a third of their time, and sometimes at once.
struct Dozing(TestClock, Mutex<u32>);

impl Clock for Dozing {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

impl Sleep for Dozing {
    fn park_until(&self, at_ns: u64) {
        let mut naps = self.1.lock().expect("no panic");
        *naps += 1;
        let left_ns = at_ns.saturating_sub(self.now_ns());
        if *naps % 2 == 0 {
            self.0.advance(Duration::from_nanos(left_ns.div_ceil(3)));
        }
    }
}

#[test]
fn a_sleep_that_ends_early_makes_no_wait_shorter() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(3)
        .build()
        .expect("a policy");
    for stop in [None, Some(Stop::new())] {
        let clock = Dozing(TestClock::new(), Mutex::new(0));
        let mut at_ns = Vec::new();
        let call = retry(&policy, |_| {
            at_ns.push(clock.now_ns());
            Err::<(), _>("reset")
        });
        let call = call.clock(&clock);
        let failed = match &stop {
            Some(stop) => call.stop(stop).run(),
            None => call.run(),
        };
        assert_eq!(failed.map_err(|error| error.end()), Err(End::Attempts));
        assert_eq!(at_ns, [0, 100 * MS, 300 * MS]);
        assert!(*clock.1.lock().expect("no panic") > 4, "it was woken early");
    }
}

#[test]
fn each_wait_is_told_once_before_it() {
    let policy = RetryPolicy::builder(backoff())
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let (clock, told) = (TestClock::new(), RefCell::new(Vec::new()));
    let failed = retry(&policy, |attempt| {
        if attempt.number() == 2 {
            clock.advance(ms(70)); // past its time
        }
        Err::<(), _>(attempt.number())
    })
    .clock(&clock)
    .on_retry(|event| {
        let wait = (event.cause(), event.attempts(), event.error().copied());
        told.borrow_mut()
            .push((clock.now_ns(), event.at_ns(), wait));
    })
    .run();
    assert_eq!(failed.map_err(|error| error.into_last()), Err(Some(3)));
    // The second was over at 150 ms; its wait of 200 ms runs from there, and was told at 170 ms.
    let expected = [
        (0, 100 * MS, (WaitCause::Failed, 1, Some(1))),
        (170 * MS, 350 * MS, (WaitCause::TimedOut, 2, Some(2))),
    ];
    assert_eq!(told.into_inner(), expected);
}

#[test]
fn waits_of_no_length_are_told_too() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO).jitter(Jitter::None))
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let (clock, told) = (TestClock::new(), RefCell::new(Vec::new()));
    let failed = retry(&policy, |attempt| {
        clock.advance(ms(if attempt.is_retry() { 70 } else { 0 }));
        Err::<(), _>("reset")
    })
    .clock(&clock)
    .on_retry(|event| told.borrow_mut().push((event.cause(), event.wait())))
    .run();
    assert_eq!(failed.map_err(|error| error.attempts()), Err(3));
    let expected = [WaitCause::Failed, WaitCause::TimedOut].map(|cause| (cause, Duration::ZERO));
    assert_eq!(told.into_inner(), expected);
}

/// D4, D18 of the peers.
#[test]
fn two_operations_have_different_jitter_and_the_same_seed_has_the_same() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(1_000)))
        .build()
        .expect("a policy");
    let ends_ns = |streams: Option<&Streams>| {
        let clock = TestClock::new();
        let call = retry(&policy, |_| Err::<(), _>(())).clock(&clock);
        let _ = match streams {
            Some(streams) => call.streams(streams).run(),
            None => call.run(),
        };
        clock.now_ns()
    };
    let seeded = |seed| {
        let streams = Streams::seeded(seed);
        [(); 8].map(|()| ends_ns(Some(&streams)))
    };
    assert_eq!(seeded(7), seeded(7));
    for all in [seeded(7), [(); 8].map(|()| ends_ns(None))] {
        let mut different = all.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 8, "{all:?}");
    }
    assert_ne!(ends_ns(None), ends_ns(None), "no constant seed");
}

#[test]
fn an_hour_of_outage_takes_no_time_and_the_attempt_is_told_its_own() {
    let builder = RetryPolicy::builder(backoff().cap(ms(30_000))).max_attempts(1_000);
    let builder = builder.attempt_timeout(ms(2_000)).deadline(ms(7_200_000));
    let policy = builder.build().expect("a policy");
    let (clock, last) = (TestClock::new(), Cell::new(0));
    let answer = retry(&policy, |attempt| {
        assert_eq!(attempt.timeout(), Some(ms(2_000)));
        assert_eq!(attempt.timeout_at_ns(), Some(clock.now_ns() + 2_000 * MS));
        assert_eq!(attempt.number(), last.replace(attempt.number()) + 1);
        if clock.now_ns() < 3_600_000 * MS {
            Err("down")
        } else {
            Ok(attempt.number())
        }
    });
    let answer = answer.clock(&clock).run().expect("it comes back");
    assert!((120..140).contains(&answer), "{answer}");
}
