//! What every keyed table stands on: keys in slots, found by hash, ordered by an instant each.
//!
//! The slots stand in a hash table of their own, in an order that is never seen, so that results do not depend on the
//! hasher. Each slot waits in a queue at an instant; among equal instants the order is that of arrival: of the calls
//! that set the instants, or of those that put the keys in, as the table has it. A queue that the index has is a
//! tournament: who is first is read at once, a change is O(log n). Without it a search goes through all slots.
//!
//! A slot has a number, which stays until all slots move because there are to be more. A key of 8 bytes with nothing of
//! its own takes 24 bytes in a slot, 32 in a full table of more than 4 096 keys, 40 in one of fewer, and 5 to 7 for
//! each queue of the index. What a table keeps of each key beside that stands in a row of words, in the order of the slots' numbers.

mod groups;
mod index;
mod order;
mod tags;
mod tournament;

use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::mem;
use core::num::NonZeroU32;

use groups::{Group, Groups};
use tags::Hashed;
use tournament::Turn;

pub(super) use index::Index;

/// The most keys that a table may hold.
pub(super) const MAX_KEYS: u32 = 1 << 31;

/// What a slot waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Its instant is to be reported.
    Due = 1,
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
    bits: NonZeroU32,
    /// The arrival.
    seq: u32,
}

impl<K, V> Slot<K, V> {
    #[inline]
    pub(super) const fn at_ns(&self) -> u64 {
        self.at_ns
    }

    #[inline]
    pub(super) const fn note(&self) -> u32 {
        self.bits.get() & NOTE_MASK
    }

    #[inline]
    pub(super) const fn queue(&self) -> Queue {
        match self.bits.get() >> NOTE_BITS {
            1 => Queue::Due,
            2 => Queue::Idle,
            _ => Queue::Parked,
        }
    }

    #[inline]
    const fn turn(&self, at: u32) -> Turn {
        Turn::new(self.at_ns, self.seq, at)
    }
}

#[inline]
fn bits(note: u32, queue: Queue) -> NonZeroU32 {
    let queue = NonZeroU32::new((queue as u32) << NOTE_BITS).unwrap_or(NonZeroU32::MIN);
    queue | (note & NOTE_MASK)
}

/// A slot that was found.
pub(super) struct Found<'a, K, V> {
    /// The number of its group: known before memory answers, so it is never taken from that of the slot.
    number: usize,
    group: &'a mut Group<K, V>,
    place: usize,
    index: &'a mut Option<Index>,
    next_seq: &'a mut u32,
}

impl<K, V> Found<'_, K, V> {
    /// Its number.
    #[inline]
    pub(super) const fn at(&self) -> u32 {
        groups::number(self.number, self.place)
    }

    #[inline]
    pub(super) fn slot(&self) -> Option<&Slot<K, V>> {
        self.group.slot(self.place)
    }

    /// As [`Keyed::set`]; nothing and false where all arrivals are to be numbered anew first.
    #[inline(always)]
    pub(super) fn try_set(self, queue: Queue, at_ns: u64, note: u32) -> bool {
        let seq = *self.next_seq;
        if seq == u32::MAX {
            return false;
        }
        *self.next_seq = seq.wrapping_add(1);
        self.place(queue, at_ns, bits(note, queue), seq);
        true
    }

    /// Its arrival and its note stay, and its instant unless there is another.
    fn move_to(self, queue: Queue, at_ns: Option<u64>) {
        if let Some(slot) = self.slot() {
            let (seq, bits) = (slot.seq, bits(slot.note(), queue));
            let at_ns = at_ns.unwrap_or(slot.at_ns);
            self.place(queue, at_ns, bits, seq);
        }
    }

    #[inline(always)]
    fn place(self, queue: Queue, at_ns: u64, bits: NonZeroU32, seq: u32) {
        let at = self.at();
        let Some(slot) = self.group.slot_mut(self.place) else {
            return;
        };
        let before = (slot.queue(), slot.at_ns);
        slot.at_ns = at_ns;
        slot.bits = bits;
        slot.seq = seq;
        if let Some(index) = self.index {
            let turn = slot.turn(at);
            index.update(self.group, self.number, before, queue, turn);
        }
    }
}

#[derive(Clone)]
pub(super) struct Keyed<K, V, S> {
    slots: Groups<K, V>,
    /// What stands beside each slot: so many words as `width` says.
    words: Vec<u64>,
    width: usize,
    index: Option<Index>,
    hasher: S,
    max_keys: u32,
    next_seq: u32,
}

impl<K, V, S> Keyed<K, V, S> {
    pub(super) const fn new(hasher: S, max_keys: u32, index: Option<Index>, width: usize) -> Self {
        Self {
            slots: Groups::new(max_keys, width.saturating_mul(size_of::<u64>())),
            words: Vec::new(),
            width,
            index,
            hasher,
            max_keys,
            next_seq: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.slots.len()
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
        self.slots.get(at)
    }

    #[inline]
    pub(super) fn slot_mut(&mut self, at: u32) -> Option<&mut Slot<K, V>> {
        self.slots.get_mut(at)
    }

    /// The words that stand beside slot `at`.
    #[inline]
    pub(super) fn words(&self, at: u32) -> &[u64] {
        let begin = groups::beside(at, self.width);
        let words = self.words.get(begin..begin.saturating_add(self.width));
        words.unwrap_or(&[])
    }

    #[inline]
    pub(super) fn words_mut(&mut self, at: u32) -> &mut [u64] {
        let begin = groups::beside(at, self.width);
        let words = self.words.get_mut(begin..begin.saturating_add(self.width));
        words.unwrap_or(&mut [])
    }

    /// The numbers that slots may have; to take one out changes none.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<K, V, S> {
        self.slots.numbers()
    }

