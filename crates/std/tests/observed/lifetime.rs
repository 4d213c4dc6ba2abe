//! What an observer holds, and until when.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use evenkeel_std::observe::Observer;
use evenkeel_std::{SharedBreaker, TestClock};
use metrics::with_local_recorder;
use tracing::Level;
use tracing::dispatcher::with_default;

use crate::recorder::Recorded;
use crate::subscriber::Lines;
use crate::{breaker, fail, two_failures};

fn wait_until(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn with_the_last_clone_all_that_it_held_is_gone() {
    let clock = Arc::new(TestClock::new());
    let policy = two_failures().build().expect("a policy");
    let breaker = SharedBreaker::builder(policy)
        .clock(Arc::clone(&clock))
        .build();
    let observer = Observer::new();
    observer.breaker("checkout", &breaker);
    let clone = observer.clone();
    drop((breaker, observer));
    assert!(
        Arc::strong_count(&clock) > 1,
        "the observer watches it still"
    );
    drop(clone);
    // The thread is the last to let go.
    wait_until("nothing holds it", || Arc::strong_count(&clock) == 1);
}

#[test]
fn a_breaker_outlives_its_observer() {
    let clock = TestClock::new();
    let breaker = breaker(&clock);
    let observer = Observer::new();
    observer.breaker("checkout", &breaker);
    drop(observer);
    fail(&breaker);
    fail(&breaker);
    assert_eq!(breaker.generation(), 1);
}

#[test]
fn stop_tells_and_shows_what_happened_before() {
    let (lines, recorded, clock) = (Lines::default(), Recorded::default(), TestClock::new());
    let observer = with_default(&lines.subscriber(Level::INFO), || {
        Observer::builder()
            .publish_every(Duration::from_secs(3_600))
            .build()
    });
    let breaker = breaker(&clock);
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    for _ in 0..100 {
        fail(&breaker);
        fail(&breaker);
        let _ = breaker.reset();
    }
    observer.stop();
    assert_eq!(lines.all().len(), 200);
    assert_eq!(
        recorded.value("evenkeel_breaker_calls_total{breaker=checkout,outcome=failure}"),
        200.0
    );
    // Nothing is told after that; counters can still be asked for.
    fail(&breaker);
    fail(&breaker);
    observer.publish();
    observer.stop();
    assert_eq!(lines.all().len(), 200);
    assert_eq!(
        recorded.value("evenkeel_breaker_calls_total{breaker=checkout,outcome=failure}"),
        202.0
    );
}

#[test]
fn the_thread_publishes_by_itself() {
    let (recorded, clock) = (Recorded::default(), TestClock::new());
    let observer = Observer::builder()
        .publish_every(Duration::from_millis(5))
        .build();
    let breaker = breaker(&clock);
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    for successes in 1..=3_u32 {
        assert!(breaker.call(|| Ok::<_, ()>(())).is_ok());
        let series = "evenkeel_breaker_calls_total{breaker=checkout,outcome=success}";
        wait_until("it is shown", || {
            recorded.value(series) == f64::from(successes)
        });
    }
}
