//! A min-heap of deadlines with four children a node, whose places are known to the slots that they belong to: the
//! first deadline is read at once, any other is moved or taken out in O(log n), and nothing outdated is ever in it.

use alloc::vec::Vec;

const CHILDREN: usize = 4;

/// A deadline: when, the how-manieth of all (deadlines that fall together go in this order), and whose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) at_ns: u64,
    pub(super) seq: u32,
    pub(super) slot: u32,
}

impl Entry {
    #[inline]
    const fn is_before(&self, other: &Self) -> bool {
        self.at_ns < other.at_ns || (self.at_ns == other.at_ns && self.seq < other.seq)
    }
}

/// Where the slots keep the place of their entry.
pub(super) trait Places {
    fn set_place(&mut self, slot: u32, place: u32);
}

#[derive(Clone, Debug)]
pub(super) struct Heap {
    entries: Vec<Entry>,
}

impl Heap {
    pub(super) const EMPTY: Self = Self {
        entries: Vec::new(),
    };

    #[inline]
    pub(super) fn first(&self) -> Option<&Entry> {
        self.entries.first()
    }

    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Entry> {
        self.entries.get(place as usize)
    }

    /// For a change that keeps the order: another slot, other numbers in the same order.
    #[inline]
    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Entry> {
        self.entries.get_mut(place as usize)
    }

    /// Puts `entry` in; at most `limit` entries are ever there.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry, limit: usize, places: &mut impl Places) {
        super::make_room(&mut self.entries, limit);
        self.entries.push(entry);
        let last = self.entries.len().saturating_sub(1);
        self.rise(last, entry, places);
    }

    /// Takes the entry at `place` out.
    pub(super) fn remove(&mut self, place: u32, places: &mut impl Places) {
        let place = place as usize;
        if place >= self.entries.len() {
            return;
        }
        let Some(last) = self.entries.pop() else {
            return;
        };
        if place < self.entries.len() {
            self.settle(place, last, places);
        }
        // Half of the memory goes back when only a quarter is in use.
        if self.entries.capacity() > 64 && self.entries.len() < self.entries.capacity() >> 2 {
            self.entries.shrink_to(self.entries.capacity() >> 1);
        }
    }

    /// Replaces the entry at `place`, which came before `entry` where that is `later`, else after it.
    #[inline]
    pub(super) fn replace(
        &mut self,
        place: u32,
        entry: Entry,
        later: bool,
        places: &mut impl Places,
    ) {
        // What stands above is not even looked at where it comes before anyway: one wait for memory less.
        if later {
            self.sink(place as usize, entry, places);
        } else {
            self.rise(place as usize, entry, places);
        }
    }

    /// Puts `entry` in, whose way begins at the free `place`.
    #[inline]
    fn settle(&mut self, place: usize, entry: Entry, places: &mut impl Places) {
        let parent = parent(place).and_then(|at| self.entries.get(at));
        if parent.is_some_and(|parent| entry.is_before(parent)) {
            self.rise(place, entry, places);
        } else {
            self.sink(place, entry, places);
        }
    }

    #[inline]
    fn rise(&mut self, mut place: usize, entry: Entry, places: &mut impl Places) {
        while let Some(above) = parent(place) {
            match self.entries.get(above) {
                Some(&parent) if entry.is_before(&parent) => {
                    self.put(place, parent, places);
                    place = above;
                }
                _ => break,
            }
        }
        self.put(place, entry, places);
    }

    #[inline]
    fn sink(&mut self, mut place: usize, entry: Entry, places: &mut impl Places) {
        while let Some((below, child)) = self.first_child(place) {
            if !child.is_before(&entry) {
                break;
            }
            self.put(place, child, places);
            place = below;
        }
        self.put(place, entry, places);
    }

    /// The earliest of the children of `place`.
    #[inline]
    fn first_child(&self, place: usize) -> Option<(usize, Entry)> {
        let begin = place.checked_mul(CHILDREN)?.checked_add(1)?;
        let end = begin.saturating_add(CHILDREN).min(self.entries.len());
        let children = self.entries.get(begin..end)?;
        let (mut at, mut first) = (begin, *children.first()?);
        for (offset, child) in children.iter().enumerate() {
            if child.is_before(&first) {
                (at, first) = (begin.saturating_add(offset), *child);
            }
        }
        Some((at, first))
    }

    #[inline]
    fn put(&mut self, place: usize, entry: Entry, places: &mut impl Places) {
        if let Some(at) = self.entries.get_mut(place) {
            *at = entry;
            places.set_place(entry.slot, super::number(place));
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}

#[inline]
const fn parent(place: usize) -> Option<usize> {
    match place.checked_sub(1) {
        Some(before) => before.checked_div(CHILDREN),
        None => None,
    }
}
