//! Breakers: the phase that is shown is the phase, counters are those of the breaker, transitions are told.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use evenkeel_core::breaker::{Health, Mode, Outcome, Trigger};
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::{Ratio, breaker::Window};
use evenkeel_std::observe::Observer;
use evenkeel_std::{SharedBreaker, SharedBreakerTable, Streams, TestClock};
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use tracing::Level;
use tracing::dispatcher::with_default;

use crate::recorder::Recorded;
use crate::subscriber::Lines;
use crate::{breaker, fail, two_failures, unthreaded};

fn states(recorded: &Recorded) -> [f64; 3] {
    ["closed", "open", "half-open"].map(|state| {
        recorded.value(&format!(
            "evenkeel_breaker_state{{breaker=checkout,state={state}}}"
        ))
    })
}

/// Defect D8 of peers: the gauge of the state before stays at 1.
#[test]
fn one_state_is_1_and_the_others_are_0_also_when_nobody_calls() {
    let (clock, recorded, observer) = (TestClock::new(), Recorded::default(), unthreaded());
    let breaker = breaker(&clock);
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    assert_eq!(states(&recorded), [1.0, 0.0, 0.0], "from the start");
    fail(&breaker);
    fail(&breaker);
    observer.publish();
    assert_eq!(states(&recorded), [0.0, 1.0, 0.0]);
    assert_eq!(
        recorded.value("evenkeel_breaker_consecutive_opens{breaker=checkout}"),
        1.0
    );
    clock.advance(Duration::from_secs(1));
    observer.publish();
    assert_eq!(states(&recorded), [0.0, 0.0, 1.0], "by time alone");
    assert_eq!(breaker.call(|| Ok::<_, ()>(())), Ok(()));
    observer.publish();
    assert_eq!(states(&recorded), [1.0, 0.0, 0.0]);
}

#[test]
fn the_thread_makes_what_falls_due_when_it_does() {
    let recorded = Recorded::default();
    // Nothing is published by the hour within this test: only what happens.
    let observer = Observer::builder()
        .publish_every(Duration::from_secs(3_600))
        .build();
    let open = evenkeel_core::backoff::BackoffPolicy::builder(Duration::from_millis(20));
    let policy = evenkeel_core::breaker::BreakerPolicy::builder(open, Duration::from_secs(5));
    let policy = policy
        .trigger(Trigger::Consecutive { failures: 1 })
        .build()
        .expect("a policy");
    let breaker = SharedBreaker::new(policy);
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    breaker.try_acquire().expect("closed").failure();
    let began = Instant::now();
    while states(&recorded) != [0.0, 0.0, 1.0] {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            states(&recorded)
        );
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(breaker.generation(), 2, "the breaker itself is half-open");
}

#[test]
fn counters_are_those_of_the_breaker() {
    let (clock, recorded, observer) = (TestClock::new(), Recorded::default(), unthreaded());
    let breaker = breaker(&clock);
    fail(&breaker);
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    for _ in 0..5 {
        assert!(breaker.call(|| Ok::<_, ()>(())).is_ok());
    }
    breaker.try_acquire().expect("closed").ignored();
    let late = breaker.try_acquire().expect("closed");
    fail(&breaker);
    fail(&breaker);
    fail(&breaker); // refused
    late.failure(); // stale
    clock.advance(Duration::from_secs(1));
    let lost = breaker.try_acquire().expect("a probe");
    clock.advance(Duration::from_secs(6)); // its time, and the next wait
    observer.publish();
    drop(lost);
    observer.publish();
    let calls = |outcome| {
        recorded.value(&format!(
            "evenkeel_breaker_calls_total{{breaker=checkout,outcome={outcome}}}"
        ))
    };
    let shown = ["success", "failure", "released", "lost", "stale"].map(calls);
    assert_eq!(shown, [5.0, 3.0, 1.0, 1.0, 2.0]);
    assert_eq!(
        recorded.value("evenkeel_breaker_refused_total{breaker=checkout}"),
        1.0
    );
    let of = |kind| {
        recorded.value(&format!(
            "evenkeel_breaker_transitions_total{{breaker=checkout,{kind}}}"
        ))
    };
    assert_eq!(of("from=closed,to=open,cause=consecutive"), 1.0);
    assert_eq!(of("from=half-open,to=open,cause=probe-lost"), 1.0);
}

