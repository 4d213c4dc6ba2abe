//! From backoff: a call that is tried again for a quarter of an hour, by its defaults.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tokio::{Classified, retry};

use super::Server;

mod before {
    use std::io::{ErrorKind, Result};

    use backoff::ExponentialBackoff;

    use crate::Server;

    pub(super) async fn fetch(server: &Server) -> Result<String> {
        // 500 ms, times 1.5, give or take 50 %, at most 60 s, for 15 minutes:
        let policy = ExponentialBackoff::default();

        backoff::future::retry(policy, || async {
            server.fetch().await.map_err(|error| match error.kind() {
                ErrorKind::NotFound => backoff::Error::permanent(error),
                _ => backoff::Error::transient(error),
            })
        })
        .await
    }
}

fn policy() -> Result<RetryPolicy, Box<dyn Error>> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(500))
        .growth(Growth::Exponential {
            factor: Ratio::new(3, 2)?,
        })
        .cap(Duration::from_secs(60))
        .jitter(Jitter::Spread(Ratio::percent(50)));
    let policy = RetryPolicy::builder(backoff)
        .unlimited_attempts()
        .deadline(Duration::from_secs(15 * 60))
        .build()?;
    Ok(policy)
}

async fn fetch(server: &Server, policy: &RetryPolicy) -> Result<String, Box<dyn Error>> {
    let page = retry(policy, |_attempt| server.fetch())
        .classify(|error| match error.kind() {
            ErrorKind::NotFound => Classified::permanent(),
            _ => Classified::transient(), // with `.retry_after(..)` where the server said when
        })
        .await?;
    Ok(page)
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_for_a_quarter_of_an_hour() -> Result<(), Box<dyn Error>> {
    let policy = policy()?;
    let servers = [Server::failing(10), Server::failing(10)];
    assert_eq!(before::fetch(&servers[0]).await?, "page");
    assert_eq!(fetch(&servers[1], &policy).await?, "page");
    assert_eq!(servers[0].calls, servers[1].calls);
    let servers = [Server::without_the_page(), Server::without_the_page()];
    assert!(before::fetch(&servers[0]).await.is_err());
    assert!(fetch(&servers[1], &policy).await.is_err());
    assert_eq!((servers[0].calls.get(), servers[1].calls.get()), (1, 1));

    let server = Server::failing(u32::MAX);
    let begin = tokio::time::Instant::now();
    let failed = retry(&policy, |_| server.fetch()).await.unwrap_err();
    assert_eq!(failed.end(), End::Deadline);
    let took = begin.elapsed();
    let longest = Duration::from_secs(15 * 60);
    assert!(
        (longest - Duration::from_secs(60)..=longest).contains(&took),
        "{took:?}"
    );
    Ok(())
}
