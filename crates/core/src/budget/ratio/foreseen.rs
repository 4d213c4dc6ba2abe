//! When a refused retry will be allowed: searched for, slice by slice, and remembered while that slice lasts.

use core::num::NonZeroU64;

use super::policy::RetryRatioPolicy;
use crate::tally::{Sums, Tally};

/// What a search found, and which refusals have the same answer.
///
/// A slice that leaves frees what its retries cost, less what its requests allowed. A refusal ends when slices leave
/// that free together what it lacks. What those before the current one free, no request and no retry changes: until the
/// current one is another, all refusals that lack between two amounts come back at one instant.
///
/// It is worked out from the state, so it is no part of it, and no answer depends on what is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foreseen {
    /// The slice that was the current one.
    slice: u64,
    /// The most that is free before that instant: a refusal that lacks no more comes back earlier.
    above: u64,
    /// What is free at that instant. A refusal lacks at least 1, so that 0 is for none.
    up_to: u64,
    retry_at_ns: Option<NonZeroU64>,
}

impl Foreseen {
    /// Nothing was searched for, or what was found may have changed.
    pub(super) const NOTHING: Self = Self {
        slice: 0,
        above: 0,
        up_to: 0,
        retry_at_ns: None,
    };

    /// Whether it holds for a retry that lacks `missing` while `slice` is the current one.
    #[inline]
    pub(super) const fn covers(&self, slice: u64, missing: u64) -> bool {
        self.slice == slice && self.above < missing && missing <= self.up_to
    }

    /// When such a retry will be allowed; `None` when it never will.
    #[inline]
    pub(super) fn retry_at_ns(&self) -> Option<u64> {
        self.retry_at_ns.map(NonZeroU64::get)
    }

    /// One step a slice.
    pub(super) fn found(policy: &RetryRatioPolicy, tally: &Tally, missing: u64) -> Self {
        let grid = policy.grid;
        let (mut gone, mut above, mut up_to) = (Sums::default(), 0, 0);
        let before_current = (grid.slices() as usize).saturating_sub(1);
        let enough = tally
            .words_ahead(grid)
            .take(before_current)
            .position(|word| {
                gone = gone.plus(word);
                above = above.max(up_to);
                up_to = policy.freed(gone);
                up_to >= missing
            });
        let steps = match enough {
            Some(place) => Some(place.saturating_add(1)),
            // Nothing is left after the current one, whatever comes into it until then.
            None => {
                (above, up_to) = (above.max(up_to), u64::MAX);
                let allows = policy.allows(Sums::default());
                allows.then_some(before_current.saturating_add(1))
            }
        };
        let retry_at_ns = steps.and_then(|steps| tally.start_ahead(grid, steps));
        Self {
            slice: tally.index(),
            above,
            up_to,
            // Not 0: a slice to come does not begin there.
            retry_at_ns: retry_at_ns.and_then(NonZeroU64::new),
        }
    }
}
