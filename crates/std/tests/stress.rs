//! Real threads, many of them: no place is lost, nothing is wedged, whatever the calls do.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    BreakerBuilder, BreakerPolicy, Mode, Outcome, Phase, Trigger, Window,
};
use evenkeel_std::{CallError, SharedBreaker, TestClock};

const THREADS: usize = 16;

fn policy() -> BreakerBuilder {
    let open = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    BreakerPolicy::builder(open, Duration::from_secs(1))
}

fn one_failure() -> BreakerBuilder {
    policy().trigger(Trigger::Consecutive { failures: 1 })
}

/// Runs `work` on many threads that start together.
fn together(work: impl Fn(usize) + Sync) {
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (work, barrier) = (&work, &barrier);
            scope.spawn(move || {
                barrier.wait();
                work(number);
            });
        }
    });
}

/// A breaker whose open wait is over.
fn half_open(builder: BreakerBuilder) -> (SharedBreaker<TestClock>, TestClock) {
    let clock = TestClock::new();
    let policy = builder.build().expect("a valid policy");
    let breaker = SharedBreaker::builder(policy).clock(clock.clone()).build();
    breaker.try_acquire().expect("closed").failure();
    clock.advance(Duration::from_nanos(100));
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    (breaker, clock)
}

#[test]
fn ten_thousand_calls_through_one_half_open_breaker() {
    const PLACES: u32 = 3;
    let (breaker, clock) = half_open(one_failure().max_in_flight(PLACES).trials(65_536));
    let (inside, most, made) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU64::new(0));
    together(|number| {
        for call in 0..10_000 / THREADS {
            let operation = || {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                made.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
                assert!((call + number) % 7 != 0, "a call that panics");
                Ok::<_, ()>(())
            };
            // Panics would re-open; here a wrapper gives up instead.
            let breaker = breaker.clone();
            let result = catch_unwind(AssertUnwindSafe(|| {
                let guard = breaker.try_acquire().map_err(drop)?;
                let result = catch_unwind(AssertUnwindSafe(operation));
                match (result, call % 5) {
                    (Err(_), _) | (_, 0) => drop(guard),
                    (_, 1) => drop(thread::spawn(|| ()).join().map(|()| guard)),
                    _ => guard.success(),
                }
                Ok::<_, ()>(())
            }));
            assert!(result.is_ok());
        }
    });
    assert!(most.load(Ordering::SeqCst) <= PLACES);
    assert!(made.load(Ordering::SeqCst) > 0);
    // All places are free again: as many as there are can be taken, and no more.
    let guards: Vec<_> = (0..PLACES)
        .map(|_| breaker.try_acquire().expect("free"))
        .collect();
    assert!(breaker.try_acquire().is_err());
    drop(guards);
    let stats = breaker.stats();
    let ended = stats.successes + stats.failures + stats.released + stats.stale;
    assert_eq!((stats.admitted, stats.lost), (ended, 0));
    drop(clock);
}

#[test]
fn a_panic_in_a_probe_opens_and_the_next_probe_closes() {
    let (breaker, clock) = half_open(one_failure());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        breaker.call(|| -> Result<(), ()> { panic!("a bug in the call") })
    }));
    assert!(panicked.is_err());
    assert_eq!(breaker.phase(), Phase::Open);
    clock.advance(Duration::from_nanos(200));
    assert_eq!(breaker.call(|| Ok::<_, ()>(1)), Ok(1));
    assert_eq!(breaker.phase(), Phase::Closed);
    // A panic in closed is a failure, too.
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = breaker.try_acquire().expect("closed");
        panic!("a bug in the call");
    }));
    assert!(panicked.is_err());
    assert_eq!(breaker.phase(), Phase::Open);
}

