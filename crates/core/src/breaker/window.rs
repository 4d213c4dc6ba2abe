//! The results that a closed breaker looks at: the last n, or those of a span of time; a few bits for each.
//!
//! Every windowed trigger asks "for how many results does my condition hold", so a window keeps one count for each
//! distinct condition (a *plane*): it failed, or it took longer than a limit. Nothing is sorted, summed or stored.

use core::time::Duration;

use super::trigger::{MAX_TRIGGERS, Trigger};
use crate::bits::{BitRing, RingShape};
use crate::slices::SliceGrid;
use crate::time::{MAX_SPAN_NS, span_ns};

/// Which results a breaker's windowed triggers look at.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Failures { failures: 2 });
/// let mut breaker = Breaker::new(builder.window(Window::Count { calls: 3 }).build()?);
/// let (failure, success) = (Outcome::Failure, Outcome::Success);
/// // The second failure finds the first no more among the last three results; the third finds the second.
/// for outcome in [failure, success, success, failure, failure] {
///     assert_eq!(breaker.phase(0), Phase::Closed);
///     let call = breaker.try_acquire(0, &mut rng)?;
///     let _ = breaker.on_outcome(0, call.permit, outcome, 5, &mut rng);
/// }
/// assert_eq!(breaker.phase(0), Phase::Open);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last `calls` results, however old.
    Count {
        /// From 1 to 65 536. Without the feature `alloc` at most 2 048 bits: 2 048 calls where the triggers look at one
        /// condition (failed, or one limit), 1 024 for two, 512 for three or four.
        calls: u32,
    },
    /// The results of the last `span`, in `slices` that leave one at a time: the current slice, which is
    /// `floor(now / (span / slices))`, and the `slices - 1` before it.
    Time {
        /// A whole multiple of `slices` nanoseconds.
        span: Duration,
        /// From 1 to 1 024. More slices forget more smoothly and cost a few bytes each. Without the feature `alloc` at
        /// most 32, 21, 16 or 12, by the number of conditions.
        slices: u32,
    },
}

/// The conditions that a window counts, compiled from the triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Planes {
    /// A result has bit `i` when its latency is above `limits_ns[i]`; `u64::MAX` is above nothing.
    limits_ns: [u64; MAX_TRIGGERS],
    /// The least of the limits: most results are above none.
    least_limit_ns: u64,
    /// The bit of a failure; 0 when no trigger counts failures.
    failed_bit: u64,
    len: u8,
}

impl Planes {
    pub(super) const NONE: Self = Self {
        limits_ns: [u64::MAX; MAX_TRIGGERS],
        least_limit_ns: u64::MAX,
        failed_bit: 0,
        len: 0,
    };

    /// The plane that `trigger` counts, added if no earlier trigger has the same condition.
    pub(super) fn plane_of(&mut self, trigger: &Trigger) -> u8 {
        match trigger.limit() {
            Some(limit) => {
                let limit_ns = span_ns(limit).unwrap_or(MAX_SPAN_NS);
                self.plane_above(limit_ns).unwrap_or_else(|| {
                    let plane = self.added();
                    if let Some(ns) = self.limits_ns.get_mut(usize::from(plane)) {
                        *ns = limit_ns;
                        self.least_limit_ns = self.least_limit_ns.min(limit_ns);
                    }
                    plane
                })
            }
            None if !trigger.needs_window() => 0,
            None => {
                if self.failed_bit == 0 {
                    self.failed_bit = 1 << self.added();
                }
                self.failed_plane().unwrap_or(0)
            }
        }
    }

    /// The plane of the failures, if a trigger counts them.
    pub(super) fn failed_plane(&self) -> Option<u8> {
        let plane = u8::try_from(self.failed_bit.trailing_zeros()).ok();
        plane.filter(|_| self.failed_bit != 0)
    }

    /// The plane of the results that took longer than `limit_ns`, if a trigger counts them.
    pub(super) fn plane_above(&self, limit_ns: u64) -> Option<u8> {
        let unused = limit_ns == u64::MAX;
        let plane = self.limits_ns.iter().position(|&ns| ns == limit_ns);
        plane
            .filter(|_| !unused)
            .and_then(|plane| u8::try_from(plane).ok())
    }

    fn added(&mut self) -> u8 {
        let plane = self.len;
        self.len = plane.saturating_add(1);
        plane
    }

    pub(super) fn len(&self) -> usize {
        self.len.into()
    }

    /// Whether a result of `latency_ns` has a bit for it.
    #[inline]
    pub(super) const fn any_above(&self, latency_ns: u64) -> bool {
        latency_ns > self.least_limit_ns
    }

    /// The bits of a result.
    #[inline]
    fn bits(&self, failed: bool, latency_ns: u64) -> u64 {
        let mut bits = if failed { self.failed_bit } else { 0 };
        if !self.any_above(latency_ns) {
            return bits;
        }
        for (plane, limit_ns) in self.limits_ns.iter().enumerate() {
            bits |= u64::from(latency_ns > *limit_ns) << plane;
        }
        bits
    }
}

