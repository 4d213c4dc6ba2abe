//! A breaker's state on another origin of time: instants and slices move, and what was in flight is gone.

use super::leases;
use super::policy::BreakerPolicy;
use super::quiet::Quiet;
use super::state::{BreakerState, Stage};
use super::window::{Layout, Planes, Results, add, counters, empty, get, take};
use crate::packed::PackedNs;
use crate::rebase::Rebase;
use crate::slices::SliceGrid;
use crate::time::Monotone;

impl BreakerState {
    /// The state, which passed [`check`](Self::check), as another process goes on with it; it passes again.
    pub(crate) fn rebased(mut self, policy: &BreakerPolicy, rebase: &Rebase) -> Self {
        let taken_ns = self.clock.peek(rebase.taken_at_ns);
        self.generation = self.generation.wrapping_add(1);
        self.quiet = Quiet::NONE;
        self.clock = rebase.clock(self.clock);
        let moved = |past: PackedNs| PackedNs::new(past.get().map(|at_ns| rebase.past_ns(at_ns)));
        self.last_close_ns = moved(self.last_close_ns);
        let latest_end_ns = self.latest_end_ns(policy);
        let words = self.words.words_mut();
        match &mut self.stage {
            Stage::Closed {
                ramp_from_ns,
                results,
                ..
            } => {
                *ramp_from_ns = moved(*ramp_from_ns);
                if let Layout::Slices(grid) = policy.layout {
                    // What has left the window by now must not come back where the new clock stands early.
                    let now_ns = rebase.old_now_ns(Monotone::since(taken_ns));
                    results.slide(grid, &policy.planes, words, now_ns);
                    let begins_ns = rebase_slices(results, grid, &policy.planes, words, rebase);
                    let _ = self.clock.observe(begins_ns);
                }
            }
            Stage::Open { until_ns } => {
                let moved_ns = match *until_ns {
                    Some(at_ns) => rebase.deadline_ns(at_ns),
                    // No instant of the old clock was late enough for the wait; one of the new clock may be.
                    None => self.clock.latest_ns().checked_add(self.previous_wait_ns),
                };
                *until_ns = match (moved_ns, latest_end_ns) {
                    (Some(at_ns), Some(latest_ns)) => Some(at_ns.min(latest_ns)),
                    (moved_ns, latest_ns) => moved_ns.or(latest_ns),
                };
            }
            Stage::HalfOpen { leases, .. } => {
                *leases = leases::keep_lost(words, *leases, taken_ns, rebase);
            }
        }
        self
    }
}

/// Moves the slices of a time window to their new places and drops those before 0; the instant at which the current
/// slice begins now.
fn rebase_slices(
    results: &mut Results,
    grid: SliceGrid,
    planes: &Planes,
    words: &mut [u64],
    rebase: &Rebase,
) -> u64 {
    let Results::Slices {
        index,
        calls,
        counts,
    } = results
    else {
        return 0;
    };
    let slices = grid.slices() as usize;
    let begins_ns = rebase.past_ns(index.saturating_mul(grid.slice_ns()));
    let moved = rebase.slice(grid, *index);
    let (from, to) = (grid.place(*index), grid.place(moved));
    let by = if to >= from {
        to.wrapping_sub(from)
    } else {
        to.wrapping_add(slices).wrapping_sub(from)
    };
    let width = counters(planes);
    let (by, all) = (by.wrapping_mul(width), slices.wrapping_mul(width));
    reverse(words, 0, all);
    reverse(words, 0, by);
    reverse(words, by, all);
    // Up to slice `slices - 1` the places behind the current one are those of slices before 0.
    let first_before_0 = usize::try_from(moved.saturating_add(1)).unwrap_or(slices);
    for place in first_before_0..slices {
        empty(words, planes, place, calls, counts);
    }
    *index = moved;
    begins_ns
}

/// Reverses the counters `from..to`.
fn reverse(words: &mut [u64], from: usize, to: usize) {
    for step in 0..to.saturating_sub(from) >> 1 {
        let (low, high) = (
            from.wrapping_add(step),
            to.wrapping_sub(step).wrapping_sub(1),
        );
        let (down, up) = (get(words, high), get(words, low));
        for (at, count) in [(low, down), (high, up)] {
            let _ = take(words, at);
            add(words, at, count.into());
        }
    }
}
