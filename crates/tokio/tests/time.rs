//! Time: attempts come at the core's instants, nothing is early, and paused time costs none.

mod support;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Phase, Trigger};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{
    AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy, WhenRefused,
};
use evenkeel_std::MonotonicClock;
use evenkeel_tokio::{Clock, Sleep, Streams, TestClock, TokioClock, retry};
use support::{Steps, breaker_on, ms, ns_of, opens_after, plain_backoff, plain_retry, poll_times};

const HOUR: Duration = Duration::from_secs(3_600);

/// When the core alone, on a clock of its own, makes its attempts, if those before `up_ns` fail at once.
fn core_alone(
    policy: &RetryPolicy,
    breaker: Option<BreakerPolicy>,
    streams: &Streams,
    up_ns: u64,
) -> Vec<u64> {
    let mut breaker = breaker.map(Breaker::new);
    let (mut rng, mut made, mut now_ns) = (streams.next(), Vec::new(), 0);
    let mut operation = Retry::new(policy, 0);
    loop {
        let mut parts = Parts::none();
        if let Some(breaker) = &mut breaker {
            parts = parts.with_breaker(breaker);
        }
        match operation.poll(now_ns, &mut parts, &mut rng).action {
            RetryAction::Attempt { attempt, .. } => {
                made.push(now_ns);
                let outcome = match now_ns >= up_ns {
                    true => AttemptOutcome::Success,
                    false => AttemptOutcome::transient(RetryCause::Failure),
                };
                let _ = operation.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
            }
            RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
            _ => return made,
        }
    }
}

/// When the adapter makes them, on `clock`.
async fn adapter<C: Sleep>(
    policy: &RetryPolicy,
    streams: &Streams,
    up_ns: u64,
    clock: C,
) -> Vec<u64> {
    let made = RefCell::new(Vec::new());
    let operation = retry(policy, |_| {
        let now_ns = clock.now_ns();
        made.borrow_mut().push(now_ns);
        async move { if now_ns >= up_ns { Ok(()) } else { Err("down") } }
    });
    let _ = operation.clock(clock.clone()).streams(streams).await;
    made.into_inner()
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_outage_passes_at_once_at_the_instants_of_the_core() {
    let policy = RetryPolicy::builder(plain_backoff().cap(ms(30_000)));
    let policy = policy
        .unlimited_attempts()
        .deadline(2 * HOUR)
        .build()
        .expect("a valid policy");
    let clock = TokioClock::starting_now();
    let ours = adapter(&policy, &Streams::seeded(1), ns_of(HOUR), clock).await;
    assert_eq!(
        ours,
        core_alone(&policy, None, &Streams::seeded(1), ns_of(HOUR))
    );
    assert!(ours.len() > 100 && clock.now_ns() >= ns_of(HOUR));
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_outage_behind_a_breaker() {
    let policy = RetryPolicy::builder(plain_backoff().cap(ms(100)));
    let policy = policy
        .unlimited_attempts()
        .deadline(2 * HOUR)
        .when_refused(WhenRefused::Wait);
    let policy = policy.build().expect("a valid policy");
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(3), clock);
    let made = RefCell::new(Vec::new());
    let operation = retry(&policy, |_| {
        let now_ns = clock.now_ns();
        made.borrow_mut().push(now_ns);
        async move {
            if now_ns >= ns_of(HOUR) {
                Ok("up")
            } else {
                Err("down")
            }
        }
    });
    assert_eq!(operation.breaker(&breaker).clock(clock).await, Ok("up"));
    let core = core_alone(
        &policy,
        Some(opens_after(3)),
        &Streams::seeded(1),
        ns_of(HOUR),
    );
    assert_eq!(made.into_inner(), core);
    // Once a second, when the breaker lets a probe pass, and not ten times.
    assert!((3_600..3_700).contains(&core.len()), "{}", core.len());
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn with_jitter_the_instants_are_those_of_the_core_to_the_nanosecond() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(100)).cap(ms(5_000)));
    let policy = policy.max_attempts(20).build().expect("a valid policy");
    for seed in 0..50 {
        let core = core_alone(&policy, None, &Streams::seeded(seed), u64::MAX);
        let streams = Streams::seeded(seed);
        let plain = adapter(&policy, &streams, u64::MAX, TestClock::new());
        assert_eq!(poll_times(plain, 100), Some(core.clone()));
        // The same on a clock whose every wake is early, most of them twice.
        let early = Steps::default();
        let streams = Streams::seeded(seed);
        let stepped = adapter(&policy, &streams, u64::MAX, early.clone());
        assert_eq!(poll_times(stepped, 10_000), Some(core));
        assert!(early.early_wakes() > 19);
    }
}

