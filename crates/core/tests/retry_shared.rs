//! Retries that share a real breaker and real budgets, one fact a test.

#[path = "retry_common/mod.rs"]
mod retry_common;

use core::time::Duration;

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Mode, Outcome, Phase, RefusedBy, Trigger};
use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy,
};
use evenkeel_core::retry::{
    AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy, WhenRefused,
};
use evenkeel_core::{Ratio, Reported};

use retry_common::bench::{FAILED, attempt, attempt_until, backoff, builder, built, done, id, ns};
use retry_common::words::Words;

fn breaker(open_ns: u64) -> Breaker {
    let open = BackoffPolicy::builder(ns(open_ns)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, ns(300))
        .trigger(Trigger::Consecutive { failures: 2 })
        .build()
        .expect("a policy");
    Breaker::new(policy)
}

#[test]
fn a_success_gives_back_what_its_own_retry_cost_and_not_more() {
    let policy = RetryTokensPolicy::builder(10_000)
        .failure_cost_milli(1_000)
        .timeout_cost_milli(2_000)
        .refund(true)
        .build()
        .expect("a policy");
    let mut tokens = RetryTokens::new(policy);
    let (mut retry, mut words) = (Retry::new(built(builder()), 0), Words::of(1));
    let mut parts = Parts::none().with_budget(&mut tokens);
    let _ = retry.poll(0, &mut parts, &mut words);
    let _ = retry.on_outcome(
        0,
        id(1),
        AttemptOutcome::transient(RetryCause::Timeout),
        &mut parts,
        &mut words,
    );
    let _ = retry.poll(100, &mut parts, &mut words);
    let _ = retry.on_outcome(100, id(2), FAILED, &mut parts, &mut words);
    let _ = retry.poll(300, &mut parts, &mut words);
    let _ = retry.on_outcome(300, id(3), AttemptOutcome::Success, &mut parts, &mut words);
    assert_eq!(retry.end(), Some(End::Succeeded));
    assert_eq!(tokens.balance_milli(300), 8_000);
}

#[test]
fn a_success_that_no_budget_paid_for_earns_no_credit() {
    let policy = RetryTokensPolicy::builder(10_000)
        .initial_milli(0)
        .build()
        .expect("a policy");
    let (mut tokens, mut words) = (RetryTokens::new(policy), Words::of(1));
    let mut retry = Retry::new(built(builder()), 0);
    let mut none = Parts::none();
    let _ = retry.poll(0, &mut none, &mut words);
    let _ = retry.on_outcome(0, id(1), FAILED, &mut none, &mut words);
    let _ = retry.poll(100, &mut none, &mut words);
    // It is there only now, and this is no clean success.
    let mut parts = Parts::none().with_budget(&mut tokens);
    let _ = retry.on_outcome(100, id(2), AttemptOutcome::Success, &mut parts, &mut words);
    assert_eq!(retry.end(), Some(End::Succeeded));
    assert_eq!(tokens.balance_milli(100), 0);
}

#[test]
fn an_attempt_reported_to_another_breaker_is_stale_there_and_ends_the_operation_all_the_same() {
    let policy = *breaker(1_000).policy();
    let [mut ours, mut theirs] = [1, 2].map(|tag| Breaker::tagged(policy, tag));
    let (mut retry, mut words) = (Retry::new(built(builder()), 0), Words::of(1));
    let _ = retry.poll(0, &mut Parts::none().with_breaker(&mut ours), &mut words);
    let mut parts = Parts::none().with_breaker(&mut theirs);
    let report = retry.on_outcome(5, id(1), AttemptOutcome::Success, &mut parts, &mut words);
    assert_eq!(report.reported, Reported::Counted);
    assert_eq!(retry.end(), Some(End::Succeeded));
    assert_eq!((theirs.stats(5).stale, theirs.stats(5).successes), (1, 0));
}

#[test]
fn a_breaker_that_joins_late_hears_nothing_of_calls_it_did_not_admit() {
    let (mut late, mut words) = (breaker(1_000), Words::of(1));
    let mut retry = Retry::new(built(builder()), 0);
    let _ = retry.poll(0, &mut Parts::none(), &mut words);
    let mut parts = Parts::none().with_breaker(&mut late);
    let report = retry.on_outcome(5, id(1), FAILED, &mut parts, &mut words);
    assert!(report.transitions.is_empty());
    assert_eq!(late.stats(5).failures, 0);
}

