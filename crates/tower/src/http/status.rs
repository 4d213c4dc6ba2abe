//! What an HTTP status means.

use std::time::{Duration, SystemTime};

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
/// | 429 | yes, throttled | nothing | a limit, mostly of one caller: it says nothing to the others |
/// | 503 | yes, throttled | failure | one instance may say it while the others are well |
/// | 504 | yes, as a timeout | failure | a gateway waited in vain |
/// | 501, 505 | no | nothing | the same request will not be understood later either |
/// | other 5xx | yes | failure | |
/// | other 4xx | no | nothing | the caller's own mistake: it says nothing of the server |
/// | no response (`Err`) | yes | failure | nobody can tell how far the request came: see [`IdempotentMethods`] |
///
/// `Retry-After` is followed in seconds and as a date ([`retry_after`]), on every status that is retried; the policy's
/// `advisory_rule` and `advisory_cap` say how far. Whether the request may be sent again at all is not decided here.
///
/// **Around another layer of this crate** say [`Through`](crate::Through)`(HttpStatus::new())`: without it what that
/// layer refused is retried, and counts as a failure.
///
/// [`IdempotentMethods`]: super::IdempotentMethods
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::breaker::Outcome;
/// use evenkeel_tower::{Classified, HttpStatus};
/// use http::Response;
///
/// let busy = Response::builder().status(503).header("retry-after", "7").body(())?;
/// let in_seven = Classified::throttled().retry_after(Duration::from_secs(7));
/// assert_eq!(HttpStatus::new().response(&busy), Some(in_seven.breaker(Outcome::Failure)));
/// assert_eq!(HttpStatus::new().response(&Response::new(())), None);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HttpStatus {
    overload_opens: bool,
    /// One bit a status, where a list was given.
    retried: Option<[u64; WORDS]>,
}

/// The first status of those that can be in the list, and after the last.
const FIRST: u16 = 400;
const END: u16 = 600;
const WORDS: usize = (END - FIRST).div_ceil(64) as usize;

/// What a status means where no list was given.
struct Meaning {
    classified: Classified,
    told: Outcome,
}

impl HttpStatus {
    /// As the table says.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            overload_opens: false,
            retried: None,
        }
    }

    /// Whether 429 and 503 open the breaker at once, for as long as their `Retry-After` says, and for all who share the
    /// breaker: for one server that means itself when it says so. Where they name no instant that is still to come they
    /// are failures. Default: false, as behind a name there are mostly several instances, and limits for each caller.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::breaker::Outcome;
    /// # use evenkeel_tower::HttpStatus;
    /// # use http::Response;
    /// let busy = Response::builder().status(503).header("retry-after", "1").body(())?;
    /// let hears = |status: HttpStatus| status.response(&busy).map(|said| said.outcome(0).breaker_outcome());
    /// let (second_ns, plain) = (1_000_000_000, HttpStatus::new());
    /// assert_eq!(hears(plain), Some(Outcome::Failure));
    /// assert_eq!(hears(plain.overload_opens(true)), Some(Outcome::Overloaded { retry_at_ns: Some(second_ns) }));
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub const fn overload_opens(mut self, opens: bool) -> Self {
        self.overload_opens = opens;
        self
    }

    /// Retries these statuses and no others; what the breaker hears of a status stays as the table says. A request
    /// without a response is retried as before.
    ///
    /// ```
    /// # use evenkeel_tower::{Classified, HttpStatus};
    /// # use http::{Response, StatusCode};
    /// let status = HttpStatus::new().retry_on(&[StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE]);
    /// let retried = |code: u16| -> Result<_, http::Error> {
    ///     let response = Response::builder().status(code).body(())?;
    ///     Ok(status.response(&response).is_some_and(Classified::is_transient))
    /// };
    /// assert_eq!([retried(409)?, retried(500)?, retried(503)?], [true, false, true]);
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// # Panics
    /// Where one is not a failure: below 400 or above 599.
    #[must_use]
    pub fn retry_on(mut self, statuses: &[StatusCode]) -> Self {
        let mut retried = [0; WORDS];
        for status in statuses {
            let (word, bit) = place(*status).unwrap_or_else(|| {
                panic!("a response {status} is no failure: only 400 to 599 can be retried")
            });
            retried[word] |= bit;
        }
        self.retried = Some(retried);
        self
    }

    /// What this response means: also for `classify_ok` of a retry without tower.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
    /// # use evenkeel_tower::HttpStatus;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
    /// # async fn get(attempt: u32) -> http::Result<http::Response<()>> {
    /// #     http::Response::builder().status(if attempt == 1 { 503 } else { 200 }).body(())
    /// # }
    /// use evenkeel_tokio::retry;
    ///
    /// let status = HttpStatus::new();
    /// let answer = retry(&policy, |attempt| get(attempt.number())).classify_ok(|answer| status.response(answer));
    /// assert_eq!(answer.await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn response<B>(&self, response: &Response<B>) -> Option<Classified> {
        let status = response.status();
        let Meaning { classified, told } = meaning(status)?;
        let is_retried = match &self.retried {
            None => classified.is_transient(),
            Some(list) => place(status).is_some_and(|(word, bit)| list[word] & bit != 0),
        };
        if !is_retried {
            return Some(Classified::permanent().breaker(told));
        }
        let classified = if classified.is_transient() {
            classified
        } else {
            Classified::transient()
        };
        let wait = wait(response.headers());
        let classified = classified.retry_after(wait);
        let overloaded = self.overload_opens && matches!(status.as_u16(), 429 | 503);
        Some(match wait {
            // What a throttled call with advice means to a breaker.
            Some(wait) if overloaded && !wait.is_zero() => classified,
            _ if overloaded => classified.breaker(Outcome::Failure),
            _ => classified.breaker(told),
        })
    }
}

fn meaning(status: StatusCode) -> Option<Meaning> {
    let (classified, told) = match status.as_u16() {
        ..=399 => return None,
        408 | 504 => (Classified::timeout(), Outcome::Failure),
        425 => (Classified::transient(), Outcome::Ignored),
        429 => (Classified::throttled(), Outcome::Ignored),
        503 => (Classified::throttled(), Outcome::Failure),
        501 | 505 | 400..=499 => (Classified::permanent(), Outcome::Ignored),
        _ => (Classified::transient(), Outcome::Failure),
    };
    Some(Meaning { classified, told })
}

/// The bit of a status that can be in a list.
fn place(status: StatusCode) -> Option<(usize, u64)> {
    let offset = status.as_u16().checked_sub(FIRST)?;
    let bit = 1 << (offset % 64);
    (offset < END - FIRST).then_some((usize::from(offset / 64), bit))
}

/// How long the server asks to wait. The clock is read only where it said something.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let said = headers.get(RETRY_AFTER)?.to_str().ok()?;
    retry_after(said, SystemTime::now())
}

impl<B, Err> Classify<Response<B>, Err> for HttpStatus {
    fn classify(&self, result: Result<&Response<B>, &Err>) -> Option<Classified> {
        match result {
            Ok(response) => self.response(response),
            Err(_) => Some(Classified::transient()),
        }
    }
}
