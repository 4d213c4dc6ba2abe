//! Which requests may be sent again, and how they are copied.

use evenkeel_std::Attempt;

/// Says which requests may be sent again, and copies them.
///
/// Every `Fn(&Req) -> bool` is one, where requests are `Clone`. Write one yourself where a copy is not a clone, say for
/// a body that can be cloned only while it is in memory:
///
/// ```
/// use evenkeel_tower::Replay;
///
/// #[derive(Debug)]
/// enum Body {
///     Bytes(Vec<u8>),
///     Stream(std::fs::File),
/// }
///
/// #[derive(Clone)]
/// struct InMemory;
///
/// impl Replay<Body> for InMemory {
///     fn may_replay(&self, body: &Body) -> bool {
///         matches!(body, Body::Bytes(_))
///     }
///
///     fn copy(&self, body: &Body) -> Body {
///         match body {
///             Body::Bytes(bytes) => Body::Bytes(bytes.clone()),
///             Body::Stream(_) => unreachable!("it may not be sent again"),
///         }
///     }
/// }
/// assert!(InMemory.may_replay(&Body::Bytes(vec![7])));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot copy a `{Req}`",
    note = "what may be sent again is cloned: a request with a body that is not `Clone` needs a `Replay` of yours"
)]
pub trait Replay<Req> {
    /// Whether it may be sent more than once: the service does the same work for it twice without harm, and it can be
    /// copied. Asked once for each request; one that may not is sent once.
    fn may_replay(&self, request: &Req) -> bool;

    /// A copy to be sent, of a request that may be sent again. Made before each attempt but the last.
    fn copy(&self, request: &Req) -> Req;

    /// Called with each request right before it is sent: to tell the service which attempt it is. Nothing is done
    /// unless you say what.
    fn on_attempt(&self, request: &mut Req, attempt: Attempt) {
        let _ = (request, attempt);
    }
}

impl<Req: Clone, F: Fn(&Req) -> bool> Replay<Req> for F {
    fn may_replay(&self, request: &Req) -> bool {
        self(request)
    }

    fn copy(&self, request: &Req) -> Req {
        request.clone()
    }
}

/// Every request may be sent again, and a copy is a clone: for services where nothing is done twice (reads, idempotent
/// calls). **Not for HTTP as such**, where a `POST` may order twice.
///
/// ```
/// use evenkeel_tower::{AnyRequest, Replay};
///
/// assert!(AnyRequest.may_replay(&"SELECT 1"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnyRequest;

impl<Req: Clone> Replay<Req> for AnyRequest {
    fn may_replay(&self, _: &Req) -> bool {
        true
    }

    fn copy(&self, request: &Req) -> Req {
        request.clone()
    }
}
