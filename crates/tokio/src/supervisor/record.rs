//! A supervisor whose children are recorded.

use evenkeel_std::journal::Journal;

use super::Supervisor;
use crate::clock::Sleep;

/// Feature `journal`; see the module [`journal`](crate::journal).
impl<C: Sleep + Send + Sync + 'static> Supervisor<C> {
    /// Takes down what is decided about each child, under the child's name, from now on; also of those that are added
    /// later.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_tokio::{Supervisor, journal::Journal};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// let journal = Journal::last(100_000);
    /// supervisor.record(&journal);
    /// supervisor.add("feed", &policy, async |stop| -> Result<(), String> { stop.cancelled().await; Ok(()) })?;
    /// let _ = supervisor.stop(Duration::from_secs(60)).await;
    /// assert!(journal.ops() >= 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn record(&self, journal: &Journal) {
        self.shared.record(Some(journal));
    }

    /// Takes nothing down any more.
    pub fn stop_recording(&self) {
        self.shared.record(None);
    }
}
