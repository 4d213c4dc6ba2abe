//! Which breaker answers for a key: from its first ask to the end of its stay in the table.

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use super::BreakerTable;
use super::answer::AnsweredBy;
use super::entry::{self, Entry};
use crate::breaker::{Phase, Transitions};
use crate::table::keyed::{Queue, Slot};

/// The tag of the overflow breaker's permits. Tag 0 is that of breakers that nobody tagged.
pub(super) const OVERFLOW: u32 = u32::MAX;

/// More stays than there can have been: a million a second for 36 000 years.
pub(super) const MAX_STAYS: u64 = 1 << 60;

/// The tag of the permits that a key's breaker gives during its stay.
pub(super) fn tag(stay: u64) -> u32 {
    u32::try_from(stay & u64::from(u32::MAX)).unwrap_or(0)
}

/// Whether a stay has this number: those with the tags of others are left out.
pub(super) fn is_stay(number: u64) -> bool {
    tag(number) != 0 && tag(number) != OVERFLOW
}

/// Who answers for a key.
pub(super) enum Who {
    Slot(u32),
    Overflow,
}

impl Who {
    pub(super) const fn by(&self) -> AnsweredBy {
        match self {
            Self::Slot(_) => AnsweredBy::Key,
            Self::Overflow => AnsweredBy::Overflow,
        }
    }
}

impl<K, S> BreakerTable<K, S> {
    /// The slot of a key that is not forgotten whose transition falls due first, and when. O(1), or O(n) behind others.
    pub(super) fn first_remembered(&self, now_ns: u64) -> Option<(u32, u64)> {
        let at = self.keys.first(Queue::Due)?;
        if self.is_forgotten(at, now_ns) {
            let is_known = |slot: &Slot<K, Entry>| !slot.value.is_forgotten(&self.policy, now_ns);
            return self.keys.first_where(Queue::Due, is_known);
        }
        Some((at, self.keys.slot(at)?.at_ns()))
    }

    fn is_forgotten(&self, at: u32, now_ns: u64) -> bool {
        let slot = self.keys.slot(at);
        slot.is_some_and(|slot| slot.value.is_forgotten(&self.policy, now_ns))
    }
}

impl<K: Hash + Eq, S: BuildHasher> BreakerTable<K, S> {
    /// Whose transition falls due first, and when. Forgotten keys that stand before it are dropped, as many as one call
    /// drops; it is searched for behind those that are left.
    pub(super) fn first_due(&mut self, now_ns: u64) -> Option<(Who, u64)> {
        for _ in 0..self.keys.most_drops() {
            match self.keys.first(Queue::Due) {
                Some(at) if self.is_forgotten(at, now_ns) => self.remove(at, now_ns),
                _ => break,
            }
        }
        let first = self.first_remembered(now_ns);
        let overflow_ns = self
            .known_overflow(now_ns)
            .and_then(|entry| entry.state.next_deadline_ns(self.policy.breaker()));
        match (first, overflow_ns) {
            (Some((at, due_ns)), None) => Some((Who::Slot(at), due_ns)),
            (Some((at, due_ns)), Some(overflow_ns)) if due_ns <= overflow_ns => {
                Some((Who::Slot(at), due_ns))
            }
            (_, overflow_ns) => overflow_ns.map(|at_ns| (Who::Overflow, at_ns)),
        }
    }