#[test]
fn one_operation_can_open_the_breaker_and_is_then_refused_by_it() {
    let (mut breaker, mut words) = (breaker(1_000), Words::of(1));
    let mut retry = Retry::new(built(builder()), 0);
    let mut parts = Parts::none().with_breaker(&mut breaker);
    let _ = retry.poll(0, &mut parts, &mut words);
    let _ = retry.on_outcome(0, id(1), FAILED, &mut parts, &mut words);
    let _ = retry.poll(100, &mut parts, &mut words);
    let report = retry.on_outcome(100, id(2), FAILED, &mut parts, &mut words);
    let opened = report.transitions.last().expect("two failures open it");
    assert_eq!((opened.to, opened.at_ns), (Phase::Open, 100));
    let reason = RefusedBy::Open;
    let end = End::BreakerOpen {
        reason,
        retry_at_ns: Some(1_100),
    };
    assert_eq!(retry.poll(300, &mut parts, &mut words).action, done(end));
}

#[test]
fn who_waits_for_an_open_breaker_is_the_probe_or_waits_again_and_nobody_is_left_behind() {
    let (mut breaker, mut words) = (breaker(1_000), Words::of(1));
    for _ in 0..2 {
        let grant = breaker.try_acquire(0, &mut words).expect("closed");
        let _ = breaker.on_outcome(0, grant.permit, Outcome::Failure, 0, &mut words);
    }
    let policy = built(
        builder()
            .when_refused(WhenRefused::Wait)
            .deadline(ns(10_000)),
    );
    let mut retries = [(); 20].map(|()| Retry::new(policy, 0));
    let mut now_ns = 0;
    while retries.iter().any(|retry| retry.end().is_none()) {
        let mut probes = 0;
        let probing = breaker.phase(now_ns) != Phase::Closed;
        for retry in &mut retries {
            let mut parts = Parts::none().with_breaker(&mut breaker);
            let step = retry.poll(now_ns, &mut parts, &mut words);
            if let RetryAction::Attempt { .. } = step.action {
                probes += 1;
            }
        }
        assert!(!probing || probes <= 1, "one probe at a time");
        now_ns += 10;
        for retry in &mut retries {
            if let Some(attempt) = retry.in_flight() {
                let mut parts = Parts::none().with_breaker(&mut breaker);
                let outcome = AttemptOutcome::Success;
                let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, &mut words);
            }
        }
        let due = retries.iter().filter_map(Retry::next_deadline_ns).min();
        now_ns = due.unwrap_or(now_ns).max(now_ns);
    }
    assert!(
        retries
            .iter()
            .all(|retry| retry.end() == Some(End::Succeeded))
    );
}

#[test]
fn a_failure_costs_once_however_often_its_retry_is_refused_by_the_breaker() {
    let policy = RetryTokensPolicy::grpc(10, 100).build().expect("a policy");
    let mut tokens = RetryTokens::new(policy);
    let mut breaker = breaker(100);
    let policy = built(
        builder()
            .when_refused(WhenRefused::Wait)
            .deadline(ns(10_000)),
    );
    let (mut retry, mut words) = (Retry::new(policy, 0), Words::of(1));
    let mut parts = Parts::none()
        .with_breaker(&mut breaker)
        .with_budget(&mut tokens);
    assert_eq!(
        retry.poll(0, &mut parts, &mut words).action,
        attempt_until(1, Some(10_000))
    );
    let _ = retry.on_outcome(0, id(1), FAILED, &mut parts, &mut words);
    let mut now_ns = 100;
    for refusals in 1..=4 {
        // Others keep the breaker open.
        while let Ok(grant) = breaker.try_acquire(now_ns, &mut words) {
            let _ = breaker.on_outcome(now_ns, grant.permit, Outcome::Failure, 0, &mut words);
        }
        let mut parts = Parts::none()
            .with_breaker(&mut breaker)
            .with_budget(&mut tokens);
        let step = retry.poll(now_ns, &mut parts, &mut words);
        let RetryAction::WaitUntil { at_ns } = step.action else {
            panic!("{step:?}")
        };
        now_ns = at_ns;
        assert_eq!(tokens.balance_milli(now_ns), 9_000, "{refusals} refusals");
    }
    let mut parts = Parts::none()
        .with_breaker(&mut breaker)
        .with_budget(&mut tokens);
    assert_eq!(
        retry.poll(now_ns, &mut parts, &mut words).action,
        attempt_until(2, Some(10_000))
    );
    let _ = retry.on_outcome(
        now_ns,
        id(2),
        AttemptOutcome::Success,
        &mut parts,
        &mut words,
    );
    assert_eq!(tokens.balance_milli(now_ns), 9_100);
}

