//! One breaker of a table: its state, when something last happened to it, and when it may be forgotten.

use super::policy::BreakerTablePolicy;
use crate::breaker::{BreakerState, BreakerStats, Mode, Phase};
use crate::table::keyed::Queue;
use crate::time::Monotone;

/// How far the generations of two stays in a table lie apart.
pub(super) const STAY_BITS: u32 = 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Entry {
    /// The how-manieth breaker of its table it is: the order in which they came.
    pub(super) stay: u64,
    /// The last ask, report or command.
    pub(super) last_ns: u64,
    pub(super) state: BreakerState,
}

impl Entry {
    /// As new at `now_ns`; its permits carry `tag`, and the first generation of its stay or later ones.
    pub(super) fn fresh(policy: &BreakerTablePolicy, stay: u64, tag: u32, now_ns: u64) -> Self {
        let mut state = BreakerState::fresh(policy.breaker(), tag);
        state.generation = stay << STAY_BITS;
        state.clock = Monotone::since(now_ns);
        Self {
            stay,
            last_ns: now_ns,
            state,
        }
    }

    pub(super) fn phase(&self, policy: &BreakerTablePolicy, now_ns: u64) -> Phase {
        self.state.phase(policy.breaker(), now_ns)
    }

    /// Where it waits, and until when: closed ones, and those that no time changes, behind all others.
    pub(super) fn queue(&self, policy: &BreakerTablePolicy) -> (Queue, u64) {
        match self.state.next_deadline_ns(policy.breaker()) {
            Some(at_ns) => (Queue::Due, at_ns),
            None => (Queue::Parked, u64::MAX),
        }
    }

    /// When nothing is known of it any more: `forget_after` after the last call, but for an open one after the end of
    /// its wait. `None` while an operator holds it, or while no instant ends its wait.
    pub(super) fn forgotten_at_ns(&self, policy: &BreakerTablePolicy) -> Option<u64> {
        let breaker = policy.breaker();
        if self.state.mode != Mode::Normal {
            return None;
        }
        let deadline_ns = self.state.next_deadline_ns(breaker);
        let settled_ns = match self.state.phase(breaker, 0) {
            Phase::Closed => self.last_ns,
            Phase::Open => deadline_ns?,
            Phase::HalfOpen => match deadline_ns {
                None => self.last_ns,
                // Probes that are out would be lost then, and another wait would follow.
                Some(lost_ns) => {
                    let mut later = self.state.clone();
                    let _ = later.advance(breaker, lost_ns);
                    match later.phase(breaker, 0) {
                        Phase::Open => later.next_deadline_ns(breaker)?,
                        _ => lost_ns,
                    }
                }
            },
        };
        let quiet_ns = settled_ns.max(self.last_ns);
        quiet_ns.checked_add(policy.forget_after_ns())
    }

    pub(super) fn is_forgotten(&self, policy: &BreakerTablePolicy, now_ns: u64) -> bool {
        // Never sooner than this, so that the state need not be looked at.
        let earliest_ns = self.last_ns.checked_add(policy.forget_after_ns());
        earliest_ns.is_some_and(|at_ns| at_ns <= now_ns)
            && self
                .forgotten_at_ns(policy)
                .is_some_and(|at_ns| at_ns <= now_ns)
    }
}

/// Adds what another breaker counted.
pub(super) const fn add(sum: &mut BreakerStats, more: &BreakerStats) {
    sum.admitted = sum.admitted.wrapping_add(more.admitted);
    sum.refused = sum.refused.wrapping_add(more.refused);
    sum.would_refuse = sum.would_refuse.wrapping_add(more.would_refuse);
    sum.successes = sum.successes.wrapping_add(more.successes);
    sum.failures = sum.failures.wrapping_add(more.failures);
    sum.released = sum.released.wrapping_add(more.released);
    sum.stale = sum.stale.wrapping_add(more.stale);
    sum.lost = sum.lost.wrapping_add(more.lost);
    sum.opened = sum.opened.wrapping_add(more.opened);
}
