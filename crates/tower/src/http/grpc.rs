//! What a gRPC status means.

use std::time::Duration;

use evenkeel_core::breaker::Outcome;
use evenkeel_std::Classified;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::classify::Classify;

const STATUS: &str = "grpc-status";
const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// What a gRPC response means, by the status in its headers (the responses without messages, which is what most failed
/// calls have) and the server's pushback. A status that comes in the trailers, behind messages, is not seen.
///
/// | status | retried | breaker hears |
/// |---|---|---|
/// | OK, or none yet | | success |
/// | UNAVAILABLE | yes | failure |
/// | RESOURCE_EXHAUSTED | yes, throttled | failure |
/// | DEADLINE_EXCEEDED, UNKNOWN, INTERNAL, DATA_LOSS | no | failure |
/// | CANCELLED | no | nothing: the call was given up |
/// | all others | no | nothing: the caller's own mistake, or a conflict that is settled on a higher level |
///
/// Retried are by default the two codes that say "not now"; the others may have done their work. [`retry_on`] takes
/// the list of your service (`retryableStatusCodes` in gRPC's own configuration).
///
/// `grpc-retry-pushback-ms` is followed where the code is retried: so many milliseconds, or, where it is negative or
/// unreadable, no retry at all. A response without `grpc-status` counts by its HTTP status, as gRPC maps them: 429,
/// 502, 503 and 504 are UNAVAILABLE.
///
/// Which calls may be sent again at all is not decided here: every call is a `POST`, so
/// [`IdempotentMethods`](super::IdempotentMethods) retries none, and [`GrpcUnary`](super::GrpcUnary) those with their
/// message in memory. **Around another layer of this crate** say [`Through`](crate::Through)`(GrpcStatus::new())`.
///
/// [`retry_on`]: Self::retry_on
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::breaker::Outcome;
/// use evenkeel_tower::{Classified, GrpcStatus};
/// use http::Response;
///
/// let exhausted = Response::builder().header("grpc-status", "8").header("grpc-retry-pushback-ms", "250").body(())?;
/// let later = Classified::throttled().retry_after(Duration::from_millis(250));
/// assert_eq!(GrpcStatus::new().response(&exhausted), Some(later.breaker(Outcome::Failure)));
/// let never = Response::builder().header("grpc-status", "14").header("grpc-retry-pushback-ms", "-1").body(())?;
/// assert_eq!(GrpcStatus::new().response(&never), Some(Classified::transient().stop().breaker(Outcome::Failure)));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcStatus {
    /// One bit a code.
    retried: u32,
    overload_opens: bool,
}

mod code {
    pub(super) const OK: u8 = 0;
    pub(super) const CANCELLED: u8 = 1;
    pub(super) const UNKNOWN: u8 = 2;
    pub(super) const DEADLINE_EXCEEDED: u8 = 4;
    pub(super) const PERMISSION_DENIED: u8 = 7;
    pub(super) const RESOURCE_EXHAUSTED: u8 = 8;
    pub(super) const UNIMPLEMENTED: u8 = 12;
    pub(super) const INTERNAL: u8 = 13;
    pub(super) const UNAVAILABLE: u8 = 14;
    pub(super) const DATA_LOSS: u8 = 15;
    pub(super) const UNAUTHENTICATED: u8 = 16;
}

