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
mod order;

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;

use hashbrown::HashTable;
use heap::Entry;
use order::Index;

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

    /// How many forgotten keys one call drops on its way, at the most: a share of the keys, so that it takes no longer
    /// than to look at all of them, and calls enough have dropped them all.
    pub(super) const fn most_drops(&self) -> u32 {
        64_u32.saturating_add(self.max_keys >> 8)
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
        let heaps = self.index.as_ref().map_or(0, Index::capacity);
        slots
            .saturating_add(heaps.saturating_mul(size_of::<Entry>()))
            .saturating_add(self.numbers.allocation_size())
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
