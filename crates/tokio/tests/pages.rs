//! The code on docs/adapters.md and docs/observability.md runs as it stands there (evenkeel-core's test `pages` holds
//! the pages to it), and does what they say.

use std::sync::Mutex;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryTokensPolicy;
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tokio::{Classified, SharedBreaker, SharedTokens, retry};

#[derive(Debug, PartialEq)]
struct Error(u32);

impl Error {
    fn is_not_found(&self) -> bool {
        self.0 == 404
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}", self.0)
    }
}

impl std::error::Error for Error {}

const WAIT: Duration = Duration::from_millis(10);

fn policy() -> RetryPolicy {
    let backoff = BackoffPolicy::builder(WAIT).jitter(Jitter::None);
    let policy = RetryPolicy::builder(backoff).max_attempts(3).build();
    policy.expect("a policy")
}

fn handles() -> (SharedBreaker, SharedTokens) {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 5 });
    let tokens = RetryTokensPolicy::aws_standard_2_0().build();
    (
        SharedBreaker::new(breaker.build().expect("a policy")),
        SharedTokens::new(tokens.expect("a policy")),
    )
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_future() {
    let (policy, (breaker, budget)) = (policy(), handles());
    for (statuses, ends, waits) in [
        (
            [503, 503, 200],
            None,
            vec![(1, Some(503), WAIT), (2, Some(503), 2 * WAIT)],
        ),
        (
            [503, 404, 200],
            Some(End::Permanent),
            vec![(1, Some(503), WAIT)],
        ),
    ] {
        let logged = Mutex::new(Vec::new());
        let log = |attempts, error: Option<&Error>, wait| {
            logged
                .lock()
                .expect("one thread")
                .push((attempts, error.map(|error| error.0), wait));
        };
        let fetch = |number: u32| async move {
            match statuses[number as usize - 1] {
                200 => Ok("page"),
                status => Err(Error(status)),
            }
        };
        #[rustfmt::skip] // as on the page
        let answer = retry(&policy, |attempt| fetch(attempt.number()))
            .classify(|error| if error.is_not_found() { Classified::permanent() } else { Classified::transient() })
            .breaker(&breaker)
            .budget(&budget)
            .on_retry(|event| log(event.attempts(), event.error(), event.wait()))
            .await;
        assert_eq!(answer.map_err(|error| error.end()).err(), ends);
        assert_eq!(logged.into_inner().expect("one thread"), waits);
    }
}

#[cfg(feature = "journal")]
#[tokio::test(start_paused = true)]
async fn a_handle_is_recorded() -> Result<(), Box<dyn std::error::Error>> {
    use evenkeel_tokio::journal::{self, RetryRecorder};

    /// The page's file is one of the folder that the program runs in, the test's is one of the folder of tests.
    struct Journal;

    impl Journal {
        fn create(name: &str) -> std::io::Result<journal::Journal> {
            journal::Journal::create(path_of(name))
        }
    }

    fn path_of(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    }

    let (policy, (breaker, tokens)) = (policy(), handles());
    let fetch = || async { Ok::<_, Error>("page") };

    let journal = Journal::create("checkout.jsonl")?; // or Journal::last(100_000), a flight recorder in memory
    breaker.record(&journal, "checkout");
    tokens.record(&journal, "checkout-retries");
    let calls = RetryRecorder::new(&journal, "checkout-call");

    #[rustfmt::skip] // as on the page
    let answer = retry(&policy, |_| fetch()).breaker(&breaker).budget(&tokens).record(&calls).await; // threads: `.run()`
    assert_eq!(answer.expect("a page"), "page");
    journal.finish()?;
    let verified = evenkeel_replay::verify_file(path_of("checkout.jsonl"))?;
    assert_eq!((verified.machines, verified.gaps), (3, 0));
    assert_eq!(calls.missed(), 0);
    Ok(())
}

#[cfg(any(feature = "metrics", feature = "tracing"))]
#[rustfmt::skip] // as on the page
#[tokio::test(start_paused = true)]
async fn handles_are_observed() -> Result<(), Box<dyn std::error::Error>> {
    use evenkeel_tokio::observe::Observer;

    let (policy, (breaker, tokens)) = (policy(), handles());
    let fetch = |path: &'static str| async move { Ok::<_, Error>(path) };

    let observer = Observer::new(); // keep it: watching ends with its last clone
    observer.breaker("checkout", &breaker);
    observer.tokens("checkout", &tokens);
    let calls = observer.retry("checkout");
    let page = retry(&policy, |_attempt| fetch("/index")).breaker(&breaker).budget(&tokens).observe(&calls).await?;
    assert_eq!(page, "/index");
    Ok(())
}