    /// All slots, by number.
    pub(super) fn slots(&self) -> impl Iterator<Item = (u32, &Slot<K, V>)> {
        self.slots.iter()
    }

    /// The bytes in use on the heap.
    pub(super) fn bytes(&self) -> usize {
        let words = self.words.capacity().saturating_mul(size_of::<u64>());
        let index = self.index.as_ref().map_or(0, Index::bytes);
        let beside = index.saturating_add(words);
        self.slots.bytes().saturating_add(beside)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Keyed<K, V, S> {
    /// The number of the slot of `key`.
    #[inline]
    pub(super) fn find<Q>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.find_slot(key).map(|(at, _)| at)
    }

    /// The slot of `key`, and its number.
    #[inline]
    pub(super) fn find_slot<Q>(&self, key: &Q) -> Option<(u32, &Slot<K, V>)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = Hashed::new(self.hasher.hash_one(key));
        self.slots.find(hash, |other| other.borrow() == key)
    }

    /// The slot of `key`, to be set.
    #[inline]
    pub(super) fn find_mut<Q>(&mut self, key: &Q) -> Option<Found<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = Hashed::new(self.hasher.hash_one(key));
        let is_it = |other: &K| other.borrow() == key;
        let (number, group, place) = self.slots.find_mut(hash, is_it)?;
        Some(Found {
            number,
            group,
            place,
            index: &mut self.index,
            next_seq: &mut self.next_seq,
        })
    }

    /// Adds a key that is not there; the table must not be full.
    pub(super) fn insert(&mut self, key: K, value: V, queue: Queue, at_ns: u64, note: u32) -> u32 {
        let seq = self.arrive();
        if self.slots.is_to_move() {
            self.move_all();
        }
        let hash = Hashed::new(self.hasher.hash_one(&key));
        let slot = Slot {
            key,
            value,
            at_ns,
            bits: bits(note, queue),
            seq,
        };
        let at = self.slots.insert(hash, slot);
        if let Some(index) = &mut self.index {
            let (number, _) = groups::parts(at);
            index.came(queue, number, Turn::new(at_ns, seq, at));
        }
        at
    }

    /// Moves all slots, and what stands beside them; they have other numbers from now on.
    #[cold]
    fn move_all(&mut self) {
        let Self {
            slots,
            words,
            width,
            hasher,
            max_keys,
            ..
        } = self;
        let wanted = slots.wanted(*max_keys);
        let words_before = mem::take(words);
        let places = wanted.saturating_mul(groups::PLACES);
        words.reserve_exact(places.saturating_mul(*width));
        words.resize(places.saturating_mul(*width), 0);
        slots.move_all(
            wanted,
            |key| Hashed::new(hasher.hash_one(key)),
            |from, to| {
                let from = words_before.get(groups::beside(from, *width)..);
                let to_words = words.get_mut(groups::beside(to, *width)..);
                for (from, to) in from
                    .into_iter()
                    .flatten()
                    .zip(to_words.into_iter().flatten())
                    .take(*width)
                {
                    *to = *from;
                }
            },
        );
        if let Some(index) = &mut self.index {
            index.make(&self.slots);
        }
    }

    /// Takes slot `at` out.
    pub(super) fn remove(&mut self, at: u32) -> Option<Slot<K, V>> {
        let slot = self.slots.get(at)?;
        let queue = slot.queue();
        let hash = Hashed::new(self.hasher.hash_one(&slot.key));
        let slot = self.slots.remove(at, hash);
        let (number, _) = groups::parts(at);
        if let (Some(index), Some(group)) = (&mut self.index, self.slots.group(number)) {
            index.left(group, number, at, queue);
        }
        slot
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::table::FixedState;

    /// Numbering anew goes through all keys: it is done when the numbers are used up, not before.
    #[test]
    fn arrivals_are_numbered_on_while_there_are_numbers() {
        for index in [None, Some(Index::DUE_AND_IDLE)] {
            let mut keyed = Keyed::new(FixedState, 100, index, 0);
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
        for index in [None, Some(Index::DUE_AND_IDLE)] {
            let mut keyed = Keyed::new(FixedState, 100, index, 0);
            keyed.next_seq = u32::MAX - 7;
            for key in 0_u64..20 {
                keyed.insert(key, (), Queue::Due, 5, 0);
            }
            let [two, three, four] = [2, 3, 4].map(|key| keyed.find(&key).unwrap());
            keyed.set(three, Queue::Due, 5, 0);
            keyed.requeue(four, Queue::Idle);
            keyed.move_to(two, Queue::Parked, 9);
            keyed.move_to(two, Queue::Due, 5);
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
