//! From backoff, which is no longer kept up and so not compiled here: the same with its defaults.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::retry::{End, RetryPolicy};
use evenkeel_tokio::{Classified, retry};

use super::Server;

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
    assert_eq!(fetch(&Server::failing(10), &policy).await?, "page");
    assert!(fetch(&Server::without_the_page(), &policy).await.is_err());

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
