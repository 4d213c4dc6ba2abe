//! The short way of a call in closed: so many successes are promised to have no consequence, and need not be judged.
//!
//! The long way ([`decide`](BreakerState::decide) and [`settle`](BreakerState::settle)) is the whole truth, and a breaker
//! without a promise goes it always. The short one leaves out what the long one would find: while a breaker is closed, on
//! no ramp and not forced, an ask is admitted; and a success fires no trigger where none fired at the last judgement and
//! no count rises but that of the calls. It breaks off a row of failures, and
//!
//! - without a window nothing else is judged;
//! - in a full window of calls no count changes, as long as the place that it takes held a success too;
//! - in a window of time every rate falls, as long as no slice leaves and no trigger judges that had too few calls before.
//!
//! So the long way, where it judged and nothing fired, looks ahead for how many successes that holds ([`Quiet::ahead`]).
//! A change of phase or of mode takes the promise back. To promise nothing is always right.

use core::hash::{Hash, Hasher};

use super::permit::PermitId;
use super::policy::BreakerPolicy;
use super::state::{BreakerState, Stage};
use super::window::{Layout, Results};

/// How many successes are promised to have no consequence.
///
/// It says nothing that the rest of a state does not say: it is not stored, and states that differ in it are equal. A copy
/// of a state is promised nothing, as it may be restored under another policy.
///
/// Above zero without a window or with one of calls, below it with one of time: one look tells the two apart, too.
#[derive(Debug, Default)]
pub(super) struct Quiet(i32);

impl Quiet {
    pub(super) const NONE: Self = Self(0);

    /// For a breaker that is closed, on no ramp and not forced, and has just judged `results` without consequence.
    pub(super) fn ahead(policy: &BreakerPolicy, results: &Results, words: &[u64]) -> Self {
        let at_most = |calls: u32| i32::try_from(calls).unwrap_or(i32::MAX);
        Self(match (results, &policy.layout) {
            (Results::None, _) => i32::MAX,
            (Results::Ring(ring), Layout::Ring(shape)) => at_most(ring.clear_ahead(*shape, words)),
            (Results::Slices { calls, .. }, _) => {
                let ahead = policy.judges_alike_until(*calls).saturating_sub(*calls);
                at_most(ahead).wrapping_neg()
            }
            _ => 0,
        })
    }

    #[inline]
    pub(super) const fn is_promised(&self) -> bool {
        self.0 != 0
    }
}

impl BreakerState {
    /// Counts a success that was promised to have no consequence; false, and nothing is done, where it was not.
    #[inline]
    pub(super) fn pass_quietly(
        &mut self,
        policy: &BreakerPolicy,
        permit: PermitId,
        latency_ns: u64,
    ) -> bool {
        // Not those of a window of time: they would double the code that every caller takes in. It does not wrap: a promise is
        // at most `i32::MAX` either way.
        let left = self.quiet.0.wrapping_sub(1);
        if left < 0 || !self.is_plain(policy, permit, latency_ns) {
            return false;
        }
        // One after the other is fewer steps than to tell all stages apart.
        if let Stage::Closed {
            results: Results::Ring(ring),
            ..
        } = &mut self.stage
        {
            ring.step();
        }
        let Stage::Closed { consecutive, .. } = &mut self.stage else {
            return false;
        };
        *consecutive = 0;
        self.stats.successes = self.stats.successes.wrapping_add(1);
        self.quiet.0 = left;
        true
    }

    /// The same where a window of time is the one to count it.
    #[inline]
    pub(super) fn pass_in_slice(
        &mut self,
        policy: &BreakerPolicy,
        permit: PermitId,
        latency_ns: u64,
    ) -> bool {
        if self.quiet.0 >= 0 || !self.is_plain(policy, permit, latency_ns) {
            return false;
        }
        let (words, now_ns) = (self.words.words_mut(), self.clock.latest_ns());
        let (
            Stage::Closed {
                consecutive,
                results,
                ..
            },
            Layout::Slices(grid),
        ) = (&mut self.stage, &policy.layout)
        else {
            return false;
        };
        if !results.add_clear(*grid, &policy.planes, words, now_ns) {
            return false;
        }
        *consecutive = 0;
        self.stats.successes = self.stats.successes.wrapping_add(1);
        self.quiet.0 = self.quiet.0.wrapping_add(1);
        true
    }

    /// A call let through in this closed phase, and below every limit.
    #[inline]
    fn is_plain(&self, policy: &BreakerPolicy, permit: PermitId, latency_ns: u64) -> bool {
        !policy.planes.any_above(latency_ns) && permit == self.permit_id(PermitId::CLOSED)
    }
}

impl Clone for Quiet {
    fn clone(&self) -> Self {
        Self::NONE
    }
}

impl PartialEq for Quiet {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Quiet {}

impl Hash for Quiet {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