impl GrpcStatus {
    /// As the table says.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            retried: 1 << code::UNAVAILABLE | 1 << code::RESOURCE_EXHAUSTED,
            overload_opens: false,
        }
    }

    /// Whether RESOURCE_EXHAUSTED opens the breaker at once, for as long as its pushback says, and for all who share
    /// the breaker. Without a pushback that is still to come it is a failure. Default: false; as
    /// [`HttpStatus::overload_opens`](super::HttpStatus::overload_opens).
    ///
    /// ```
    /// # use evenkeel_core::breaker::Outcome;
    /// # use evenkeel_tower::GrpcStatus;
    /// # use http::Response;
    /// let busy = Response::builder().header("grpc-status", "8").header("grpc-retry-pushback-ms", "1").body(())?;
    /// let said = GrpcStatus::new().overload_opens(true).response(&busy);
    /// let opens = Outcome::Overloaded { retry_at_ns: Some(1_000_000) };
    /// assert_eq!(said.map(|said| said.outcome(0).breaker_outcome()), Some(opens));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub const fn overload_opens(mut self, opens: bool) -> Self {
        self.overload_opens = opens;
        self
    }

    /// Retries these codes and no others, by their numbers. OK (0) is never retried.
    ///
    /// ```
    /// # use evenkeel_tower::{Classified, GrpcStatus};
    /// # use http::Response;
    /// let aborted = Response::builder().header("grpc-status", "10").body(())?;
    /// let said = GrpcStatus::new().retry_on(&[10, 14]).response(&aborted);
    /// assert!(said.is_some_and(Classified::is_transient));
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// # Panics
    /// Where one is above 16: gRPC has no such code.
    #[must_use]
    pub fn retry_on(mut self, codes: &[u8]) -> Self {
        self.retried = codes.iter().fold(0, |retried, code| {
            assert!(
                *code <= code::UNAUTHENTICATED,
                "gRPC has no code {code}: 0 to 16 can be retried"
            );
            retried | 1 << code
        });
        self
    }

    /// What this response means: also for `classify_ok` of a retry without tower.
    ///
    /// ```
    /// # use evenkeel_tower::GrpcStatus;
    /// # use http::Response;
    /// assert_eq!(GrpcStatus::new().response(&Response::new("the status is still to come")), None);
    /// ```
    #[must_use]
    pub fn response<B>(&self, response: &Response<B>) -> Option<Classified> {
        self.meaning(response.status(), response.headers())
    }

    fn meaning(self, status: StatusCode, headers: &HeaderMap) -> Option<Classified> {
        let code = match headers.get(STATUS) {
            Some(said) => number(said)
                .and_then(|code| u8::try_from(code).ok())
                .filter(|code| *code <= code::UNAUTHENTICATED)
                .unwrap_or(code::UNKNOWN),
            None => of_http(status),
        };
        let told = match code {
            code::OK => return None,
            code::UNKNOWN
            | code::DEADLINE_EXCEEDED
            | code::RESOURCE_EXHAUSTED
            | code::INTERNAL
            | code::UNAVAILABLE
            | code::DATA_LOSS => Outcome::Failure,
            _ => Outcome::Ignored,
        };
        if self.retried & 1 << code == 0 {
            return Some(match code {
                code::CANCELLED => Classified::cancelled(),
                _ => Classified::permanent().breaker(told),
            });
        }
        let classified = match code {
            code::RESOURCE_EXHAUSTED => Classified::throttled(),
            code::DEADLINE_EXCEEDED => Classified::timeout(),
            _ => Classified::transient(),
        };
        let Some(said) = headers.get(PUSHBACK) else {
            return Some(classified.breaker(told));
        };
        let Some(wait_ms) = number(said) else {
            return Some(classified.stop().breaker(told));
        };
        let classified = classified.retry_after(Duration::from_millis(wait_ms));
        let opens = self.overload_opens && code == code::RESOURCE_EXHAUSTED && wait_ms > 0;
        // What a throttled call with advice means to a breaker, or less.
        Some(if opens {
            classified
        } else {
            classified.breaker(told)
        })
    }
}

/// Only digits: a sign makes it unreadable.
fn number(said: &HeaderValue) -> Option<u64> {
    let said = said.to_str().ok()?;
    let plain = !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| said.parse().ok()).flatten()
}

/// The code of a response that has none, as gRPC's clients take it.
fn of_http(status: StatusCode) -> u8 {
    match status.as_u16() {
        200 => code::OK,
        400 => code::INTERNAL,
        401 => code::UNAUTHENTICATED,
        403 => code::PERMISSION_DENIED,
        404 => code::UNIMPLEMENTED,
        429 | 502..=504 => code::UNAVAILABLE,
        _ => code::UNKNOWN,
    }
}

impl Default for GrpcStatus {
    fn default() -> Self {
        Self::new()
    }
}

impl<B, Err> Classify<Response<B>, Err> for GrpcStatus {
    fn classify(&self, result: Result<&Response<B>, &Err>) -> Option<Classified> {
        match result {
            Ok(response) => self.response(response),
            Err(_) => Some(Classified::transient()),
        }
    }
}
