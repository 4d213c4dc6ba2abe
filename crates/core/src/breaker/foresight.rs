//! What time alone will do to a breaker: pure, so that a query changes nothing and a skipped poll is never missed.

use super::answer::RefusedBy;
use super::counters::{BreakerStats, WindowCounts};
use super::leases;
use super::policy::BreakerPolicy;
use super::state::{BreakerState, Stage};
use super::told::{Health, Mode};
use super::transition::Phase;
use super::window::Results;
use crate::refusal::Refusal;

/// How the stored stage stands at a later instant.
pub(super) enum Foreseen {
    /// As stored (though some leases may be over).
    AsStored,
    /// Open until the given instant: so many leases ended that the trials failed.
    Reopened { until_ns: Option<u64> },
    /// Half-open, with no probe sent yet.
    FreshHalfOpen,
}

impl BreakerState {
    /// Whether health stands in the way of leaving open.
    pub(super) fn is_healthy(&self, policy: &BreakerPolicy) -> bool {
        !policy.until_healthy() || self.health == Some(Health::Up)
    }

    /// Whether time passes for the phase: an operator's mode stops it.
    pub(super) const fn is_forced(&self) -> bool {
        matches!(self.mode, Mode::ForcedOpen | Mode::ForcedClosed)
    }

    /// The lease whose end makes the trials fail, if so many probes are out.
    pub(super) fn losing_lease(&self, policy: &BreakerPolicy) -> Option<u32> {
        match self.stage {
            Stage::HalfOpen { failed, leases, .. } => {
                let losing = policy.failures_allowed().saturating_sub(failed);
                (losing < leases).then_some(losing)
            }
            _ => None,
        }
    }

    /// When the trials fail if no probe reports.
    pub(super) fn losing_deadline_ns(&self, policy: &BreakerPolicy) -> Option<u64> {
        match self.stage {
            Stage::HalfOpen { leases, .. } => {
                let losing = self.losing_lease(policy)?;
                leases::deadline_ns(self.words.words(), leases, losing)
            }
            _ => None,
        }
    }

    /// The wait of the next open, from its random word. Without one the longest: the policy had no jitter when it was
    /// to be drawn.
    pub(super) fn next_wait_ns(&self, policy: &BreakerPolicy, word: Option<u64>) -> u64 {
        let open = policy.open();
        let ceiling_ns = open.ceiling_ns(self.opens.saturating_add(1));
        open.drawn_ns(ceiling_ns, self.previous_wait_ns, word.unwrap_or(u64::MAX))
    }

    pub(super) fn foresee(&self, policy: &BreakerPolicy, now_ns: u64) -> Foreseen {
        if self.is_forced() {
            return Foreseen::AsStored;
        }
        let (until_ns, reopened) = match self.stage {
            Stage::Closed { .. } => return Foreseen::AsStored,
            Stage::Open { until_ns } => (until_ns, false),
            Stage::HalfOpen { reopen_word, .. } => match self.losing_deadline_ns(policy) {
                Some(at_ns) if at_ns <= now_ns => {
                    let wait_ns = self.next_wait_ns(policy, reopen_word);
                    (at_ns.checked_add(wait_ns), true)
                }
                _ => return Foreseen::AsStored,
            },
        };
        if until_ns.is_some_and(|at_ns| at_ns <= now_ns) && self.is_healthy(policy) {
            Foreseen::FreshHalfOpen
        } else if reopened {
            Foreseen::Reopened { until_ns }
        } else {
            Foreseen::AsStored
        }
    }

    pub(crate) fn phase(&self, policy: &BreakerPolicy, now_ns: u64) -> Phase {
        match self.foresee(policy, self.clock.peek(now_ns)) {
            Foreseen::AsStored => self.stage.phase(),
            Foreseen::Reopened { .. } => Phase::Open,
            Foreseen::FreshHalfOpen => Phase::HalfOpen,
        }
    }

    pub(crate) fn next_deadline_ns(&self, policy: &BreakerPolicy) -> Option<u64> {
        if self.is_forced() {
            return None;
        }
        match self.stage {
            Stage::Closed { .. } => None,
            Stage::Open { until_ns } if self.is_healthy(policy) => until_ns,
            Stage::Open { .. } => None,
            Stage::HalfOpen { .. } => self.losing_deadline_ns(policy),
        }
    }