/// How a window lies in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Layout {
    /// No trigger looks at a window.
    None,
    Ring(RingShape),
    /// Slices of `1 + planes` counters of 32 bits, two to a word.
    Slices(SliceGrid),
}

impl Layout {
    pub(super) fn words(&self, planes: &Planes) -> usize {
        match self {
            Self::None => 0,
            Self::Ring(shape) => shape.words(),
            Self::Slices(grid) => counters(planes)
                .saturating_mul(grid.slices() as usize)
                .div_ceil(2),
        }
    }
}

/// How many counters of 32 bits a slice has.
pub(super) fn counters(planes: &Planes) -> usize {
    planes.len().saturating_add(1)
}

/// What a window has counted; its bits and slices are in the breaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub(super) enum Results {
    None,
    Ring(BitRing<MAX_TRIGGERS>),
    Slices {
        /// The current slice.
        index: u64,
        calls: u32,
        counts: [u32; MAX_TRIGGERS],
    },
}

/// The counts of a window, for the triggers to judge.
pub(super) struct Counts {
    pub(super) calls: u32,
    pub(super) of: [u32; MAX_TRIGGERS],
}

impl Counts {
    /// How many results have the bit of `plane`; `None` where there is no such plane.
    #[inline]
    pub(super) fn of(&self, plane: u8) -> Option<u32> {
        self.of.get(usize::from(plane)).copied()
    }
}

impl Results {
    /// An empty window over zeroed words.
    pub(super) const fn empty(layout: &Layout) -> Self {
        match layout {
            Layout::None => Self::None,
            Layout::Ring(_) => Self::Ring(BitRing::new()),
            Layout::Slices(_) => Self::Slices {
                index: 0,
                calls: 0,
                counts: [0; MAX_TRIGGERS],
            },
        }
    }

    #[inline]
    pub(super) const fn counts(&self) -> Counts {
        let (calls, of) = match self {
            Self::None => (0, [0; MAX_TRIGGERS]),
            Self::Ring(ring) => (ring.len(), ring.counts()),
            Self::Slices { calls, counts, .. } => (*calls, *counts),
        };
        Counts { calls, of }
    }

    /// Records one result at `now_ns`; the counts with it.
    #[inline]
    pub(super) fn record(
        &mut self,
        layout: &Layout,
        planes: &Planes,
        words: &mut [u64],
        now_ns: u64,
        failed: bool,
        latency_ns: u64,
    ) -> Counts {
        match (self, layout) {
            (Self::Ring(ring), Layout::Ring(shape)) => {
                ring.push(*shape, words, planes.bits(failed, latency_ns));
                Counts {
                    calls: ring.len(),
                    of: ring.counts(),
                }
            }
            (slices @ Self::Slices { .. }, Layout::Slices(grid)) => {
                slices.slide(*grid, planes, words, now_ns);
                slices.add(*grid, planes, words, planes.bits(failed, latency_ns));
                slices.counts()
            }
            (results, _) => results.counts(),
        }
    }

    /// Records a result without bits in the current slice; false, and nothing is done, where that is over at `now_ns`.
    #[inline]
    pub(super) fn add_clear(
        &mut self,
        grid: SliceGrid,
        planes: &Planes,
        words: &mut [u64],
        now_ns: u64,
    ) -> bool {
        let Self::Slices { index, calls, .. } = self else {
            return false;
        };
        match calls.checked_add(1) {
            Some(more) if grid.index_after(*index, now_ns) == *index => *calls = more,
            _ => return false,
        }
        add(words, slot(grid, planes, *index), 1);
        true
    }

    /// Lets the slices leave that `now_ns` is too late for; at most all of them, once.
    pub(super) fn slide(
        &mut self,
        grid: SliceGrid,
        planes: &Planes,
        words: &mut [u64],
        now_ns: u64,
    ) {
        let Self::Slices {
            index,
            calls,
            counts,
        } = self
        else {
            return;
        };
        let current = grid.index_after(*index, now_ns);
        let leaving = grid.advance(*index, current);
        for step in 1..=u64::from(leaving) {
            let place = grid.place(index.wrapping_add(step));
            empty(words, planes, place, calls, counts);
        }
        *index = current;
    }

    /// The counts as they stand at `now_ns`: as after [`slide`](Self::slide), but nothing is changed.
    pub(super) fn as_of(
        &self,
        layout: &Layout,
        planes: &Planes,
        words: &[u64],
        now_ns: u64,
    ) -> Self {
        let (
            Self::Slices {
                index,
                mut calls,
                mut counts,
            },
            Layout::Slices(grid),
        ) = (*self, layout)
        else {
            return *self;
        };
        let current = grid.index_after(index, now_ns);
        for step in 1..=u64::from(grid.advance(index, current)) {
            let first = slot(*grid, planes, index.wrapping_add(step));
            calls = calls.wrapping_sub(get(words, first));
            for (plane, count) in counts.iter_mut().enumerate().take(planes.len()) {
                let at = first.wrapping_add(1).wrapping_add(plane);
                *count = count.wrapping_sub(get(words, at));
            }
        }
        Self::Slices {
            index: current,
            calls,
            counts,
        }
    }

