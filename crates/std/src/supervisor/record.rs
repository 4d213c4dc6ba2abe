//! A supervisor whose children are recorded.

use evenkeel_replay::journal::Journal;

use super::Supervisor;
use crate::sleep::Sleep;

/// Feature `journal`; see the module [`journal`](crate::journal).
impl<C: Sleep + 'static> Supervisor<C> {
    /// Takes down what is decided about each child, under the child's name, from now on; also of those that are added
    /// later.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_core::{backoff::BackoffPolicy, restart::*};
    /// # use evenkeel_std::{Stop, Supervisor, journal::Journal, supervisor::*};
    /// # let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
    /// let supervisor = Supervisor::new();
    /// let journal = Journal::last(100_000);
    /// supervisor.record(&journal);
    /// supervisor.add("feed", &policy, |stop| -> Result<(), String> { stop.wait(); Ok(()) })?;
    /// assert!(supervisor.stop(Duration::from_secs(60)).is_clean());
    /// assert!(journal.ops() >= 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn record(&self, journal: &Journal) {
        self.shared.record(Some(journal));
    }

    /// Takes nothing down any more.
    pub fn stop_recording(&self) {
        self.shared.record(None);
    }
}
