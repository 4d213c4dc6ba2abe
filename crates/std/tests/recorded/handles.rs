//! Shared handles that are recorded, from many threads.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use evenkeel_core::breaker::{Mode, Outcome};
use evenkeel_core::budget::{RetryCause, RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::random::{Rng, scaled};
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_core::{Ratio, breaker::Health};
use evenkeel_replay::journal::Journal;
use evenkeel_std::{
    SharedBreaker, SharedBreakerTable, SharedRatio, SharedThrottle, SharedTokens, Stream, Streams,
    TestClock,
};

use super::support::{millis, policies, together, verified};

const THREADS: usize = 8;

fn some_call(breaker: &SharedBreaker<TestClock>, stream: &mut Stream) {
    match scaled(stream.next_u64(), 40) {
        0 => drop(breaker.try_acquire()),
        1 => drop(breaker.try_acquire_owned()),
        2 => drop(breaker.poll()),
        3 => drop(breaker.on_health(Health::Up)),
        4 => drop(breaker.set_mode(Mode::Observe)),
        5 | 6 => drop(breaker.set_mode(Mode::Normal)),
        7 => drop(breaker.reset()),
        8 => drop(breaker.try_acquire().map(|guard| guard.overloaded(None))),
        9 => {
            // The hook, which prints, is not called.
            let panics = || breaker.call(|| -> Result<(), ()> { resume_unwind(Box::new(())) });
            let _ = catch_unwind(AssertUnwindSafe(panics));
        }
        10..20 => drop(breaker.call(|| Err::<(), _>(()))),
        _ => drop(breaker.call(|| Ok::<_, ()>(()))),
    }
}

#[test]
fn what_threads_do_to_a_recorded_breaker_replays_bit_for_bit() {
    for policy in policies() {
        let clock = TestClock::new();
        let breaker = SharedBreaker::builder(policy).clock(clock.clone()).build();
        // Each 1 000 calls the state is written, which the replay must have reached.
        let journal = Journal::last(1_000);
        breaker.record(&journal, "db");
        let streams = Streams::seeded(1);
        together(THREADS, |_| {
            let mut stream = streams.next();
            for _ in 0..1_000 {
                some_call(&breaker, &mut stream);
                clock.advance(millis(scaled(stream.next_u64(), 3)));
            }
        });
        let verified = verified(&journal);
        assert!(verified.checkpoints > 0, "{verified}");
        assert!(breaker.stats().opened > 0);
    }
}

#[test]
fn recording_that_begins_and_ends_under_load_loses_no_call_and_counts_each_once() {
    for policy in policies() {
        let clock = TestClock::new();
        let builder = SharedBreaker::builder(policy).clock(clock.clone());
        let breaker = builder.count_all(true).build();
        let journal = Journal::in_memory();
        let (asked, told) = (AtomicU64::new(0), AtomicU64::new(0));
        let over = AtomicBool::new(false);
        let streams = Streams::seeded(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..10 {
                    for recorded in [true, false] {
                        if recorded {
                            breaker.record(&journal, "db");
                        } else {
                            breaker.stop_recording();
                        }
                        let before = asked.load(Ordering::Relaxed);
                        while asked.load(Ordering::Relaxed) < before + 100 {
                            thread::yield_now();
                        }
                    }
                }
                over.store(true, Ordering::Relaxed);
            });
            together(3, |_| {
                let mut stream = streams.next();
                while !over.load(Ordering::Relaxed) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    let failed = scaled(stream.next_u64(), 10) == 0;
                    let outcome = [Outcome::Success, Outcome::Failure][usize::from(failed)];
                    if let Ok(guard) = breaker.try_acquire() {
                        let _ = guard.outcome(outcome);
                        told.fetch_add(1, Ordering::Relaxed);
                    }
                    clock.advance(millis(1));
                    // So that the lock is free at times.
                    thread::yield_now();
                }
            });
        });
        let verified = verified(&journal);
        assert_eq!(verified.machines, 10);
        assert!(verified.ops > 10 * 100, "{verified}");
        let stats = breaker.stats();
        let reported = stats.successes + stats.failures + stats.released + stats.stale;
        assert_eq!(reported, told.load(Ordering::Relaxed), "{stats:?}");
        // Probes that time has taken are stale, and were admitted all the same.
        assert_eq!(stats.admitted, reported, "{stats:?}");
    }
}