#[test]
fn a_guard_of_a_destructor_that_runs_in_a_panic_is_no_failure() {
    struct AsksWhenDropped(SharedBreaker<TestClock>);
    impl Drop for AsksWhenDropped {
        fn drop(&mut self) {
            drop(self.0.try_acquire());
        }
    }
    let policy = one_failure().build().expect("a valid policy");
    let breaker = SharedBreaker::builder(policy)
        .clock(TestClock::new())
        .build();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _asks = AsksWhenDropped(breaker.clone());
        panic!("elsewhere");
    }));
    assert!(panicked.is_err());
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn nothing_is_lost_in_a_storm() {
    let window = Window::Count { calls: 50 };
    let at_least = Ratio::percent(50);
    let trigger = Trigger::FailureRate {
        at_least,
        min_calls: 10,
    };
    let policy = policy()
        .window(window)
        .trigger(trigger)
        .max_in_flight(2)
        .trials(2);
    let clock = TestClock::new();
    let breaker = SharedBreaker::builder(policy.build().expect("a valid policy"))
        .clock(clock.clone())
        .stripes(4)
        .build();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    breaker.on_transition(move |made| log.lock().expect("no panic").push(made));
    let (asked, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    together(|number| {
        for call in 0..5_000_u64 {
            asked.fetch_add(1, Ordering::Relaxed);
            let bad = (call / 100 + number as u64) % 3 == 0;
            let outcome = match call % 11 {
                0 => Outcome::Ignored,
                _ if bad => Outcome::Failure,
                _ => Outcome::Success,
            };
            let answer = breaker.call_with(|_| outcome, || Ok::<_, ()>(()));
            if let Err(CallError::Refused(_)) = answer {
                refused.fetch_add(1, Ordering::Relaxed);
                clock.advance(Duration::from_nanos(3));
            }
            if call == 2_500 && number == 0 {
                let _ = breaker.set_mode(Mode::ForcedOpen);
                let _ = breaker.set_mode(Mode::Normal);
            }
        }
    });
    let (asked, refused) = (asked.into_inner(), refused.into_inner());
    let stats = breaker.stats();
    assert_eq!(stats.refused, refused);
    assert_eq!(stats.admitted, asked - refused);
    let ended = stats.successes + stats.failures + stats.released + stats.stale;
    assert_eq!(ended, stats.admitted);
    // Listeners heard of every transition once, in order; a deliverer may be a moment behind, but all have returned.
    let heard = heard.lock().expect("no panic").clone();
    let generations: Vec<u64> = heard.iter().map(|made| made.generation).collect();
    assert_eq!(generations, (1..=breaker.generation()).collect::<Vec<_>>());
    assert!(heard.windows(2).all(|pair| pair[0].to == pair[1].from));
    // And it still works.
    clock.advance(Duration::from_secs(3_600));
    for _ in 0..3 {
        let _ = breaker.call(|| Ok::<_, ()>(()));
    }
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn a_listener_may_use_the_breaker_and_its_panic_is_not_the_end_of_listening() {
    let policy = one_failure().build().expect("a valid policy");
    let breaker = SharedBreaker::builder(policy)
        .clock(TestClock::new())
        .build();
    let (again, causes) = (breaker.clone(), Arc::new(Mutex::new(Vec::new())));
    let log = Arc::clone(&causes);
    breaker.on_transition(move |made| {
        log.lock()
            .expect("no panic under it")
            .push(made.cause.name());
        if made.to == Phase::Open {
            let _ = again.reset();
            assert_eq!(again.phase(), Phase::Closed);
        }
    });
    breaker.try_acquire().expect("closed").failure();
    assert_eq!(*causes.lock().expect("no panic"), ["consecutive", "reset"]);

    let breaker = SharedBreaker::new(*breaker.policy());
    let heard = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&heard);
    breaker.on_transition(move |_| {
        assert!(counter.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
    });
    assert!(catch_unwind(AssertUnwindSafe(|| breaker.reset())).is_err());
    let _ = breaker.reset();
    assert_eq!((heard.load(Ordering::SeqCst), breaker.generation()), (2, 2));
}

#[test]
fn a_listener_that_panics_takes_nothing_from_the_others() {
    let policy = one_failure().build().expect("a valid policy");
    let breaker = SharedBreaker::builder(policy).clock(TestClock::new());
    let breaker = breaker.build();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let again = breaker.clone();
    breaker.on_transition(move |made| {
        if made.to == Phase::Open {
            // A second transition is on its way when the first panics.
            let _ = again.reset();
            panic!("the first bug");
        }
    });
    breaker.on_transition(|made| assert!(made.to != Phase::Open, "the second bug"));
    let log = Arc::clone(&heard);
    breaker.on_transition(move |made| log.lock().expect("no panic").push(made.cause.name()));
    let failing = breaker.try_acquire().expect("closed");
    let panic = catch_unwind(AssertUnwindSafe(|| failing.failure()));
    let panic = panic.map(drop).expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"the first bug"));
    assert_eq!(*heard.lock().expect("no panic"), ["consecutive", "reset"]);
}

#[test]
fn a_window_of_time_is_not_judged_by_a_success_that_took_no_lock() {
    // Two slices of 50 ns. What the first held would have kept the rate down, but it has left when the success comes.
    let window = Window::Time {
        span: Duration::from_nanos(100),
        slices: 2,
    };
    let at_least = Ratio::percent(50);
    let policy = policy().window(window).trigger(Trigger::FailureRate {
        at_least,
        min_calls: 2,
    });
    let clock = TestClock::new();
    let builder = SharedBreaker::builder(policy.build().expect("a valid policy"));
    let breaker = builder.clock(clock.clone()).build();
    let tell = |outcome| {
        breaker
            .try_acquire()
            .expect("closed")
            .outcome(outcome)
            .transitions()
            .len()
    };
    let mut made = 0;
    (0..3).for_each(|_| made += tell(Outcome::Success));
    clock.set_ns(50);
    (0..2).for_each(|_| made += tell(Outcome::Failure));
    clock.set_ns(100);
    let _ = breaker.poll(); // a step that judges nothing
    assert_eq!((made, tell(Outcome::Success)), (0, 1));
}

#[test]
fn breakers_of_one_seed_differ_from_each_other_and_not_between_runs() {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).jitter(Jitter::Full);
    let policy = BreakerPolicy::builder(open, Duration::from_secs(1));
    let policy = policy
        .trigger(Trigger::Consecutive { failures: 1 })
        .build()
        .expect("valid");
    let waits = |streams: evenkeel_std::Streams| -> Vec<_> {
        let wait = |_| {
            let builder = SharedBreaker::builder(policy).clock(TestClock::new());
            let breaker = builder.streams(&streams).build();
            breaker.try_acquire().expect("closed").failure();
            breaker.next_deadline_ns()
        };
        (0..50).map(wait).collect()
    };
    let seeded = || waits(evenkeel_std::Streams::seeded(3));
    assert_eq!(seeded(), seeded());
    assert_eq!(seeded().into_iter().collect::<HashSet<_>>().len(), 50);
    assert_ne!(waits(evenkeel_std::Streams::from_entropy()), seeded());
}
