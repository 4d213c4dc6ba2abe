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
/// | RESOURCE_EXHAUSTED | yes, throttled | overloaded if there is a pushback, else failure |
/// | DEADLINE_EXCEEDED, UNKNOWN, INTERNAL, DATA_LOSS | no | failure |
/// | CANCELLED | no | nothing |
/// | all others | no | nothing: the caller's own mistake, or a conflict that is settled on a higher level |
///
/// Retried are by default the two codes that say "not now"; the others may have done their work. [`retry_on`] takes
/// the list of your service (`retryableStatusCodes` in gRPC's own configuration).
///
/// `grpc-retry-pushback-ms` is followed where the code is retried: so many milliseconds, or, where it is negative or
/// unreadable, no retry at all. A response without `grpc-status` counts by its HTTP status, as gRPC maps them: 429,
/// 502, 503 and 504 are UNAVAILABLE.
///
/// [`retry_on`]: Self::retry_on
///
/// ```
/// use std::time::Duration;
/// use evenkeel_tower::{Classified, Classify, GrpcStatus};
/// use http::Response;
///
/// let meaning = |response: Response<()>| GrpcStatus::new().classify(Ok::<_, &std::io::Error>(&response));
/// let exhausted = Response::builder().header("grpc-status", "8").header("grpc-retry-pushback-ms", "250").body(())?;
/// assert_eq!(meaning(exhausted), Some(Classified::throttled().retry_after(Duration::from_millis(250))));
/// let never = Response::builder().header("grpc-status", "14").header("grpc-retry-pushback-ms", "-1").body(())?;
/// assert_eq!(meaning(never), Some(Classified::transient().stop()));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcStatus {
    /// One bit a code.
    retried: u32,
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
        }
    }

    /// Retries these codes and no others: numbers of 1 to 16; others are none of gRPC's and change nothing.
    ///
    /// ```
    /// # use evenkeel_tower::{Classified, Classify, GrpcStatus};
    /// # use http::Response;
    /// let aborted = Response::builder().header("grpc-status", "10").body(())?;
    /// let said = GrpcStatus::new().retry_on(&[10, 14]).classify(Ok::<_, &()>(&aborted));
    /// assert!(said.is_some_and(Classified::is_transient));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn retry_on(mut self, codes: &[u8]) -> Self {
        let known = codes.iter().filter(|code| (1..=16).contains(*code));
        self.retried = known.fold(0, |retried, code| retried | 1 << code);
        self
    }

    fn meaning(self, status: StatusCode, headers: &HeaderMap) -> Option<Classified> {
        let code = match headers.get(STATUS) {
            Some(said) => number(said)
                .and_then(|code| u8::try_from(code).ok())
                .filter(|code| *code <= code::UNAUTHENTICATED)
                .unwrap_or(code::UNKNOWN),
            None => of_http(status),
        };
        let breaker = match code {
            code::OK => return None,
            code::CANCELLED => return Some(Classified::cancelled()),
            code::UNKNOWN
            | code::DEADLINE_EXCEEDED
            | code::INTERNAL
            | code::UNAVAILABLE
            | code::DATA_LOSS => Outcome::Failure,
            _ => Outcome::Ignored,
        };
        if self.retried & 1 << code == 0 {
            let told = match code {
                code::RESOURCE_EXHAUSTED => Outcome::Failure,
                _ => breaker,
            };
            return Some(Classified::permanent().breaker(told));
        }
        let classified = match code {
            code::RESOURCE_EXHAUSTED => Classified::throttled(),
            code::DEADLINE_EXCEEDED => Classified::timeout(),
            _ if breaker == Outcome::Ignored => Classified::transient().breaker(breaker),
            _ => Classified::transient(),
        };
        Some(match headers.get(PUSHBACK) {
            None => classified,
            Some(said) => match number(said) {
                Some(wait_ms) => classified.retry_after(Duration::from_millis(wait_ms)),
                None => classified.stop(),
            },
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
            Ok(response) => self.meaning(response.status(), response.headers()),
            Err(_) => Some(Classified::transient()),
        }
    }
}
