//! What an HTTP status means.

use std::time::SystemTime;

use evenkeel_core::breaker::Outcome;
use evenkeel_std::{Classified, retry_after};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};

use crate::classify::Classify;

/// What an HTTP response means, by its status and its `Retry-After`.
///
/// | status | retried | breaker hears | because |
/// |---|---|---|---|
/// | 1xx, 2xx, 3xx | | success | |
/// | 408 | yes, as a timeout | failure | the server asks for the request again |
/// | 425 | yes | nothing | the server asks for it again when the connection is set up |
/// | 429 | yes, throttled | overloaded if it says when to come back, else failure | a limit that time lifts |
/// | 503 | yes, throttled | the same | what it means |
/// | 504 | yes, as a timeout | failure | a gateway waited in vain |
/// | 501, 505 | no | nothing | the same request will not be understood later either |
/// | other 5xx | yes | failure | |
/// | other 4xx | no | nothing | the caller's own mistake: it says nothing of the server |
/// | no response (`Err`) | yes | failure | nobody can tell how far the request came: see [`IdempotentMethods`] |
///
/// `Retry-After` is followed in seconds and as a date ([`retry_after`]), on every status that is retried; the policy's
/// `advisory_rule` and `advisory_cap` say how far. Whether the request may be sent again at all is not decided here.
///
/// [`IdempotentMethods`]: super::IdempotentMethods
///
/// ```
/// use std::time::Duration;
/// use evenkeel_tower::{Classified, Classify, HttpStatus};
/// use http::Response;
///
/// let meaning = |response: Response<()>| HttpStatus::new().classify(Ok::<_, &std::io::Error>(&response));
/// let busy = Response::builder().status(503).header("retry-after", "7").body(())?;
/// assert_eq!(meaning(busy), Some(Classified::throttled().retry_after(Duration::from_secs(7))));
/// assert_eq!(meaning(Response::new(())), None);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpStatus {
    per_caller: bool,
}

impl HttpStatus {
    /// As the table says.
    #[must_use]
    pub const fn new() -> Self {
        Self { per_caller: false }
    }

    /// Whether 429 is a limit of each caller (user, key) rather than of the server: then the breaker, which other
    /// callers share, hears nothing of it. Default: false.
    ///
    /// ```
    /// # use evenkeel_core::breaker::Outcome;
    /// # use evenkeel_tower::{Classified, Classify, HttpStatus};
    /// # use http::Response;
    /// let limited = Response::builder().status(429).body(())?;
    /// let said = HttpStatus::new().per_caller_limits(true).classify(Ok::<_, &()>(&limited));
    /// assert_eq!(said, Some(Classified::throttled().breaker(Outcome::Ignored)));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub const fn per_caller_limits(mut self, per_caller: bool) -> Self {
        self.per_caller = per_caller;
        self
    }

    fn meaning(self, status: StatusCode, headers: &HeaderMap) -> Option<Classified> {
        let classified = match status.as_u16() {
            ..=399 => return None,
            408 | 504 => Classified::timeout(),
            425 => Classified::transient().breaker(Outcome::Ignored),
            429 if self.per_caller => Classified::throttled().breaker(Outcome::Ignored),
            429 | 503 => Classified::throttled(),
            501 | 505 | 400..=499 => {
                return Some(Classified::permanent().breaker(Outcome::Ignored));
            }
            _ => Classified::transient(),
        };
        let said = headers.get(RETRY_AFTER).and_then(|said| said.to_str().ok());
        // The clock is read only where the server said something.
        let said = said.and_then(|said| retry_after(said, SystemTime::now()));
        Some(classified.retry_after(said))
    }
}

impl<B, Err> Classify<Response<B>, Err> for HttpStatus {
    fn classify(&self, result: Result<&Response<B>, &Err>) -> Option<Classified> {
        match result {
            Ok(response) => self.meaning(response.status(), response.headers()),
            Err(_) => Some(Classified::transient()),
        }
    }
}
