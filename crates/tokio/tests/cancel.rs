//! Every future is dropped at every poll: what it held is given back, and the breaker is never wedged.

mod support;

use std::cell::Cell;
use std::future::pending;

use evenkeel_core::breaker::{Mode, Phase};
use evenkeel_core::retry::WhenRefused;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_tokio::{
    CallError, Clock, SharedBreaker, SharedBreakerTable, Streams, TestClock, retry,
};
use support::{
    Steps, after, at_every_poll, breaker_on, ms, ns_of, opens_after, plain_retry, poll_times,
    ten_tokens,
};

/// A breaker whose open wait is just over.
fn half_open<C: Clock + Clone>(clock: &TestClock, handle: C) -> SharedBreaker<C> {
    let breaker = breaker_on(opens_after(1), handle);
    breaker.try_acquire().expect("closed").failure();
    clock.advance(ms(1_000));
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    breaker
}

/// One place, and nobody is in it: a probe passes, is the only one, and closes.
fn assert_not_wedged<C: Clock>(breaker: &SharedBreaker<C>) {
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    let probe = breaker.try_acquire().expect("the place is free");
    assert!(breaker.try_acquire().is_err(), "there is one place");
    probe.success();
    assert_eq!(breaker.phase(), Phase::Closed);
}

#[test]
fn a_call_in_closed_that_is_dropped_counts_for_nothing() {
    let polls = at_every_poll(|polls| {
        let breaker = breaker_on(opens_after(1), TestClock::new());
        let output = poll_times(breaker.call(after(4, Err::<(), _>("down"))), polls);
        assert_eq!(breaker.stats().failures, u64::from(output.is_some()));
        assert_eq!(breaker.phase() == Phase::Open, output.is_some());
        output.is_some()
    });
    assert_eq!(polls, 5);
}

#[test]
fn a_probe_that_is_dropped_gives_its_place_back() {
    let polls = at_every_poll(|polls| {
        let clock = TestClock::new();
        let breaker = half_open(&clock, clock.clone());
        let output = poll_times(breaker.call(after(4, Ok::<_, ()>(7))), polls);
        if output.is_none() {
            // In time for another: nobody has to wait for the lease to end.
            assert_not_wedged(&breaker);
            assert_eq!(breaker.stats().released, u64::from(polls > 0));
        }
        assert_eq!(breaker.stats().lost, 0);
        output.is_some()
    });
    assert_eq!(polls, 5);
}

#[test]
fn a_call_is_asked_for_when_it_is_polled_and_not_before() {
    let clock = TestClock::new();
    let breaker = half_open(&clock, clock.clone());
    let calls: Vec<_> = (0..5)
        .map(|_| breaker.call(pending::<Result<(), ()>>()))
        .collect();
    assert_not_wedged(&breaker);
    drop(calls);
}

#[test]
fn a_refused_operation_is_never_polled() {
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let _ = breaker.set_mode(Mode::ForcedOpen);
    let never = async { panic!("polled") as Result<(), ()> };
    let answer = poll_times(breaker.call(never), 1);
    assert!(matches!(answer, Some(Err(CallError::Refused(_)))));
}

/// Tries to get a place when it is dropped.
struct Asks<'a>(&'a SharedBreaker<TestClock>, &'a Cell<Option<bool>>);

impl Drop for Asks<'_> {
    fn drop(&mut self) {
        self.1.set(Some(self.0.try_acquire().is_ok()));
    }
}

#[test]
fn a_place_is_given_back_when_nobody_uses_it_any_more() {
    let clock = TestClock::new();
    let breaker = half_open(&clock, clock.clone());
    let free_while_dropped = Cell::new(None);
    let hangs = async || {
        let _asks = Asks(&breaker, &free_while_dropped);
        pending::<Result<(), ()>>().await
    };
    assert!(poll_times(breaker.call(hangs()), 1).is_none());
    assert_eq!(free_while_dropped.take(), Some(false));
    let policy = plain_retry().build().expect("a valid policy");
    let operation = retry(&policy, |_| hangs()).breaker(&breaker).clock(clock);
    assert!(poll_times(operation.run(), 1).is_none());
    assert_eq!(free_while_dropped.take(), Some(false));
    assert_not_wedged(&breaker);
}

#[test]
fn a_call_of_a_table_gives_its_place_back() {
    let polls = at_every_poll(|polls| {
        let clock = TestClock::new();
        let policy = BreakerTablePolicy::builder(opens_after(1), 10, ms(60_000));
        let policy = policy.build().expect("a valid policy");
        let hosts =
            SharedBreakerTable::<String, _>::with_clock(policy, clock.clone(), &Streams::seeded(1));
        hosts.try_acquire("a").expect("closed").failure();
        clock.advance(ms(1_000));
        let output = poll_times(hosts.call("a", after(3, Ok::<_, ()>(7))), polls);
        if output.is_none() {
            assert_eq!(hosts.phase("a"), Phase::HalfOpen);
            hosts.try_acquire("a").expect("the place is free").success();
        }
        assert_eq!(hosts.phase("a"), Phase::Closed);
        output.is_some()
    });
    assert_eq!(polls, 4);
}