    fn add(&mut self, grid: SliceGrid, planes: &Planes, words: &mut [u64], bits: u64) {
        let Self::Slices {
            index,
            calls,
            counts,
        } = self
        else {
            return;
        };
        // Full at 2^32 - 1 results: further ones do not count, rather than wrap.
        let Some(more) = calls.checked_add(1) else {
            return;
        };
        *calls = more;
        let first = slot(grid, planes, *index);
        add(words, first, 1);
        for (plane, count) in counts.iter_mut().enumerate().take(planes.len()) {
            let bit = (bits >> plane) & 1;
            *count = count.wrapping_add(u32::from(bit != 0));
            add(words, first.wrapping_add(1).wrapping_add(plane), bit);
        }
    }

    /// Whether some history of results leads to these counts and words.
    pub(super) fn is_consistent(
        &self,
        layout: &Layout,
        planes: &Planes,
        words: &[u64],
        now_ns: u64,
    ) -> bool {
        match (self, layout) {
            (Self::None, Layout::None) => words.iter().all(|&word| word == 0),
            (Self::Ring(ring), Layout::Ring(shape)) => words
                .split_at_checked(shape.words())
                .is_some_and(|(used, rest)| {
                    ring.is_consistent(*shape, used) && rest.iter().all(|&word| word == 0)
                }),
            (
                Self::Slices {
                    index,
                    calls,
                    counts,
                },
                Layout::Slices(grid),
            ) => {
                *index <= grid.index(now_ns)
                    && slices_add_up(*grid, planes, words, *index, *calls, counts)
            }
            _ => false,
        }
    }
}

/// Empties the slice at `place` and takes what it counted off the totals.
#[inline]
pub(super) fn empty(
    words: &mut [u64],
    planes: &Planes,
    place: usize,
    calls: &mut u32,
    counts: &mut [u32; MAX_TRIGGERS],
) {
    let first = place.wrapping_mul(counters(planes));
    *calls = calls.wrapping_sub(take(words, first));
    for (plane, count) in counts.iter_mut().enumerate().take(planes.len()) {
        let at = first.wrapping_add(1).wrapping_add(plane);
        *count = count.wrapping_sub(take(words, at));
    }
}

/// Whether the slices sum to the totals, no slice counts more of anything than calls, and none lies before the first
/// instant.
fn slices_add_up(
    grid: SliceGrid,
    planes: &Planes,
    words: &[u64],
    index: u64,
    calls: u32,
    counts: &[u32; MAX_TRIGGERS],
) -> bool {
    let width = counters(planes);
    let mut sums = [0_u64; MAX_TRIGGERS + 1];
    for slice in 0..grid.slices() as usize {
        let first = slice.wrapping_mul(width);
        let in_slice = get(words, first);
        // Up to slice `slices - 1` the places behind the current one are those of no slice yet.
        if in_slice > 0 && slice as u64 > index {
            return false;
        }
        for (counter, sum) in sums.iter_mut().enumerate().take(width) {
            let count = get(words, first.wrapping_add(counter));
            if count > in_slice {
                return false;
            }
            *sum = sum.saturating_add(count.into());
        }
    }
    let used = width.saturating_mul(grid.slices() as usize);
    let rest_is_zero = (used..words.len().saturating_mul(2)).all(|at| get(words, at) == 0);
    let mut totals = core::iter::once(calls).chain(counts.iter().copied());
    rest_is_zero
        && sums
            .iter()
            .all(|&sum| totals.next().map(u64::from) == Some(sum))
}

fn slot(grid: SliceGrid, planes: &Planes, index: u64) -> usize {
    grid.place(index).wrapping_mul(counters(planes))
}

/// How far the counter at `at` lies from the low end of its word.
///
/// Words are rotated by it and not shifted: of a shift of 64 bits by either 0 or 32, LLVM 19 makes wrong code for 32-bit
/// ARM (`.ci/cross` runs there).
const fn half(at: usize) -> u32 {
    if at & 1 == 0 { 0 } else { 32 }
}

#[inline]
pub(super) fn get(words: &[u64], at: usize) -> u32 {
    let word = words.get(at >> 1).copied().unwrap_or(0);
    (word.rotate_right(half(at)) & 0xffff_ffff) as u32
}

#[inline]
pub(super) fn add(words: &mut [u64], at: usize, n: u64) {
    if let Some(word) = words.get_mut(at >> 1) {
        *word = word.wrapping_add(n.rotate_left(half(at)));
    }
}

/// The counter at `at`, which becomes 0.
#[inline]
pub(super) fn take(words: &mut [u64], at: usize) -> u32 {
    let count = get(words, at);
    if let Some(word) = words.get_mut(at >> 1) {
        *word = word.wrapping_sub(u64::from(count).rotate_left(half(at)));
    }
    count
}
