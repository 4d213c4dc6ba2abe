//! A link whose driver is recorded.

use evenkeel_replay::journal::Journal;

use super::Reconnect;

impl<F, L, E, C, K> Reconnect<F, L, E, C, K> {
    /// Takes down what it decides. Feature `journal`; see the module [`journal`](crate::journal).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, reconnect::*};
    /// # use evenkeel_std::{Reconnect, TestClock, journal::Journal};
    /// # let backoff = BackoffPolicy::builder(Duration::from_secs(1));
    /// # let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(5)).build()?;
    /// let journal = Journal::last(100_000);
    /// let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, std::io::Error>(())).record(&journal, "feed");
    /// let live = reconnect.next_link()?;
    /// assert_eq!(journal.ops(), 2); // what to do, and that the link is up
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn record(self, journal: &Journal, name: &str) -> Self {
        self.line.record(journal, name);
        self
    }
}
