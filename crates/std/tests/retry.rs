//! The blocking retry against core's machine: the same attempts at the same instants, and what a driver can do wrong.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Grant, Outcome, Permit, Phase, Receipt, Refused, RefusedBy, Trigger,
};
use evenkeel_core::budget::{BudgetSpent, RetryCause, RetryTokens, RetryTokensPolicy, Withdrawal};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{
    AttemptOutcome, BreakerGate, End, Parts, Retry, RetryAction, RetryBudget, RetryPolicy,
    WhenRefused,
};
use evenkeel_core::{Refusal, Reported};
use evenkeel_std::{Classified, Clock, Sleep, Stop, Streams, TestClock, WaitCause, retry};
use proptest::prelude::*;

const MS: u64 = 1_000_000;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// 100 ms, 200 ms, 400 ms .. without jitter.
fn backoff() -> evenkeel_core::backoff::BackoffBuilder {
    BackoffPolicy::builder(ms(100)).jitter(Jitter::None)
}

/// A breaker that threads share by a plain lock: independent of the crate's own handle.
#[derive(Clone)]
struct Locked<M>(Arc<Mutex<M>>);

impl<M> Locked<M> {
    fn new(machine: M) -> Self {
        Self(Arc::new(Mutex::new(machine)))
    }

    fn with<T>(&self, look: impl FnOnce(&mut M) -> T) -> T {
        look(&mut self.0.lock().expect("no panic under it"))
    }
}

impl BreakerGate for Locked<Breaker> {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        self.with(|breaker| breaker.try_acquire(now_ns, rng))
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        self.with(|breaker| breaker.on_outcome(now_ns, permit, outcome, latency_ns, rng))
    }
}

impl RetryBudget for Locked<RetryTokens> {
    fn on_request(&mut self, now_ns: u64) {
        self.with(|tokens| tokens.on_request(now_ns));
    }

    fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        self.with(|tokens| tokens.try_withdraw(now_ns, cause))
    }

    fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        self.with(|tokens| tokens.give_back(now_ns, withdrawal))
    }

    fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        self.with(|tokens| tokens.on_success(now_ns, withdrawal));
    }
}

fn breaker(failures: u32) -> Locked<Breaker> {
    let open = BackoffPolicy::builder(ms(1_000)).jitter(Jitter::None);
    let builder = BreakerPolicy::builder(open, ms(5_000));
    let policy = builder.trigger(Trigger::Consecutive { failures }).build();
    Locked::new(Breaker::new(policy.expect("a policy")))
}

fn tokens(milli: u64) -> Locked<RetryTokens> {
    let policy = RetryTokensPolicy::builder(milli).refund(true).build();
    Locked::new(RetryTokens::new(policy.expect("a policy")))
}

/// What one attempt does: how long it takes, and what comes of it.
#[derive(Clone, Copy, Debug)]
struct Step {
    takes_ns: u64,
    result: Result<u8, Classified>,
}

