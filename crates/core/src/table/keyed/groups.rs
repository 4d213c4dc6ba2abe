//! A hash table whose slots stand in groups of five, each group behind one word that says what is in it. To find a key,
//! or that it is not there, is mostly one wait for memory: the word and the slots are neighbours. No slot moves but
//! when all do, because there are to be more groups.
//!
//! A key whose group is full goes on to another one, and counts itself in the word: so whoever looks for a key that is
//! not there seldom looks further, and to take a key out is to count back. There is nothing that marks where one was.

use alloc::vec::Vec;
use core::{array, mem};

use super::tags::{Hashed, Tags, Way};
use super::tournament::Turn;
use super::{Queue, Slot};

pub(super) const PLACES: usize = 5;

/// Slots are numbered by their group and their place in it.
const PLACE_BITS: u32 = 3;

/// Slots of more bytes are large.
const LARGE: usize = 64;

const FEW: u32 = 4_096;

#[derive(Clone, Debug)]
pub(super) struct Group<K, V> {
    tags: Tags,
    slots: [Option<Slot<K, V>>; PLACES],
}

impl<K, V> Group<K, V> {
    fn empty() -> Self {
        Self {
            tags: Tags::EMPTY,
            slots: array::from_fn(|_| None),
        }
    }

    #[inline]
    fn find(&self, hash: Hashed, is_it: impl Fn(&K) -> bool) -> Option<(usize, &Slot<K, V>)> {
        let mut same = self.tags.same(hash);
        while let Some(place) = same.first() {
            if let Some(Some(slot)) = self.slots.get(place) {
                if is_it(&slot.key) {
                    return Some((place, slot));
                }
            }
            same = same.without_first();
        }
        None
    }

    #[inline]
    pub(super) fn slot(&self, place: usize) -> Option<&Slot<K, V>> {
        self.slots.get(place)?.as_ref()
    }

    #[inline]
    pub(super) fn slot_mut(&mut self, place: usize) -> Option<&mut Slot<K, V>> {
        self.slots.get_mut(place)?.as_mut()
    }

    /// Whose turn it is first of those that wait in `queue`, in this group of that number.
    pub(super) fn first(&self, number_of_it: usize, queue: Queue) -> Turn {
        let mut first = Turn::NOBODY;
        for (place, slot) in self.slots.iter().enumerate() {
            if let Some(slot) = slot.as_ref().filter(|slot| slot.queue() == queue) {
                first = first.or_before(slot.turn(number(number_of_it, place)));
            }
        }
        first
    }
}

#[derive(Clone, Debug)]
pub(super) struct Groups<K, V> {
    groups: Vec<Group<K, V>>,
    len: u32,
    /// How many keys ten groups are to hold, of fifty places.
    in_ten: usize,
    /// How many counters have lost count since all slots moved.
    worn: u32,
}

impl<K, V> Groups<K, V> {
    /// Groups that are fuller take less memory, and more keys have to go on from them: so where there are few keys they
    /// are less full, and fuller where slots are large. `beside` is what a slot has elsewhere.
    pub(super) const fn new(max_keys: u32, beside: usize) -> Self {
        let in_ten = if size_of::<Slot<K, V>>().saturating_add(beside) > LARGE {
            45
        } else if max_keys <= FEW {
            32
        } else {
            40
        };
        Self {
            groups: Vec::new(),
            len: 0,
            in_ten,
            worn: 0,
        }
    }

    /// All groups, by number.
    pub(super) fn groups(&self) -> &[Group<K, V>] {
        &self.groups
    }

    #[inline]
    pub(super) fn group(&self, group: usize) -> Option<&Group<K, V>> {
        self.groups.get(group)
    }

    #[inline]
    pub(super) fn group_mut(&mut self, group: usize) -> Option<&mut Group<K, V>> {
        self.groups.get_mut(group)
    }

