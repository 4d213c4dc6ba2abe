//! Refusals that a server answers with 503, and gRPC calls that say which attempt they are.
#![cfg(feature = "http")]

mod support;

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use evenkeel_core::Refusal;
use evenkeel_tower::{CallError, GrpcStatus, GrpcUnary, RetryLayer, TestClock, UnavailableLayer};
use http::{Request, Response};
use support::{call, ms, now, plain_retry, poll_times};
use tower::{Layer, Service, service_fn};

type Answer = Result<Response<String>, CallError<&'static str, Refusal<&'static str>>>;

#[test]
fn a_refusal_is_an_answer_and_all_else_stays_as_it_is() {
    let clock = TestClock::new();
    clock.advance(ms(2_000));
    let layer = UnavailableLayer::new(&clock);
    let mut service = layer.layer(service_fn(|answer: Answer| ready(answer)));
    let ok = now(call(&mut service, Ok(Response::new("hello".into()))));
    assert_eq!(ok.map(Response::into_body).as_deref(), Ok("hello"));
    let failed = now(call(&mut service, Err(CallError::Failed("down"))));
    assert_eq!(failed.map(Response::into_body), Err("down"));
    for (until_ns, after) in [(Some(4_500_000_000), Some("3")), (None, None)] {
        let refused = Refusal::new("full", until_ns);
        let told = now(call(&mut service, Err(CallError::Refused(refused)))).expect("an answer");
        let header = told.headers().get("retry-after");
        assert_eq!(header.and_then(|value| value.to_str().ok()), after);
        assert_eq!((told.status().as_u16(), told.body().as_str()), (503, ""));
    }
}

/// A gate may also refuse when it is asked whether it is ready.
struct Closed;

impl Service<()> for Closed {
    type Response = Response<String>;
    type Error = CallError<&'static str, Refusal<&'static str>>;
    type Future = Ready<Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Err(CallError::Refused(Refusal::new("full", None))))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        panic!("it was not ready")
    }
}

#[test]
fn who_is_never_ready_is_not_called() {
    let mut service = UnavailableLayer::new(&TestClock::new()).layer(Closed);
    let told = now(call(&mut service, ())).expect("an answer");
    assert_eq!(told.status(), 503);
}

#[test]
fn a_unary_call_is_sent_again_and_says_how_many_went_before() {
    let policy = plain_retry().max_attempts(3).build();
    let layer = RetryLayer::new(&policy.expect("a valid policy"), GrpcUnary)
        .classify(GrpcStatus::new())
        .clock(TestClock::new());
    let seen = std::cell::RefCell::new(Vec::new());
    let mut service = layer.layer(service_fn(|request: Request<&'static str>| {
        let before = request.headers().get("grpc-previous-rpc-attempts");
        let before = before.map(|value| value.to_str().expect("digits").to_owned());
        seen.borrow_mut().push((*request.body(), before));
        ready(Response::builder().header("grpc-status", "14").body(()))
    }));
    let request = Request::post("/orders.Orders/Get").body("7");
    let answer = poll_times(call(&mut service, request.expect("a request")), 9);
    assert!(answer.expect("over").is_ok(), "the last answer comes back");
    let before = |count: Option<&str>| ("7", count.map(str::to_owned));
    assert_eq!(
        *seen.borrow(),
        [before(None), before(Some("1")), before(Some("2"))]
    );
}