/// The attempts of core's machine over this script: (instant, number), and how it ended.
fn by_core(
    policy: &RetryPolicy,
    streams: &Streams,
    script: &[Step],
) -> (Vec<(u64, u32)>, End, u64) {
    let (mut now_ns, mut rng, mut parts) = (0, streams.next(), Parts::none());
    let mut machine = Retry::new(policy, now_ns);
    let mut script = script.iter().cycle();
    let mut attempts = Vec::new();
    loop {
        match machine.poll(now_ns, &mut parts, &mut rng).action {
            RetryAction::Attempt {
                attempt, number, ..
            } => {
                attempts.push((now_ns, number));
                let step = script.next().expect("it goes round");
                now_ns += step.takes_ns;
                let outcome = match step.result {
                    Ok(_) => AttemptOutcome::Success,
                    Err(classified) => classified.outcome(now_ns),
                };
                let report = machine.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
                // What a blocking call brings too late, and cannot be mended, is the end.
                let end = match outcome {
                    AttemptOutcome::Success => End::Succeeded,
                    AttemptOutcome::Permanent { .. } => End::Permanent,
                    _ => continue,
                };
                if report.reported.is_stale() {
                    return (attempts, end, now_ns);
                }
            }
            RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
            RetryAction::Done { end } => return (attempts, end, now_ns),
            _ => {}
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let errors = prop_oneof![
        4 => Just(Classified::transient()),
        1 => Just(Classified::timeout()),
        1 => (0..2_000_u64).prop_map(|n| Classified::throttled().retry_after(ms(n))),
        1 => Just(Classified::permanent()),
        1 => Just(Classified::transient().stop()),
    ];
    let result = prop_oneof![1 => any::<u8>().prop_map(Ok), 6 => errors.prop_map(Err)];
    let takes = prop_oneof![Just(0), Just(200 * MS), 0..400 * MS];
    (takes, result).prop_map(|(takes_ns, result)| Step { takes_ns, result })
}

proptest! {
    #[test]
    fn it_does_what_core_says_at_the_instants_that_core_says(
        script in prop::collection::vec(steps(), 1..8),
        seed: u64,
        timeout in prop::option::of(Just(ms(200))),
        deadline in prop::option::of(500..5_000_u64),
    ) {
        let mut builder = RetryPolicy::builder(BackoffPolicy::builder(ms(100)).cap(ms(1_000))).max_attempts(6);
        if let Some(timeout) = timeout {
            builder = builder.attempt_timeout(timeout);
        }
        if let Some(deadline) = deadline {
            builder = builder.deadline(ms(deadline));
        }
        let policy = builder.build().expect("a policy");
        let expected = by_core(&policy, &Streams::seeded(seed), &script);

        let (clock, mut attempts) = (TestClock::new(), Vec::new());
        let mut left = script.iter().cycle();
        let answer = retry(&policy, |attempt| {
            attempts.push((clock.now_ns(), attempt.number()));
            let step = left.next().expect("it goes round");
            clock.advance(Duration::from_nanos(step.takes_ns));
            step.result
        })
        .classify(|error| *error)
        .clock(clock.clone())
        .streams(&Streams::seeded(seed))
        .run();
        let end = answer.as_ref().map_or_else(|error| error.end(), |_| End::Succeeded);
        let made = attempts.len();
        prop_assert_eq!((attempts, end, clock.now_ns()), expected);
        if let Err(error) = answer {
            prop_assert_eq!(error.attempts() as usize, made);
            prop_assert_eq!(error.last().is_some(), made > 0);
        }
    }
}

/// A clock whose sleeps end after a third of their time, and sometimes at once.
struct Dozing(TestClock, Mutex<u32>);

impl Clock for Dozing {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

impl Sleep for Dozing {
    fn park_until(&self, at_ns: u64) {
        let mut naps = self.1.lock().expect("no panic");
        *naps += 1;
        let left_ns = at_ns.saturating_sub(self.now_ns());
        if *naps % 2 == 0 {
            self.0.advance(Duration::from_nanos(left_ns.div_ceil(3)));
        }
    }
}

#[test]
fn a_sleep_that_ends_early_makes_no_wait_shorter() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(3)
        .build()
        .expect("a policy");
    for stop in [None, Some(Stop::new())] {
        let clock = Dozing(TestClock::new(), Mutex::new(0));
        let mut at_ns = Vec::new();
        let call = retry(&policy, |_| {
            at_ns.push(clock.now_ns());
            Err::<(), _>("reset")
        });
        let call = call.clock(&clock);
        let failed = match &stop {
            Some(stop) => call.stop(stop).run(),
            None => call.run(),
        };
        assert_eq!(failed.map_err(|error| error.end()), Err(End::Attempts));
        assert_eq!(at_ns, [0, 100 * MS, 300 * MS]);
        assert!(*clock.1.lock().expect("no panic") > 4, "it was woken early");
    }
}

#[test]
fn each_wait_is_told_once_before_it() {
    let policy = RetryPolicy::builder(backoff())
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let (clock, told) = (TestClock::new(), RefCell::new(Vec::new()));
    let failed = retry(&policy, |attempt| {
        if attempt.number() == 2 {
            clock.advance(ms(70)); // past its time
        }
        Err::<(), _>(attempt.number())
    })
    .clock(&clock)
    .on_retry(|event| {
        let wait = (event.cause(), event.attempts(), event.error().copied());
        told.borrow_mut()
            .push((clock.now_ns(), event.at_ns(), wait));
    })
    .run();
    assert_eq!(failed.map_err(|error| error.into_last()), Err(Some(3)));
    // The second was over at 150 ms; its wait of 200 ms runs from there, and was told at 170 ms.
    let expected = [
        (0, 100 * MS, (WaitCause::Failed, 1, Some(1))),
        (170 * MS, 350 * MS, (WaitCause::TimedOut, 2, Some(2))),
    ];
    assert_eq!(told.into_inner(), expected);
}

#[test]
fn waits_of_no_length_are_told_too() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::ZERO).jitter(Jitter::None))
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let (clock, told) = (TestClock::new(), RefCell::new(Vec::new()));
    let failed = retry(&policy, |attempt| {
        clock.advance(ms(if attempt.is_retry() { 70 } else { 0 }));
        Err::<(), _>("reset")
    })
    .clock(&clock)
    .on_retry(|event| told.borrow_mut().push((event.cause(), event.wait())))
    .run();
    assert_eq!(failed.map_err(|error| error.attempts()), Err(3));
    let expected = [WaitCause::Failed, WaitCause::TimedOut].map(|cause| (cause, Duration::ZERO));
    assert_eq!(told.into_inner(), expected);
}

