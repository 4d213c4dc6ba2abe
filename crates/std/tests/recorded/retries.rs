//! Retries that are recorded, with what they borrow.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use evenkeel_core::Ratio;
use evenkeel_core::breaker::{Cause, Phase};
use evenkeel_core::budget::{RetryRatioPolicy, RetryTokensPolicy};
use evenkeel_core::random::{Rng, scaled};
use evenkeel_core::retry::WhenRefused;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::{Journal, load};
use evenkeel_std::journal::{Recording, RetryRecorder};
use evenkeel_std::{
    Classified, Clock, RetryError, SharedBreaker, SharedBreakerTable, SharedRatio, SharedTokens,
    Stop, Streams, TestClock, retry,
};

use super::support::{millis, policies, retries, together, verified};

/// What calls of a service share.
struct Service {
    clock: TestClock,
    breaker: SharedBreaker<TestClock>,
    tokens: SharedTokens<TestClock>,
    /// Transitions that a listener heard of.
    heard: Arc<Mutex<Vec<(u64, Phase, Cause)>>>,
    streams: Streams,
}

impl Service {
    fn new(policy: usize) -> Self {
        let clock = TestClock::new();
        let streams = Streams::seeded(20);
        let breaker = SharedBreaker::builder(policies()[policy]);
        let breaker = breaker
            .clock(clock.clone())
            .streams(&streams)
            .count_all(true)
            .build();
        let tokens = RetryTokensPolicy::builder(10_000)
            .deposit_milli(300)
            .build();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        breaker.on_transition(move |made| {
            hears
                .lock()
                .unwrap()
                .push((made.at_ns, made.to, made.cause));
        });
        Self {
            tokens: SharedTokens::with_clock(tokens.unwrap(), clock.clone()),
            clock,
            breaker,
            heard,
            streams,
        }
    }

    fn record(&self, journal: &Journal) {
        self.breaker.record(journal, "db");
        self.tokens.record(journal, "db-retries");
    }

    fn call(
        &self,
        calls: Option<&RetryRecorder>,
        mut answer: impl FnMut() -> Result<u32, Classified>,
    ) -> Result<u32, RetryError<Classified>> {
        let policy = retries()
            .when_refused(WhenRefused::Wait)
            .deadline(millis(300));
        let policy = policy.attempt_timeout(millis(8)).build().unwrap();
        let call = retry(&policy, |_| {
            self.clock.advance(millis(1));
            answer()
        });
        let call = call
            .classify(|error| *error)
            .clock(self.clock.clone())
            .streams(&self.streams);
        let call = call.breaker(&self.breaker).budget(&self.tokens);
        match calls {
            Some(calls) => call.record(calls).run(),
            None => call.run(),
        }
    }

    fn stands(&self) -> String {
        // Not their state: without a refill it knows no instants but while it is recorded.
        let (stats, tokens) = (self.breaker.stats(), self.tokens.balance_milli());
        let heard = self.heard.lock().unwrap().len();
        let window = self.breaker.window();
        let now_ns = self.clock.now_ns();
        format!("{now_ns} {stats:?} {window:?} {tokens:?} {heard}")
    }
}

fn kinds(journal: &Journal) -> Vec<Kind> {
    let mut written = Vec::new();
    journal.dump(&mut written).unwrap();
    let headers = load(&written[..]).headers;
    headers.iter().map(|header| header.kind).collect()
}

#[test]
fn operations_of_many_threads_replay_bit_for_bit_also_those_that_panic_or_are_stopped() {
    const THREADS: usize = 6;
    for policy in 0..policies().len() {
        let service = Service::new(policy);
        let journal = Journal::last(1_000);
        service.record(&journal);
        let calls = RetryRecorder::new(&journal, "db-call");
        let streams = Streams::seeded(21);
        together(THREADS, |_| {
            let mut stream = streams.next();
            for _ in 0..200 {
                let mut some_answer = || match scaled(stream.next_u64(), 12) {
                    0 => resume_unwind(Box::new(())),
                    1 => Err(Classified::permanent()),
                    2 => Err(Classified::throttled()),
                    3 => Err(Classified::cancelled()),
                    4 => {
                        service.clock.advance(millis(10)); // too late
                        Err(Classified::transient())
                    }
                    5..8 => Err(Classified::transient()),
                    _ => Ok(1),
                };
                let call = || service.call(Some(&calls), &mut some_answer);
                let _ = catch_unwind(AssertUnwindSafe(call));
            }
        });
        let verified = verified(&journal);
        assert!(verified.checkpoints > 0, "{verified}");
        // As many retries as there were operations at a time.
        assert!(verified.machines <= 2 + THREADS as u64, "{verified}");
        assert_eq!(calls.missed(), 0);
        // Listeners have heard of every transition.
        let heard = service.heard.lock().unwrap().len() as u64;
        assert_eq!(heard, service.breaker.generation());
        assert!(heard > 5);
    }
}