/// Fails twice, then hangs until its timeout, then succeeds, two polls each; with waits in between, each of which takes
/// some polls. The breaker goes from half-open to closed (failures are not told it) and the budget pays three retries.
#[test]
fn a_retry_that_is_dropped_at_any_poll_gives_back_what_it_holds() {
    let policy = plain_retry()
        .max_attempts(5)
        .attempt_timeout(ms(50))
        .build()
        .expect("a valid policy");
    let mut waited = 0;
    let polls = at_every_poll(|polls| {
        let clock = Steps::default();
        let breaker = breaker_on(opens_after(9), clock.clone());
        let tokens = ten_tokens(clock.clone());
        let (made, alive, waits) = (Cell::new(0_u64), Cell::new(0_u32), Cell::new(0_u32));
        let operation = retry(&policy, |attempt| {
            made.set(u64::from(attempt.number()));
            let alive = Alive::new(&alive);
            async move {
                let _alive = alive;
                match attempt.number() {
                    1 | 2 => after(2, Err("reset")).await,
                    3 => pending().await,
                    _ => after(2, Ok("done")).await,
                }
            }
        });
        let operation = operation
            .breaker(&breaker)
            .budget(&tokens)
            .clock(clock.clone());
        let operation = operation.on_retry(|_| waits.set(waits.get() + 1));
        let output = poll_times(operation.run(), polls);
        waited = waited.max(waits.get());
        assert_eq!(alive.get(), 0, "no attempt outlives its operation");

        // A retry that was made is paid, one that was only waited for is not.
        let paid = made.get().saturating_sub(1) * 1_000;
        assert_eq!(tokens.balance_milli(), 10_000 - paid, "after {polls} polls");
        let failures = breaker.stats().failures;
        assert_eq!(breaker.phase(), Phase::Closed);
        if let Some(answer) = &output {
            assert_eq!((answer, made.get(), failures), (&Ok("done"), 4, 3));
            // Half the timeout passed while each of the other three was polled twice.
            let attempts = 25 + 25 + 50 + 25;
            assert_eq!(clock.now_ns(), ns_of(ms(100 + 200 + 400 + attempts)));
            assert!(clock.early_wakes() > 4, "the waits were tried");
        } else {
            assert!(
                failures <= 3 && failures + 1 >= made.get(),
                "what ended was reported"
            );
        }
        output.is_some()
    });
    assert_eq!(waited, 3);
    assert!(polls > 12, "{polls} points to drop it at");
}

#[test]
fn a_retry_that_is_a_probe_gives_its_place_back() {
    let policy = plain_retry()
        .max_attempts(2)
        .build()
        .expect("a valid policy");
    let polls = at_every_poll(|polls| {
        let clock = Steps::default();
        let breaker = half_open(&clock.0, clock.clone());
        let operation = retry(&policy, |_| after(3, Ok::<_, ()>("done")));
        let output = poll_times(operation.breaker(&breaker).clock(clock).run(), polls);
        if output.is_none() {
            assert_not_wedged(&breaker);
        }
        assert_eq!(breaker.stats().lost, 0);
        output.is_some()
    });
    assert_eq!(polls, 4);
}

#[test]
fn a_retry_that_waits_for_an_open_breaker_holds_nothing() {
    let policy = plain_retry()
        .max_attempts(4)
        .deadline(ms(9_000))
        .when_refused(WhenRefused::Wait);
    let policy = policy.build().expect("a valid policy");
    let polls = at_every_poll(|polls| {
        let clock = Steps::default();
        let breaker = breaker_on(opens_after(1), clock.clone());
        let tokens = ten_tokens(clock.clone());
        let made = Cell::new(0);
        let operation = retry(&policy, |attempt| {
            made.set(u64::from(attempt.number()));
            after(
                1,
                if attempt.is_retry() {
                    Ok(())
                } else {
                    Err("reset")
                },
            )
        });
        let operation = operation
            .breaker(&breaker)
            .budget(&tokens)
            .clock(clock.clone());
        let output = poll_times(operation.run(), polls);
        assert_eq!(
            tokens.balance_milli(),
            10_000 - made.get().saturating_sub(1) * 1_000
        );
        match &output {
            // Due after 100 ms, refused until 1 s.
            Some(answer) => assert_eq!((answer, clock.now_ns()), (&Ok(()), ns_of(ms(1_000)))),
            None => {
                clock.0.advance(ms(1_000));
                assert!(breaker.try_acquire().is_ok());
            }
        }
        output.is_some()
    });
    assert!(polls > 6, "{polls} points to drop it at");
}

/// Counts those that are alive.
struct Alive<'a>(&'a Cell<u32>);

impl<'a> Alive<'a> {
    fn new(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