    #[inline]
    pub(super) const fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.groups
            .capacity()
            .saturating_mul(size_of::<Group<K, V>>())
    }

    /// The numbers that slots have.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<K, V> {
        (0..self.groups.len()).flat_map(|group| (0..PLACES).map(move |place| number(group, place)))
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&Slot<K, V>> {
        let (group, place) = parts(at);
        self.groups.get(group)?.slot(place)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut Slot<K, V>> {
        let (group, place) = parts(at);
        self.groups.get_mut(group)?.slot_mut(place)
    }

    /// All slots, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Slot<K, V>)> {
        self.groups.iter().enumerate().flat_map(|(group, row)| {
            let slots = row.slots.iter().enumerate();
            slots.filter_map(move |(place, slot)| Some((number(group, place), slot.as_ref()?)))
        })
    }

    /// The slot of a key, and its number. Most keys are at home; the rest is out of the way.
    #[inline]
    pub(super) fn find(
        &self,
        hash: Hashed,
        is_it: impl Fn(&K) -> bool,
    ) -> Option<(u32, &Slot<K, V>)> {
        let home = hash.home(self.groups.len());
        let group = self.groups.get(home)?;
        match group.find(hash, &is_it) {
            Some((place, slot)) => Some((number(home, place), slot)),
            None if group.tags.was_passed(hash) => self.find_further(hash, is_it),
            None => None,
        }
    }

    /// The same, to be changed: the number of its group, the group, and its place there.
    #[inline]
    pub(super) fn find_mut(
        &mut self,
        hash: Hashed,
        is_it: impl Fn(&K) -> bool,
    ) -> Option<(usize, &mut Group<K, V>, usize)> {
        let home = hash.home(self.groups.len());
        let group = self.groups.get(home)?;
        if let Some((place, _)) = group.find(hash, &is_it) {
            return Some((home, self.groups.get_mut(home)?, place));
        }
        if !group.tags.was_passed(hash) {
            return None;
        }
        let (at, _) = self.find_further(hash, is_it)?;
        let (number, place) = parts(at);
        Some((number, self.groups.get_mut(number)?, place))
    }

    #[cold]
    #[inline(never)]
    fn find_further(&self, hash: Hashed, is_it: impl Fn(&K) -> bool) -> Option<(u32, &Slot<K, V>)> {
        let mut way = Way::new(hash, self.groups.len());
        let _home = way.next();
        for at in way {
            let group = self.groups.get(at)?;
            if let Some((place, slot)) = group.find(hash, &is_it) {
                return Some((number(at, place), slot));
            }
            if !group.tags.was_passed(hash) {
                return None;
            }
        }
        None
    }

    /// Puts a slot in, for which there must be room, and says its number.
    pub(super) fn insert(&mut self, hash: Hashed, slot: Slot<K, V>) -> u32 {
        for at in Way::new(hash, self.groups.len()) {
            let Some(group) = self.groups.get_mut(at) else {
                break;
            };
            if let Some(place) = group.tags.free().first() {
                group.tags.take(place, hash);
                if let Some(free) = group.slots.get_mut(place) {
                    *free = Some(slot);
                }
                self.len = self.len.wrapping_add(1);
                return number(at, place);
            }
            if group.tags.pass(hash) {
                self.worn = self.worn.saturating_add(1);
            }
        }
        u32::MAX
    }

    /// Takes slot `at` out.
    pub(super) fn remove(&mut self, at: u32, hash: Hashed) -> Option<Slot<K, V>> {
        let (there, place) = parts(at);
        let group = self.groups.get_mut(there)?;
        let slot = group.slots.get_mut(place)?.take()?;
        group.tags.clear(place);
        self.len = self.len.wrapping_sub(1);
        for at in Way::new(hash, self.groups.len()).take_while(|&at| at != there) {
            self.groups.get_mut(at)?.tags.pass_back(hash);
        }
        Some(slot)
    }

    /// Whether all slots are to move before one more comes: to more groups, or because counters have lost count.
    #[inline]
    pub(super) fn is_to_move(&self) -> bool {
        self.is_full() || self.worn as usize > (self.groups.len() >> 3).max(8)
    }

    fn is_full(&self) -> bool {
        let in_all = self.groups.len().saturating_mul(self.in_ten);
        (self.len as usize).saturating_mul(10) >= in_all
    }

    /// How many groups there are to be when all slots move: twice as many if these are full, but no more than
    /// `most_keys` need.
    pub(super) fn wanted(&self, most_keys: u32) -> usize {
        if !self.is_full() {
            return self.groups.len();
        }
        let most = (most_keys as usize).saturating_mul(10);
        let most = most.div_ceil(self.in_ten.max(1));
        self.groups.len().saturating_mul(2).max(2).min(most)
    }

    /// Moves all slots to as many groups: tells `moved` of each slot's number before and after.
    pub(super) fn move_all(
        &mut self,
        wanted: usize,
        hashed: impl Fn(&K) -> Hashed,
        mut moved: impl FnMut(u32, u32),
    ) {
        let before = mem::take(&mut self.groups);
        self.groups.reserve_exact(wanted);
        self.groups.resize_with(wanted, Group::empty);
        self.len = 0;
        for (group, row) in before.into_iter().enumerate() {
            for (place, slot) in row.slots.into_iter().enumerate() {
                let Some(slot) = slot else { continue };
                let to = self.insert(hashed(&slot.key), slot);
                moved(number(group, place), to);
            }
        }
        self.worn = 0;
    }
}