#[test]
fn a_recorded_operation_decides_as_one_that_is_not_whenever_recording_begins_and_ends() {
    for policy in 0..policies().len() {
        let (plain, recorded) = (Service::new(policy), Service::new(policy));
        let journal = Journal::in_memory();
        let calls = RetryRecorder::new(&journal, "db-call");
        let mut stream = Streams::seeded(22).next();
        for step in 0..400 {
            let mut answers = || match scaled(stream.next_u64(), 2) {
                0 => Ok(1),
                _ => Err(Classified::transient()),
            };
            let script: Vec<_> = (0..4).map(|_| answers()).collect();
            // Also in the midst of an operation.
            let switch = scaled(stream.next_u64(), 12);
            let idle = millis(scaled(stream.next_u64(), 40));
            let run = |service: &Service, calls: Option<&RetryRecorder>| {
                let mut script = script.iter().enumerate();
                let ended = service.call(calls, || {
                    let (at, answer) = script.next().expect("four attempts at most");
                    if calls.is_some() && at < 2 {
                        match switch {
                            0 => service.breaker.stop_recording(),
                            1 => service.tokens.stop_recording(),
                            2..5 => service.record(&journal),
                            _ => {}
                        }
                    }
                    *answer
                });
                let ended = ended.map_err(|error| (error.end(), error.attempts()));
                service.clock.advance(idle);
                format!("{ended:?} {}", service.stands())
            };
            let stand = [run(&plain, None), run(&recorded, Some(&calls))];
            assert_eq!(stand[0], stand[1], "step {step}");
        }
        assert_eq!(
            *plain.heard.lock().unwrap(),
            *recorded.heard.lock().unwrap()
        );
        assert!(plain.heard.lock().unwrap().len() > 10);
        assert!(calls.missed() > 0, "some were not recorded to their end");
        let verified = verified(&journal);
        assert!(verified.ops > 500, "{verified}, {} missed", calls.missed());
        assert!(kinds(&journal).contains(&Kind::Retry));
    }
}

#[test]
fn without_a_recorded_breaker_the_operation_runs_and_is_counted_as_missed() {
    let service = Service::new(0);
    let journal = Journal::in_memory();
    let calls = RetryRecorder::new(&journal, "db-call");
    assert!(service.call(Some(&calls), || Ok(1)).is_ok());
    service.tokens.record(&journal, "db-retries");
    assert!(service.call(Some(&calls), || Ok(1)).is_ok());
    let elsewhere = Journal::in_memory();
    service.breaker.record(&elsewhere, "db");
    assert!(service.call(Some(&calls), || Ok(1)).is_ok());
    assert_eq!(calls.missed(), 3);
    // Breaker and budget tell of themselves, each where it is recorded.
    assert_eq!(verified(&elsewhere).ops, 2);
    assert!(verified(&journal).ops >= 2);
    assert!(!kinds(&journal).contains(&Kind::Retry));
    service.record(&journal);
    assert!(service.call(Some(&calls), || Ok(1)).is_ok());
    assert_eq!(calls.missed(), 3);
    assert!(kinds(&journal).contains(&Kind::Retry));
    verified(&journal);
}

#[test]
fn an_operation_whose_breaker_is_no_longer_recorded_goes_on_unrecorded_and_counts_as_missed() {
    let service = Service::new(0);
    let journal = Journal::in_memory();
    service.record(&journal);
    let calls = RetryRecorder::new(&journal, "db-call");
    let mut answers = [Err(Classified::transient()), Ok(1)].into_iter();
    let ended = service.call(Some(&calls), || {
        service.breaker.stop_recording();
        answers.next().expect("two attempts")
    });
    assert_eq!((ended.ok(), calls.missed()), (Some(1), 1));
    let stats = service.breaker.stats();
    assert_eq!((stats.admitted, stats.successes, stats.failures), (2, 1, 1));
    // What was recorded of it is its first step; its place is not taken by another.
    service.record(&journal);
    assert!(service.call(Some(&calls), || Ok(1)).is_ok());
    let kinds = kinds(&journal);
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Retry).count(), 2);
    verified(&journal);
}