#[test]
fn a_cancelled_probe_frees_its_place() {
    let (mut breaker, mut words) = (breaker(100), Words::of(1));
    for _ in 0..2 {
        let grant = breaker.try_acquire(0, &mut words).expect("closed");
        let _ = breaker.on_outcome(0, grant.permit, Outcome::Failure, 0, &mut words);
    }
    let mut retry = Retry::new(built(builder()), 100);
    let mut parts = Parts::none().with_breaker(&mut breaker);
    assert_eq!(retry.poll(100, &mut parts, &mut words).action, attempt(1));
    let _ = retry.cancel(110, &mut parts, &mut words);
    assert_eq!(breaker.phase(110), Phase::HalfOpen);
    assert!(breaker.try_acquire(110, &mut words).is_ok());
}

#[test]
fn a_breaker_that_only_observes_lets_it_pass_and_the_answer_says_so() {
    let (mut breaker, mut words) = (breaker(1_000), Words::of(1));
    for _ in 0..2 {
        let grant = breaker.try_acquire(0, &mut words).expect("closed");
        let _ = breaker.on_outcome(0, grant.permit, Outcome::Failure, 0, &mut words);
    }
    let _ = breaker.set_mode(0, Mode::Observe);
    let mut retry = Retry::new(built(builder()), 5);
    let step = retry.poll(5, &mut Parts::none().with_breaker(&mut breaker), &mut words);
    let RetryAction::Attempt { would_refuse, .. } = step.action else {
        panic!("{step:?}")
    };
    assert_eq!(would_refuse, Some(RefusedBy::Open));
}

/// A thousand operations while nothing works: the calls that it makes of them.
fn calls_in_an_outage(
    mut parts: impl FnMut(&mut Retry, u64, &mut Words) -> (RetryAction, u64),
) -> u64 {
    let policy = built(builder().max_attempts(4));
    let mut words = Words::of(1);
    let mut calls = 0;
    for operation in 0..1_000 {
        let mut now_ns = operation * 1_000_000;
        let mut retry = Retry::new(policy, now_ns);
        loop {
            let (action, made) = parts(&mut retry, now_ns, &mut words);
            calls += made;
            match action {
                RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
                RetryAction::Done { .. } => break,
                _ => {}
            }
        }
    }
    calls
}

fn drive(
    retry: &mut Retry,
    now_ns: u64,
    parts: &mut Parts<'_>,
    words: &mut Words,
) -> (RetryAction, u64) {
    let action = retry.poll(now_ns, parts, words).action;
    if let RetryAction::Attempt { attempt, .. } = action {
        let _ = retry.on_outcome(now_ns, attempt, FAILED, parts, words);
        return (action, 1);
    }
    (action, 0)
}

#[test]
fn a_budget_bounds_what_an_outage_makes_of_the_load() {
    let alone =
        calls_in_an_outage(|retry, now, words| drive(retry, now, &mut Parts::none(), words));
    assert_eq!(alone, 4_000);

    let policy = RetryRatioPolicy::builder(Ratio::percent(20))
        .build()
        .expect("a policy");
    let mut ratio = RetryRatio::new(policy);
    let with_ratio = calls_in_an_outage(|retry, now, words| {
        drive(
            retry,
            now,
            &mut Parts::none().with_budget(&mut ratio),
            words,
        )
    });
    let floor = u64::from(policy.floor_per_second()) * policy.ttl().as_secs();
    assert!(
        (1_100..=1_200 + 2 * floor).contains(&with_ratio),
        "{with_ratio}"
    );

    let policy = RetryTokensPolicy::builder(50_000)
        .build()
        .expect("a policy");
    let mut tokens = RetryTokens::new(policy);
    let with_tokens = calls_in_an_outage(|retry, now, words| {
        drive(
            retry,
            now,
            &mut Parts::none().with_budget(&mut tokens),
            words,
        )
    });
    assert_eq!(with_tokens, 1_050);
}

#[test]
fn attempts_without_limit_end_at_the_deadline() {
    let backoff = backoff().cap(ns(100));
    let policy = RetryPolicy::builder(backoff)
        .unlimited_attempts()
        .deadline(ns(10_000));
    let (mut retry, mut words) = (Retry::new(built(policy), 0), Words::of(1));
    let (mut now_ns, mut calls) = (0, 0);
    let end = loop {
        let (action, made) = drive(&mut retry, now_ns, &mut Parts::none(), &mut words);
        calls += made;
        match action {
            RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
            RetryAction::Done { end } => break end,
            _ => {}
        }
    };
    assert_eq!((end, calls, retry.attempts()), (End::Deadline, 100, 100));
}

