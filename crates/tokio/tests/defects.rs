//! Defects of other Rust crates that an adapter could have, each reproduced on them (docs/defects.md), each absent
//! here.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::future::{pending, ready};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Phase, Trigger, Window};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tokio::{Classified, Clock, SharedBreaker, Streams, TestClock, TokioClock, retry};
use support::{
    breaker_on, ms, ns_of, opens_after, plain_backoff, plain_retry, poll_times, waits_of,
};
use tokio::task::JoinSet;

const JITTERS: [Jitter; 5] = [
    Jitter::None,
    Jitter::Full,
    Jitter::Equal,
    Jitter::Decorrelated,
    Jitter::Spread(Ratio::percent(50)),
];

fn half_open(
    clock: &TestClock,
    builder: impl FnOnce(BreakerPolicy) -> BreakerPolicy,
) -> SharedBreaker<TestClock> {
    let breaker = breaker_on(builder(opens_after(1)), clock.clone());
    breaker.try_acquire().expect("closed").failure();
    clock.advance(ms(1_000));
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    breaker
}

/// The first wait of `operations` operations, which draw from `streams` one after the other.
async fn first_waits(operations: usize, streams: &Streams) -> HashSet<Duration> {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(10_000)))
        .build()
        .expect("a valid policy");
    let mut waits = HashSet::new();
    for _ in 0..operations {
        let mut first = None;
        let operation = retry(&policy, |_| ready(Err::<(), _>("down"))).streams(streams);
        let operation = operation.on_retry(|event| first = first.or_else(|| Some(event.wait())));
        let _ = operation.clock(TestClock::new()).await;
        waits.extend(first);
    }
    waits
}

/// tower: every session of one maker draws the same jitter.
#[tokio::test]
async fn d4_a_thousand_operations_wait_a_thousand_times() {
    assert_eq!(first_waits(1_000, &Streams::seeded(1)).await.len(), 1_000);
}

/// backon: without std the seed is a constant, and a fleet retries in lockstep.
#[tokio::test]
async fn d18_no_seed_is_a_constant_unless_one_is_asked_for() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(10_000)))
        .build()
        .expect("a valid policy");
    let mut waits = HashSet::new();
    for process in 0..100 {
        assert_eq!(waits.len(), process);
        waits.extend(first_waits(1, &Streams::from_entropy()).await);
    }
    // The same where nobody says anything of seeds.
    let operation = retry(&policy, |_| ready(Err::<(), _>("down"))).clock(TestClock::new());
    let before = waits.len();
    let _ = operation
        .on_retry(|event| waits.extend([event.wait()]))
        .await;
    assert_eq!(waits.len(), before + 2);
}

/// tower-resilience: a slow call from before the trip closes half-open, while the real probe is still out.
#[tokio::test(start_paused = true)]
async fn d7_a_call_from_before_the_trip_does_not_close_half_open() {
    let breaker = breaker_on(opens_after(1), TokioClock::starting_now());
    let slow = async {
        tokio::time::sleep(ms(1_500)).await;
        Ok::<_, ()>("old")
    };
    let fails = async {
        tokio::time::sleep(ms(100)).await;
        Err::<(), _>(())
    };
    let probe = async {
        tokio::time::sleep(ms(1_200)).await;
        let out = async {
            tokio::time::sleep(ms(1_000)).await;
            Err::<(), _>(())
        };
        breaker.call(out).await
    };
    let looks = async {
        tokio::time::sleep(ms(1_600)).await;
        breaker.phase()
    };
    let (old, _, probe, phase) =
        tokio::join!(breaker.call(slow), breaker.call(fails), probe, looks);
    assert_eq!(
        (old, probe.is_err(), phase),
        (Ok("old"), true, Phase::HalfOpen)
    );
    assert_eq!((breaker.phase(), breaker.stats().stale), (Phase::Open, 1));
}

/// failsafe: half-open admits a thousand of a thousand. recloser: half-open of 10 admits 200 of 200 that are in flight.
#[tokio::test]
async fn d9_d11_half_open_admits_its_places() {
    let clock = TestClock::new();
    let breaker = half_open(&clock, |policy| {
        let builder = BreakerPolicy::builder(*policy.open(), ms(10_000))
            .max_in_flight(10)
            .trials(10);
        let builder = builder.trigger(Trigger::Consecutive { failures: 1 });
        builder.build().expect("a valid policy")
    });
    let inside = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        let (breaker, inside) = (breaker.clone(), inside.clone());
        calls.spawn(async move {
            let hangs = async {
                inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                pending::<Result<(), ()>>().await
            };
            breaker.call(hangs).await.is_err()
        });
    }
    for _ in 0..990 {
        assert!(
            calls.join_next().await.expect("more").expect("no panic"),
            "refused"
        );
    }
    assert_eq!(inside.load(std::sync::atomic::Ordering::SeqCst), 10);
}

