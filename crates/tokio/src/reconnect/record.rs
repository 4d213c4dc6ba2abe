//! A link whose driver is recorded.

use evenkeel_std::journal::Journal;

use super::Reconnect;
use crate::clock::Sleep;

impl<F, Fut, L, E, C: Sleep, K> Reconnect<F, Fut, L, E, C, K> {
    /// Takes down what it decides. Feature `journal`; see the module [`journal`](crate::journal).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::*};
    /// # use evenkeel_tokio::{Reconnect, journal::Journal};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(5)).build()?;
    /// let journal = Journal::last(100_000);
    /// let mut reconnect = Reconnect::new(&policy, |_| async { Ok::<_, std::io::Error>(()) }).record(&journal, "feed");
    /// let _live = reconnect.next_link().await?;
    /// assert!(journal.ops() >= 2); // what to do, and that the link is up
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn record(self, journal: &Journal, name: &str) -> Self {
        self.line.0.record(journal, name);
        self
    }
}
