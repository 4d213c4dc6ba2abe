//! Who comes first of all groups: a tournament. A leaf for each group has whose turn it is first there, and above every
//! four stands the winner of them, up to one. What changes in a group goes up only as far as it changes who wins, which
//! mostly is not far, and no slot has to know of it.
//!
//! (D. E. Knuth, The Art of Computer Programming 3, 5.4.1: the tree of winners; here with four children a node, which
//! are one line of the cache.)

use alloc::vec::Vec;
use core::{iter, mem};

const CHILDREN: usize = 4;

/// When, the how-manieth of all (turns that fall together go in this order), and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    at_ns: u64,
    /// The arrival in the upper half, and the slot.
    whose: u64,
}

impl Turn {
    /// After all others: arrivals have lower numbers.
    pub(super) const NOBODY: Self = Self::new(u64::MAX, u32::MAX, u32::MAX);

    #[inline]
    pub(super) const fn new(at_ns: u64, seq: u32, slot: u32) -> Self {
        Self {
            at_ns,
            whose: (seq as u64) << 32 | slot as u64,
        }
    }

    #[inline]
    pub(super) const fn at_ns(self) -> u64 {
        self.at_ns
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
    pub(super) const fn slot(self) -> u32 {
        self.whose as u32
    }

    /// Whether it is the same one's, of the same arrival.
    #[inline]
    const fn is_same(self, other: Self) -> bool {
        self.whose == other.whose
    }

    #[inline]
    pub(super) const fn is_before(self, other: Self) -> bool {
        self.place() < other.place()
    }

    /// One number, so that two turns are compared without a branch.
    #[inline]
    const fn place(self) -> u128 {
        (self.at_ns as u128) << 64 | self.whose as u128
    }

    #[inline]
    pub(super) const fn or_before(self, other: Self) -> Self {
        if other.is_before(self) { other } else { self }
    }
}

/// The children of a node: one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Four([Turn; CHILDREN]);

impl Four {
    const NOBODY: Self = Self([Turn::NOBODY; CHILDREN]);

    #[inline]
    fn winner(&self) -> Turn {
        let [a, b, c, d] = self.0;
        a.or_before(b).or_before(c.or_before(d))
    }
}

/// Node 0 is the winner of all; the children of node `n` are the four from `4 n + 1` on. The leaves are the last nodes.
#[derive(Clone, Debug)]
pub(super) struct Tournament {
    winner: Turn,
    /// The children of each node that has some.
    fours: Vec<Four>,
}

impl Tournament {
    /// Of no groups.
    pub(super) const EMPTY: Self = Self {
        winner: Turn::NOBODY,
        fours: Vec::new(),
    };

    /// Of groups whose firsts are these. O(n).
    pub(super) fn make(&mut self, firsts: impl ExactSizeIterator<Item = Turn>) {
        let inner = firsts
            .len()
            .saturating_sub(1)
            .div_ceil(CHILDREN.saturating_sub(1));
        self.winner = Turn::NOBODY;
        self.fours.clear();
        self.fours.reserve_exact(inner);
        self.fours.extend(iter::repeat_n(Four::NOBODY, inner));
        for (group, first) in firsts.enumerate() {
            if let Some(leaf) = self.node_mut(inner.saturating_add(group)) {
                *leaf = first;
            }
        }
        for node in (0..inner).rev() {
            let winner = self.fours.get(node).map_or(Turn::NOBODY, Four::winner);
            if let Some(above) = self.node_mut(node) {
                *above = winner;
            }
        }
    }

    /// Whose turn comes first of all.
    #[inline]
    pub(super) fn first(&self) -> Option<Turn> {
        (self.winner != Turn::NOBODY).then_some(self.winner)
    }

    /// Whose turn comes first in this group.
    #[inline]
    pub(super) fn of_group(&self, group: usize) -> Turn {
        self.node(self.leaf(group)).unwrap_or(Turn::NOBODY)
    }

