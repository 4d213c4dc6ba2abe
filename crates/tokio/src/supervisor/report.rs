//! What is told of tasks that is not the same for threads: how a graceful stop went, and what a run's end means.

use std::any::Any;
use std::error::Error;

use evenkeel_std::supervisor::Failure;
use tokio::task::JoinError;

/// What a worker's error is kept as.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// How a graceful stop went.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, restart::RestartPolicy};
/// use evenkeel_tokio::Supervisor;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = RestartPolicy::builder(BackoffPolicy::builder(Duration::from_secs(1))).build()?;
/// let supervisor = Supervisor::new();
/// supervisor.add("polite", &policy, async |stop| Ok::<_, String>(stop.cancelled().await))?;
/// supervisor.add("deaf", &policy, async |_stop| std::future::pending::<Result<(), String>>().await)?;
/// tokio::time::sleep(Duration::from_secs(1)).await; // both run now
/// let report = supervisor.stop(Duration::from_secs(5)).await;
/// assert_eq!(report.aborted, ["deaf"]);
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
#[must_use = "it names who had to be aborted"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReport {
    /// The children that did not leave in time, and were aborted: at their next await point they are gone. One that
    /// has none blocks its thread until it comes to one.
    pub aborted: Vec<String>,
}

impl StopReport {
    /// Whether all have left by themselves.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty()
    }
}

/// How a run failed; `None` where it ended as it was meant to.
pub(super) fn failure(
    ended: Result<Result<(), BoxError>, JoinError>,
    at_ns: u64,
) -> Option<Failure> {
    let (message, panicked) = match ended {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => (chain(&*error), false),
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => (panic_message(&*panic), true),
            Err(_aborted) => ("aborted".to_owned(), false),
        },
    };
    Some(Failure::new(message, panicked, at_ns))
}

/// The error and its sources in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
