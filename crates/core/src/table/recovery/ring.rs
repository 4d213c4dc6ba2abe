//! The grants of a key: a ring of instants, in the words beside its slot.

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

/// How the words beside a slot are used: a ring of instants, then the last wait where the jitter needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    /// Instants in a ring.
    budget: u32,
}

impl Ring {
    pub(super) const fn new(budget: u32) -> Self {
        Self { budget }
    }

    fn place(self, used: Used, nth: u32) -> usize {
        let place = u32::from(used.head).saturating_add(nth);
        place.checked_rem(self.budget).unwrap_or(0) as usize
    }

    /// The `nth` grant of a key, oldest first.
    pub(super) fn grant(self, words: &[u64], used: Used, nth: u32) -> Option<u64> {
        if nth >= used.len() {
            return None;
        }
        words.get(self.place(used, nth)).copied()
    }

    /// `used` without the grants that have left the window. At most all of them, each once.
    pub(super) fn trimmed(self, words: &[u64], mut used: Used, left: impl Fn(u64) -> bool) -> Used {
        while self.grant(words, used, 0).is_some_and(&left) {
            let head = u32::from(used.head).saturating_add(1);
            let head = head.checked_rem(self.budget).unwrap_or(0);
            used.head = u16::try_from(head).unwrap_or(0);
            used.len = used.len.saturating_sub(1);
        }
        used
    }

    /// One more grant, of which there is room.
    pub(super) fn grant_at(self, words: &mut [u64], used: Used, now_ns: u64) -> Used {
        let place = self.place(used, used.len());
        if let Some(word) = words.get_mut(place) {
            *word = now_ns;
        }
        Used {
            attempts: used.attempts.saturating_add(1),
            len: used.len.saturating_add(1),
            ..used
        }
    }

    pub(super) fn previous_ns(self, words: &[u64]) -> u64 {
        words.get(self.budget as usize).copied().unwrap_or(0)
    }

    pub(super) fn set_previous_ns(self, words: &mut [u64], wait_ns: u64) {
        if let Some(word) = words.get_mut(self.budget as usize) {
            *word = wait_ns;
        }
    }
}
