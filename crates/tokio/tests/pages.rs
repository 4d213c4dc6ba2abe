//! The code on docs/adapters.md, docs/faq.md and docs/observability.md runs as it stands there (evenkeel-core's test
//! `pages` holds the pages to it), and does what they say.

use std::fmt;
use std::future::ready;
use std::io;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Trigger};
use evenkeel_core::budget::RetryRatioPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::table::BreakerTablePolicy;
use evenkeel_tokio::{
    Classified, Clock, SharedBreaker, SharedBreakerTable, SharedRatio, retry, retry_after,
};

use evenkeel_core::ConfigError;
use evenkeel_core::breaker::Phase;
use evenkeel_core::retry::End;
use tokio::time::Instant;

#[cfg(any(feature = "journal", feature = "metrics", feature = "tracing"))]
use evenkeel_core::budget::RetryTokensPolicy;
#[cfg(any(feature = "journal", feature = "metrics", feature = "tracing"))]
use evenkeel_tokio::SharedTokens;

#[derive(Debug)]
enum Error {
    Io(io::Error),
    Status {
        code: u16,
        retry_after: Option<Duration>,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Status { code, .. } => write!(f, "status {code}"),
        }
    }
}

impl std::error::Error for Error {}

#[rustfmt::skip] // as on the page
fn classify(error: &Error) -> Classified {
    match error {
        Error::Io(_) => Classified::transient(),
        // A limit of ours says nothing of their health. Without `.breaker(..)` it would open the breaker for all.
        Error::Status { code: 429, retry_after } => {
            Classified::throttled().retry_after(*retry_after).breaker(Outcome::Ignored)
        }
        Error::Status { code: 500.., retry_after } => Classified::transient().retry_after(*retry_after),
        Error::Status { .. } => Classified::permanent(),
    }
}

/// The page's policies and handles.
#[rustfmt::skip] // as on the page
fn handles() -> Result<(RetryPolicy, SharedBreaker, SharedRatio), ConfigError> {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(30));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
    let breaker = SharedBreaker::new(breaker.build()?);
    let budget = SharedRatio::new(RetryRatioPolicy::builder(Ratio::percent(20)).build()?);
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(50)).cap(Duration::from_secs(1)))
        .deadline(Duration::from_secs(10))
        .advisory_cap(Duration::from_secs(3_600))
        .build()?;
    Ok((policy, breaker, budget))
}

