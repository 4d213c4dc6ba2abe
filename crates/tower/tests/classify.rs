//! What statuses mean, to retry, breaker and throttle; and that a breaker layer tells its breaker what core's retry
//! tells.
#![cfg(feature = "http")]

mod support;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use evenkeel_core::Refusal;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, BreakerStats, Outcome, Phase, Trigger};
use evenkeel_core::retry::End;
use evenkeel_core::throttle::AdaptiveThrottlePolicy;
use evenkeel_tower::{
    AdaptiveThrottleLayer, AnyRequest, BreakerLayer, ByResult, CallError, Classified, Classify,
    GrpcStatus, HttpStatus, RetryError, RetryLayer, SharedThrottle, Streams, TestClock, Through,
};
use http::Response;
use support::{breaker_on, call, ms, now, opens_after, plain_retry, scripted};
use tower::Layer;

fn status(code: u16) -> Response<()> {
    let response = Response::builder().status(code).body(());
    response.expect("a valid status")
}

fn meaning<K>(classify: K, response: &Response<()>) -> Option<Classified>
where
    K: Classify<Response<()>, ()>,
{
    classify.classify(Ok(response))
}

#[test]
fn http_statuses_mean_what_the_table_says() {
    let ignored = |classified: Classified| Some(classified.breaker(Outcome::Ignored));
    let failed = |classified: Classified| Some(classified.breaker(Outcome::Failure));
    for code in 100..=999 {
        let expected = match code {
            100..=399 => None,
            408 | 504 => failed(Classified::timeout()),
            425 => ignored(Classified::transient()),
            429 => ignored(Classified::throttled()),
            503 => failed(Classified::throttled()),
            501 | 505 | 400..=499 => ignored(Classified::permanent()),
            _ => failed(Classified::transient()),
        };
        assert_eq!(
            meaning(HttpStatus::new(), &status(code)),
            expected,
            "{code}"
        );
    }
    let lost: Result<&Response<()>, &()> = Err(&());
    assert_eq!(
        HttpStatus::new().classify(lost),
        Some(Classified::transient())
    );
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    let said = |code: u16, text: &str| {
        let mut response = status(code);
        let text = text.parse().expect("a valid header");
        response.headers_mut().insert("retry-after", text);
        meaning(HttpStatus::new(), &response)
    };
    for (code, told) in [(429, Outcome::Ignored), (503, Outcome::Failure)] {
        let throttled = Classified::throttled().breaker(told);
        let after = |secs| throttled.retry_after(Duration::from_secs(secs));
        assert_eq!(said(code, "120"), Some(after(120)));
        assert_eq!(said(code, "Sun, 06 Nov 1994 08:49:37 GMT"), Some(after(0)));
        assert_eq!(said(code, "soon"), Some(throttled));
        let far = httpdate_in(Duration::from_secs(3_600));
        let advised = said(code, &far).and_then(|said| said.advice(0));
        let Some(evenkeel_core::advice::Advice::RetryAt { at_ns }) = advised else {
            panic!("{advised:?}");
        };
        // A date has whole seconds, and some time passes while the test runs.
        assert!((3_500..=3_600).contains(&(at_ns / 1_000_000_000)));
    }
    let also = Classified::transient().retry_after(Duration::from_secs(3));
    assert_eq!(said(500, "3"), Some(also.breaker(Outcome::Failure)));
    let never = Classified::permanent().breaker(Outcome::Ignored);
    assert_eq!(
        said(404, "3"),
        Some(never),
        "what is not retried has no wait"
    );
}