    /// Who answers for the key; it is tracked from now on if it can be.
    pub(super) fn who<Q>(&mut self, now_ns: u64, key: &Q) -> Who
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(at) = self.find(now_ns, key) {
            return Who::Slot(at);
        }
        if self.overflow_phase(now_ns) == Phase::Closed && self.has_room(now_ns) {
            return Who::Slot(self.insert(key.to_owned(), now_ns));
        }
        self.wake_overflow(now_ns);
        Who::Overflow
    }

    /// The slot of a key that is not forgotten; one that is, is dropped.
    pub(super) fn find<Q>(&mut self, now_ns: u64, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let at = self.keys.find(key)?;
        let slot = self.keys.slot(at)?;
        if slot.value.is_forgotten(&self.policy, now_ns) {
            self.remove(at, now_ns);
            return None;
        }
        Some(at)
    }

    pub(super) fn entry_mut(&mut self, who: &Who) -> &mut Entry {
        match who {
            Who::Slot(at) => match self.keys.slot_mut(*at) {
                Some(slot) => &mut slot.value,
                None => &mut self.overflow,
            },
            Who::Overflow => &mut self.overflow,
        }
    }

    /// Something happened to it.
    pub(super) fn touch(&mut self, who: &Who, now_ns: u64) {
        self.entry_mut(who).last_ns = now_ns;
        let earliest_ns = now_ns.saturating_add(self.policy.forget_after_ns());
        self.none_forgotten_before_ns = self.none_forgotten_before_ns.min(earliest_ns);
        self.settle(who, &Transitions::NONE);
    }

    /// Time went on for it: its deadline may be another, and it is quiet since its last transition.
    pub(super) fn settle(&mut self, who: &Who, made: &Transitions) {
        let policy = self.policy;
        let entry = self.entry_mut(who);
        if let Some(made) = made.last() {
            entry.last_ns = entry.last_ns.max(made.at_ns);
        }
        let (queue, at_ns) = entry.queue(&policy);
        if let Who::Slot(at) = *who {
            let moved = |slot: &Slot<K, Entry>| (slot.queue(), slot.at_ns()) != (queue, at_ns);
            if self.keys.slot(at).is_some_and(moved) {
                self.keys.move_to(at, queue, at_ns);
            }
        }
    }

    pub(super) fn insert(&mut self, key: K, now_ns: u64) -> u32 {
        let stay = self.next_stay();
        let entry = Entry::fresh(&self.policy, stay, tag(stay), now_ns);
        let (queue, at_ns) = entry.queue(&self.policy);
        self.keys.insert(key, entry, queue, at_ns, 0)
    }

    /// Its tag and its first generation no breaker of this table has had together.
    fn next_stay(&mut self) -> u64 {
        self.stays = self.last_stay();
        loop {
            self.stays = self.stays.wrapping_add(1);
            if is_stay(self.stays) {
                return self.stays;
            }
        }
    }

    pub(super) fn remove(&mut self, at: u32, now_ns: u64) {
        if let Some(slot) = self.keys.remove(at) {
            let stats = slot.value.state.stats_at(self.policy.breaker(), now_ns);
            entry::add(&mut self.gone, &stats);
        }
    }

    /// There is an overflow breaker from now on, a new one where there was none or it was forgotten.
    pub(super) fn wake_overflow(&mut self, now_ns: u64) {
        if self.known_overflow(now_ns).is_some() {
            return;
        }
        if self.overflow_known {
            let stats = self.overflow.state.stats_at(self.policy.breaker(), now_ns);
            entry::add(&mut self.gone, &stats);
        }
        let stay = self.next_stay();
        self.overflow = Entry::fresh(&self.policy, stay, OVERFLOW, now_ns);
        self.overflow_known = true;
    }

    /// Whether there is room for one more key; where there was none, after forgotten ones were dropped.
    pub(super) fn has_room(&mut self, now_ns: u64) -> bool {
        if !self.keys.is_full() {
            return true;
        }
        if now_ns < self.none_forgotten_before_ns {
            return false;
        }
        let (mut earliest_ns, mut dropped) = (u64::MAX, 0_u32);
        for at in self.keys.numbers() {
            let Some(slot) = self.keys.slot(at) else {
                continue;
            };
            match slot.value.forgotten_at_ns(&self.policy) {
                Some(at_ns) if at_ns <= now_ns => {
                    self.remove(at, now_ns);
                    dropped = dropped.saturating_add(1);
                    if dropped == self.keys.most_drops() {
                        return true;
                    }
                }
                at_ns => earliest_ns = earliest_ns.min(at_ns.unwrap_or(u64::MAX)),
            }
        }
        self.none_forgotten_before_ns = earliest_ns;
        !self.keys.is_full()
    }
}
