//! What is told of tasks that is not the same for threads: how a graceful stop went, and what a run's end means.

use std::error::Error;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use evenkeel_std::driver::Failed;
use evenkeel_std::supervisor::Failure;
use tokio::task::JoinError;

use super::child::Run;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// The children that did not leave in time, and were aborted.
    pub aborted: Vec<String>,
    /// Those of them that are still there: they block their thread, and are gone at their next await point.
    pub still_running: Vec<String>,
}

impl StopReport {
    /// Whether all have left by themselves.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty()
    }
}

/// Drives a run to its end, and says in its own task how it ended: what its error says may panic, too, and so may the
/// drop of a payload.
pub(super) async fn said(run: Run) -> Result<(), Failed> {
    let mut run = Some(run);
    poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let Some(going) = &mut run else {
                return Poll::Pending;
            };
            let polled = going.as_mut().poll(cx);
            if polled.is_ready() {
                run = None;
            }
            polled.map(|ended| ended.map_err(Failed::by_error))
        }));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(Failed::by_panic(panic))))
    })
    .await
}

/// How a run failed; `None` where it ended as it was meant to.
pub(super) fn failure(ended: Result<Result<(), Failed>, JoinError>, at_ns: u64) -> Option<Failure> {
    let failed = match ended {
        Ok(ended) => ended.err()?,
        // Aborted; what it held may have panicked in its drop.
        Err(ended) => ended
            .try_into_panic()
            .map_or_else(|_| Failed::new("aborted", false), Failed::by_panic),
    };
    Some(failed.at(at_ns))
}
