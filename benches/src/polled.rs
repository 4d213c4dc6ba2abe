//! Futures that are done when they are first polled: a call of an adapter without a runtime and without a wake-up.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tower::Service;

/// What the future answers at its first poll.
///
/// # Panics
/// When it would wait.
pub fn polled<F: Future>(future: F) -> F::Output {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut cx) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

/// What a service answers: `poll_ready`, `call`, and one poll of the future.
///
/// # Errors
/// When the service does.
///
/// # Panics
/// When it would wait.
pub fn called<Q, S: Service<Q>>(service: &mut S, request: Q) -> Result<S::Response, S::Error> {
    let mut cx = Context::from_waker(Waker::noop());
    match service.poll_ready(&mut cx) {
        Poll::Ready(ready) => ready?,
        Poll::Pending => panic!("it waits"),
    }
    polled(service.call(request))
}
