//! One child: core's restart machine, its work, and its run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use evenkeel_core::restart::{Restart, RestartPhase, RestartPolicy, RunId};
use evenkeel_std::driver::Kept;
#[cfg(feature = "journal")]
use evenkeel_std::journal::Journal;
use evenkeel_std::supervisor::{ChildStatus, Escalation, Failure};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::report::BoxError;

/// A run, as a future.
pub(super) type Run = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// The work of a child, started again and again.
pub(super) type Work = Arc<dyn Fn(CancellationToken) -> Run + Send + Sync>;

pub(super) struct Child {
    /// Never used twice, as names are.
    pub(super) key: u64,
    pub(super) name: String,
    pub(super) machine: Kept<Restart>,
    pub(super) work: Work,
    pub(super) run: Option<Running>,
    pub(super) last_failure: Option<Failure>,
    pub(super) starts: u64,
    /// An escalation that nobody was told of yet, and when it was.
    pub(super) untold: Option<(u64, Escalation)>,
    /// To be forgotten when its run is gone.
    pub(super) removed: bool,
}

/// A run in flight.
pub(super) struct Running {
    pub(super) stop: CancellationToken,
    pub(super) since_ns: u64,
    /// There once it is spawned.
    pub(super) task: Option<AbortHandle>,
    /// To be aborted once it is spawned.
    pub(super) abort: bool,
}

/// A run that is to be spawned.
pub(super) struct Start {
    pub(super) key: u64,
    pub(super) run: RunId,
    pub(super) work: Work,
    pub(super) stop: CancellationToken,
}

impl Child {
    pub(super) fn new(key: u64, name: String, policy: &RestartPolicy, work: Work) -> Self {
        Self {
            key,
            name,
            machine: Kept::new(Restart::new(*policy)),
            work,
            run: None,
            last_failure: None,
            starts: 0,
            untold: None,
            removed: false,
        }
    }

    /// Recorded under its name from now on, or no more: what is to be dropped without the lock.
    #[cfg(feature = "journal")]
    pub(super) fn record(&mut self, to: Option<&Journal>) -> Kept<Restart> {
        match to {
            Some(journal) => self.machine.record(journal, &self.name),
            None => self.machine.stop_recording(),
        }
    }

    pub(super) fn stop(&mut self, now_ns: u64) {
        // The run that it names is `self.run`.
        let _ = self.machine.stop(now_ns);
        if let Some(run) = &self.run {
            run.stop.cancel();
        }
    }

    pub(super) fn abort(&mut self) {
        if let Some(run) = &mut self.run {
            run.abort = true;
            if let Some(task) = &run.task {
                task.abort();
            }
        }
    }

    pub(super) fn is_at_rest(&self, now_ns: u64) -> bool {
        use RestartPhase::{Escalated, Stopped};
        let rests = matches!(self.machine.phase(now_ns), Stopped | Escalated { .. });
        rests && self.run.is_none()
    }

    pub(super) fn status(&self, now_ns: u64) -> ChildStatus {
        let mut status = ChildStatus::new(self.name.clone(), &self.machine, now_ns);
        status.running_since_ns = self.run.as_ref().map(|run| run.since_ns);
        status.restarts = self.starts.saturating_sub(1);
        status.last_failure.clone_from(&self.last_failure);
        status
    }
}
