//! The instants of the latest failures, earliest first.

use crate::error::{RestoreError, corrupt, misfit};
use crate::rebase::Rebase;
use crate::store::Store;
use crate::time::MAX_SPAN_NS;

/// Instants that a machine holds without touching the heap: a limit of 32 restarts.
pub(super) const INLINE_WORDS: usize = 33;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct History {
    /// The instants are so much later than the clock says: a clock may be younger than they are. At most the longest
    /// window, and 0 where there are none.
    ahead_ns: u64,
    recorded: u32,
    /// Ascending; the words behind them are 0.
    #[cfg_attr(feature = "serde", serde(with = "crate::runs"))]
    instants: Store<INLINE_WORDS>,
}

impl History {
    pub(super) fn empty(words: usize) -> Self {
        Self {
            ahead_ns: 0,
            recorded: 0,
            instants: Store::zeroed(words),
        }
    }

    fn recorded(&self) -> &[u64] {
        let recorded = self.instants.words().get(..self.recorded as usize);
        recorded.unwrap_or(&[])
    }

    pub(super) const fn len(&self) -> u32 {
        self.recorded
    }

    /// How many lie in the window that ends at `now_ns`.
    pub(super) fn within(&self, window_ns: u64, now_ns: u64) -> u32 {
        let oldest_ns = self.on_its_clock(now_ns).saturating_sub(window_ns);
        let before = self.recorded().partition_point(|&at_ns| at_ns < oldest_ns);
        self.recorded
            .saturating_sub(u32::try_from(before).unwrap_or(u32::MAX))
    }

    const fn on_its_clock(&self, now_ns: u64) -> u64 {
        now_ns.saturating_add(self.ahead_ns)
    }

    /// Forgets what has left the window by `now_ns`.
    pub(super) fn prune(&mut self, window_ns: u64, now_ns: u64) {
        let kept = self.within(window_ns, now_ns);
        let old = self.recorded.saturating_sub(kept) as usize;
        let words = self.instants.words_mut();
        if old == 0 || old > words.len() {
            return;
        }
        words.copy_within(old.., 0);
        if let Some(freed) = words.get_mut(kept as usize..) {
            freed.fill(0);
        }
        self.recorded = kept;
        if kept == 0 {
            self.ahead_ns = 0;
        }
    }

    /// Notes a failure at `now_ns`, and forgets those that have left the window. There is always a free word: whoever
    /// has filled the history has escalated.
    pub(super) fn push(&mut self, window_ns: u64, now_ns: u64) {
        self.prune(window_ns, now_ns);
        let at_ns = self.on_its_clock(now_ns);
        if let Some(free) = self.instants.words_mut().get_mut(self.recorded as usize) {
            *free = at_ns;
            self.recorded = self.recorded.saturating_add(1);
        }
    }

    pub(super) fn clear(&mut self) {
        self.instants.words_mut().fill(0);
        self.recorded = 0;
        self.ahead_ns = 0;
    }

    /// On another origin of time; before 0 if need be.
    pub(super) fn rebased(mut self, rebase: &Rebase) -> Self {
        let ahead_ns = i128::from(self.ahead_ns);
        let moved = |at_ns: u64| {
            let at_ns = rebase.shifted(at_ns).saturating_sub(ahead_ns);
            at_ns.min(rebase.now_ns.into())
        };
        let before_ns = self.recorded().first().map_or(0, |&at_ns| moved(at_ns));
        let before_ns = u64::try_from(before_ns.min(0).unsigned_abs()).unwrap_or(u64::MAX);
        self.ahead_ns = before_ns.min(MAX_SPAN_NS);
        let (recorded, ahead_ns) = (self.recorded as usize, i128::from(self.ahead_ns));
        for at_ns in self.instants.words_mut().iter_mut().take(recorded) {
            let later_ns = moved(*at_ns).saturating_add(ahead_ns).max(0);
            *at_ns = u64::try_from(later_ns).unwrap_or(u64::MAX);
        }
        self
    }

    pub(super) fn check(&self, words: usize, latest_ns: u64) -> Result<(), RestoreError> {
        let all = self.instants.words();
        if all.len() != words {
            return Err(misfit("its history is for another number of restarts"));
        }
        let recorded = all.get(..self.recorded as usize);
        let free = all.get(self.recorded as usize..);
        let adds_up = recorded.is_some_and(|recorded| {
            let latest_ns = self.on_its_clock(latest_ns);
            let ahead_is_sound = if recorded.is_empty() {
                self.ahead_ns == 0
            } else {
                self.ahead_ns <= MAX_SPAN_NS
            };
            recorded.is_sorted()
                && recorded.last().is_none_or(|&at_ns| at_ns <= latest_ns)
                && ahead_is_sound
        }) && free.is_some_and(|free| free.iter().all(|&word| word == 0));
        if adds_up {
            Ok(())
        } else {
            Err(corrupt("its history does not add up"))
        }
    }
}
