//! The grants of all keys: a ring of instants for each slot, in one row.

use alloc::vec::Vec;

/// What a key has used, beside the instants of its grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Grants since it was last well.
    pub(super) attempts: u32,
    /// The place of the oldest grant in the window, and how many there are.
    head: u16,
    len: u16,
}

impl Used {
    pub(super) const fn len(&self) -> u32 {
        self.len as u32
    }
}

#[derive(Clone, Debug)]
pub(super) struct Rings {
    words: Vec<u64>,
    /// Instants in a ring.
    budget: u32,
    /// Words of a slot: its ring, and the last wait where the jitter needs it.
    width: usize,
}

impl Rings {
    pub(super) const fn new(budget: u32, remembers_wait: bool) -> Self {
        Self {
            words: Vec::new(),
            budget,
            width: (budget as usize).saturating_add(remembers_wait as usize),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.words.capacity().saturating_mul(size_of::<u64>())
    }

    fn row(&self, at: u32) -> &[u64] {
        let begin = (at as usize).saturating_mul(self.width);
        let row = self.words.get(begin..begin.saturating_add(self.width));
        row.unwrap_or(&[])
    }

    fn row_mut(&mut self, at: u32) -> &mut [u64] {
        let begin = (at as usize).saturating_mul(self.width);
        let row = self.words.get_mut(begin..begin.saturating_add(self.width));
        row.unwrap_or(&mut [])
    }

    /// A ring for the slot after the last; at most `max_keys` are ever there.
    pub(super) fn push(&mut self, max_keys: u32) {
        let limit = (max_keys as usize).saturating_mul(self.width);
        if self.words.capacity().saturating_sub(self.words.len()) < self.width {
            let wanted = self
                .words
                .len()
                .saturating_mul(2)
                .max(self.width)
                .min(limit);
            let more = wanted.saturating_sub(self.words.len()).max(self.width);
            self.words.reserve_exact(more);
        }
        let len = self.words.len().saturating_add(self.width);
        self.words.resize(len, 0);
    }

    /// Frees the ring of slot `at`; the last slot has its number from now on.
    pub(super) fn remove(&mut self, at: u32) {
        let begin = (at as usize).saturating_mul(self.width);
        let last = self.words.len().saturating_sub(self.width);
        if begin < last {
            self.words.copy_within(last.., begin);
        }
        self.words.truncate(last);
    }

    fn place(&self, used: Used, nth: u32) -> usize {
        let place = u32::from(used.head).saturating_add(nth);
        place.checked_rem(self.budget).unwrap_or(0) as usize
    }

    /// The `nth` grant of a key, oldest first.
    pub(super) fn grant(&self, at: u32, used: Used, nth: u32) -> Option<u64> {
        if nth >= used.len() {
            return None;
        }
        self.row(at).get(self.place(used, nth)).copied()
    }

    /// `used` without the grants that have left the window. At most all of them, each once.
    pub(super) fn trimmed(&self, at: u32, mut used: Used, left: impl Fn(u64) -> bool) -> Used {
        while self.grant(at, used, 0).is_some_and(&left) {
            let head = u32::from(used.head).saturating_add(1);
            let head = head.checked_rem(self.budget).unwrap_or(0);
            used.head = u16::try_from(head).unwrap_or(0);
            used.len = used.len.saturating_sub(1);
        }
        used
    }

    /// One more grant, of which there is room.
    pub(super) fn grant_at(&mut self, at: u32, used: Used, now_ns: u64) -> Used {
        let place = self.place(used, used.len());
        if let Some(word) = self.row_mut(at).get_mut(place) {
            *word = now_ns;
        }
        Used {
            attempts: used.attempts.saturating_add(1),
            len: used.len.saturating_add(1),
            ..used
        }
    }

    pub(super) fn previous_ns(&self, at: u32) -> u64 {
        let previous = self.row(at).get(self.budget as usize);
        previous.copied().unwrap_or(0)
    }

    pub(super) fn set_previous_ns(&mut self, at: u32, wait_ns: u64) {
        let place = self.budget as usize;
        if let Some(word) = self.row_mut(at).get_mut(place) {
            *word = wait_ns;
        }
    }
}