/// Tokio's timers count milliseconds: late by less than one, never early.
#[tokio::test(start_paused = true)]
async fn on_tokios_clock_no_attempt_is_early_and_none_a_millisecond_late() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(100)).cap(ms(5_000)));
    let policy = policy.max_attempts(200).build().expect("a valid policy");
    let (clock, due_ns) = (TokioClock::starting_now(), Cell::new(0));
    let operation = retry(&policy, |_| {
        let late_ns = clock.now_ns().checked_sub(due_ns.get()).expect("not early");
        assert!(late_ns < 1_000_000, "{late_ns} ns late");
        async { Err::<(), _>("down") }
    });
    let operation = operation.on_retry(|event| due_ns.set(event.at_ns()));
    let _ = operation.clock(clock).await;
    assert!(due_ns.get() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_whose_timer_is_early_goes_on_sleeping() {
    let clock = Steps::default();
    clock.sleep_until(1_000_000_007).await;
    assert_eq!(clock.now_ns(), 1_000_000_007);
    assert!(clock.early_wakes() > 20, "halved each time");
}

/// A timer that is made and not awaited moves no clock: the deadline of an operation is one.
#[tokio::test(start_paused = true)]
async fn a_test_clock_goes_on_only_when_somebody_waits() {
    let clock = TestClock::new();
    let sleep = clock.sleep_until(1_000);
    assert_eq!(clock.now_ns(), 0);
    sleep.await;
    assert_eq!(clock.now_ns(), 1_000);
    let policy = plain_retry()
        .deadline(HOUR)
        .build()
        .expect("a valid policy");
    let operation = retry(&policy, |_| async { Err::<(), _>("down") }).clock(clock.clone());
    assert_eq!(
        operation.await.expect_err("it is down").end(),
        End::Attempts
    );
    assert_eq!(clock.now_ns(), 1_000 + ns_of(ms(300)));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_dropped_at_its_timeout_and_the_next_comes_after_its_wait() {
    let policy = plain_retry()
        .attempt_timeout(ms(50))
        .build()
        .expect("a valid policy");
    let (clock, log) = (TokioClock::starting_now(), RefCell::new(Vec::new()));
    struct Logged<'a>(&'a RefCell<Vec<(&'static str, u64)>>, TokioClock);
    impl Drop for Logged<'_> {
        fn drop(&mut self) {
            self.0
                .borrow_mut()
                .push(("dropped", self.1.now_ns() / 1_000_000));
        }
    }
    let breaker = breaker_on(opens_after(9), clock);
    let operation = retry(&policy, |attempt| {
        assert_eq!(attempt.timeout(), Some(ms(50)));
        log.borrow_mut().push(("began", clock.now_ns() / 1_000_000));
        let logged = Logged(&log, clock);
        async move {
            let _logged = logged;
            pending::<Result<(), &str>>().await
        }
    });
    let operation = operation.breaker(&breaker).clock(clock);
    let causes = RefCell::new(Vec::new());
    let failed = operation
        .on_retry(|event| causes.borrow_mut().push(event.cause().name()))
        .await;
    let failed = failed.expect_err("all hang");
    assert_eq!(
        (failed.end(), failed.attempts(), failed.last()),
        (End::Attempts, 3, None)
    );
    assert_eq!(causes.into_inner(), ["timed-out", "timed-out"]);
    let began_and_dropped = [(0, 50), (150, 200), (400, 450)];
    let expected =
        began_and_dropped.map(|(began, dropped)| [("began", began), ("dropped", dropped)]);
    assert_eq!(*log.borrow(), expected.concat());
    assert_eq!(breaker.stats().failures, 3);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_an_attempt_and_a_wait() {
    let clock = TokioClock::starting_now();
    let policy = plain_retry()
        .deadline(ms(250))
        .build()
        .expect("a valid policy");
    let hangs = retry(&policy, |_| pending::<Result<(), &str>>())
        .clock(clock)
        .await;
    assert_eq!(hangs.expect_err("it hangs").end(), End::Deadline);
    assert_eq!(clock.now_ns(), ns_of(ms(250)));

    // At 0, at 100, and the next would be at 300: over at once, not at the deadline.
    let clock = TokioClock::starting_now();
    let failed = retry(&policy, |_| async { Err::<(), _>("down") })
        .clock(clock)
        .await;
    let failed = failed.expect_err("it is down");
    assert_eq!(
        (failed.end(), failed.attempts(), failed.last()),
        (End::Deadline, 2, Some(&"down"))
    );
    assert_eq!(clock.now_ns(), ns_of(ms(100)));
}

#[tokio::test(start_paused = true)]
async fn an_operation_begins_when_it_is_polled() {
    let clock = TokioClock::starting_now();
    let policy = plain_retry()
        .deadline(ms(250))
        .build()
        .expect("a valid policy");
    let operation = retry(&policy, |attempt| {
        assert_eq!(attempt.timeout_at_ns(), Some(ns_of(HOUR + ms(250))));
        async { Ok::<_, ()>("in time") }
    });
    let operation = operation.clock(clock).run();
    tokio::time::sleep(HOUR).await;
    assert_eq!(operation.await, Ok("in time"));
}

/// Work that is done is not thrown away, although its time is over in the same poll.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_when_its_time_is_over_counts() {
    let policy = plain_retry()
        .attempt_timeout(ms(50))
        .build()
        .expect("a valid policy");
    let clock = TokioClock::starting_now();
    let breaker = breaker_on(opens_after(1), clock);
    let mut calls = 0;
    let operation = retry(&policy, |_| {
        calls += 1;
        async {
            tokio::time::sleep(ms(50)).await;
            Ok::<_, ()>("just")
        }
    });
    assert_eq!(operation.breaker(&breaker).clock(clock).await, Ok("just"));
    // The core says that a report at that very instant comes too late: the breaker heard of a timeout.
    assert_eq!((calls, breaker.stats().failures), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_does_not_wait_lets_other_tasks_run() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO)).max_attempts(1_000);
    let policy = policy.build().expect("a valid policy");
    let others = Cell::new(0);
    let operation = retry(&policy, |_| async { Err::<(), _>("down") });
    let other = async {
        loop {
            others.set(others.get() + 1);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        failed = operation => assert_eq!(failed.expect_err("it is down").attempts(), 1_000),
        () = other => {}
    }
    assert_eq!(others.get(), 999);
}

#[tokio::test(start_paused = true)]
async fn clocks_of_other_runtimes_do_not_move_this_one() {
    let before_ns = TokioClock::default().now_ns();
    let elsewhere = std::thread::spawn(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let before_ns = TokioClock::default().now_ns();
            tokio::time::sleep(1_000 * HOUR).await;
            TokioClock::default().now_ns() - before_ns
        })
    });
    assert_eq!(elsewhere.join().expect("no panic"), ns_of(1_000 * HOUR));
    assert_eq!(
        TokioClock::default().now_ns(),
        before_ns,
        "time is paused here"
    );
    tokio::time::sleep(ms(5)).await;
    assert_eq!(TokioClock::default().now_ns(), before_ns + ns_of(ms(5)));
}

/// Threads and tasks, both with nothing said of clocks.
#[tokio::test]
async fn the_clock_of_threads_and_that_of_tasks_are_one() {
    for _ in 0..1_000 {
        let before_ns = MonotonicClock.now_ns();
        let here_ns = TokioClock::default().now_ns();
        assert!((before_ns..=MonotonicClock.now_ns()).contains(&here_ns));
    }
    let open = BreakerPolicy::builder(BackoffPolicy::builder(HOUR).jitter(Jitter::None), HOUR);
    let one_failure = open.trigger(Trigger::Consecutive { failures: 1 }).build();
    let breaker = evenkeel_std::SharedBreaker::new(one_failure.expect("a valid policy"));
    let policy = plain_retry()
        .max_attempts(1)
        .build()
        .expect("a valid policy");
    let operation = retry(&policy, |_| async { Err::<(), _>("down") }).breaker(&breaker);
    assert!(operation.await.is_err());
    // Its own clock says so, too: open, and for an hour, not for a day and not for nothing.
    assert_eq!(breaker.phase(), Phase::Open);
    let open_until_ns = breaker.next_deadline_ns().expect("it waits");
    assert!(open_until_ns <= MonotonicClock.now_ns() + ns_of(HOUR));
}