#[inline]
pub(super) const fn parts(at: u32) -> (usize, usize) {
    let place = at & ((1 << PLACE_BITS) - 1);
    ((at >> PLACE_BITS) as usize, place as usize)
}

/// There are at most 2^29 groups: four in each of 2^31 keys.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "groups are at most 2^29")]
pub(super) const fn number(group: usize, place: usize) -> u32 {
    (group << PLACE_BITS | place) as u32
}

/// Where the words of a slot begin that stand beside it, so many as `width` says.
#[inline]
pub(super) const fn beside(at: u32, width: usize) -> usize {
    let (group, place) = parts(at);
    let places = group.saturating_mul(PLACES).saturating_add(place);
    places.saturating_mul(width)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]
mod tests {
    use core::hash::BuildHasher;

    use super::*;
    use crate::table::FixedState;
    use crate::table::keyed::{Queue, bits};

    fn slot(key: u64) -> Slot<u64, ()> {
        Slot {
            key,
            value: (),
            at_ns: 0,
            bits: bits(0, Queue::Due),
            seq: 0,
        }
    }

    /// Keys below `most` go in; their hash is that of `key % homes`.
    fn filled(most: u32, homes: u64) -> (Groups<u64, ()>, impl Fn(u64) -> Hashed) {
        let hashed = move |key: u64| Hashed::new(FixedState.hash_one(key % homes));
        let mut groups = Groups::new(most, 0);
        for key in 0..u64::from(most) {
            if groups.is_to_move() {
                let wanted = groups.wanted(most);
                groups.move_all(wanted, |&key| hashed(key), |_, _| ());
            }
            groups.insert(hashed(key), slot(key));
        }
        (groups, hashed)
    }

    #[test]
    fn keys_are_found_however_many_share_a_home_and_no_others() {
        for (most, homes) in [(1, 1), (300, 1), (300, 7), (6_000, 6_000)] {
            let (mut groups, hashed) = filled(most, homes);
            let number = |groups: &Groups<_, _>, key: u64| {
                let found = groups.find(hashed(key), |&other| other == key)?;
                assert_eq!(groups.get(found.0).unwrap().key, key);
                Some(found.0)
            };
            let before: Vec<_> = (0..most.into()).map(|key| number(&groups, key)).collect();
            assert!(before.iter().all(Option::is_some));
            assert_eq!(number(&groups, most.into()), None);
            for key in (0..u64::from(most)).step_by(2) {
                let at = number(&groups, key).unwrap();
                assert_eq!(groups.remove(at, hashed(key)).unwrap().key, key);
            }
            // The others stay where they are.
            for (key, before) in (0..).zip(before) {
                assert_eq!(number(&groups, key), before.filter(|_| key % 2 == 1));
            }
            assert_eq!(groups.len(), most / 2);
            assert_eq!(groups.iter().count(), (most / 2) as usize);
        }
    }

    /// Else a table in which keys come and go would look further for ever more keys that are not there.
    #[test]
    fn a_table_that_is_empty_again_looks_nowhere_further() {
        let (mut groups, hashed) = filled(6_000, 6_000);
        let went_on = |groups: &Groups<_, _>| {
            let passed = |key: &u64| {
                let hash = hashed(*key);
                groups.groups[hash.home(groups.groups.len())]
                    .tags
                    .was_passed(hash)
            };
            (0..6_000).filter(passed).count()
        };
        assert!(
            (600..1_500).contains(&went_on(&groups)),
            "{}",
            went_on(&groups)
        );
        for at in groups.numbers() {
            if let Some(slot) = groups.get(at) {
                let hash = hashed(slot.key);
                groups.remove(at, hash);
            }
        }
        assert_eq!((groups.len(), groups.worn, went_on(&groups)), (0, 0, 0));
    }

    #[test]
    fn counters_that_lost_count_let_all_slots_move_and_begin_anew() {
        let (mut groups, hashed) = filled(300, 1);
        // All went on with one counter, and slots moved once that was so in a share of the groups.
        assert!(groups.worn <= 12, "{}", groups.worn);
        groups.worn = 40;
        assert!(groups.is_to_move());
        let wanted = groups.wanted(300);
        let mut moved = 0;
        groups.move_all(wanted, |&key| hashed(key), |_, _| moved += 1);
        assert_eq!((moved, groups.worn, groups.is_to_move()), (300, 0, false));
    }
}