#[test]
fn a_success_that_comes_too_late_is_the_answer_and_the_breaker_hears_of_a_failure() {
    let policy = RetryPolicy::builder(backoff())
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let (clock, breaker, tokens) = (TestClock::new(), breaker(9), tokens(1_000));
    let mut calls = 0;
    let answer = retry(&policy, |_| {
        calls += 1;
        clock.advance(ms(60));
        Ok::<_, &str>("written")
    })
    .clock(&clock)
    .breaker(&breaker)
    .budget(&tokens)
    .run();
    assert_eq!((answer, calls), (Ok("written"), 1));
    let stats = breaker.with(|breaker| breaker.stats(60 * MS));
    assert_eq!((stats.successes, stats.failures), (0, 1));
    // The retry that core had planned, and paid for, is not made.
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(60 * MS)), 1_000);
}

#[test]
fn an_error_that_comes_too_late_and_is_permanent_ends_it() {
    let policy = RetryPolicy::builder(backoff())
        .attempt_timeout(ms(50))
        .build()
        .expect("a policy");
    let clock = TestClock::new();
    let failed = retry(&policy, |_| {
        clock.advance(ms(50)); // at the very instant is too late
        Err::<(), _>(404)
    })
    .clock(&clock)
    .classify(|_| Classified::permanent())
    .run();
    let error = failed.expect_err("it failed");
    assert_eq!(
        (error.end(), error.attempts(), error.last()),
        (End::Permanent, 1, Some(&404))
    );
}

#[test]
fn a_panic_in_the_call_is_a_failure_and_goes_on_up() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let (breaker, tokens) = (breaker(2), tokens(5_000));
    let call = || {
        retry(&policy, |attempt| match attempt.number() {
            1 => Err::<(), _>("reset"),
            _ => panic!("a bug"),
        })
        .clock(TestClock::new())
        .breaker(&breaker)
        .budget(&tokens)
        .run()
    };
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err("it panics");
    assert_eq!(panic.downcast_ref(), Some(&"a bug"));
    // The error and the panic: two failures open it.
    assert_eq!(breaker.with(|breaker| breaker.phase(100 * MS)), Phase::Open);
    // The retry was made: it is spent.
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(100 * MS)), 4_000);
}