/// What a server answers: a page, or a status with what its header says.
async fn answered(status: Option<(u16, &str)>) -> Result<&'static str, Error> {
    let Some((code, header)) = status else {
        return Ok("page");
    };
    Err(match code {
        0 => Error::Io(io::ErrorKind::ConnectionReset.into()),
        code => Error::Status {
            code,
            retry_after: retry_after(header, SystemTime::now()),
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_a_future() -> Result<(), ConfigError> {
    let (reset, down, missing) = (Some((0, "")), Some((500, "")), Some((404, "")));
    let (soon, late) = (Some((429, "3")), Some((429, "60")));
    for (answers, ends, attempts, waits) in [
        ([reset, down, None], None, 2, 0..=1),
        ([soon, None, None], None, 1, 3..=3),
        ([down, missing, None], Some(End::Permanent), 1, 0..=1),
        // As long as it asks, or not at all; and one answer closes the door for nobody.
        ([late, None, None], Some(End::Deadline), 0, 0..=0),
    ] {
        let (policy, breaker, budget) = handles()?;
        let (logged, begun) = (Mutex::new(Vec::new()), Instant::now());
        let log = |attempts, error: Option<&Error>, wait: Duration| {
            assert!(error.is_some() && wait <= Duration::from_secs(3));
            logged.lock().expect("one thread").push(attempts);
        };
        let fetch = |number: u32| answered(answers[number as usize - 1]);
        let answer = retry(&policy, |attempt| fetch(attempt.number()))
            .classify(classify)
            .breaker(&breaker)
            .budget(&budget)
            .on_retry(|event| log(event.attempts(), event.error(), event.wait()))
            .await;
        assert_eq!(answer.map_err(|error| error.end()).err(), ends);
        let logged = logged.into_inner().expect("one thread");
        assert_eq!(logged, (1..=attempts).collect::<Vec<_>>());
        assert!(waits.contains(&begun.elapsed().as_secs()), "{answers:?}");
        assert_eq!(breaker.phase(), Phase::Closed);
    }
    Ok(())
}

/// The page: without an `advisory_cap` a server is asked again after the backoff's cap, whatever it asked for.
#[tokio::test(start_paused = true)]
async fn advice_is_followed_up_to_the_backoffs_cap_by_default() -> Result<(), ConfigError> {
    let second = Duration::from_secs(1);
    let policy = RetryPolicy::builder(BackoffPolicy::builder(second / 20).cap(second)).build()?;
    let begun = Instant::now();
    let asked = |number| answered((number == 1).then_some((429, "60")));
    let answer = retry(&policy, |attempt| asked(attempt.number())).classify(classify);
    assert_eq!(answer.await.expect("a page"), "page");
    assert_eq!(begun.elapsed(), second);
    Ok(())
}

#[rustfmt::skip] // as on the page
#[tokio::test(start_paused = true)]
async fn a_breaker_and_a_table_of_them() -> Result<(), Box<dyn std::error::Error>> {
    let (policy, breaker, _) = handles()?;
    let fetch = |_| answered(None);

    breaker.on_transition(|change| println!("checkout: {} -> {} ({})", change.from, change.to, change.cause));
    let answer = breaker.call(fetch(1)).await;
    assert_eq!(answer?, "page");

    let each = BreakerTablePolicy::builder(*breaker.policy(), 1_000, Duration::from_secs(3_600)); // at most, forgotten after
    let hosts = SharedBreakerTable::<String>::new(each.build()?);
    let answer = hosts.call("a.example", fetch(1)).await;
    let again = retry(&policy, |attempt| fetch(attempt.number())).breaker(&hosts.gate("a.example".to_owned())).await;
    assert_eq!((answer?, again?), ("page", "page"));
    assert_eq!(hosts.phase("a.example"), Phase::Closed);
    assert!(hosts.stats_of("a.example").is_some() && hosts.stats_of("b.example").is_none());
    Ok(())
}

/// The test of docs/faq.md.
#[rustfmt::skip] // as on the page
#[tokio::test(start_paused = true)]
async fn it_opens_and_closes_again() -> Result<(), ConfigError> {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(30));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
    let breaker = SharedBreaker::new(breaker.build()?);
    let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(50))).build()?; // three attempts
    let call = |answer: Result<u16, &'static str>| retry(&policy, move |_| ready(answer)).breaker(&breaker).run();
    for _ in 0..2 {
        assert!(call(Err("down")).await.is_err());
    }
    let refused = call(Ok(200)).await.unwrap_err();
    assert_eq!((refused.attempts(), breaker.phase()), (0, Phase::Open));
    let wait = refused.retry_after(breaker.clock().now_ns()).expect("an open breaker says when to come back");
    tokio::time::sleep(wait).await; // paused: it takes no time
    assert_eq!(breaker.phase(), Phase::HalfOpen);
    while breaker.phase() != Phase::Closed {
        assert_eq!(call(Ok(200)).await, Ok(200));
    }
    Ok(())
}

#[cfg(any(feature = "journal", feature = "metrics", feature = "tracing"))]
fn tokens() -> Result<SharedTokens, ConfigError> {
    let policy = RetryTokensPolicy::aws_standard_2_0().build()?;
    Ok(SharedTokens::new(policy))
}

#[cfg(feature = "journal")]
#[tokio::test(start_paused = true)]
async fn a_handle_is_recorded() -> Result<(), Box<dyn std::error::Error>> {
    use evenkeel_tokio::journal::{self, RetryRecorder};

    /// The page's file is one of the folder that the program runs in, the test's is one of the folder of tests.
    struct Journal;

    impl Journal {
        fn create(name: &str) -> io::Result<journal::Journal> {
            journal::Journal::create(path_of(name))
        }
    }

    fn path_of(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    }

    let ((policy, breaker, _), tokens) = (handles()?, tokens()?);
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

    let ((policy, breaker, _), tokens) = (handles()?, tokens()?);
    let fetch = |path: &'static str| async move { Ok::<_, Error>(path) };

    let observer = Observer::new(); // keep it: watching ends with its last clone
    observer.breaker("checkout", &breaker);
    observer.tokens("checkout", &tokens);
    let calls = observer.retry("checkout");
    let page = retry(&policy, |_attempt| fetch("/index")).breaker(&breaker).budget(&tokens).observe(&calls).await?;
    assert_eq!(page, "/index");
    Ok(())
}
