//! Two counts over a sliding span of time, such as requests and retries: a pair of 32-bit counters for each slice of
//! an absolute grid, and their sums.

use core::time::Duration;

use crate::config::{checked, memory};
use crate::error::{ConfigError, RestoreError, corrupt, misfit};
use crate::rebase::Rebase;
use crate::slices::SliceGrid;
use crate::store::Store;
use crate::time::Monotone;

/// Slices that lie inline, one word each; more need the feature `alloc`.
const INLINE_SLICES: usize = 16;

/// The grid of a policy whose span is in the field `span_field`, and whose slices in `slices`.
pub(crate) const fn grid(
    scope: &'static str,
    span_field: &'static str,
    span: Duration,
    slices: u32,
) -> Result<SliceGrid, ConfigError> {
    let grid = checked!(SliceGrid::new(scope, span_field, span, slices));
    checked!(memory(scope, "slices", slices as usize, INLINE_SLICES));
    Ok(grid)
}

/// Which of the two counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The low half of a word.
    Requests = 0,
    /// The high half: retries, or accepts.
    Others = 32,
}

/// The sums over the span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Sums {
    pub(crate) requests: u32,
    pub(crate) others: u32,
}

impl Sums {
    /// With the counts of one slice.
    pub(crate) const fn plus(self, word: u64) -> Self {
        Self {
            requests: self.requests.wrapping_add(half(word, Side::Requests)),
            others: self.others.wrapping_add(half(word, Side::Others)),
        }
    }

    /// Without the counts of one slice.
    const fn less(self, word: u64) -> Self {
        Self {
            requests: self.requests.wrapping_sub(half(word, Side::Requests)),
            others: self.others.wrapping_sub(half(word, Side::Others)),
        }
    }

    const fn of_mut(&mut self, side: Side) -> &mut u32 {
        match side {
            Side::Requests => &mut self.requests,
            Side::Others => &mut self.others,
        }
    }
}

/// The counts of the current slice and of those before it.
///
/// Its slice is always the one of the owner's latest instant: every call that sees a later one slides first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Tally {
    /// The current slice.
    index: u64,
    sums: Sums,
    #[cfg_attr(feature = "serde", serde(with = "crate::runs"))]
    words: Store<INLINE_SLICES>,
}

impl Tally {
    pub(crate) fn fresh(grid: SliceGrid) -> Self {
        Self {
            index: 0,
            sums: Sums::default(),
            words: Store::zeroed(grid.slices() as usize),
        }
    }

    /// The current slice.
    #[inline]
    pub(crate) const fn index(&self) -> u64 {
        self.index
    }

    /// The sums as of the last slide.
    #[inline]
    pub(crate) const fn sums(&self) -> Sums {
        self.sums
    }

    /// Lets the slices leave that `now_ns` is too late for; each at most once, after however long a silence.
    #[inline]
    pub(crate) fn slide(&mut self, grid: SliceGrid, now_ns: u64) {
        let current = grid.index_after(self.index, now_ns);
        if current != self.index {
            self.slide_to(grid, current);
        }
    }

    /// Cold, so that the calls within a slice save no registers for it.
    #[cold]
    fn slide_to(&mut self, grid: SliceGrid, current: u64) {
        for step in 1..=u64::from(grid.advance(self.index, current)) {
            let place = grid.place(self.index.wrapping_add(step));
            if let Some(word) = self.words.words_mut().get_mut(place) {
                self.sums = self.sums.less(*word);
                *word = 0;
            }
        }
        self.index = current;
    }

    /// The sums as they stand at `now_ns`: as after [`slide`](Self::slide), but nothing is changed.
    pub(crate) fn sums_at(&self, grid: SliceGrid, now_ns: u64) -> Sums {
        let current = grid.index_after(self.index, now_ns);
        let leaving = u64::from(grid.advance(self.index, current));
        (1..=leaving).fold(self.sums, |sums, step| {
            sums.less(self.word(grid, self.index.wrapping_add(step)))
        })
    }

    /// Counts one in the current slice. False when the sum is full, at 2^32 - 1: then nothing is counted.
    #[inline]
    pub(crate) fn add(&mut self, grid: SliceGrid, side: Side) -> bool {
        let sum = self.sums.of_mut(side);
        let (Some(more), Some(word)) = (
            sum.checked_add(1),
            self.words.words_mut().get_mut(grid.place(self.index)),
        ) else {
            return false;
        };
        *sum = more;
        // A slice counts at most what the sum does, so a half never runs over.
        *word = word.wrapping_add(1 << (side as u32));
        true
    }