#[test]
fn a_panic_in_a_half_open_probe_frees_its_place() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(1)
        .build()
        .expect("a policy");
    let (clock, breaker) = (TestClock::new(), breaker(1));
    let call = |fails: bool| {
        let call = retry(&policy, move |_| {
            if fails {
                panic!("a bug")
            } else {
                Ok::<_, &str>(())
            }
        });
        let call = call.clock(&clock).breaker(&breaker);
        catch_unwind(AssertUnwindSafe(|| call.run()))
    };
    for _ in 0..3 {
        assert!(
            call(true).is_err(),
            "closed, then half-open: the failure opens it (again)"
        );
        clock.advance(ms(60_000));
    }
    assert!(
        call(false).is_ok_and(|answer| answer.is_ok()),
        "and a probe is let in again"
    );
    assert_eq!(
        breaker.with(|breaker| breaker.phase(clock.now_ns())),
        Phase::Closed
    );
}

#[test]
fn a_panic_in_a_hook_gives_back_what_the_retry_had_taken() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let tokens = tokens(5_000);
    let call = retry(&policy, |_| Err::<(), _>("reset")).clock(TestClock::new());
    let call = call
        .budget(&tokens)
        .on_retry(|_| panic!("a bug in the hook"));
    assert!(catch_unwind(AssertUnwindSafe(|| call.run())).is_err());
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(0)), 5_000);
}

#[test]
fn a_stop_ends_a_wait_at_once_and_gives_back_what_the_retry_had_taken() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(9)
        .build()
        .expect("a policy");
    let (clock, stop, tokens) = (TestClock::new(), Stop::new(), tokens(5_000));
    let failed = retry(&policy, |_| Err::<(), _>("reset"))
        .clock(&clock)
        .budget(&tokens)
        .stop(&stop)
        .on_retry(|event| {
            if event.attempts() == 2 {
                stop.stop();
            }
        })
        .run();
    let error = failed.expect_err("it was stopped");
    assert_eq!(
        (error.end(), error.attempts(), error.last()),
        (End::Cancelled, 2, Some(&"reset"))
    );
    assert_eq!(clock.now_ns(), 100 * MS);
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(100 * MS)), 4_000);
}

#[test]
fn a_stop_of_another_thread_wakes_a_real_wait() {
    let slow = BackoffPolicy::builder(Duration::from_secs(86_400)).jitter(Jitter::None);
    let policy = RetryPolicy::builder(slow).build().expect("a policy");
    let (stop, stopping) = (Stop::new(), Stop::new());
    let failed = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let call = retry(&policy, |_| Err::<(), _>("reset")).stop(&stop);
            call.on_retry(|_| stopping.stop()).run()
        });
        stopping.wait(); // it is about to wait for a day
        stop.stop();
        waiter.join().expect("no panic")
    });
    assert_eq!(failed.map_err(|error| error.end()), Err(End::Cancelled));
}

#[test]
fn stopped_before_it_begins_it_makes_no_attempt() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let stop = Stop::new();
    stop.stop();
    let failed = retry(&policy, |_| -> Result<(), &str> { unreachable!("stopped") })
        .stop(&stop)
        .run();
    assert_eq!(
        failed.map_err(|error| (error.end(), error.attempts())),
        Err((End::Cancelled, 0))
    );
}

#[test]
fn refused_by_the_breaker_it_ends_and_gives_the_budget_back() {
    let policy = RetryPolicy::builder(backoff())
        .max_attempts(9)
        .build()
        .expect("a policy");
    let (clock, breaker, tokens) = (TestClock::new(), breaker(2), tokens(5_000));
    let failed = retry(&policy, |_| Err::<(), _>("reset"))
        .clock(&clock)
        .breaker(&breaker)
        .budget(&tokens)
        .run();
    let error = failed.expect_err("the breaker opens");
    let end = End::BreakerOpen {
        reason: RefusedBy::Open,
        retry_at_ns: Some(1_100 * MS),
    };
    assert_eq!(
        (error.end(), error.attempts(), error.last()),
        (end, 2, Some(&"reset"))
    );
    assert_eq!(
        clock.now_ns(),
        300 * MS,
        "it learns when the third attempt is due"
    );
    // One retry was made; the second was paid for and not made.
    assert_eq!(tokens.with(|tokens| tokens.balance_milli(300 * MS)), 4_000);
}

