//! What a restart machine is doing at an instant, whether or not somebody polls.

use super::answer::RunId;
use super::policy::RestartPolicy;
use super::state::{RestartState, Stage};

/// What a [`Restart`](super::Restart) is doing; [`Restart::phase`](super::Restart::phase) answers it.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, restart::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
/// let mut restart = Restart::new(RestartPolicy::builder(backoff).build()?);
/// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
/// assert_eq!(restart.phase(20), RestartPhase::Running { run });
/// let _ = restart.on_exit(30, run, Exit::Failure, &mut rng);
/// // The wait is 100 ns. Nobody polls, and the phase is right all the same.
/// let phases = [30, 129, 130].map(|now_ns| restart.phase(now_ns).name());
/// assert_eq!(phases, ["waiting", "waiting", "due"]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum RestartPhase {
    /// It does not run; the next [`poll`](super::Restart::poll) starts it.
    Due,
    /// It does not run; a wait goes on.
    Waiting {
        /// When it ends.
        until_ns: u64,
    },
    /// It runs, or a run that was stopped is on its way out and another one follows.
    Running {
        /// The run in flight.
        run: RunId,
    },
    /// It failed too often.
    Escalated {
        /// The failures within the window.
        failures: u32,
        /// How many of them would have been restarted.
        max_restarts: u32,
    },
    /// It is not started again; a run that was stopped may still be [in flight](super::Restart::in_flight).
    Stopped,
}

impl RestartPhase {
    /// Its name in traces and on status pages.
    ///
    /// ```
    /// # use evenkeel_core::restart::RestartPhase;
    /// assert_eq!(RestartPhase::Waiting { until_ns: 5 }.name(), "waiting");
    /// assert_eq!(RestartPhase::Stopped.to_string(), "stopped");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Waiting { .. } => "waiting",
            Self::Running { .. } => "running",
            Self::Escalated { .. } => "escalated",
            Self::Stopped => "stopped",
        }
    }
}

crate::named::display_by_name!(RestartPhase);

impl RestartState {
    pub(super) fn phase(&self, policy: &RestartPolicy, now_ns: u64) -> RestartPhase {
        match self.stage {
            Stage::Waiting { at_ns } if self.clock.peek(now_ns) >= at_ns => RestartPhase::Due,
            Stage::Waiting { at_ns } => RestartPhase::Waiting { until_ns: at_ns },
            Stage::Running { .. } | Stage::Leaving => RestartPhase::Running {
                run: RunId(self.last_run),
            },
            Stage::Escalated { failures } => RestartPhase::Escalated {
                failures,
                max_restarts: policy.max_restarts(),
            },
            Stage::Stopped { .. } => RestartPhase::Stopped,
        }
    }
}