/// Operations that time out, fail, are cancelled and wait, in any order, on one breaker that opens, probes and closes:
/// whoever adds up what their calls answered knows each phase that it went through.
#[test]
fn no_transition_of_the_breaker_is_lost() {
    let policy = built(
        builder()
            .attempt_timeout(ns(60))
            .deadline(ns(2_000))
            .when_refused(WhenRefused::Wait),
    );
    let open = BackoffPolicy::builder(ns(70)).jitter(Jitter::None);
    let breaker = BreakerPolicy::builder(open, ns(40))
        .trigger(Trigger::Consecutive { failures: 2 })
        .max_in_flight(2)
        .trials(3)
        .successes(2)
        .build()
        .expect("a policy");
    let (mut heard, mut twice) = (0, 0);
    for seed in 0..200 {
        let (mut words, mut chance) = (Words::of(seed), Words::of(seed + 1_000));
        let mut breaker = Breaker::new(breaker);
        let mut retries = [(); 6].map(|()| Retry::new(policy, 0));
        let (mut now_ns, mut phase) = (0, Phase::Closed);
        for _ in 0..200 {
            let mut below = |n: u64| ((u128::from(chance.next()) * u128::from(n)) >> 64) as u64;
            now_ns += [0, 0, 1, 7, 30, 130, 500][below(7) as usize];
            let retry = &mut retries[below(6) as usize];
            if retry.end().is_some() {
                *retry = Retry::new(policy, now_ns);
            }
            let (newest, before) = (retry.attempts(), breaker.generation());
            let mut parts = Parts::none().with_breaker(&mut breaker);
            let transitions = match below(9) {
                0 => retry.cancel(now_ns, &mut parts, &mut words).transitions,
                deed @ 1..=4 => {
                    let outcome = [FAILED, AttemptOutcome::Success][(deed / 3) as usize];
                    let id = id(newest.into());
                    let report = retry.on_outcome(now_ns, id, outcome, &mut parts, &mut words);
                    report.transitions
                }
                _ => retry.poll(now_ns, &mut parts, &mut words).transitions,
            };
            for made in transitions.iter() {
                assert_eq!(made.from, phase, "seed {seed}: one before it is missing");
                phase = made.to;
                heard += 1;
            }
            twice += u32::from(transitions.iter().count() > 1);
            let made = breaker.generation() - before;
            assert_eq!(transitions.iter().count() as u64, made, "seed {seed}");
        }
    }
    assert!(heard > 1_000 && twice > 50, "{heard}, {twice}");
}

const fn is_send<T: Send>() {}

/// Parts can be held by a future that is spawned.
const _: () = is_send::<Parts<'_>>();

/// A limit of one caller's calls, with a short Retry-After: it waits 5 ms, and the others are not locked out.
#[test]
fn a_429_of_one_caller_is_retried_as_advised_and_opens_no_breaker() {
    const MS: u64 = 1_000_000;
    let advice = Advice::RetryAt { at_ns: 5 * MS };
    let throttled = AttemptOutcome::transient(RetryCause::Throttled).with_advice(advice);
    for (outcome, phase) in [
        (throttled, Phase::Open),
        (throttled.with_breaker(Outcome::Failure), Phase::Closed),
    ] {
        let open = BackoffPolicy::builder(Duration::from_secs(1));
        let policy = BreakerPolicy::builder(open, Duration::from_secs(1))
            .trigger(Trigger::Consecutive { failures: 5 })
            .build()
            .expect("a policy");
        let mut breaker = Breaker::new(policy);
        let mut retry = Retry::new(built(builder()), 0);
        let words = &mut Words::of(1);
        let mut parts = Parts::none().with_breaker(&mut breaker);
        let _ = retry.poll(0, &mut parts, words);
        let _ = retry.on_outcome(0, id(1), outcome, &mut parts, words);
        assert_eq!(
            retry.poll(0, &mut parts, words).action,
            RetryAction::WaitUntil { at_ns: 5 * MS }
        );
        let again = retry.poll(5 * MS, &mut parts, words).action;
        let made = matches!(again, RetryAction::Attempt { number: 2, .. });
        assert_eq!(breaker.phase(4 * MS), phase);
        assert_eq!(made, phase == Phase::Closed, "{again:?}");
    }
}

/// `?` on an operation's end, and on why a link was given up.
#[test]
fn ends_are_errors_with_a_sentence() {
    fn failed(end: End) -> Result<(), Box<dyn core::error::Error + Send + Sync>> {
        Ok(end.into_result()?)
    }
    assert!(failed(End::Succeeded).is_ok());
    let refused = End::BreakerOpen {
        reason: RefusedBy::Open,
        retry_at_ns: None,
    };
    let said = failed(refused).expect_err("refused").to_string();
    assert_eq!(
        (said.as_str(), refused.name()),
        ("the breaker refused the attempt: open", "breaker-open")
    );
    let by = evenkeel_core::reconnect::GaveUpBy::Advised;
    let error: &dyn core::error::Error = &by;
    assert_eq!(error.to_string(), "the server said not to come back");
}