#[test]
fn refused_by_the_breaker_it_waits_where_the_policy_says_so() {
    let builder = RetryPolicy::builder(backoff()).max_attempts(9);
    let policy = builder
        .deadline(ms(60_000))
        .when_refused(WhenRefused::Wait)
        .build()
        .expect("a policy");
    let (clock, breaker) = (TestClock::new(), breaker(1));
    let told = RefCell::new(Vec::new());
    let answer = retry(&policy, |attempt| {
        if attempt.is_retry() {
            Ok("up again")
        } else {
            Err("reset")
        }
    })
    .clock(&clock)
    .breaker(&breaker)
    .on_retry(|event| told.borrow_mut().push((event.cause(), event.at_ns())))
    .run();
    assert_eq!((answer, clock.now_ns()), (Ok("up again"), 1_000 * MS));
    let expected = [
        (WaitCause::Failed, 100 * MS),
        (WaitCause::Refused, 1_000 * MS),
    ];
    assert_eq!(told.into_inner(), expected);
}

#[test]
fn refused_at_once_it_has_no_error_and_no_attempt() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let breaker = breaker(1);
    let _ = breaker.with(|breaker| breaker.set_mode(0, evenkeel_core::breaker::Mode::ForcedOpen));
    let call = retry(&policy, |_| -> Result<(), std::fmt::Error> {
        unreachable!("refused")
    });
    let error = call
        .clock(TestClock::new())
        .breaker(&breaker)
        .run()
        .expect_err("it is refused");
    assert_eq!((error.attempts(), error.last()), (0, None));
    assert_eq!(
        error.to_string(),
        "the breaker refused the attempt: forced-open, before any attempt"
    );
}

#[test]
fn advice_of_the_server_is_followed_up_to_the_cap_and_ends_what_it_would_make_too_late() {
    let ends = |classified: Classified| {
        let builder = RetryPolicy::builder(backoff())
            .advisory_cap(ms(60_000))
            .deadline(ms(90_000));
        let policy = builder.build().expect("a policy");
        let clock = TestClock::new();
        let mut at = Vec::new();
        let answer = retry(&policy, |attempt| {
            at.push(clock.now_ns() / MS);
            if attempt.is_retry() { Ok(()) } else { Err(()) }
        });
        let answer = answer.classify(|()| classified).clock(&clock).run();
        (at, answer.map_err(|error| error.end()))
    };
    let after = |n| Classified::throttled().retry_after(ms(n));
    assert_eq!(ends(after(5_000)), (vec![0, 5_000], Ok(())));
    assert_eq!(
        ends(after(5)),
        (vec![0, 100], Ok(())),
        "at least our own wait"
    );
    assert_eq!(
        ends(Classified::throttled().retry_after(Duration::MAX)),
        (vec![0, 60_000], Ok(()))
    );
    assert_eq!(
        ends(Classified::transient().retry_at(SystemTime::UNIX_EPOCH)),
        (vec![0, 100], Ok(()))
    );
    let far = SystemTime::now() + Duration::from_secs(86_400);
    assert_eq!(
        ends(Classified::transient().retry_at(far)),
        (vec![0, 60_000], Ok(()))
    );
    assert_eq!(
        ends(Classified::transient().stop()),
        (vec![0], Err(End::Advised))
    );
}

#[test]
fn advice_past_the_deadline_ends_it_now() {
    let builder = RetryPolicy::builder(backoff())
        .advisory_cap(ms(60_000))
        .deadline(ms(30_000));
    let policy = builder.build().expect("a policy");
    let clock = TestClock::new();
    let call = retry(&policy, |_| Err::<(), _>("busy")).clock(&clock);
    let failed = call
        .classify(|_| Classified::throttled().retry_after(ms(40_000)))
        .run();
    assert_eq!(failed.map_err(|error| error.end()), Err(End::Deadline));
    assert_eq!(clock.now_ns(), 0, "at once, not at the deadline");
}