/// An HTTP date, made by hand: the civil date of a count of days.
fn httpdate_in(span: Duration) -> String {
    let at = SystemTime::now() + span;
    let secs = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + u64::from(month <= 2);
    let names = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let week = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let (name, hour) = (names[month as usize - 1], rest / 3_600);
    let (minute, second) = (rest / 60 % 60, rest % 60);
    format!("{week}, {day:02} {name} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

fn grpc(code: &str, pushback: Option<&str>) -> Response<()> {
    let builder = Response::builder().header("grpc-status", code);
    let builder = match pushback {
        Some(ms) => builder.header("grpc-retry-pushback-ms", ms),
        None => builder,
    };
    builder.body(()).expect("valid headers")
}

#[test]
fn grpc_codes_mean_what_the_table_says() {
    let permanent = |told| Some(Classified::permanent().breaker(told));
    for code in 0..=20_u8 {
        let expected = match code {
            0 => None,
            1 => Some(Classified::cancelled()),
            8 => Some(Classified::throttled().breaker(Outcome::Failure)),
            14 => Some(Classified::transient().breaker(Outcome::Failure)),
            // Above 16 there are none: taken for UNKNOWN.
            2 | 4 | 13 | 15 | 17.. => permanent(Outcome::Failure),
            _ => permanent(Outcome::Ignored),
        };
        let response = grpc(&code.to_string(), None);
        assert_eq!(meaning(GrpcStatus::new(), &response), expected, "{code}");
    }
    assert_eq!(
        meaning(GrpcStatus::new(), &grpc("?", None)),
        permanent(Outcome::Failure)
    );
    assert_eq!(
        meaning(GrpcStatus::new(), &status(200)),
        None,
        "its status is still to come"
    );
    for (code, retried) in [(502, true), (429, true), (500, false), (404, false)] {
        let said = meaning(GrpcStatus::new(), &status(code)).expect("failed");
        assert_eq!(said.is_transient(), retried, "{code}");
    }
}

#[test]
fn the_codes_that_are_retried_can_be_chosen() {
    let chosen = GrpcStatus::new().retry_on(&[4, 10, 0]);
    assert_eq!(
        meaning(chosen, &grpc("4", None)),
        Some(Classified::timeout().breaker(Outcome::Failure))
    );
    let conflict = Classified::transient().breaker(Outcome::Ignored);
    assert_eq!(meaning(chosen, &grpc("10", None)), Some(conflict));
    assert!(meaning(chosen, &grpc("14", None)).is_some_and(Classified::is_permanent));
    assert_eq!(meaning(chosen, &grpc("0", None)), None);
    let exhausted = Classified::permanent().breaker(Outcome::Failure);
    assert_eq!(meaning(chosen, &grpc("8", None)), Some(exhausted));
}

#[test]
fn a_pushback_is_followed_and_what_is_none_says_stop() {
    let said = |text| meaning(GrpcStatus::new(), &grpc("14", Some(text)));
    let transient = Classified::transient().breaker(Outcome::Failure);
    let after = |wait_ms| Some(transient.retry_after(ms(wait_ms)));
    assert_eq!(said("0"), after(0));
    assert_eq!(said("1500"), after(1_500));
    for stop in [
        "-1",
        "-0",
        "+5",
        "1.5",
        "",
        "soon",
        "99999999999999999999999",
    ] {
        assert_eq!(said(stop), Some(transient.stop()), "{stop:?}");
    }
    let not_retried = meaning(GrpcStatus::new(), &grpc("13", Some("5")));
    assert!(not_retried.is_some_and(Classified::is_permanent));
}

#[test]
fn refusals_of_an_inner_layer_say_nothing_of_the_service() {
    type Gated<E> = CallError<E, Refusal<&'static str>>;
    let no = Refusal::new("full", Some(7));
    let refused: Result<(), Gated<()>> = Err(CallError::Refused(no));
    assert_eq!(
        Through(ByResult).classify(refused.as_ref()),
        Some(Classified::refused(Some(7)))
    );
    let nested: Result<(), Gated<Gated<()>>> = Err(CallError::Failed(CallError::Refused(no)));
    let through = Through(Through(ByResult));
    assert_eq!(
        through.classify(nested.as_ref()),
        Some(Classified::refused(Some(7)))
    );
    let failed: Result<(), Gated<Gated<()>>> = Err(CallError::Failed(CallError::Failed(())));
    assert_eq!(
        through.classify(failed.as_ref()),
        Some(Classified::transient())
    );
}

/// All that a classifier can say.
fn all_meanings() -> Vec<Option<Classified>> {
    let kinds = [
        Classified::transient(),
        Classified::timeout(),
        Classified::throttled(),
        Classified::permanent(),
        Classified::refused(Some(9)),
        Classified::cancelled(),
    ];
    let mut all = vec![None];
    for kind in kinds {
        for advised in [kind, kind.retry_after(ms(7_000)), kind.stop()] {
            all.push(Some(advised));
            let told = [
                Outcome::Success,
                Outcome::Failure,
                Outcome::Ignored,
                Outcome::Overloaded { retry_at_ns: None },
            ];
            all.extend(told.map(|outcome| Some(advised.breaker(outcome))));
        }
    }
    all
}

fn told(stats: BreakerStats) -> (u64, u64, u64) {
    (stats.successes, stats.failures, stats.opened)
}

#[test]
fn a_breaker_hears_the_same_from_its_layer_as_from_a_retry() {
    let once = plain_retry()
        .max_attempts(1)
        .build()
        .expect("a valid policy");
    // Follows advice for up to a minute.
    let open = BackoffPolicy::builder(ms(1_000))
        .cap(ms(60_000))
        .jitter(Jitter::None);
    let opens =
        BreakerPolicy::builder(open, ms(10_000)).trigger(Trigger::Consecutive { failures: 1 });
    let opens = opens.build().expect("a valid policy");
    for said in all_meanings() {
        for answer in [Ok::<u8, u8>(1), Err(2)] {
            let classify = move |_: Result<&u8, &u8>| said;
            let [by_layer, by_retry] = [0, 1].map(|way| {
                let clock = TestClock::new();
                let breaker = breaker_on(opens, clock.clone());
                let service = scripted([answer]);
                if way == 0 {
                    let layer = BreakerLayer::new(&breaker).classify(classify);
                    let _ = now(call(&mut layer.layer(service), ()));
                } else {
                    let layer = RetryLayer::new(&once, AnyRequest).breaker(&breaker);
                    let layer = layer.classify(classify).clock(clock);
                    let _ = now(call(&mut layer.layer(service), ()));
                }
                let until_ns = breaker.next_deadline_ns();
                (told(breaker.stats()), breaker.phase(), until_ns)
            });
            assert_eq!(by_layer, by_retry, "{said:?} of {answer:?}");
        }
    }
}

#[test]
fn a_throttle_hears_what_the_table_says() {
    let cases = [
        (None, true, true),
        (Some(Classified::permanent()), true, true),
        (Some(Classified::transient()), true, false),
        (Some(Classified::timeout()), false, false),
        (Some(Classified::throttled()), false, false),
        (Some(Classified::refused(None)), false, false),
        (Some(Classified::cancelled()), false, false),
    ];
    let policy = AdaptiveThrottlePolicy::builder()
        .build()
        .expect("a valid policy");
    for (said, of_answer, of_error) in cases {
        for (answer, accepted) in [(Ok::<(), ()>(()), of_answer), (Err(()), of_error)] {
            let throttle =
                SharedThrottle::with_clock(policy, TestClock::new(), &Streams::seeded(1));
            let layer =
                AdaptiveThrottleLayer::new(&throttle).classify(move |_: Result<&(), &()>| said);
            let _ = now(call(&mut layer.layer(scripted([answer])), ()));
            let heard = (throttle.requests(), throttle.accepts());
            assert_eq!(heard, (1, u32::from(accepted)), "{said:?} of {answer:?}");
        }
    }
}

#[test]
fn a_classifier_is_asked_once_for_each_answer() {
    let asked = std::cell::Cell::new(0);
    let classify = |_: Result<&(), &()>| {
        asked.set(asked.get() + 1);
        None
    };
    let breaker = breaker_on(opens_after(1), TestClock::new());
    let layer = BreakerLayer::new(&breaker).classify(&classify);
    let mut future = pin!(call(&mut layer.layer(scripted([Ok(())])), ()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_ready());
    assert_eq!((asked.get(), breaker.phase()), (1, Phase::Closed));
}

#[test]
fn a_cancelled_call_is_retried_where_the_list_says_so() {
    let cancelled = Response::builder().header("grpc-status", "1").body(());
    let cancelled = cancelled.expect("a valid status");
    assert_eq!(
        [&[1, 14][..], &[14]].map(|list| meaning(GrpcStatus::new().retry_on(list), &cancelled)),
        [
            Some(Classified::transient().breaker(Outcome::Ignored)),
            Some(Classified::cancelled())
        ]
    );
}

#[test]
fn an_operation_that_sent_nothing_says_nothing_of_the_service() {
    let ended = |attempts| Err::<(), _>(RetryError::<()>::new(End::Deadline, attempts, None));
    assert_eq!(
        [0, 1].map(|attempts| Through(ByResult).classify(ended(attempts).as_ref())),
        [
            Some(Classified::cancelled()), // it waited for its breaker until then
            Some(Classified::timeout())
        ]
    );
}
