//! The state of a health probe as plain data, and the check that a stored one must pass.

use super::policy::HealthProbePolicy;
use crate::breaker::Health;
use crate::error::{RestoreError, corrupt, misfit};
use crate::named::TOO_MANY;
use crate::rebase::Rebase;
use crate::time::Monotone;
use crate::version::Version;

/// What a [`HealthProbe`](super::HealthProbe) remembers; store it, compare it, [restore](super::HealthProbe::restore)
/// it.
///
/// A probe in flight stays valid across a restore, because its id is plain data.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Reported, backoff::Jitter, health::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let policy = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None).build()?;
/// let mut machine = HealthProbe::new(policy);
/// let ProbeAction::Send { probe, .. } = machine.poll(0, &mut rng) else { panic!("due at once") };
/// let stored: HealthProbeState = machine.state();
///
/// let mut restored = HealthProbe::restore(policy, stored)?;
/// assert_eq!(restored.on_report(30, probe, Probed::Passed).reported, Reported::Counted);
/// assert_eq!(restored.next_deadline_ns(), Some(1_030));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HealthProbeState {
    version: Version<1>,
    pub(super) clock: Monotone,
    pub(super) health: Option<Health>,
    /// Results in a row, of probes and traffic: one of the two is 0.
    pub(super) passed: u32,
    pub(super) failed: u32,
    /// The id of the latest probe; 0 before the first.
    pub(super) last_probe: u64,
    /// Failed probes in a row while down, each followed by a longer wait.
    pub(super) down_waits: u32,
    /// The last of those waits, which decorrelated jitter starts from.
    pub(super) previous_wait_ns: u64,
    pub(super) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Stage {
    /// The next probe is sent at this instant, if there is one.
    Waiting { at_ns: Option<u64> },
    /// The latest probe is in flight.
    Probing {
        /// `None` past the last instant.
        timeout_at_ns: Option<u64>,
        /// Drawn when it was sent, for the wait that follows: its time may end in a call without a generator.
        word: u64,
    },
    /// The time of the latest probe was over at `ended_ns`, and whoever sent it has not been told yet. The next is sent
    /// at `at_ns`.
    Lost { ended_ns: u64, at_ns: Option<u64> },
}

impl HealthProbeState {
    pub(super) const fn fresh() -> Self {
        Self {
            version: Version,
            clock: Monotone::since(0),
            health: None,
            passed: 0,
            failed: 0,
            last_probe: 0,
            down_waits: 0,
            previous_wait_ns: 0,
            stage: Stage::Waiting { at_ns: Some(0) },
        }
    }

    /// The state is untrusted: it may come from a file, another policy or an attacker.
    pub(super) fn check(&self, policy: &HealthProbePolicy) -> Result<(), RestoreError> {
        if self.last_probe >= TOO_MANY {
            return Err(corrupt("it sent more probes than there was time for"));
        }
        if self.passed > 0 && self.failed > 0 {
            return Err(corrupt("its results passed and failed at once"));
        }
        let undecided_up = self.passed >= policy.rise && self.health != Some(Health::Up);
        let undecided_down = self.failed >= policy.fall && self.health != Some(Health::Down);
        if undecided_up || undecided_down {
            return Err(misfit("by the policy its results have another verdict"));
        }
        self.check_down_waits(policy)?;
        match self.stage {
            Stage::Waiting { at_ns } => self.check_deadline(at_ns, policy.longest_wait_ns()),
            _ if self.last_probe == 0 => Err(corrupt("a probe is in flight that was never sent")),
            Stage::Probing { timeout_at_ns, .. } => {
                self.check_deadline(timeout_at_ns, policy.timeout_ns)
            }
            Stage::Lost { ended_ns, .. } if ended_ns > self.clock.latest_ns() => {
                Err(corrupt("the time of its probe was over in the future"))
            }
            Stage::Lost { at_ns, .. } => self.check_deadline(at_ns, policy.longest_wait_ns()),
        }
    }

    fn check_down_waits(&self, policy: &HealthProbePolicy) -> Result<(), RestoreError> {
        let down = self.health == Some(Health::Down);
        if self.down_waits > 0 && !down {
            return Err(corrupt("it waits as if it was down"));
        }
        let in_flight = matches!(self.stage, Stage::Probing { .. });
        if u64::from(self.down_waits) > self.last_probe.saturating_sub(in_flight.into()) {
            return Err(corrupt("more probes failed than ended"));
        }
        if self.down_waits == 0 && self.previous_wait_ns != 0 {
            return Err(corrupt("a last wait without any"));
        }
        let remembers = policy.down.is_some_and(|waits| waits.remembers_wait());
        if remembers && self.previous_wait_ns > policy.longest_wait_ns() {
            return Err(misfit("its last wait is longer than the policy allows"));
        }
        Ok(())
    }

    /// A deadline set by now lies at most `longest_ns` ahead, and exists unless that is past the last instant.
    fn check_deadline(&self, at_ns: Option<u64>, longest_ns: u64) -> Result<(), RestoreError> {
        match (at_ns, self.clock.latest_ns().checked_add(longest_ns)) {
            (Some(at_ns), Some(latest_ns)) if at_ns <= latest_ns => Ok(()),
            (_, None) => Ok(()),
            _ => Err(misfit("it waits for longer than the policy allows")),
        }
    }

    /// On another origin of time; the probe in flight is gone.
    pub(super) fn rebased(mut self, policy: &HealthProbePolicy, rebase: &Rebase) -> Self {
        self.clock = rebase.clock(self.clock);
        let latest_ns = self.clock.latest_ns();
        let at_ns = match self.stage {
            Stage::Probing { .. } => Some(latest_ns),
            Stage::Waiting { at_ns } | Stage::Lost { at_ns, .. } => {
                let last_ns = latest_ns.checked_add(policy.longest_wait_ns());
                let at_ns = at_ns.and_then(|at_ns| rebase.deadline_ns(at_ns));
                at_ns.into_iter().chain(last_ns).min()
            }
        };
        self.stage = Stage::Waiting { at_ns };
        self
    }
}
