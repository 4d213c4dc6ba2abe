//! What the scenarios ask of a server, and of a client library's connection to it.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// How to reach a server: what a client library does, without any reconnecting or timeout of its own.
pub(crate) trait Store: Clone + Send + Sync + 'static {
    type Link: Clone + Send + Sync + 'static;

    /// A connection that has answered once.
    fn dial(&self) -> impl Future<Output = Result<Self::Link, Error>> + Send;

    /// A heartbeat: whoever is alive answers.
    fn ping(link: Self::Link) -> impl Future<Output = Result<(), Error>> + Send;

    /// Adds one to a sum, once for each key, however often it is asked: an answer means that it is on the disk.
    fn add(
        link: Self::Link,
        account: u32,
        key: i64,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What a server holds.
pub(crate) struct Stored {
    pub(crate) keys: HashSet<i64>,
    /// What the writes have added up to.
    pub(crate) sum: i64,
}

/// A server process in the hands of a test.
pub(crate) trait Server {
    type Store: Store;

    const NAME: &'static str;

    /// How many clients it gets.
    const CLIENTS: u32;

    fn store(&self) -> Self::Store;

    /// Starts the process again, on what is on its disk, and returns when it answers.
    async fn start(&mut self);

    /// `SIGKILL`, to all of its processes.
    fn kill(&mut self);

    /// `SIGSTOP`: the kernel goes on taking connections and bytes, nobody answers.
    fn stop(&self);

    /// `SIGCONT`; returns when it answers.
    async fn resume(&self);

    /// Lets it answer writes only after this span.
    async fn slow(&self, span: Duration);

    /// All that it holds, as of one instant.
    async fn stored(&self) -> Stored;

    /// The connections that it has taken since its start, other than those of its owner.
    async fn connections(&self) -> u64;
}

/// Asks each 10 ms until the server answers, for at most 20 s.
pub(crate) async fn answers<S: Store>(store: &S) -> bool {
    for _ in 0..2_000 {
        let asked = async { S::ping(store.dial().await?).await };
        let answer = tokio::time::timeout(Duration::from_secs(1), asked).await;
        if matches!(answer, Ok(Ok(()))) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}
