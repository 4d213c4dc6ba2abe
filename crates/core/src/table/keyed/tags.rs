//! What stands in a group of five slots, in one word, and what a hash says of where its key may be.

/// The lowest bit of each of the five tags, and the highest.
const LOWEST: u64 = 0x01_0101_0101;
const HIGHEST: u64 = LOWEST << 7;

/// Where the counters begin, how wide they are, and the count at which one stays.
const COUNTERS: u32 = 40;
const COUNTER_BITS: u32 = 3;
const LOST: u64 = (1 << COUNTER_BITS) - 1;

/// Five tags of eight bits, zero where the place is free, else the highest bit and seven of the hash; and eight
/// counters of three bits of the keys that found the group full and went on, each key in the one that three bits of its
/// hash name. A counter that gets to seven has lost count: it stays there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tags(u64);

impl Tags {
    pub(super) const EMPTY: Self = Self(0);

    /// The places whose tag is that of `hash`. Above one that is, there may be one that is not.
    #[inline]
    pub(super) const fn same(self, hash: Hashed) -> Places {
        let differ = self.0 ^ LOWEST.wrapping_mul(hash.tag());
        Places(differ.wrapping_sub(LOWEST) & !differ & HIGHEST)
    }

    #[inline]
    pub(super) const fn free(self) -> Places {
        Places(!self.0 & HIGHEST)
    }

    pub(super) const fn take(&mut self, place: usize, hash: Hashed) {
        self.0 |= hash.tag() << shift(place);
    }

    pub(super) const fn clear(&mut self, place: usize) {
        self.0 &= !(0xff << shift(place));
    }

    /// Whether a key with such a hash went on from here, or another one that counts as it does.
    #[inline]
    pub(super) const fn was_passed(self, hash: Hashed) -> bool {
        self.count(hash) != 0
    }

    /// One more goes on; whether the counter loses count with it.
    pub(super) const fn pass(&mut self, hash: Hashed) -> bool {
        let count = self.count(hash);
        if count != LOST {
            self.0 = self.0.wrapping_add(1 << hash.counter());
        }
        count == LOST - 1
    }

    /// One that went on is gone.
    pub(super) const fn pass_back(&mut self, hash: Hashed) {
        let count = self.count(hash);
        if count != 0 && count != LOST {
            self.0 = self.0.wrapping_sub(1 << hash.counter());
        }
    }

    #[inline]
    const fn count(self, hash: Hashed) -> u64 {
        (self.0 >> hash.counter()) & LOST
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "a place is below 5")]
const fn shift(place: usize) -> u32 {
    ((place & 7) as u32) << 3
}

/// Some of the places of a group, as the highest bits of their tags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places(u64);

impl Places {
    #[inline]
    pub(super) const fn first(self) -> Option<usize> {
        if self.0 == 0 {
            None
        } else {
            Some((self.0.trailing_zeros() >> 3) as usize)
        }
    }

    #[inline]
    pub(super) const fn without_first(self) -> Self {
        Self(self.0 & self.0.wrapping_sub(1))
    }
}

/// A hash whose lower bits were spread to the higher ones: the home of a key is taken from those, and a hasher may vary
/// few.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed(u64);

impl Hashed {
    #[inline]
    pub(super) const fn new(hash: u64) -> Self {
        Self(hash.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// The group out of `groups` where a key is looked for first.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "it is below `groups`")]
    pub(super) const fn home(self, groups: usize) -> usize {
        ((self.0 as u128).wrapping_mul(groups as u128) >> 64) as usize
    }

    /// How many groups it leaves out when it goes on.
    #[inline]
    const fn leap(self) -> usize {
        (self.0 >> 17 & 7) as usize
    }

    #[inline]
    const fn tag(self) -> u64 {
        self.0 >> 20 & 0x7f | 0x80
    }

    #[inline]
    const fn counter(self) -> u32 {
        COUNTERS.wrapping_add(COUNTER_BITS.wrapping_mul((self.0 >> 17 & 7) as u32))
    }
}

/// The groups that a key may be in, in this order: its home, then one of the eight that follow, as its hash has it, and
/// on from there through all of them.
pub(super) struct Way {
    next: usize,
    leap: usize,
    groups: usize,
    left: usize,
}

impl Way {
    #[inline]
    pub(super) const fn new(hash: Hashed, groups: usize) -> Self {
        Self {
            next: hash.home(groups),
            leap: hash.leap(),
            groups,
            left: groups.saturating_add(1),
        }
    }
}

impl Iterator for Way {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.next;
        self.next = at.wrapping_add(1).wrapping_add(self.leap);
        if self.next >= self.groups {
            self.next = self.next.checked_rem(self.groups)?;
        }
        self.leap = 0;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Two hashes that differ in the counter's bits alone.
    const ONE: Hashed = Hashed(0x0123_4567_89a0_0000);
    const OTHER: Hashed = Hashed(0x0123_4567_89a2_0000);

    #[test]
    fn what_is_taken_is_found_and_no_longer_when_it_is_cleared() {
        let mut tags = Tags::EMPTY;
        for place in 0..5 {
            assert_eq!(tags.free().first(), Some(place));
            assert_eq!(tags.same(ONE).first(), (place > 0).then_some(0));
            tags.take(place, ONE);
        }
        assert_eq!(tags.free().first(), None);
        let all: Vec<_> =
            core::iter::successors(Some(tags.same(ONE)), |it| Some(it.without_first()))
                .map_while(Places::first)
                .collect();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        tags.clear(0);
        tags.clear(3);
        assert_eq!(
            (tags.free().first(), tags.same(ONE).first()),
            (Some(0), Some(1))
        );
    }

    #[test]
    fn those_who_went_on_are_counted_up_to_seven_and_beside_each_other() {
        let mut tags = Tags::EMPTY;
        assert!(!tags.pass(ONE));
        assert!(tags.was_passed(ONE) && !tags.was_passed(OTHER));
        tags.pass_back(ONE);
        tags.pass_back(ONE);
        assert!(!tags.was_passed(ONE));
        let lost: Vec<_> = (0..9).map(|_| tags.pass(OTHER)).collect();
        assert_eq!(lost.iter().position(|lost| *lost), Some(6));
        assert_eq!(lost.iter().filter(|lost| **lost).count(), 1);
        (0..20).for_each(|_| tags.pass_back(OTHER));
        assert!(tags.was_passed(OTHER) && !tags.was_passed(ONE));
        assert_eq!(tags.free().first(), Some(0));
    }

    #[test]
    fn a_way_goes_through_all_groups_from_its_home_on() {
        for groups in 1..40 {
            for hash in (0..64).map(|bits| Hashed::new(bits << 7 | 1 << 40)) {
                let mut seen: Vec<_> = Way::new(hash, groups).collect();
                assert_eq!(seen.first(), Some(&hash.home(groups)));
                seen.sort_unstable();
                seen.dedup();
                assert_eq!(seen.len(), groups, "{hash:?}");
            }
        }
    }
}