/// Whatever a breaker does is a kind of transition that is counted (a debug assertion says so where it is not), and
/// none is lost where every event is.
#[test]
fn every_transition_is_counted_also_when_no_event_can_be_told() {
    let (clock, recorded) = (TestClock::new(), Recorded::default());
    let observer = Observer::builder().unthreaded().queue(0).build();
    let [slow, rate] = [Duration::from_millis(5), Duration::from_millis(9)];
    let policy = two_failures()
        .window(Window::Count { calls: 8 })
        .trigger(Trigger::Failures { failures: 4 })
        .trigger(Trigger::SlowRate {
            slower_than: slow,
            at_least: Ratio::percent(60),
            min_calls: 4,
        })
        .trigger(Trigger::Latency {
            quantile: evenkeel_core::Quantile::P90,
            above: rate,
            min_calls: 6,
        })
        .trials(2)
        .max_in_flight(2)
        .until_healthy(true)
        .build()
        .expect("a policy");
    let streams = Streams::seeded(7);
    let breaker = SharedBreaker::builder(policy)
        .clock(clock.clone())
        .streams(&streams)
        .build();
    with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
    let mut words = streams.next();
    let mut draw = |below: u64| evenkeel_core::random::Rng::next_u64(&mut words) % below;
    for _ in 0..20_000 {
        let outcome = match draw(8) {
            0..=3 => Outcome::Success,
            4 | 5 => Outcome::Failure,
            6 => Outcome::Ignored,
            _ => Outcome::Overloaded { retry_at_ns: None },
        };
        match draw(40) {
            0 => drop(breaker.set_mode(
                [
                    Mode::Normal,
                    Mode::Observe,
                    Mode::ForcedOpen,
                    Mode::ForcedClosed,
                ][draw(4) as usize],
            )),
            1 => drop(breaker.reset()),
            2..=5 => drop(breaker.on_health([Health::Up, Health::Down][draw(2) as usize])),
            6 => drop(breaker.poll()),
            7 => std::mem::forget(breaker.try_acquire()),
            _ => {
                let took = Duration::from_millis(draw(20));
                let call = || Ok::<_, ()>(()).inspect(|()| clock.advance(took));
                let _ = breaker.call_with(|_| outcome, call);
            }
        }
        clock.advance(Duration::from_millis(draw(300)));
    }
    observer.publish();
    let made = breaker.generation();
    assert!(made > 1_000, "{made}");
    assert_eq!(
        recorded.sum("evenkeel_breaker_transitions_total"),
        made as f64
    );
    assert_eq!(
        recorded.value("evenkeel_events_dropped_total{}"),
        made as f64
    );
}

#[test]
fn transitions_are_told_with_their_cause_and_when_to_come_back() {
    let (clock, lines) = (TestClock::new(), Lines::default());
    let observer = with_default(&lines.subscriber(Level::INFO), unthreaded);
    let breaker = breaker(&clock);
    observer.breaker("checkout", &breaker);
    fail(&breaker);
    clock.advance(Duration::from_millis(7));
    fail(&breaker);
    observer.publish();
    clock.advance(Duration::from_secs(2));
    observer.publish();
    assert_eq!(breaker.call(|| Ok::<_, ()>(())), Ok(()));
    observer.publish();
    let told = [
        r#"WARN evenkeel::breaker: breaker opened name="checkout" from="closed" to="open" cause="consecutive" at_ns=7000000 retry_in=1s"#,
        r#"INFO evenkeel::breaker: breaker lets probes through name="checkout" from="open" to="half-open" cause="wait-over" at_ns=1007000000"#,
        r#"INFO evenkeel::breaker: breaker closed name="checkout" from="half-open" to="closed" cause="trials-passed" at_ns=2007000000"#,
    ];
    assert_eq!(lines.all(), told);
}

/// Keeps what it is told; once, before it does, something else happens.
struct Interrupted {
    recorded: Recorded,
    by: Arc<Mutex<Option<Interruption>>>,
}

type Interruption = Box<dyn FnOnce() + Send>;

struct InterruptedGauge(Gauge, Arc<Mutex<Option<Interruption>>>);

impl GaugeFn for InterruptedGauge {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        let interruption = self.1.lock().expect("no panic").take();
        if let Some(interrupt) = interruption {
            interrupt();
        }
        self.0.set(value);
    }
}

impl Recorder for Interrupted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.recorded.register_counter(key, metadata)
    }
    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        let gauge = self.recorded.register_gauge(key, metadata);
        Gauge::from_arc(Arc::new(InterruptedGauge(gauge, Arc::clone(&self.by))))
    }
    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        self.recorded.register_histogram(key, metadata)
    }
}

