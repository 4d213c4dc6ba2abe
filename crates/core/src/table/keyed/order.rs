//! In which order the slots of a table come: by instant, then arrival, as the index has it or by a search.

use super::{Found, Keyed, Queue, Slot, bits, groups};
use alloc::vec::Vec;

impl<K, V, S> Keyed<K, V, S> {
    /// Which slot of `queue` comes first. O(1) with the index, else O(n). Of idle slots only where none goes to another
    /// queue; else it is [`first_that`](Self::first_that).
    #[inline]
    pub(in crate::table) fn first(&self, queue: Queue) -> Option<u32> {
        self.first_at(queue).map(|(at, _)| at)
    }

    /// The same, and its instant.
    #[inline]
    pub(in crate::table) fn first_at(&self, queue: Queue) -> Option<(u32, u64)> {
        match self.index.as_ref().and_then(|index| index.of(queue)) {
            Some(tournament) => tournament.first().map(|turn| (turn.slot(), turn.at_ns())),
            None => self.first_where(queue, |_| true),
        }
    }

    /// The slot of `queue` that comes first, if its instant is as it should be. O(log n) with the index, and as much for
    /// each slot that has left the idle ones since it was last asked for; O(n) without.
    pub(in crate::table) fn first_that(
        &mut self,
        queue: Queue,
        should_be: impl Fn(u64) -> bool,
    ) -> Option<u32> {
        let most = self.most_drops();
        if let Some(index) = &mut self.index {
            let turn = index.settle(&self.slots, queue, most, should_be)?;
            return Some(turn.slot());
        }
        let (at, at_ns) = self.first_at(queue)?;
        should_be(at_ns).then_some(at)
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
            .min_by_key(|(_, slot)| (slot.at_ns, slot.seq));
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
                (parked, slot.at_ns, slot.seq, at)
            })
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(.., at)| at).collect()
    }

    /// Lets slot `at` wait in `queue` for `at_ns`, behind all that wait for the same instant.
    #[inline]
    pub(in crate::table) fn set(&mut self, at: u32, queue: Queue, at_ns: u64, note: u32) {
        let seq = self.arrive();
        if let Some(found) = self.found(at) {
            found.place(queue, at_ns, bits(note, queue), seq);
        }
    }

    /// Lets slot `at` wait in `queue` for `at_ns`; its arrival and its note stay.
    pub(in crate::table) fn move_to(&mut self, at: u32, queue: Queue, at_ns: u64) {
        if let Some(found) = self.found(at) {
            found.move_to(queue, Some(at_ns));
        }
    }

    /// Puts slot `at` into another queue; its instant, arrival and note stay.
    pub(in crate::table) fn requeue(&mut self, at: u32, queue: Queue) {
        if let Some(found) = self.found(at) {
            found.move_to(queue, None);
        }
    }

    fn found(&mut self, at: u32) -> Option<Found<'_, K, V>> {
        let (number, place) = groups::parts(at);
        Some(Found {
            number,
            group: self.slots.group_mut(number)?,
            place,
            index: &mut self.index,
            next_seq: &mut self.next_seq,
        })
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
        let mut order: Vec<_> = self.slots().map(|(at, slot)| (slot.seq, at)).collect();
        order.sort_unstable();
        let mut next_seq = 0_u32;
        for (_, at) in order {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.seq = next_seq;
            }
            next_seq = next_seq.saturating_add(1);
        }
        self.next_seq = next_seq;
        if let Some(index) = &mut self.index {
            index.make(&self.slots);
        }
    }
}
