//! What handles, retries and drivers decide on tokio can be recorded: the journal replays bit for bit.
#![cfg(feature = "journal")]

mod support;

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Health, Trigger};
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::random::{Rng, scaled};
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_core::retry::{RetryPolicy, WhenRefused};
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_replay::journal::Reader;
use evenkeel_replay::{Verified, verify};
use evenkeel_tokio::journal::{Journal, Recording, RetryRecorder};
use evenkeel_tokio::supervisor::Ended;
use evenkeel_tokio::{
    Classified, Clock as _, HealthProbe, Reconnect, SharedBreaker, SharedBreakerTable,
    SharedTokens, Streams, Supervisor, TestClock, TokioClock, retry,
};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use support::{after, at_every_poll, ms, poll_times};
use tokio::time::{sleep, timeout};

/// Replays all that is in memory.
fn verified(journal: &Journal) -> Verified {
    let mut written = Vec::new();
    let summary = journal.dump(&mut written).expect("it is in memory");
    let verified = verify(Reader::new(&written[..])).unwrap();
    assert_eq!((verified.ops, verified.gaps), (summary.ops, 0), "no gap");
    assert_eq!(journal.dropped(), 0);
    verified
}

fn breaker_policy() -> BreakerPolicy {
    let open = BackoffPolicy::builder(ms(50)).cap(ms(200));
    let builder = BreakerPolicy::builder(open, ms(500)).trials(2).ramp(ms(20));
    let builder = builder.trigger(Trigger::Consecutive { failures: 3 });
    builder.build().unwrap()
}

fn retry_policy() -> RetryPolicy {
    let builder = RetryPolicy::builder(BackoffPolicy::builder(ms(10)).cap(ms(100)));
    let builder = builder
        .max_attempts(4)
        .attempt_timeout(ms(30))
        .deadline(ms(400));
    builder.when_refused(WhenRefused::Wait).build().unwrap()
}

/// Tasks that succeed, fail, hang, panic, and are given up: what became of all of it.
async fn crowd(journal: Option<&Journal>) -> String {
    const TASKS: usize = 20;
    let clock = TokioClock::starting_now();
    let streams = Streams::seeded(40);
    let breaker = SharedBreaker::builder(breaker_policy())
        .clock(clock)
        .streams(&streams);
    let breaker = breaker.count_all(true).build();
    let tokens = RetryTokensPolicy::builder(20_000)
        .deposit_milli(500)
        .build()
        .unwrap();
    let tokens = SharedTokens::with_clock(tokens, clock);
    let heard = Arc::new(AtomicU32::new(0));
    let hears = Arc::clone(&heard);
    breaker.on_transition(move |_| {
        hears.fetch_add(1, Ordering::Relaxed);
    });
    let calls = journal.map(|journal| {
        breaker.record(journal, "db");
        tokens.record(journal, "db-retries");
        RetryRecorder::new(journal, "db-call")
    });
    let tasks = (0..TASKS).map(|_| {
        let (breaker, tokens, calls) = (breaker.clone(), tokens.clone(), calls.clone());
        let streams = streams.clone();
        let mut dice = streams.next();
        let task = async move {
            for _ in 0..20 {
                let call = retry(&retry_policy(), |_| {
                    let word = dice.next_u64();
                    async move {
                        sleep(Duration::from_micros(scaled(word, 20_000))).await;
                        match word % 8 {
                            0 => resume_unwind(Box::new(())),
                            1 => sleep(ms(1_000)).await, // it hangs
                            2 | 3 => return Err(Classified::transient()),
                            4 => return Err(Classified::throttled().retry_after(ms(7))),
                            _ => {}
                        }
                        Ok(())
                    }
                });
                let call = call.classify(|error| *error).clock(clock).streams(&streams);
                let call = call.breaker(&breaker).budget(&tokens);
                let call = match &calls {
                    Some(calls) => call.record(calls),
                    None => call.run(),
                };
                // Some callers give up; a panic is of no further interest.
                let _ = AssertUnwindSafe(timeout(ms(60), call)).catch_unwind().await;
            }
        };
        tokio::spawn(task)
    });
    for ended in join_all(tasks.collect::<Vec<_>>()).await {
        ended.unwrap();
    }
    assert_eq!(calls.map_or(0, |calls| calls.missed()), 0);
    let heard = heard.load(Ordering::Relaxed);
    assert_eq!(u64::from(heard), breaker.generation());
    assert!(heard > 10, "{heard}");
    // Not their state: without a refill it knows no instants but while it is recorded.
    let (stats, tokens) = (breaker.stats(), tokens.balance_milli());
    format!("{} {stats:?} {tokens}", clock.now_ns())
}

#[tokio::test(start_paused = true)]
async fn a_crowd_replays_bit_for_bit_and_its_fate_is_the_same_without_a_journal() {
    let plain = crowd(None).await;
    // Each 300 calls the state is written, which the replay must have reached.
    let journal = Journal::last(300);
    assert_eq!(plain, crowd(Some(&journal)).await);
    let verified = verified(&journal);
    assert!(verified.checkpoints > 0, "{verified}");
    assert!(verified.machines <= 2 + 20, "{verified}");
}

