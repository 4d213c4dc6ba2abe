//! What can be chosen of the meaning of statuses: which are retried, and whether one answer opens a breaker.
#![cfg(feature = "http")]

mod support;

use evenkeel_core::breaker::Phase;
use evenkeel_tower::{BreakerLayer, Classified, Classify, GrpcStatus, HttpStatus, TestClock};
use http::{Response, StatusCode};
use support::{breaker_on, call, now, opens_after, scripted};
use tower::Layer;

fn status(code: u16) -> Response<()> {
    let response = Response::builder().status(code).body(());
    response.expect("a valid status")
}

/// `retry_on` changes what is retried, and not what the breaker hears.
#[test]
fn the_statuses_that_are_retried_can_be_chosen() {
    let list = [400, 409, 501, 599].map(|code| StatusCode::from_u16(code).expect("a status"));
    let chosen = HttpStatus::new().retry_on(&list);
    for code in 100..=999 {
        let plain = HttpStatus::new().response(&status(code));
        let said = chosen.response(&status(code));
        let hears = |said: Option<Classified>| said.map(|said| said.outcome(0).breaker_outcome());
        assert_eq!(hears(said), hears(plain), "{code}");
        let retried = said.is_some_and(Classified::is_transient);
        assert_eq!(retried, [400, 409, 501, 599].contains(&code), "{code}");
    }
    let lost: Result<&Response<()>, &()> = Err(&());
    assert_eq!(chosen.classify(lost), Some(Classified::transient()));
}

#[test]
#[should_panic(expected = "a response 304 Not Modified is no failure")]
fn what_is_no_failure_cannot_be_retried() {
    let _ = HttpStatus::new().retry_on(&[StatusCode::NOT_MODIFIED]);
}

#[test]
#[should_panic(expected = "gRPC has no code 17")]
fn what_is_no_code_cannot_be_retried() {
    let _ = GrpcStatus::new().retry_on(&[14, 17]);
}

/// The defaults leave a breaker that others share to its own triggers; the switch makes it believe one server.
#[test]
fn one_busy_answer_opens_the_breaker_only_where_you_say_so() {
    let advised = |code: u16, after: &str| {
        let builder = Response::builder()
            .status(code)
            .header("retry-after", after);
        builder.body(()).expect("valid headers")
    };
    let exhausted = |after: &str| {
        let builder = Response::builder().header("grpc-status", "8");
        let builder = builder.header("grpc-retry-pushback-ms", after);
        builder.body(()).expect("valid headers")
    };
    let opens = |said: Option<Classified>| {
        let clock = TestClock::new();
        let breaker = breaker_on(opens_after(2), clock);
        let service = scripted([Ok::<_, ()>(())]);
        let layer = BreakerLayer::new(&breaker).classify(move |_: Result<&(), &()>| said);
        let _ = now(call(&mut layer.layer(service), ()));
        (breaker.phase() == Phase::Open, breaker.stats().failures)
    };
    let (http, grpc) = (HttpStatus::new(), GrpcStatus::new());
    for (status, failures) in [(429, 0), (503, 1)] {
        let said = |after, switch| {
            http.overload_opens(switch)
                .response(&advised(status, after))
        };
        assert_eq!(opens(said("1", false)), (false, failures), "{status}");
        assert_eq!(opens(said("1", true)), (true, 1), "{status}");
        // Now, or in the past: no instant to wait for.
        assert_eq!(opens(said("0", true)), (false, 1), "{status}");
        assert_eq!(opens(said("soon", true)), (false, 1), "{status}");
    }
    let said = |after, switch| grpc.overload_opens(switch).response(&exhausted(after));
    assert_eq!(opens(said("250", false)), (false, 1));
    assert_eq!(opens(said("250", true)), (true, 1));
    assert_eq!(opens(said("0", true)), (false, 1));
    assert_eq!(opens(said("-1", true)), (false, 1));
}
