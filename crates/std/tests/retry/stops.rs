//! A stop ends a wait at once, and gives back what was taken.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_std::{Clock, Stop, TestClock, retry};

use crate::given::{MS, backoff, tokens};

#[test]
fn a_stop_ends_a_wait_at_once_and_gives_back_what_the_retry_had_taken() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(9)
        .build()
        .expect("a policy");
    let (clock, stop, tokens) = (TestClock::new(), Stop::new(), tokens(5_000));
    let failed = retry(&policy, |_| Err::<(), _>("reset"))
        .clock(&clock)
        .budget(&tokens)
        .stop(&stop)
        .on_retry(|event| {
            if event.attempts() == 2 {
                stop.stop();
            }
        })
        .run();
    let error = failed.expect_err("it was stopped");
    assert_eq!(
        (error.end(), error.attempts(), error.last()),
        (End::Cancelled, 2, Some(&"reset"))
    );
    assert_eq!(clock.now_ns(), 100 * MS);
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(100 * MS)), 4_000);
}

#[test]
fn a_stop_of_another_thread_wakes_a_real_wait() {
    let slow = BackoffPolicy::builder(Duration::from_secs(86_400)).jitter(Jitter::None);
    let policy = RetryPolicy::builder(slow).build().expect("a policy");
    let (stop, stopping) = (Stop::new(), Stop::new());
    let failed = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let call = retry(&policy, |_| Err::<(), _>("reset")).stop(&stop);
            call.on_retry(|_| stopping.stop()).run()
        });
        stopping.wait(); // it is about to wait for a day
        stop.stop();
        waiter.join().expect("no panic")
    });
    assert_eq!(failed.map_err(|error| error.end()), Err(End::Cancelled));
}

#[test]
fn stopped_before_it_begins_it_makes_no_attempt() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let stop = Stop::new();
    stop.stop();
    let failed = retry(&policy, |_| -> Result<(), &str> { unreachable!("stopped") })
        .stop(&stop)
        .run();
    assert_eq!(
        failed.map_err(|error| (error.end(), error.attempts())),
        Err((End::Cancelled, 0))
    );
}