#[test]
fn an_operation_that_is_dropped_at_any_poll_is_recorded_as_cancelled() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(10)))
        .build()
        .unwrap();
    at_every_poll(|polls| {
        let clock = TestClock::new();
        let breaker = SharedBreaker::builder(breaker_policy())
            .clock(clock.clone())
            .build();
        let journal = Journal::in_memory();
        breaker.record(&journal, "db");
        let calls = RetryRecorder::new(&journal, "call");
        let recording = Recording::from(&calls);
        let once = |polls| {
            let call = retry(&policy, |_| after(3, Err::<(), _>("reset")));
            let call = call
                .clock(clock.clone())
                .breaker(&breaker)
                .record(&recording);
            poll_times(call, polls)
        };
        let ended = once(polls).is_some();
        let mut written = Vec::new();
        journal.dump(&mut written).unwrap();
        let cancelled = String::from_utf8(written)
            .unwrap()
            .matches("\"cancel\"")
            .count();
        assert_eq!(
            cancelled,
            usize::from(!ended && polls > 0),
            "dropped after {polls} polls"
        );
        // Its place is free: the next operation goes on with the same machine.
        assert!(once(100).is_some());
        assert_eq!((verified(&journal).machines, calls.missed()), (2, 0));
        ended
    });
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_breaker_and_a_table_replay_bit_for_bit() {
    let clock = TokioClock::starting_now();
    let breaker = SharedBreaker::builder(breaker_policy())
        .clock(clock)
        .build();
    let policy = BreakerTablePolicy::builder(breaker_policy(), 3, ms(500))
        .build()
        .unwrap();
    let hosts = SharedBreakerTable::<String, _>::with_clock(policy, clock, &Streams::seeded(41));
    let journal = Journal::in_memory();
    breaker.record(&journal, "db");
    hosts.record(&journal, "hosts");
    let calls = RetryRecorder::new(&journal, "host-call");
    for number in 0..200_u64 {
        let answer = || async move {
            sleep(ms(number % 5)).await;
            if number / 10 % 2 == 0 {
                Ok(())
            } else {
                Err(())
            }
        };
        let host = format!("host-{}", number % 4);
        // Each third call is given up.
        let patience = ms(if number % 3 == 0 { 2 } else { 100 });
        let _ = timeout(patience, breaker.call(answer())).await;
        let _ = timeout(patience, hosts.call(host.as_str(), answer())).await;
        let call = retry(&retry_policy(), |_| answer())
            .clock(clock)
            .breaker(&hosts.gate(host));
        let _ = timeout(patience, call.record(&calls)).await;
    }
    assert!(breaker.stats().opened > 0 && hosts.stats().opened > 0);
    assert_eq!(calls.missed(), 0);
    let verified = verified(&journal);
    assert_eq!(verified.machines, 3);
    breaker.stop_recording();
    let ops = journal.ops();
    let _ = breaker.call(async { Ok::<_, ()>(()) }).await;
    assert_eq!(journal.ops(), ops);
}

#[tokio::test(start_paused = true)]
async fn a_link_a_probe_and_children_replay_bit_for_bit() {
    let journal = Journal::in_memory();
    let backoff = BackoffPolicy::builder(ms(100)).cap(ms(1_000));

    let policy = HealthProbePolicy::builder(ms(1_000), ms(100))
        .build()
        .unwrap();
    let checks = AtomicU32::new(0);
    let check = move |_| {
        let number = checks.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(ms(if number % 7 == 0 { 500 } else { 1 })).await; // one in seven is too late
            if number % 5 < 3 { Ok(()) } else { Err(()) }
        }
    };
    let probe = HealthProbe::new(&policy, check)
        .record(&journal, "db")
        .start();

    let policy = RestartPolicy::builder(backoff)
        .intensity(2, ms(60_000))
        .build()
        .unwrap();
    let supervisor = Supervisor::new();
    supervisor
        .add("early", &policy, async |stop| {
            stop.cancelled().await;
            Ok::<_, Infallible>(())
        })
        .unwrap();
    supervisor.record(&journal);
    supervisor
        .add("feed", &policy, async |_| Err::<(), _>("no route"))
        .unwrap();

    let policy = ReconnectPolicy::builder(backoff, ms(1_000))
        .silence_limit(ms(500))
        .build()
        .unwrap();
    let mut tries = 0;
    let connect = |_| {
        tries += 1;
        async move {
            sleep(ms(tries % 7 * 200)).await;
            if tries % 3 == 0 {
                Err("refused")
            } else {
                Ok(tries)
            }
        }
    };
    let reconnect = Reconnect::new(&policy, connect).record(&journal, "feed");
    let mut reconnect = reconnect
        .clock(TokioClock::default())
        .streams(&Streams::seeded(42));
    for number in 0..10 {
        let live = reconnect.next_link().await.unwrap();
        live.on_frame();
        match number % 3 {
            0 => drop(live.until_lost().await),
            1 => live.lost("end of file"),
            _ => sleep(ms(100)).await,
        }
    }
    drop(reconnect);

    assert!(
        matches!(supervisor.wait().await, Ended::Escalated(escalation) if escalation.child == "feed")
    );
    supervisor.rearm("feed").unwrap();
    let _ = supervisor.stop(ms(1_000)).await;
    assert_eq!(probe.health(), Some(Health::Up));
    probe.stop();
    let verified = verified(&journal);
    assert_eq!(verified.machines, 4);
    assert!(verified.ops > 80, "{verified}");
}