    /// Takes one back that was counted in slice `index`. False when that slice has gone, has not come yet or counts
    /// none: then nothing is changed.
    pub(crate) fn take_back(&mut self, grid: SliceGrid, index: u64, side: Side) -> bool {
        let Some(age) = self.index.checked_sub(index) else {
            return false;
        };
        if age >= u64::from(grid.slices()) {
            return false;
        }
        let Some(word) = self.words.words_mut().get_mut(grid.place(index)) else {
            return false;
        };
        if half(*word, side) == 0 {
            return false;
        }
        *word = word.wrapping_sub(1 << (side as u32));
        let sum = self.sums.of_mut(side);
        *sum = sum.wrapping_sub(1);
        true
    }

    /// The first start of a slice at which `is_fine` holds for what is then left, if nothing is counted before; `None`
    /// when it never does, or only past the last instant. At most one step a slice: then nothing is left.
    pub(crate) fn first_at(&self, grid: SliceGrid, is_fine: impl Fn(Sums) -> bool) -> Option<u64> {
        let mut left = self.sums;
        let mut fine_without = |word| {
            left = left.less(word);
            is_fine(left)
        };
        let mut ahead = self.words_ahead(grid);
        let steps = if fine_without(ahead.next().unwrap_or(0)) {
            1
        } else {
            // Where nothing leaves, the answer stays the one of the slice before.
            ahead
                .position(|word| word != 0 && fine_without(word))?
                .saturating_add(2)
        };
        self.start_ahead(grid, steps)
    }

    /// When the slice begins that comes `steps` after the current one; `None` past the last instant.
    pub(crate) fn start_ahead(&self, grid: SliceGrid, steps: usize) -> Option<u64> {
        let index = self.index.checked_add(u64::try_from(steps).ok()?)?;
        index.checked_mul(grid.slice_ns())
    }

    /// Whether some history leads to it, whose latest instant is `now_ns`.
    pub(crate) fn check(&self, grid: SliceGrid, now_ns: u64) -> Result<(), RestoreError> {
        if self.words.words().len() != grid.slices() as usize {
            return Err(misfit("its window has another number of slices"));
        }
        if self.index != grid.index(now_ns) {
            return Err(misfit(
                "its current slice is not the one of its latest instant",
            ));
        }
        let mut sums = [0_u64; 2];
        for (step, word) in (1..).zip(self.words_ahead(grid)) {
            let age = u64::from(grid.slices()).wrapping_sub(step);
            // There is nothing before slice 0; its places in the ring are those of the slices to come.
            if word != 0 && age > self.index {
                return Err(corrupt(
                    "its window counts what was before the first instant",
                ));
            }
            sums = [
                sums[0].saturating_add(half(word, Side::Requests).into()),
                sums[1].saturating_add(half(word, Side::Others).into()),
            ];
        }
        if sums != [self.sums.requests.into(), self.sums.others.into()] {
            return Err(corrupt("its sums are not those of its slices"));
        }
        Ok(())
    }

    /// The same counts on another clock, and what that clock has seen: slices keep their distance, and what has left by
    /// now or would lie before 0 is dropped. `clock` is the owner's, whose latest instant lies in the current slice.
    pub(crate) fn rebased(
        mut self,
        grid: SliceGrid,
        rebase: &Rebase,
        clock: Monotone,
    ) -> (Self, Monotone) {
        let rebase = &rebase.seen_by(clock);
        let mut moved_clock = rebase.clock(clock);
        let begins_ns = |index: u64| index.saturating_mul(grid.slice_ns());
        if rebase.before_ns(begins_ns(self.index)) > 0 {
            // On a young clock what has left would come to lie at 0, and be there again.
            self.slide(grid, rebase.old_now_ns(clock));
            let _ = moved_clock.observe(rebase.past_ns(begins_ns(self.index)));
        }
        let mut moved = Self::fresh(grid);
        moved.index = rebase.slice(grid, self.index);
        for age in 0..u64::from(grid.slices()) {
            let (Some(from), Some(to)) =
                (self.index.checked_sub(age), moved.index.checked_sub(age))
            else {
                break;
            };
            let word = self.word(grid, from);
            if let Some(place) = moved.words.words_mut().get_mut(grid.place(to)) {
                *place = word;
                moved.sums = moved.sums.plus(word);
            }
        }
        moved.slide(grid, moved_clock.latest_ns());
        (moved, moved_clock)
    }

    /// What lies where each slice to come will, the next one first: the oldest slice of the window first, the current
    /// one last. By places, because a slice to come may be past the last of all time.
    pub(crate) fn words_ahead(&self, grid: SliceGrid) -> impl Iterator<Item = u64> + '_ {
        let words = self.words.words();
        let next = grid.place(self.index).saturating_add(1);
        let (up_to_current, oldest) = words.split_at_checked(next).unwrap_or((words, &[]));
        oldest.iter().chain(up_to_current).copied()
    }

    #[inline]
    fn word(&self, grid: SliceGrid, index: u64) -> u64 {
        let word = self.words.words().get(grid.place(index));
        word.copied().unwrap_or(0)
    }
}

#[inline]
const fn half(word: u64, side: Side) -> u32 {
    ((word >> (side as u32)) & 0xffff_ffff) as u32
}
