//! One child: core's restart machine, its work, and its run.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evenkeel_core::restart::{Restart, RestartPhase, RestartPolicy, RunId};

#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use super::report::{ChildStatus, Escalation, Failure};
use crate::driver::{Failed, Kept, discard};
use crate::stop::Stop;

/// What a worker's error is kept as.
pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// The work of a child, started again and again.
pub(super) type Work = Arc<dyn Fn(&Stop) -> Result<(), BoxError> + Send + Sync>;

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
    pub(super) stop: Stop,
    pub(super) since_ns: u64,
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

    /// No further run; the one in flight is told.
    pub(super) fn stop(&mut self, now_ns: u64) {
        // The run that it names is `self.run`.
        let _ = self.machine.stop(now_ns);
        if let Some(run) = &self.run {
            run.stop.stop();
        }
    }

    /// Told to stop, and to be forgotten.
    pub(super) fn remove(&mut self, now_ns: u64) {
        self.stop(now_ns);
        self.untold = None;
        self.removed = true;
    }

    /// To be started at once; what was is forgotten.
    pub(super) fn rearm(&mut self, now_ns: u64) {
        self.machine.rearm(now_ns);
        self.untold = None;
    }

    /// Recorded under its name from now on, or no more: what is to be dropped without the lock.
    #[cfg(feature = "journal")]
    pub(super) fn record(&mut self, to: Option<&Journal>) -> Kept<Restart> {
        match to {
            Some(journal) => self.machine.record(journal, &self.name),
            None => self.machine.stop_recording(),
        }
    }

    /// Nothing of it is needed any more.
    pub(super) fn is_gone(&self) -> bool {
        self.removed && self.run.is_none()
    }

    /// No run is in flight, and none will be.
    pub(super) fn is_at_rest(&self, now_ns: u64) -> bool {
        let phase = self.machine.phase(now_ns);
        let rests = matches!(
            phase,
            RestartPhase::Stopped | RestartPhase::Escalated { .. }
        );
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

/// A run that is to be started.
pub(super) struct Start {
    pub(super) key: u64,
    pub(super) name: String,
    pub(super) run: RunId,
    pub(super) work: Work,
    pub(super) stop: Stop,
}

impl Start {
    /// Does the work: `None` where it ended as it was meant to. Nothing of the caller's gets a panic out of here, and
    /// what the run holds is gone.
    pub(super) fn perform(self) -> Option<Failed> {
        let ended = catch_unwind(AssertUnwindSafe(|| (self.work)(&self.stop)));
        discard(self);
        match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Failed::by_error(error)),
            Err(panic) => Some(Failed::by_panic(panic)),
        }
    }
}
