//! The stop token and the sleeps: never early, at once when told, no trace left behind.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_std::{Clock, MonotonicClock, Sleep, Stop, TestClock};

/// A clock whose sleeps end early, and which can say stop in the n-th of them.
struct Dozing {
    clock: TestClock,
    naps: AtomicU32,
    stop_in: Option<(u32, Stop)>,
}

impl Dozing {
    fn new(stop_in: Option<(u32, Stop)>) -> Self {
        Self {
            clock: TestClock::new(),
            naps: AtomicU32::new(0),
            stop_in,
        }
    }
}

impl Clock for Dozing {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }
}

impl Sleep for Dozing {
    fn park_until(&self, at_ns: u64) {
        let nap = self.naps.fetch_add(1, Ordering::Relaxed) + 1;
        match &self.stop_in {
            Some((number, stop)) if nap == *number => stop.stop(),
            _ => {
                let left_ns = at_ns.saturating_sub(self.now_ns());
                self.clock
                    .advance(Duration::from_nanos(left_ns.div_ceil(3)));
            }
        }
    }
}

#[test]
fn a_wait_is_never_early() {
    let clock = Dozing::new(None);
    assert!(!Stop::new().wait_until(&clock, 1_000));
    assert_eq!(clock.now_ns(), 1_000);
    clock.sleep_until(2_000);
    assert_eq!(clock.now_ns(), 2_000);
    assert!(clock.naps.into_inner() > 10);
}

#[test]
fn a_wait_ends_at_once_when_somebody_says_stop() {
    let stop = Stop::new();
    let clock = Dozing::new(Some((2, stop.clone())));
    assert!(stop.wait_until(&clock, 900));
    assert_eq!(clock.now_ns(), 300, "the first nap was a third");
    assert!(stop.wait_until(&clock, 900), "it stays so");
    assert_eq!(clock.naps.into_inner(), 2);
}

#[test]
fn at_an_instant_that_is_past_it_does_not_block() {
    let clock = Dozing::new(None);
    clock.clock.advance_to(500);
    assert!(!Stop::new().wait_until(&clock, 500));
    assert!(!Stop::new().wait_until(&clock, 0));
    assert_eq!(clock.naps.into_inner(), 0);
}

#[test]
fn many_threads_wait_and_all_are_woken() {
    let stop = Stop::new();
    std::thread::scope(|scope| {
        let waiters: Vec<_> = (0..16)
            .map(|n| {
                let stop = stop.clone();
                scope.spawn(move || match n % 2 {
                    0 => stop.wait_until(&MonotonicClock, u64::MAX),
                    _ => {
                        stop.wait();
                        true
                    }
                })
            })
            .collect();
        stop.stop();
        assert!(
            waiters
                .into_iter()
                .all(|waiter| waiter.join().is_ok_and(|stopped| stopped))
        );
    });
}

#[test]
fn a_thread_that_was_unparked_for_another_reason_goes_on_waiting() {
    let (stop, began) = (Stop::new(), Stop::new());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            began.stop();
            stop.wait();
            stop.is_stopped()
        });
        began.wait();
        for _ in 0..100 {
            waiter.thread().unpark();
            std::thread::yield_now();
        }
        stop.stop();
        assert_eq!(waiter.join().ok(), Some(true));
    });
}
