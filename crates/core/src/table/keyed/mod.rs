//! What every keyed table stands on: keys in dense slots, found by hash, ordered by an instant each.
//!
//! A slot is found through a hash table of slot numbers, so that the order of hashes is never seen and results do not
//! depend on the hasher. Each slot waits in a queue at an instant; among equal instants the order is that of arrival:
//! of the calls that set the instants, or of those that put the keys in, as the table has it. With the index the queues
//! are heaps: the first is read at once, a change is O(log n). Without it a search goes through all slots.
//!
//! Slots are dense: whoever is removed, the last slot takes the number. So there is no free list, no slot without a
//! key, and a key of 8 bytes with nothing of its own takes 24 bytes, 8 more in the hash table (at seven eighths full
//! 6, right after it grew 11, grown once more for keys that came and went 23), and 16 with the index.

mod heap;

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;

use hashbrown::HashTable;
use heap::{Entry, Heap, Places};

/// The most keys that a table may hold.
pub(super) const MAX_KEYS: u32 = 1 << 31;

/// What a slot waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Its instant is to be reported.
    Due,
    /// Nothing more to report; it is forgotten some time after its instant.
    Idle,
    /// No time changes it.
    Parked,
}

const NOTE_BITS: u32 = 30;

/// How many bits a note has.
pub(super) const NOTE_MASK: u32 = (1 << NOTE_BITS) - 1;

/// A key and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Slot<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    at_ns: u64,
    /// The note, and the queue in the two highest bits.
    bits: u32,
    /// With the index the place in the queue's heap, without it the arrival.
    link: u32,
}

impl<K, V> Slot<K, V> {
    #[inline]
    pub(super) const fn at_ns(&self) -> u64 {
        self.at_ns
    }

    #[inline]
    pub(super) const fn note(&self) -> u32 {
        self.bits & NOTE_MASK
    }

    #[inline]
    pub(super) const fn queue(&self) -> Queue {
        match self.bits >> NOTE_BITS {
            0 => Queue::Due,
            1 => Queue::Idle,
            _ => Queue::Parked,
        }
    }
}

#[inline]
const fn bits(note: u32, queue: Queue) -> u32 {
    (note & NOTE_MASK) | ((queue as u32) << NOTE_BITS)
}

impl<K, V> Places for Vec<Slot<K, V>> {
    #[inline]
    fn set_place(&mut self, slot: u32, place: u32) {
        if let Some(slot) = self.get_mut(slot as usize) {
            slot.link = place;
        }
    }
}

/// The deadlines of the slots, a heap for each queue.
#[derive(Clone, Debug)]
struct Index {
    due: Heap,
    idle: Heap,
    parked: Heap,
}

impl Index {
    const EMPTY: Self = Self {
        due: Heap::EMPTY,
        idle: Heap::EMPTY,
        parked: Heap::EMPTY,
    };

    #[inline]
    const fn of(&self, queue: Queue) -> &Heap {
        match queue {
            Queue::Due => &self.due,
            Queue::Idle => &self.idle,
            Queue::Parked => &self.parked,
        }
    }

    #[inline]
    const fn of_mut(&mut self, queue: Queue) -> &mut Heap {
        match queue {
            Queue::Due => &mut self.due,
            Queue::Idle => &mut self.idle,
            Queue::Parked => &mut self.parked,
        }
    }
}

#[derive(Clone)]
pub(super) struct Keyed<K, V, S> {
    numbers: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    index: Option<Index>,
    hasher: S,
    max_keys: u32,
    next_seq: u32,
}

