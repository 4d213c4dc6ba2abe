//! Which HTTP requests may be sent again.

use evenkeel_std::Attempt;
use http::Request;

use crate::retry::Replay;

/// HTTP requests that may be sent again: those of idempotent methods (`GET`, `HEAD`, `PUT`, `DELETE`, `OPTIONS`,
/// `TRACE`), and any with an `Idempotency-Key` header, by which the server knows one that it has done already.
///
/// A `POST` or `PATCH` without such a key is sent once: when its answer is lost, nobody can tell whether it was done.
///
/// A copy is a clone of the method, the URI, the version, the headers, the extensions and the body, which must be
/// `Clone` (bytes, `Full<Bytes>`); for other bodies write a [`Replay`]. gRPC's calls are `POST`s: for those there is
/// [`GrpcUnary`](super::GrpcUnary). A retry carries its
/// [`Attempt`] in its extensions; the first attempt carries none, because putting it there allocates.
///
/// ```
/// use evenkeel_tower::{IdempotentMethods, Replay};
/// use http::Request;
///
/// let may = |request: http::request::Builder| Ok::<_, http::Error>(IdempotentMethods.may_replay(&request.body(())?));
/// assert!(may(Request::get("/orders"))?);
/// assert!(!may(Request::post("/orders"))?);
/// assert!(may(Request::post("/orders").header("idempotency-key", "8e03978e"))?);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdempotentMethods;

impl<B: Clone> Replay<Request<B>> for IdempotentMethods {
    fn may_replay(&self, request: &Request<B>) -> bool {
        request.method().is_idempotent() || request.headers().contains_key("idempotency-key")
    }

    fn copy(&self, request: &Request<B>) -> Request<B> {
        request.clone()
    }

    fn on_attempt(&self, request: &mut Request<B>, attempt: Attempt) {
        if attempt.is_retry() {
            request.extensions_mut().insert(attempt);
        }
    }
}
