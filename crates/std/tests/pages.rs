//! The code on docs/adapters.md for threads runs as it stands there (evenkeel-core's test `pages` holds the page to
//! it), and does what it says.

use std::cell::RefCell;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_std::{Classified, RetryError, SharedBreaker, SharedTokens, retry};

#[derive(Debug)]
struct Error(u32);

impl Error {
    fn is_not_found(&self) -> bool {
        self.0 == 404
    }
}

const WAIT: Duration = Duration::from_micros(10);

/// What was logged on the way: attempts, and the status of the last.
type Logged = Vec<(u32, Option<u32>)>;

fn ask(statuses: [u32; 3]) -> (Result<&'static str, RetryError<Error>>, Logged) {
    let backoff = BackoffPolicy::builder(WAIT).jitter(Jitter::None);
    let policy = RetryPolicy::builder(backoff)
        .max_attempts(3)
        .attempt_timeout(Duration::from_secs(5));
    let policy = policy.build().expect("a policy");
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 });
    let breaker = SharedBreaker::new(breaker.build().expect("a policy"));
    let tokens = RetryTokensPolicy::aws_standard_2_0().build();
    let tokens = SharedTokens::new(tokens.expect("a policy"));

    let (logged, mut statuses) = (RefCell::new(Vec::new()), statuses.into_iter());
    let log = |attempts, error: Option<&Error>, wait: Duration| {
        assert!(wait <= 2 * WAIT, "what is left of it");
        logged
            .borrow_mut()
            .push((attempts, error.map(|error| error.0)));
    };
    let mut fetch = |timeout: Option<Duration>| {
        assert!(
            timeout.is_some_and(|timeout| timeout > WAIT),
            "for the socket"
        );
        match statuses.next() {
            Some(200) => Ok("page"),
            status => Err(Error(status.unwrap_or(0))),
        }
    };
    let mut asked = || {
        #[rustfmt::skip] // as on the page
        let answer = retry(&policy, |attempt| fetch(attempt.timeout()))
            .classify(|error| if error.is_not_found() { Classified::permanent() } else { Classified::transient() })
            .breaker(&breaker)
            .budget(&tokens)
            .on_retry(|event| log(event.attempts(), event.error(), event.wait()))
            .run()?;
        Ok(answer)
    };
    let answer = asked();
    (answer, logged.into_inner())
}

#[test]
fn a_retry_that_blocks() {
    let (answer, logged) = ask([503, 503, 200]);
    assert_eq!(answer.expect("a page"), "page");
    assert_eq!(logged, [(1, Some(503)), (2, Some(503))]);

    let (answer, logged) = ask([503, 404, 200]);
    assert_eq!(answer.expect_err("not found").end(), End::Permanent);
    assert_eq!(logged, [(1, Some(503))]);
}
