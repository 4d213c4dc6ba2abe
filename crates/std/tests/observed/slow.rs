//! Subscribers and recorders that block or panic: no call ever notices.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use evenkeel_core::breaker::Phase;
use evenkeel_std::observe::Observer;
use evenkeel_std::{SharedBreaker, TestClock};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit, with_local_recorder,
};
use tracing::Level;
use tracing::dispatcher::with_default;

use crate::recorder::Recorded;
use crate::subscriber::Lines;
use crate::{breaker, fail};

/// Long enough for any machine; only a failure takes so long.
const AT_MOST: Duration = Duration::from_secs(20);

/// In a thread of its own, so that a call that does wait fails the test, and not the one who watches it.
fn opens(breaker: &SharedBreaker<TestClock>) {
    let breaker = breaker.clone();
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        fail(&breaker);
        fail(&breaker);
        let _ = done.send(());
    });
    is_done
        .recv_timeout(AT_MOST)
        .expect("the call that opens it does not wait");
}

#[test]
fn calls_go_on_while_a_subscriber_blocks() {
    let (lines, recorded, clock) = (Lines::default(), Recorded::default(), TestClock::new());
    let observer = with_default(&lines.subscriber(Level::INFO), || {
        Observer::builder().queue(4).build()
    });
    let breaker = breaker(&clock);
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    let (writes, allow) = lines.slow();
    opens(&breaker);
    writes
        .recv_timeout(AT_MOST)
        .expect("it tells that it opened");
    // It is in there now, and stays.
    let (done, is_done) = mpsc::channel();
    thread::spawn({
        let observer = observer.clone();
        move || {
            for _ in 0..1_000 {
                let _ = breaker.reset();
                fail(&breaker);
                fail(&breaker);
                fail(&breaker); // refused
            }
            observer.publish(); // not even a scrape waits
            let _ = done.send(breaker.generation());
        }
    });
    let made = is_done
        .recv_timeout(AT_MOST)
        .expect("no call waits for the subscriber");
    assert_eq!(made, 2_001);
    assert_eq!(recorded.sum("evenkeel_breaker_transitions_total"), 2_001.0);
    assert_eq!(
        recorded.value("evenkeel_breaker_refused_total{breaker=checkout}"),
        1_000.0
    );
    // One is being told, four wait.
    assert_eq!(recorded.value("evenkeel_events_dropped_total{}"), 1_996.0);
    drop((writes, allow));
    observer.stop();
    assert_eq!(lines.all().len(), 5);
}

/// Says that it is in, and waits until it may leave.
type Block = (mpsc::Sender<()>, mpsc::Receiver<()>);

/// Blocks in its gauges, once it is told to.
#[derive(Default)]
struct Stuck {
    blocks: Arc<Mutex<Option<Block>>>,
}

impl GaugeFn for Stuck {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, _: f64) {
        if let Some((entered, leave)) = &*self.blocks.lock().expect("no panic") {
            let _ = entered.send(());
            let _ = leave.recv();
        }
    }
}

impl Recorder for Stuck {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        let blocks = Arc::clone(&self.blocks);
        Gauge::from_arc(Arc::new(Self { blocks }))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn calls_go_on_while_a_recorder_blocks() {
    let (recorder, clock, observer) = (Stuck::default(), TestClock::new(), Observer::new());
    let breaker = breaker(&clock);
    with_local_recorder(&recorder, || observer.breaker("checkout", &breaker));
    let ((entered, is_in), (leave, may_leave)) = (mpsc::channel(), mpsc::channel());
    *recorder.blocks.lock().expect("no panic") = Some((entered, may_leave));
    opens(&breaker);
    is_in
        .recv_timeout(AT_MOST)
        .expect("it shows that it opened");
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..1_000 {
            let _ = breaker.reset();
            fail(&breaker);
            fail(&breaker);
        }
        let _ = done.send(breaker.phase());
    });
    let phase = is_done
        .recv_timeout(AT_MOST)
        .expect("no call waits for the recorder");
    assert_eq!(phase, Phase::Open);
    drop((leave, is_in));
    observer.stop();
}

/// Panics at every step.
struct Broken;

impl CounterFn for Broken {
    fn increment(&self, _: u64) {
        panic!("a broken recorder");
    }
    fn absolute(&self, value: u64) {
        assert!(value == 0, "a broken recorder");
    }
}

impl Recorder for Broken {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(Self))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[test]
fn a_recorder_that_panics_ends_nothing() {
    let (lines, recorded, clock) = (Lines::default(), Recorded::default(), TestClock::new());
    let observer = with_default(&lines.subscriber(Level::INFO), Observer::new);
    let [broken, whole] = [breaker(&clock), breaker(&clock)];
    with_local_recorder(&Broken, || observer.breaker("broken", &broken));
    with_local_recorder(&recorded, || observer.breaker("whole", &whole));
    for breaker in [&broken, &broken, &whole, &whole] {
        fail(breaker);
    }
    observer.publish(); // not here, either
    observer.stop();
    assert_eq!(lines.all().len(), 2);
    assert_eq!(
        recorded.value("evenkeel_breaker_state{breaker=whole,state=open}"),
        1.0
    );
}