impl<K, V, S> Keyed<K, V, S> {
    pub(super) const fn new(hasher: S, max_keys: u32, indexed: bool) -> Self {
        Self {
            numbers: HashTable::new(),
            slots: Vec::new(),
            index: if indexed { Some(Index::EMPTY) } else { None },
            hasher,
            max_keys,
            next_seq: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> u32 {
        number(self.slots.len())
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.max_keys
    }

    pub(super) const fn is_indexed(&self) -> bool {
        self.index.is_some()
    }

    #[inline]
    pub(super) fn slot(&self, at: u32) -> Option<&Slot<K, V>> {
        self.slots.get(at as usize)
    }

    #[inline]
    pub(super) fn slot_mut(&mut self, at: u32) -> Option<&mut Slot<K, V>> {
        self.slots.get_mut(at as usize)
    }

    /// All slots, by number.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Slot<K, V>)> {
        (0..).zip(&self.slots)
    }

    /// The bytes in use on the heap.
    pub(super) fn bytes(&self) -> usize {
        let slots = self
            .slots
            .capacity()
            .saturating_mul(size_of::<Slot<K, V>>());
        let heaps = self.index.as_ref().map_or(0, |index| {
            let [a, b, c] = [&index.due, &index.idle, &index.parked].map(Heap::capacity);
            a.saturating_add(b).saturating_add(c)
        });
        slots
            .saturating_add(heaps.saturating_mul(size_of::<Entry>()))
            .saturating_add(self.numbers.allocation_size())
    }

    /// Which slot of `queue` comes first. O(1) with the index, else O(n).
    #[inline]
    pub(super) fn first(&self, queue: Queue) -> Option<u32> {
        match &self.index {
            Some(index) => index.of(queue).first().map(|entry| entry.slot),
            None => self.first_where(queue, |_| true).map(|(at, _)| at),
        }
    }

    /// Which slot of `queue` comes first of those whose instant is meant, and its instant. O(n).
    pub(super) fn first_where(
        &self,
        queue: Queue,
        is_meant: impl Fn(u64) -> bool,
    ) -> Option<(u32, u64)> {
        let meant = |slot: &Slot<K, V>| slot.queue() == queue && is_meant(slot.at_ns);
        let first = self
            .slots()
            .filter(|(_, slot)| meant(slot))
            .min_by_key(|(_, slot)| (slot.at_ns, self.seq(slot)));
        first.map(|(at, slot)| (at, slot.at_ns))
    }

    /// The slots that are meant, by instant, then arrival; the parked ones last. O(n log n).
    pub(super) fn in_order(&self, is_meant: impl Fn(u32, &Slot<K, V>) -> bool) -> Vec<u32> {
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
    pub(super) fn set(&mut self, at: u32, queue: Queue, at_ns: u64, note: u32) {
        let seq = self.arrive();
        self.place(at, queue, at_ns, bits(note, queue), seq);
    }

    /// Lets slot `at` wait in `queue` for `at_ns`; its arrival and its note stay.
    pub(super) fn move_to(&mut self, at: u32, queue: Queue, at_ns: u64) {
        let Some(slot) = self.slots.get(at as usize) else {
            return;
        };
        let (seq, bits) = (self.seq(slot), bits(slot.bits, queue));
        self.place(at, queue, at_ns, bits, seq);
    }

    #[inline]
    fn place(&mut self, at: u32, queue: Queue, at_ns: u64, bits: u32, seq: u32) {
        let Some(slot) = self.slots.get_mut(at as usize) else {
            return;
        };
        let (before, place) = (slot.queue(), slot.link);
        slot.bits = bits;
        slot.at_ns = at_ns;
        let Some(index) = &mut self.index else {
            slot.link = seq;
            return;
        };
        let entry = Entry {
            at_ns,
            seq,
            slot: at,
        };
        if before == queue {
            index.of_mut(queue).replace(place, entry, &mut self.slots);
        } else {
            index.of_mut(before).remove(place, &mut self.slots);
            let limit = self.max_keys as usize;
            index.of_mut(queue).push(entry, limit, &mut self.slots);
        }
    }

    /// Puts slot `at` into another queue; its instant, arrival and note stay.
    pub(super) fn requeue(&mut self, at: u32, queue: Queue) {
        if let Some(at_ns) = self.slot(at).map(Slot::at_ns) {
            self.move_to(at, queue, at_ns);
        }
    }

    #[inline]
    fn arrive(&mut self) -> u32 {
        if self.next_seq == u32::MAX {
            self.renumber();
        }
        let seq = self.next_seq;
        self.next_seq = seq.saturating_add(1);
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
            if let Some(slot) = self.slots.get_mut(at as usize) {
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

impl<K: Hash + Eq, V, S: BuildHasher> Keyed<K, V, S> {
    /// The slot of `key`.
    #[inline]
    pub(super) fn find<Q>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.hasher.hash_one(key);
        let is_it = |&at: &u32| {
            let slot = self.slots.get(at as usize);
            slot.is_some_and(|slot| slot.key.borrow() == key)
        };
        self.numbers.find(hash, is_it).copied()
    }

    /// Adds a key that is not there; the table must not be full.
    pub(super) fn insert(&mut self, key: K, value: V, queue: Queue, at_ns: u64, note: u32) -> u32 {
        let seq = self.arrive();
        let at = self.len();
        let hash = self.hasher.hash_one(&key);
        let limit = self.max_keys as usize;
        make_room(&mut self.slots, limit);
        self.slots.push(Slot {
            key,
            value,
            at_ns,
            bits: bits(note, queue),
            link: seq,
        });
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.numbers.insert_unique(hash, at, |&at| {
            slots
                .get(at as usize)
                .map_or(0, |slot| hasher.hash_one(&slot.key))
        });
        if let Some(index) = &mut self.index {
            let entry = Entry {
                at_ns,
                seq,
                slot: at,
            };
            index.of_mut(queue).push(entry, limit, &mut self.slots);
        }
        at
    }

    /// Takes slot `at` out; the last slot has its number from now on.
    pub(super) fn remove(&mut self, at: u32) -> Option<Slot<K, V>> {
        let slot = self.slots.get(at as usize)?;
        let (queue, place) = (slot.queue(), slot.link);
        let hash = self.hasher.hash_one(&slot.key);
        if let Ok(found) = self.numbers.find_entry(hash, |&number| number == at) {
            let _ = found.remove();
        }
        if let Some(index) = &mut self.index {
            index.of_mut(queue).remove(place, &mut self.slots);
        }
        let last = self.len().saturating_sub(1);
        let removed = swap_remove(&mut self.slots, at);
        if let Some(moved) = self.slots.get(at as usize) {
            let hash = self.hasher.hash_one(&moved.key);
            if let Some(found) = self.numbers.find_mut(hash, |&number| number == last) {
                *found = at;
            }
            if let Some(index) = &mut self.index {
                if let Some(entry) = index.of_mut(moved.queue()).get_mut(moved.link) {
                    entry.slot = at;
                }
            }
        }
        removed
    }
}

/// Takes element `at` out; the last one has its place from now on. (That of `Vec` panics where there is none.)
#[inline]
pub(super) fn swap_remove<T>(row: &mut Vec<T>, at: u32) -> Option<T> {
    let last = row.pop()?;
    match row.get_mut(at as usize) {
        Some(place) => Some(mem::replace(place, last)),
        None => Some(last),
    }
}

/// Room for one more: twice as much as there was, at most `limit` in all.
#[inline]
pub(super) fn make_room<T>(row: &mut Vec<T>, limit: usize) {
    if row.len() == row.capacity() {
        let wanted = row.len().saturating_mul(2).max(8).min(limit);
        row.reserve_exact(wanted.saturating_sub(row.len()).max(1));
    }
}

/// Slots are at most 2^31.
#[inline]
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::table::FixedState;

    /// Numbering anew goes through all keys: it is done when the numbers are used up, not before.
    #[test]
    fn arrivals_are_numbered_on_while_there_are_numbers() {
        for indexed in [false, true] {
            let mut keyed = Keyed::new(FixedState, 100, indexed);
            let at = keyed.insert(7_u64, (), Queue::Due, 5, 0);
            for at_ns in 0..9 {
                keyed.set(at, Queue::Due, at_ns, 0);
            }
            assert_eq!(keyed.next_seq, 10);
        }
    }

    /// Arrivals near the last number: they are numbered anew, and the order stays.
    #[test]
    fn arrivals_may_be_numbered_anew() {
        for indexed in [false, true] {
            let mut keyed = Keyed::new(FixedState, 100, indexed);
            keyed.next_seq = u32::MAX - 7;
            for key in 0_u64..20 {
                keyed.insert(key, (), Queue::Due, 5, 0);
            }
            keyed.set(3, Queue::Due, 5, 0);
            keyed.requeue(4, Queue::Idle);
            keyed.move_to(2, Queue::Parked, 9);
            keyed.move_to(2, Queue::Due, 5);
            let keys: Vec<_> = keyed
                .in_order(|_, _| true)
                .iter()
                .map(|&at| keyed.slot(at).unwrap().key)
                .collect();
            let expected: Vec<u64> = (0..20).filter(|&key| key != 3).chain([3]).collect();
            assert_eq!(keys, expected);
            assert!(keyed.next_seq < 100);
        }
    }
}
