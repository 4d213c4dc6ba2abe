//! What breaker, server and caller say about an attempt decides how it goes on.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use evenkeel_core::breaker::{Outcome, Phase, RefusedBy};
use evenkeel_core::retry::{End, RetryPolicy, WhenRefused};
use evenkeel_std::{Classified, Clock, TestClock, WaitCause, retry};

use crate::given::{MS, backoff, breaker, ms, tokens};

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
    let after = |now_ms: u64| error.retry_after(now_ms * MS);
    assert_eq!([after(100), after(1_200)], [Some(ms(1_000)), Some(ms(0))]);
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