#[test]
fn an_answer_that_is_called_a_failure_is_retried_and_handed_on_at_the_end() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let (breaker, mut calls) = (breaker(9), 0);
    let answer = retry(&policy, |_| {
        calls += 1;
        Ok::<_, &str>(503)
    })
    .classify_ok(|status| (*status == 503).then(Classified::transient))
    .breaker(&breaker)
    .clock(TestClock::new())
    .run();
    assert_eq!((answer, calls), (Ok(503), 3));
    let failures = breaker.with(|breaker| breaker.stats(0).failures);
    assert_eq!(failures, 3, "the breaker is told what it is");
}

#[test]
fn what_the_breaker_hears_can_be_said() {
    let policy = RetryPolicy::builder(backoff()).build().expect("a policy");
    let told = |classified: Classified| {
        let breaker = breaker(1);
        let call = retry(&policy, |_| Err::<(), _>(())).classify(|()| classified);
        let _ = call.breaker(&breaker).clock(TestClock::new()).run();
        breaker.with(|breaker| breaker.phase(0))
    };
    assert_eq!(told(Classified::permanent()), Phase::Closed);
    assert_eq!(
        told(Classified::permanent().breaker(Outcome::Failure)),
        Phase::Open
    );
    assert_eq!(told(Classified::cancelled()), Phase::Closed);
    let mine = Classified::throttled().retry_after(ms(10));
    assert_eq!(told(mine), Phase::Open);
    assert_eq!(told(mine.breaker(Outcome::Ignored)), Phase::Closed);
}

/// D4, D18 of the peers.
#[test]
fn two_operations_have_different_jitter_and_the_same_seed_has_the_same() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(1_000)))
        .build()
        .expect("a policy");
    let ends_ns = |streams: Option<&Streams>| {
        let clock = TestClock::new();
        let call = retry(&policy, |_| Err::<(), _>(())).clock(&clock);
        let _ = match streams {
            Some(streams) => call.streams(streams).run(),
            None => call.run(),
        };
        clock.now_ns()
    };
    let seeded = |seed| {
        let streams = Streams::seeded(seed);
        [(); 8].map(|()| ends_ns(Some(&streams)))
    };
    assert_eq!(seeded(7), seeded(7));
    for all in [seeded(7), [(); 8].map(|()| ends_ns(None))] {
        let mut different = all.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 8, "{all:?}");
    }
    assert_ne!(ends_ns(None), ends_ns(None), "no constant seed");
}

#[test]
fn an_hour_of_outage_takes_no_time_and_the_attempt_is_told_its_own() {
    let builder = RetryPolicy::builder(backoff().cap(ms(30_000))).max_attempts(1_000);
    let builder = builder.attempt_timeout(ms(2_000)).deadline(ms(7_200_000));
    let policy = builder.build().expect("a policy");
    let (clock, last) = (TestClock::new(), Cell::new(0));
    let answer = retry(&policy, |attempt| {
        assert_eq!(attempt.timeout(), Some(ms(2_000)));
        assert_eq!(attempt.timeout_at_ns(), Some(clock.now_ns() + 2_000 * MS));
        assert_eq!(attempt.number(), last.replace(attempt.number()) + 1);
        if clock.now_ns() < 3_600_000 * MS {
            Err("down")
        } else {
            Ok(attempt.number())
        }
    });
    let answer = answer.clock(&clock).run().expect("it comes back");
    assert!((120..140).contains(&answer), "{answer}");
}

#[test]
fn an_answer_that_is_a_failure_is_dropped_before_the_next_attempt() {
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(1)));
    let held = Arc::new(());
    let answer = retry(&policy.build().expect("a valid policy"), |_| {
        assert_eq!(Arc::strong_count(&held), 1);
        Ok::<_, ()>(Arc::clone(&held))
    })
    .classify_ok(|_| Some(Classified::transient()))
    .clock(TestClock::new())
    .run();
    assert_eq!(Arc::strong_count(&held), 2, "the last comes back");
    drop(answer);
}