/// A scrape that has seen the breaker closed writes it when the thread has already written that it is open.
#[test]
fn of_two_publications_at_the_same_time_the_older_leaves_nothing_behind() {
    let (clock, recorded, observer) = (TestClock::new(), Recorded::default(), unthreaded());
    let (breaker, by) = (breaker(&clock), Arc::new(Mutex::new(None)));
    let recorder = Interrupted {
        recorded: recorded.clone(),
        by: Arc::clone(&by),
    };
    with_local_recorder(&recorder, || observer.breaker("checkout", &breaker));
    for (skip, gauge) in ["consecutive opens", "closed", "open", "half-open"]
        .iter()
        .enumerate()
    {
        let _ = breaker.reset();
        observer.publish();
        let (again, opened) = (observer.clone(), breaker.clone());
        let interrupt = move || {
            let _ = opened.set_mode(Mode::ForcedOpen);
            again.publish();
        };
        interrupt_at(&by, skip, Box::new(interrupt));
        observer.publish();
        assert_eq!(states(&recorded), [0.0, 1.0, 0.0], "interrupted at {gauge}");
    }
}

/// At the gauge after `skip` others.
fn interrupt_at(by: &Arc<Mutex<Option<Interruption>>>, skip: usize, interrupt: Interruption) {
    let next = Arc::clone(by);
    *by.lock().expect("no panic") = Some(Box::new(move || match skip.checked_sub(1) {
        Some(skip) => interrupt_at(&next, skip, interrupt),
        None => interrupt(),
    }));
}

#[test]
fn a_table_shows_its_keys_and_the_calls_of_all() {
    let (recorded, observer) = (Recorded::default(), unthreaded());
    let policy = two_failures().build().expect("a policy");
    let policy = BreakerTablePolicy::builder(policy, 100, Duration::from_secs(3_600)).build();
    let table = SharedBreakerTable::<String>::new(policy.expect("a policy"));
    with_local_recorder(&recorded, || observer.breaker_table("hosts", &table));
    for _ in 0..3 {
        let _ = table.call("a.example", || Err::<(), _>("no route"));
    }
    assert_eq!(table.call("b.example", || Ok::<_, ()>(200)), Ok(200));
    observer.publish();
    assert_eq!(
        recorded.value("evenkeel_breaker_table_keys{table=hosts}"),
        table.len() as f64
    );
    let calls = |outcome| {
        recorded.value(&format!(
            "evenkeel_breaker_table_calls_total{{table=hosts,outcome={outcome}}}"
        ))
    };
    assert_eq!(["success", "failure"].map(calls), [1.0, 2.0]);
    assert_eq!(
        recorded.value("evenkeel_breaker_table_refused_total{table=hosts}"),
        1.0
    );
    assert_eq!(
        recorded.value("evenkeel_breaker_table_opened_total{table=hosts}"),
        1.0
    );
}

#[test]
fn how_often_it_opened_is_not_overtaken_either() {
    let (clock, recorded, observer) = (TestClock::new(), Recorded::default(), unthreaded());
    let (breaker, by) = (breaker(&clock), Arc::new(Mutex::new(None)));
    let recorder = Interrupted {
        recorded: recorded.clone(),
        by: Arc::clone(&by),
    };
    with_local_recorder(&recorder, || observer.breaker("checkout", &breaker));
    let (again, opened) = (observer.clone(), breaker);
    let interrupt = move || {
        fail(&opened);
        fail(&opened);
        again.publish();
    };
    interrupt_at(&by, 0, Box::new(interrupt));
    observer.publish();
    let opens = recorded.value("evenkeel_breaker_consecutive_opens{breaker=checkout}");
    assert_eq!((opens, states(&recorded)), (1.0, [0.0, 1.0, 0.0]));
}

/// A count that lacks most calls would be taken for all of them.
#[test]
fn successes_that_are_not_counted_are_not_shown() {
    let policy = two_failures().build().expect("a policy");
    for count_all in [false, true] {
        let (recorded, observer) = (Recorded::default(), unthreaded());
        let builder = SharedBreaker::builder(policy).count_all(count_all);
        let breaker = builder.build();
        with_local_recorder(&recorded, || observer.breaker("checkout", &breaker));
        // The breaker knows of this success in any case: it ends a row of failures.
        assert!(breaker.call(|| Err::<(), _>("reset")).is_err());
        assert!(breaker.call(|| Ok::<_, ()>(())).is_ok());
        observer.publish();
        let calls = recorded.sum("evenkeel_breaker_calls_total");
        assert_eq!(calls, if count_all { 2.0 } else { 1.0 });
    }
}
