//! In which order the slots of a table come: by instant, then arrival, in the heaps of the index or by a search.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::groups::Groups;
use super::heap::{Entry, Heap, Places};
use super::{Keyed, Queue, Slot, bits};

impl<K, V> Places for Groups<K, V> {
    #[inline]
    fn set_place(&mut self, slot: u32, place: u32) {
        if let Some(slot) = self.get_mut(slot) {
            slot.link = place;
        }
    }
}

/// The deadlines of the slots, a heap for each queue.
#[derive(Clone, Debug)]
pub(super) struct Index {
    due: Heap,
    idle: Heap,
    parked: Heap,
}

impl Index {
    pub(super) const EMPTY: Self = Self {
        due: Heap::EMPTY,
        idle: Heap::EMPTY,
        parked: Heap::EMPTY,
    };

    /// How many entries it has memory for.
    pub(super) fn capacity(&self) -> usize {
        let [a, b, c] = [&self.due, &self.idle, &self.parked].map(Heap::capacity);
        a.saturating_add(b).saturating_add(c)
    }

    #[inline]
    const fn of(&self, queue: Queue) -> &Heap {
        match queue {
            Queue::Due => &self.due,
            Queue::Idle => &self.idle,
            Queue::Parked => &self.parked,
        }
    }

    #[inline]
    pub(super) const fn of_mut(&mut self, queue: Queue) -> &mut Heap {
        match queue {
            Queue::Due => &mut self.due,
            Queue::Idle => &mut self.idle,
            Queue::Parked => &mut self.parked,
        }
    }
}

impl<K, V, S> Keyed<K, V, S> {
    /// Which slot of `queue` comes first. O(1) with the index, else O(n).
    #[inline]
    pub(in crate::table) fn first(&self, queue: Queue) -> Option<u32> {
        self.first_at(queue).map(|(at, _)| at)
    }

    /// The same, and its instant.
    #[inline]
    pub(in crate::table) fn first_at(&self, queue: Queue) -> Option<(u32, u64)> {
        match &self.index {
            Some(index) => {
                let entry = index.of(queue).first()?;
                Some((entry.slot, entry.at_ns))
            }
            None => self.first_where(queue, |_| true),
        }
    }

    /// Which slot of `queue` comes first of those that are meant, and its instant. O(n).
    pub(in crate::table) fn first_where(
        &self,
        queue: Queue,
        is_meant: impl Fn(&Slot<K, V>) -> bool,
    ) -> Option<(u32, u64)> {
        let first = self
            .slots()
            .filter(|(_, slot)| slot.queue() == queue && is_meant(slot))
            .min_by_key(|(_, slot)| (slot.at_ns, self.seq(slot)));
        first.map(|(at, slot)| (at, slot.at_ns))
    }

    /// The slots that are meant, by instant, then arrival; the parked ones last. O(n log n).
    pub(in crate::table) fn in_order(
        &self,
        is_meant: impl Fn(u32, &Slot<K, V>) -> bool,
    ) -> Vec<u32> {
        let mut order: Vec<_> = self
            .slots()
            .filter(|(at, slot)| is_meant(*at, slot))
            .map(|(at, slot)| {
                let parked = slot.queue() == Queue::Parked;
                (parked, slot.at_ns, self.seq(slot), at)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(.., at)| at).collect()
    }

    fn seq(&self, slot: &Slot<K, V>) -> u32 {
        match &self.index {
            Some(index) => index
                .of(slot.queue())
                .get(slot.link)
                .map_or(0, |entry| entry.seq),
            None => slot.link,
        }
    }

    /// Lets slot `at` wait in `queue` for `at_ns`, behind all that wait for the same instant.
    #[inline]
    pub(in crate::table) fn set(&mut self, at: u32, queue: Queue, at_ns: u64, note: u32) {
        let seq = self.arrive();
        self.place(at, queue, at_ns, bits(note, queue), seq);
    }

    /// Lets slot `at` wait in `queue` for `at_ns`; its arrival and its note stay.
    pub(in crate::table) fn move_to(&mut self, at: u32, queue: Queue, at_ns: u64) {
        let Some(slot) = self.slots.get(at) else {
            return;
        };
        let (seq, bits) = (self.seq(slot), bits(slot.note(), queue));
        self.place(at, queue, at_ns, bits, seq);
    }

    #[inline]
    fn place(&mut self, at: u32, queue: Queue, at_ns: u64, bits: NonZeroU32, seq: u32) {
        if self.index.is_some() {
            self.place_in_heap(at, queue, at_ns, bits, seq);
        } else if let Some(slot) = self.slots.get_mut(at) {
            slot.at_ns = at_ns;
            slot.bits = bits;
            slot.link = seq;
        }
    }

    #[inline(never)]
    fn place_in_heap(&mut self, at: u32, queue: Queue, at_ns: u64, bits: NonZeroU32, seq: u32) {
        let Some(index) = &mut self.index else {
            return;
        };
        let Some(slot) = self.slots.get_mut(at) else {
            return;
        };
        let (before, place) = (slot.queue(), slot.link);
        // An arrival is never before one that was there.
        let later = at_ns >= slot.at_ns;
        slot.bits = bits;
        slot.at_ns = at_ns;
        let entry = Entry {
            at_ns,
            seq,
            slot: at,
        };
        if before == queue {
            let heap = index.of_mut(queue);
            heap.replace(place, entry, later, &mut self.slots);
        } else {
            index.of_mut(before).remove(place, &mut self.slots);
            let limit = self.max_keys as usize;
            index.of_mut(queue).push(entry, limit, &mut self.slots);
        }
    }

    /// Puts slot `at` into another queue; its instant, arrival and note stay.
    pub(in crate::table) fn requeue(&mut self, at: u32, queue: Queue) {
        if let Some(at_ns) = self.slot(at).map(Slot::at_ns) {
            self.move_to(at, queue, at_ns);
        }
    }

    #[inline]
    pub(super) fn arrive(&mut self) -> u32 {
        if self.next_seq == u32::MAX {
            self.renumber();
        }
        let seq = self.next_seq;
        self.next_seq = seq.wrapping_add(1);
        seq
    }

    /// Numbers the arrivals from 0 again, in their order: O(n log n), once in about 2^32 arrivals.
    #[cold]
    fn renumber(&mut self) {
        let mut order: Vec<_> = self
            .slots()
            .map(|(at, slot)| (self.seq(slot), at))
            .collect();
        order.sort_unstable();
        let mut next_seq = 0_u32;
        for (_, at) in order {
            if let Some(slot) = self.slots.get_mut(at) {
                match &mut self.index {
                    Some(index) => {
                        if let Some(entry) = index.of_mut(slot.queue()).get_mut(slot.link) {
                            entry.seq = next_seq;
                        }
                    }
                    None => slot.link = next_seq,
                }
            }
            next_seq = next_seq.saturating_add(1);
        }
        self.next_seq = next_seq;
    }
}