#[test]
fn an_operation_of_another_policy_is_another_machine_and_the_same_policy_the_same() {
    let journal = Journal::in_memory();
    let calls = RetryRecorder::new(&journal, "call");
    let run = |max_attempts| {
        let policy = retries().max_attempts(max_attempts).build().unwrap();
        let call = retry(&policy, |_| Err::<(), _>(())).clock(TestClock::new());
        let ended = call.record(&calls).run();
        assert_eq!(ended.unwrap_err().attempts(), max_attempts);
    };
    for max_attempts in [2, 3, 2, 3, 2] {
        run(max_attempts);
    }
    assert_eq!(verified(&journal).machines, 2);
    // Not one for each policy there ever was is kept.
    (4..40).for_each(run);
    run(2);
    assert_eq!(verified(&journal).machines, 2 + 36 + 1);
}

#[test]
fn the_gate_of_a_table_and_a_ratio_are_lent_too() {
    let clock = TestClock::new();
    let streams = Streams::seeded(23);
    let table = BreakerTablePolicy::builder(policies()[0], 10, millis(500))
        .build()
        .unwrap();
    let hosts = SharedBreakerTable::<String, _>::with_clock(table, clock.clone(), &streams);
    let ratio = RetryRatioPolicy::builder(Ratio::percent(50))
        .build()
        .unwrap();
    let ratio = SharedRatio::with_clock(ratio, clock.clone());
    let journal = Journal::in_memory();
    hosts.record(&journal, "hosts");
    ratio.record(&journal, "retries");
    let calls = RetryRecorder::new(&journal, "call");
    let made = AtomicU64::new(0);
    let policy = retries().build().unwrap();
    for number in 0..100 {
        let host = ["a", "b", "c"][number % 3].to_owned();
        let call = retry(&policy, |_| {
            let made = made.fetch_add(1, Ordering::Relaxed);
            if made % 3 == 0 { Ok(()) } else { Err(()) }
        });
        let call = call.clock(clock.clone()).streams(&streams);
        let call = call.breaker(&hosts.gate(host)).budget(&ratio);
        // As a layer keeps it that does not know the types any more.
        let recording = Recording::from(&calls);
        let _ = call.record(&recording).run();
    }
    assert_eq!(calls.missed(), 0);
    let verified = verified(&journal);
    assert_eq!(verified.machines, 3);
    assert!(hosts.stats().opened > 0);
}

#[test]
fn a_stop_is_recorded_as_the_cancellation_that_it_is() {
    let service = Service::new(0);
    let journal = Journal::in_memory();
    service.record(&journal);
    let calls = RetryRecorder::new(&journal, "db-call");
    let stop = Stop::new();
    let policy = retries().build().unwrap();
    let call = retry(&policy, |_| {
        stop.stop();
        Err::<(), _>(())
    });
    let call = call
        .stop(&stop)
        .clock(service.clock.clone())
        .breaker(&service.breaker);
    assert!(call.record(&calls).run().is_err());
    let mut written = Vec::new();
    journal.dump(&mut written).unwrap();
    let text = String::from_utf8(written).unwrap();
    assert_eq!(text.matches("\"cancel\"").count(), 1, "{text}");
    assert_eq!(verified(&journal).ops, 4);
}

#[test]
fn a_journal_has_the_instant_of_a_success_also_where_nothing_else_looks_at_it() {
    let (journal, clock) = (Journal::in_memory(), TestClock::starting_at(5));
    let calls = RetryRecorder::new(&journal, "db-call");
    let policy = retries().build().unwrap();
    let call = retry(&policy, |_| {
        clock.set_ns(77_700_007);
        Ok::<_, ()>(())
    });
    assert_eq!(call.clock(&clock).record(&calls).run(), Ok(()));
    let mut written = Vec::new();
    journal.dump(&mut written).unwrap();
    let text = String::from_utf8(written).unwrap();
    let outcome = text.lines().find(|line| line.contains("success"));
    assert!(
        outcome.is_some_and(|line| line.contains("77700007")),
        "{text}"
    );
    assert_eq!(verified(&journal).ops, 3);
}