    /// From now on `turn`, which is before the first one of the group as it was, is the first there. O(log n), and mostly
    /// less.
    pub(super) fn lower(&mut self, group: usize, turn: Turn) {
        let mut node = self.leaf(group);
        while let Some(here) = self.node_mut(node) {
            if !turn.is_before(*here) {
                break;
            }
            *here = turn;
            match parent(node) {
                Some(above) => node = above,
                None => break,
            }
        }
    }

    /// From now on `turn`, which is not before the first one of the group as it was, is the first there. O(log n).
    pub(super) fn raise(&mut self, group: usize, turn: Turn) {
        let (mut node, mut winner) = (self.leaf(group), turn);
        while let Some(here) = self.node_mut(node) {
            let before = mem::replace(here, winner);
            let Some(above) = parent(node) else { break };
            let (Some(four), Some(standing)) = (self.fours.get(above), self.node(above)) else {
                break;
            };
            // Another one has won there, and still does.
            if !standing.is_same(before) {
                break;
            }
            winner = four.winner();
            node = above;
        }
    }

    #[inline]
    fn leaf(&self, group: usize) -> usize {
        self.fours.len().saturating_add(group)
    }

    #[inline]
    fn node(&self, node: usize) -> Option<Turn> {
        match parent(node) {
            Some(above) => {
                let child = node.wrapping_sub(1) % CHILDREN;
                self.fours.get(above)?.0.get(child).copied()
            }
            None => Some(self.winner),
        }
    }

    #[inline]
    fn node_mut(&mut self, node: usize) -> Option<&mut Turn> {
        match parent(node) {
            Some(above) => {
                let child = node.wrapping_sub(1) % CHILDREN;
                self.fours.get_mut(above)?.0.get_mut(child)
            }
            None => Some(&mut self.winner),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.fours.capacity().saturating_mul(size_of::<Four>())
    }
}

#[inline]
const fn parent(node: usize) -> Option<usize> {
    match node.checked_sub(1) {
        Some(before) => before.checked_div(CHILDREN),
        None => None,
    }
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]
mod tests {
    use alloc::vec::Vec;

    use rand_xoshiro::SplitMix64;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;

    fn first(firsts: &[Turn]) -> Option<Turn> {
        let by_turn = |turn: &&Turn| (turn.at_ns, turn.whose);
        let first = firsts.iter().min_by_key(by_turn).copied();
        first.filter(|turn| *turn != Turn::NOBODY)
    }

    /// Few instants, so that many fall together; every number of groups that a row of nodes can begin or end with.
    #[test]
    fn the_first_of_all_is_that_of_a_search_whatever_comes_and_goes() {
        let mut rng = SplitMix64::seed_from_u64(5);
        for groups in (1..24).chain([84, 85, 86, 341, 342]) {
            let mut firsts: Vec<_> = (0..groups).map(|_| Turn::NOBODY).collect();
            let mut tournament = Tournament::EMPTY;
            tournament.make(firsts.iter().copied());
            for seq in 0..400 {
                let word = rng.next_u64();
                let group = (word >> 32) as usize % groups;
                let turn = match word & 7 {
                    0 => Turn::NOBODY,
                    at_ns => Turn::new(at_ns, seq, 0),
                };
                assert_eq!(tournament.of_group(group), firsts[group]);
                if turn.is_before(firsts[group]) {
                    tournament.lower(group, turn);
                } else {
                    tournament.raise(group, turn);
                }
                firsts[group] = turn;
                assert_eq!(tournament.first(), first(&firsts), "{groups} groups");
            }
            let mut anew = Tournament::EMPTY;
            anew.make(firsts.iter().copied());
            assert_eq!(anew.first(), tournament.first());
        }
    }

    #[test]
    fn of_no_groups_nobody_is_first() {
        let mut tournament = Tournament::EMPTY;
        assert_eq!(tournament.first(), None);
        tournament.make([].into_iter());
        assert_eq!((tournament.first(), tournament.bytes()), (None, 0));
    }
}