    /// How many leases are over at `now_ns` but not yet taken off, up to the one that decides.
    pub(super) fn unnoticed_losses(&self, policy: &BreakerPolicy, now_ns: u64) -> u32 {
        match self.stage {
            Stage::HalfOpen { leases, .. } => {
                let lost = leases::lost(self.words.words(), leases, now_ns);
                let deciding = self
                    .losing_lease(policy)
                    .map_or(u32::MAX, |at| at.saturating_add(1));
                lost.min(deciding)
            }
            _ => 0,
        }
    }

    pub(crate) fn peek(
        &self,
        policy: &BreakerPolicy,
        now_ns: u64,
    ) -> Result<(), Refusal<RefusedBy>> {
        let now_ns = self.clock.peek(now_ns);
        match self.mode {
            Mode::ForcedOpen => return Err(Refusal::new(RefusedBy::ForcedOpen, None)),
            Mode::ForcedClosed | Mode::Observe => return Ok(()),
            Mode::Normal => {}
        }
        match (self.foresee(policy, now_ns), self.stage) {
            (Foreseen::Reopened { until_ns }, _)
            | (Foreseen::AsStored, Stage::Open { until_ns }) => {
                Err(self.open_refusal(policy, until_ns, now_ns))
            }
            (Foreseen::AsStored, Stage::HalfOpen { .. }) => {
                self.probe_room(policy, self.unnoticed_losses(policy, now_ns))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn open_refusal(
        &self,
        policy: &BreakerPolicy,
        until_ns: Option<u64>,
        now_ns: u64,
    ) -> Refusal<RefusedBy> {
        if self.is_healthy(policy) {
            Refusal::new(RefusedBy::Open, until_ns)
        } else if until_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            Refusal::new(RefusedBy::Unhealthy, None)
        } else {
            Refusal::new(RefusedBy::Open, None)
        }
    }

    /// Whether one more probe may go out, after the oldest `lost` leases are over.
    pub(super) fn probe_room(
        &self,
        policy: &BreakerPolicy,
        lost: u32,
    ) -> Result<(), Refusal<RefusedBy>> {
        let Stage::HalfOpen {
            passed,
            failed,
            leases,
            reopen_word,
            ..
        } = self.stage
        else {
            return Ok(());
        };
        let live = leases.saturating_sub(lost);
        let trials_left = passed.saturating_add(failed).saturating_add(leases) < policy.trials();
        if trials_left && live < policy.max_in_flight() {
            return Ok(());
        }
        // With trials left, the end of the oldest lease makes room, unless the trials fail at that instant: leases
        // that end together are lost together. Without, only failed trials do, and the wait after them.
        let oldest_ns = leases::deadline_ns(self.words.words(), leases, lost);
        let losing_ns = self.losing_deadline_ns(policy);
        let retry_at_ns = if trials_left && losing_ns != oldest_ns {
            oldest_ns
        } else if self.is_healthy(policy) {
            losing_ns.and_then(|at_ns| at_ns.checked_add(self.next_wait_ns(policy, reopen_word)))
        } else {
            None
        };
        Err(Refusal::new(RefusedBy::HalfOpenFull, retry_at_ns))
    }

    pub(crate) fn stats_at(&self, policy: &BreakerPolicy, now_ns: u64) -> BreakerStats {
        let now_ns = self.clock.peek(now_ns);
        let mut stats = self.stats;
        let lost = self.unnoticed_losses(policy, now_ns);
        stats.lost = stats.lost.wrapping_add(lost.into());
        let trials_failed = self
            .losing_deadline_ns(policy)
            .is_some_and(|at_ns| at_ns <= now_ns);
        stats.opened = stats.opened.wrapping_add(u64::from(trials_failed));
        stats
    }

    pub(super) fn window_at(&self, policy: &BreakerPolicy, now_ns: u64) -> WindowCounts {
        let now_ns = self.clock.peek(now_ns);
        let (planes, layout) = (&policy.planes, &policy.layout);
        let results = match self.stage {
            Stage::Closed { results, .. } => {
                results.as_of(layout, planes, self.words.words(), now_ns)
            }
            _ => Results::empty(layout),
        };
        let counts = results.counts();
        WindowCounts {
            calls: counts.calls,
            failures: planes.failed_plane().and_then(|plane| counts.of(plane)),
            slow: planes
                .plane_above(policy.slow_limit_ns)
                .and_then(|plane| counts.of(plane)),
        }
    }
}