/// failsafe: waits in whole seconds, half a second panics. backon: a timer that cuts to milliseconds waits nothing.
#[tokio::test(start_paused = true)]
async fn d10_d19_short_waits_are_waited_for() {
    for base in [Duration::from_nanos(1), Duration::from_micros(300), ms(500)] {
        let backoff = BackoffPolicy::builder(base)
            .growth(Growth::Constant)
            .jitter(Jitter::None);
        let policy = RetryPolicy::builder(backoff)
            .max_attempts(50)
            .build()
            .expect("a valid policy");
        let (clock, due_ns) = (TokioClock::starting_now(), Cell::new(0));
        let operation = retry(&policy, |_| {
            assert!(clock.now_ns() >= due_ns.get(), "early");
            ready(Err::<(), _>("down"))
        });
        let operation = operation
            .clock(clock)
            .on_retry(|event| due_ns.set(event.at_ns()));
        assert_eq!(operation.await.expect_err("it is down").attempts(), 50);
        assert!(clock.now_ns() >= 49 * ns_of(base), "{} ns", clock.now_ns());
    }
}

/// circuitbreaker-rs: any probe that is cancelled or panics leaks its permit, and nothing passes for ever.
#[test]
fn d12_probes_that_are_cancelled_or_panic_leak_nothing() {
    let clock = TestClock::new();
    let breaker = half_open(&clock, |policy| policy);
    for _ in 0..100 {
        assert!(poll_times(breaker.call(pending::<Result<(), ()>>()), 2).is_none());
    }
    let panics = std::panic::AssertUnwindSafe(|| {
        let _ = poll_times(breaker.call(async { panic!("probe") as Result<(), ()> }), 1);
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(breaker.phase(), Phase::Open);
    clock.advance(ms(1_000));
    assert_eq!(
        poll_times(breaker.call(ready(Ok::<_, ()>(1))), 1),
        Some(Ok(1))
    );
    assert_eq!(breaker.phase(), Phase::Closed);
}

/// circuitbreaker-rs: the ratio is over the whole lifetime. tower-resilience (D5): a count window never slides.
#[tokio::test]
async fn d5_d13_a_window_forgets_what_has_left_it() {
    let open = BackoffPolicy::builder(ms(1_000));
    let half = Trigger::FailureRate {
        at_least: Ratio::percent(50),
        min_calls: 10,
    };
    let builder = BreakerPolicy::builder(open, ms(9_000)).window(Window::Count { calls: 100 });
    let breaker = breaker_on(
        builder.trigger(half).build().expect("a valid policy"),
        TestClock::new(),
    );
    for _ in 0..10_000 {
        assert_eq!(breaker.call(ready(Ok::<_, ()>(1))).await, Ok(1));
    }
    let mut failures = 0;
    while breaker.phase() == Phase::Closed {
        failures += 1;
        assert!(breaker.call(ready(Err::<(), _>(()))).await.is_err());
    }
    assert_eq!(failures, 50);
}

/// backon, backoff, tower-resilience: jitter after the cap; backon's Fibonacci: no cap at all.
#[tokio::test]
async fn d14_d15_d22_d23_no_wait_is_above_the_cap() {
    let linear = Growth::Linear { step: ms(700) };
    let double = Growth::Exponential {
        factor: Ratio::new(2, 1).expect("a ratio"),
    };
    for jitter in JITTERS {
        for growth in [Growth::Constant, linear, double] {
            if jitter == Jitter::Decorrelated && growth != double {
                continue; // it grows by itself
            }
            let backoff = BackoffPolicy::builder(ms(1_000))
                .cap(ms(10_000))
                .growth(growth)
                .jitter(jitter);
            let policy = RetryPolicy::builder(backoff.max_retries(50))
                .build()
                .expect("a valid policy");
            for seed in 0..50 {
                let (waits, _) = waits_of(&policy, seed).await;
                assert_eq!(waits.len(), 50);
                assert!(waits.iter().all(|wait| *wait <= ms(10_000)), "{waits:?}");
            }
        }
    }
}

/// backon: waits in 32-bit floats, 100 ms doubled is 200.000003 ms.
#[tokio::test]
async fn d16_waits_are_exact() {
    let policy = RetryPolicy::builder(plain_backoff().max_retries(20))
        .build()
        .expect("a valid policy");
    let (waits, _) = waits_of(&policy, 0).await;
    let doubled: Vec<_> = (0..20).map(|step| ms(100 << step)).collect();
    assert_eq!(waits, doubled);
}

/// backon: overflow panics, and a strange factor waits for ever. exponential-backoff (D20): a small jitter panics.
/// retry-policies (D21): a minimum of zero does not return.
#[tokio::test]
async fn d17_d20_d21_no_policy_panics_or_hangs() {
    let spans = [
        Duration::ZERO,
        Duration::from_nanos(1),
        ms(1),
        Duration::from_nanos(1 << 62),
        Duration::MAX,
    ];
    let spreads = [
        Ratio::ZERO,
        Ratio::per_mille(1),
        Ratio::ONE,
        Ratio::percent(200),
    ];
    let jitters = JITTERS.into_iter().chain(spreads.map(Jitter::Spread));
    let factors = [(0, 1), (1, 1), (u32::MAX, 1), (3, 2)].map(|(num, den)| Ratio::new(num, den));
    let mut ran = 0;
    for jitter in jitters {
        for (base, cap) in spans
            .into_iter()
            .flat_map(|base| spans.map(|cap| (base, cap)))
        {
            for factor in factors.iter().flatten() {
                let growth = Growth::Exponential { factor: *factor };
                let backoff = BackoffPolicy::builder(base)
                    .cap(cap)
                    .growth(growth)
                    .jitter(jitter);
                let backoff = backoff.max_retries(70).max_total_wait(ms(86_400_000));
                let Ok(policy) = RetryPolicy::builder(backoff).build() else {
                    continue; // refused, with the field and the fix
                };
                let (waits, end) = waits_of(&policy, 1).await;
                assert!(
                    waits.len() <= 70 && matches!(end, End::Exhausted { .. }),
                    "{end:?}"
                );
                ran += 1;
            }
        }
    }
    assert!(ran > 100, "{ran}");
}

/// exponential-backoff: half of the first waits are exactly the minimum.
#[tokio::test]
async fn d20_first_waits_spread() {
    assert!(first_waits(1_000, &Streams::seeded(3)).await.len() > 990);
}

/// backoff: Retry-After skips the check of the elapsed time: who keeps sending it is retried for ever.
#[tokio::test(start_paused = true)]
async fn d22_advice_passes_the_deadline_and_the_cap_of_attempts() {
    let asks = |_: &&str| Classified::throttled().retry_after(ms(1_000));
    let deadline = plain_retry()
        .unlimited_attempts()
        .advisory_cap(ms(2_000))
        .deadline(ms(10_000));
    let attempts = plain_retry().advisory_cap(ms(2_000)).max_attempts(7);
    for (builder, end) in [(deadline, End::Deadline), (attempts, End::Attempts)] {
        let clock = TokioClock::starting_now();
        let policy = builder.build().expect("a valid policy");
        let operation = retry(&policy, |_| ready(Err::<(), _>("later"))).clock(clock);
        let failed = operation
            .classify(asks)
            .await
            .expect_err("it is overloaded");
        assert_eq!(failed.end(), end);
        assert!(failed.attempts() < 11 && clock.now_ns() <= ns_of(ms(10_000)));
    }
}

/// tower-resilience-reconnect: tells errors apart by a piece of their text.
#[tokio::test(start_paused = true)]
async fn d29_errors_are_told_apart_by_value() {
    /// Its text says the contrary.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Error {
        NotFound,
        Reset,
    }
    impl fmt::Display for Error {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match self {
                Self::NotFound => "no such page: connection reset explained",
                Self::Reset => "peer went away",
            })
        }
    }
    let policy = plain_retry().build().expect("a valid policy");
    for (error, attempts) in [(Error::NotFound, 1), (Error::Reset, 3)] {
        let seen = RefCell::new(Vec::new());
        let operation = retry(&policy, |_| ready(Err::<(), _>(error)));
        let operation = operation.classify(|error| {
            seen.borrow_mut().push(*error);
            match error {
                Error::NotFound => Classified::permanent(),
                Error::Reset => Classified::transient(),
            }
        });
        assert_eq!(operation.await.expect_err("it fails").attempts(), attempts);
        assert_eq!(seen.into_inner(), vec![error; attempts as usize]);
    }
}