#[test]
fn calls_that_were_let_through_without_the_lock_report_to_the_journal() {
    let policy = policies()[0];
    let breaker = SharedBreaker::new(policy);
    let (first, second) = (
        breaker.try_acquire().unwrap(),
        breaker.try_acquire().unwrap(),
    );
    let journal = Journal::in_memory();
    breaker.record(&journal, "db");
    first.failure();
    second.failure(); // opens it
    assert!(breaker.try_acquire().is_err());
    assert_eq!(verified(&journal).ops, 3);
    breaker.stop_recording();
    breaker.stop_recording();
    let _ = breaker.reset();
    assert_eq!(journal.ops(), 3);
    breaker.record(&journal, "db");
    breaker.record(&journal, "db, once more");
    drop(breaker.try_acquire());
    let verified = verified(&journal);
    assert_eq!((verified.ops, verified.machines), (5, 3));
}

#[test]
fn what_threads_do_to_budgets_and_a_throttle_replays_bit_for_bit() {
    let clock = TestClock::new();
    let tokens = RetryTokensPolicy::builder(20_000).build().unwrap();
    let tokens = SharedTokens::with_clock(tokens, clock.clone());
    let ratio = RetryRatioPolicy::builder(Ratio::percent(20))
        .build()
        .unwrap();
    let ratio = SharedRatio::with_clock(ratio, clock.clone());
    let throttle = AdaptiveThrottlePolicy::builder().build().unwrap();
    let throttle = SharedThrottle::with_clock(throttle, clock.clone(), &Streams::seeded(3));
    let journal = Journal::last(1_000);
    tokens.record(&journal, "tokens");
    ratio.record(&journal, "ratio");
    throttle.record(&journal, "throttle");
    let streams = Streams::seeded(4);
    together(THREADS, |_| {
        let mut stream = streams.next();
        for _ in 0..500 {
            tokens.on_request();
            ratio.on_request();
            if let Ok(withdrawal) = tokens.try_withdraw(RetryCause::Failure) {
                match scaled(stream.next_u64(), 3) {
                    0 => drop(tokens.give_back(withdrawal)),
                    1 => tokens.on_success(Some(withdrawal)),
                    _ => {}
                }
            }
            if let Ok(withdrawal) = ratio.try_withdraw(RetryCause::Timeout) {
                let _ = ratio.give_back(withdrawal);
            }
            if throttle.try_request().is_ok() && scaled(stream.next_u64(), 2) == 0 {
                throttle.on_accepted();
            }
            clock.advance(millis(1));
        }
    });
    let verified = verified(&journal);
    assert_eq!(verified.machines, 3);
    assert!(verified.checkpoints > 0);
    tokens.stop_recording();
    ratio.stop_recording();
    throttle.stop_recording();
    let ops = journal.ops();
    tokens.on_request();
    ratio.on_request();
    let _ = throttle.try_request();
    assert_eq!(journal.ops(), ops);
}

#[test]
fn what_threads_do_to_a_table_replays_bit_for_bit() {
    let policy = BreakerTablePolicy::builder(policies()[0], 6, millis(200));
    let clock = TestClock::new();
    let table = SharedBreakerTable::<String, _>::with_clock(
        policy.build().unwrap(),
        clock.clone(),
        &Streams::seeded(5),
    );
    let before = table.try_acquire("a").unwrap();
    let journal = Journal::last(1_000);
    table.record(&journal, "hosts");
    before.failure();
    let streams = Streams::seeded(6);
    together(THREADS, |_| {
        let mut stream = streams.next();
        for _ in 0..500 {
            let key =
                ["a", "b", "c", "d", "e", "f", "g", "h"][scaled(stream.next_u64(), 8) as usize];
            match scaled(stream.next_u64(), 20) {
                0 => drop(table.reset(key)),
                1 => drop(table.forget(key)),
                2 => drop(table.set_mode(key, Mode::Normal)),
                3 => drop(table.on_health(key, Health::Down)),
                4 => drop(table.poll()),
                5..10 => drop(table.call(key, || Err::<(), _>(()))),
                _ => drop(table.call(key, || Ok::<_, ()>(()))),
            }
            clock.advance(millis(1));
        }
    });
    let verified = verified(&journal);
    assert!(verified.checkpoints > 0);
    assert!(table.stats().opened > 0);
    table.stop_recording();
    let ops = journal.ops();
    let _ = table.call("a", || Ok::<_, ()>(()));
    assert_eq!(journal.ops(), ops);
}

#[test]
fn a_panic_of_a_listener_leaves_the_journal_whole() {
    let breaker = SharedBreaker::builder(policies()[0])
        .clock(TestClock::new())
        .build();
    let journal = Journal::in_memory();
    breaker.record(&journal, "db");
    breaker.on_transition(|_| resume_unwind(Box::new(())));
    let fail = || breaker.try_acquire().map(|guard| guard.failure());
    for _ in 0..2 {
        let _ = catch_unwind(AssertUnwindSafe(fail));
    }
    assert!(breaker.try_acquire().is_err());
    assert_eq!(verified(&journal).ops, 5);
}
