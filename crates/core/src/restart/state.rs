//! The state of a restart machine as plain data, and the check that a stored one must pass.

use super::history::History;
use super::policy::RestartPolicy;
use crate::error::{RestoreError, corrupt, misfit};
use crate::named::TOO_MANY;
use crate::rebase::Rebase;
use crate::time::Monotone;
use crate::version::Version;

/// What a [`Restart`](super::Restart) remembers; store it, compare it, [restore](super::Restart::restore) it.
///
/// A run in flight stays valid across a restore, because its id is plain data.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, restart::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let backoff = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
/// let policy = RestartPolicy::builder(backoff).build()?;
/// let mut restart = Restart::new(policy);
/// let RestartAction::Start { run } = restart.poll(0) else { panic!("due at once") };
/// let stored: RestartState = restart.state();
///
/// let mut restored = Restart::restore(policy, stored)?;
/// assert_eq!(restored.on_exit(5, run, Exit::Failure, &mut rng), Reported::Counted);
/// assert_eq!(restored.next_deadline_ns(), Some(105));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RestartState {
    version: Version<1>,
    pub(super) clock: Monotone,
    /// The id of the latest run; 0 before the first.
    pub(super) last_run: u64,
    /// Waits in a row.
    pub(super) attempts: u32,
    /// The last wait, which decorrelated jitter starts from.
    pub(super) previous_wait_ns: u64,
    pub(super) stage: Stage,
    pub(super) failures: History,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Stage {
    /// The next run starts at this instant.
    Waiting { at_ns: u64 },
    /// The latest run is in flight.
    Running { since_ns: u64 },
    /// Too many failures.
    Escalated { failures: u32 },
    /// No further run; the latest may still be on its way out.
    Stopped { in_flight: bool },
    /// Stopped and rearmed while the latest run was still on its way out: the next one starts when it is gone.
    Leaving,
}

impl Stage {
    /// Whether the latest run has not ended.
    pub(super) const fn in_flight(&self) -> bool {
        matches!(
            self,
            Self::Running { .. } | Self::Stopped { in_flight: true } | Self::Leaving
        )
    }
}

impl RestartState {
    pub(super) fn fresh(policy: &RestartPolicy) -> Self {
        Self {
            version: Version,
            clock: Monotone::default(),
            last_run: 0,
            attempts: 0,
            previous_wait_ns: 0,
            stage: Stage::Waiting { at_ns: 0 },
            failures: History::empty(policy.words()),
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) fn check(&self, policy: &RestartPolicy) -> Result<(), RestoreError> {
        self.failures
            .check(policy.words(), self.clock.latest_ns())?;
        if self.last_run >= TOO_MANY {
            return Err(corrupt("it started more runs than there was time for"));
        }
        let ended = self
            .last_run
            .checked_sub(self.stage.in_flight().into())
            .ok_or(corrupt("a run is in flight that was never started"))?;
        if u64::from(self.attempts) > ended {
            return Err(corrupt("it waited more often than a run ended"));
        }
        if self.attempts == 0 && self.previous_wait_ns != 0 {
            return Err(corrupt("a last wait without any"));
        }
        let longest_ns = policy.longest_wait_ns(self.attempts);
        if policy.backoff.remembers_wait() && self.previous_wait_ns > longest_ns {
            return Err(misfit("its last wait is longer than the policy allows"));
        }
        self.check_failures(policy)?;
        match self.stage {
            Stage::Waiting { at_ns } => match self.clock.latest_ns().checked_add(longest_ns) {
                Some(latest_ns) if at_ns > latest_ns => {
                    Err(misfit("it waits for longer than the policy allows"))
                }
                _ => Ok(()),
            },
            Stage::Running { since_ns } if since_ns > self.clock.latest_ns() => {
                Err(corrupt("its run began in the future"))
            }
            _ => Ok(()),
        }
    }

    /// The failures that it remembers fit its waits and its stage.
    fn check_failures(&self, policy: &RestartPolicy) -> Result<(), RestoreError> {
        let max_restarts = policy.intensity.map(|limit| limit.max_restarts);
        let escalates_at = max_restarts.map(|max| max.saturating_add(1));
        // The failure that escalates is remembered, and followed by no wait.
        let over = match self.stage {
            Stage::Escalated { failures } if escalates_at != Some(failures) => {
                return Err(misfit("the policy does not escalate at so many failures"));
            }
            Stage::Escalated { .. } | Stage::Stopped { .. } => 1,
            _ => 0,
        };
        let most = self.attempts.saturating_add(over);
        let fits = max_restarts.is_none_or(|max| self.failures.len() <= max.saturating_add(over));
        if self.failures.len() > most || !fits {
            return Err(corrupt("it remembers more failures than it restarted"));
        }
        Ok(())
    }

    /// On another origin of time; the run in flight is gone.
    pub(super) fn rebased(mut self, policy: &RestartPolicy, rebase: &Rebase) -> Self {
        if let Some(limit) = policy.intensity {
            // As far as the instants move, wherever the clock was by then.
            let now_ns = rebase.taken_at_ns.saturating_add(rebase.away_ns());
            self.failures.prune(limit.window_ns, now_ns);
            self.failures = self.failures.rebased(rebase);
        }
        self.clock = rebase.clock(self.clock);
        let latest_ns = self.clock.latest_ns();
        self.stage = match self.stage {
            Stage::Waiting { at_ns } => {
                let longest_ns = policy.longest_wait_ns(self.attempts);
                let last_ns = latest_ns.checked_add(longest_ns);
                match rebase.deadline_ns(at_ns).into_iter().chain(last_ns).min() {
                    Some(at_ns) => Stage::Waiting { at_ns },
                    None => Stage::Stopped { in_flight: false },
                }
            }
            Stage::Running { .. } | Stage::Leaving => Stage::Waiting { at_ns: latest_ns },
            Stage::Stopped { .. } => Stage::Stopped { in_flight: false },
            escalated @ Stage::Escalated { .. } => escalated,
        };
        self
    }
}
