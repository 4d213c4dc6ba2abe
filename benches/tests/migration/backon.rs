//! From backon: a closure that is tried again.

use std::time::Duration;

use super::Server;

mod before {
    use std::io::{ErrorKind, Result};
    use std::time::Duration;

    use backon::{ExponentialBuilder, Retryable};

    use crate::Server;

    pub(super) async fn fetch(server: &Server, log: fn(Duration)) -> Result<String> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(3)
            .with_jitter();

        (|| server.fetch())
            .retry(backoff)
            .sleep(tokio::time::sleep)
            .when(|error| error.kind() != ErrorKind::NotFound)
            .notify(|_error, wait| log(wait))
            .await
    }
}

mod after {
    use std::error::Error;
    use std::io::ErrorKind;
    use std::time::Duration;

    use evenkeel_core::backoff::BackoffPolicy;
    use evenkeel_core::retry::RetryPolicy;
    use evenkeel_tokio::{Classified, RetryExt};

    use crate::Server;

    pub(super) async fn fetch(
        server: &Server,
        log: fn(Duration),
    ) -> Result<String, Box<dyn Error>> {
        // Once, for all calls:
        let backoff =
            BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(5));
        let policy = RetryPolicy::builder(backoff).max_attempts(4).build()?;

        let page = (|| server.fetch())
            .retry(&policy)
            .classify(|error| match error.kind() {
                ErrorKind::NotFound => Classified::permanent(),
                _ => Classified::transient(),
            })
            .on_retry(|event| log(event.wait()))
            .await?;
        Ok(page)
    }
}

fn no_log(_: Duration) {}

#[tokio::test(start_paused = true)]
async fn three_retries_are_four_attempts() {
    for (failures, is_ok) in [(0, true), (3, true), (4, false)] {
        let servers = [Server::failing(failures), Server::failing(failures)];
        assert_eq!(before::fetch(&servers[0], no_log).await.is_ok(), is_ok);
        assert_eq!(after::fetch(&servers[1], no_log).await.is_ok(), is_ok);
        assert_eq!(servers[0].calls, servers[1].calls);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_asked_for_once() {
    let servers = [Server::without_the_page(), Server::without_the_page()];
    assert!(before::fetch(&servers[0], no_log).await.is_err());
    assert!(after::fetch(&servers[1], no_log).await.is_err());
    assert_eq!((servers[0].calls.get(), servers[1].calls.get()), (1, 1));
}

/// A wait, which backon lengthens by up to the whole of it and we draw below the ceiling.
#[tokio::test(start_paused = true)]
async fn waits_are_told() {
    let short = |wait| assert!(wait <= Duration::from_millis(400), "{wait:?}");
    assert!(after::fetch(&Server::failing(3), short).await.is_ok());
}
