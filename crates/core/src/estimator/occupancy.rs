//! Which buckets are not empty, so that the next one above or below is found in a few instructions.

/// Room for 8 192 buckets: 128 words of a bit a bucket, and a bit for each of these words.
const WORDS: usize = 128;
const TOPS: usize = WORDS.div_ceil(64);

/// A set of bucket numbers below [`Occupancy::CAPACITY`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Occupancy {
    words: [u64; WORDS],
    /// Bit `w` is set when word `w` is not 0.
    tops: [u64; TOPS],
}

impl Occupancy {
    pub(super) const CAPACITY: usize = WORDS * 64;

    pub(super) const fn new() -> Self {
        Self {
            words: [0; WORDS],
            tops: [0; TOPS],
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, bucket: usize) {
        let word = bucket >> 6;
        if let (Some(bits), Some(top)) = (self.words.get_mut(word), self.tops.get_mut(word >> 6)) {
            *bits |= 1 << (bucket & 63);
            *top |= 1 << (word & 63);
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, bucket: usize) {
        let word = bucket >> 6;
        if let (Some(bits), Some(top)) = (self.words.get_mut(word), self.tops.get_mut(word >> 6)) {
            *bits &= !(1 << (bucket & 63));
            if *bits == 0 {
                *top &= !(1 << (word & 63));
            }
        }
    }

    /// The first bucket above `bucket` that is in the set.
    pub(super) fn above(&self, bucket: usize) -> Option<usize> {
        let word = bucket >> 6;
        first(word, above_bit(*self.words.get(word)?, bucket)).or_else(|| {
            let top = word >> 6;
            let word = first(top, above_bit(*self.tops.get(top)?, word)).or_else(|| {
                let rest = self.tops.iter().enumerate().skip(top.wrapping_add(1));
                rest.into_iter().find_map(|(top, &bits)| first(top, bits))
            })?;
            first(word, *self.words.get(word)?)
        })
    }

    /// The first bucket below `bucket` that is in the set.
    pub(super) fn below(&self, bucket: usize) -> Option<usize> {
        let word = bucket >> 6;
        last(word, below_bit(*self.words.get(word)?, bucket)).or_else(|| {
            let top = word >> 6;
            let word = last(top, below_bit(*self.tops.get(top)?, word)).or_else(|| {
                let rest = self.tops.iter().enumerate().take(top).rev();
                rest.into_iter().find_map(|(top, &bits)| last(top, bits))
            })?;
            last(word, *self.words.get(word)?)
        })
    }
}

/// `bits` without those up to and including bit `at % 64`.
#[inline]
const fn above_bit(bits: u64, at: usize) -> u64 {
    bits & (u64::MAX << (at & 63) << 1)
}

/// `bits` without those from bit `at % 64` on.
#[inline]
const fn below_bit(bits: u64, at: usize) -> u64 {
    bits & (1_u64 << (at & 63)).wrapping_sub(1)
}

/// The number of the lowest bit of word `word`.
#[inline]
const fn first(word: usize, bits: u64) -> Option<usize> {
    if bits == 0 {
        None
    } else {
        Some(word << 6 | bits.trailing_zeros() as usize)
    }
}

/// The number of the highest bit of word `word`.
#[inline]
const fn last(word: usize, bits: u64) -> Option<usize> {
    if bits == 0 {
        None
    } else {
        Some(word << 6 | (63 ^ bits.leading_zeros()) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn neighbours_are_those_of_a_set_across_every_word_boundary() {
        let mut set = Occupancy::new();
        let mut reference = BTreeSet::new();
        let mut seed = 1_u64;
        for round in 0..20_000 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            // few members, so that neighbours are far apart
            let bucket = (seed >> 40) as usize % Occupancy::CAPACITY;
            if round % 3 == 0 || reference.len() > 12 {
                let victim = reference.range(bucket..).next().copied().unwrap_or(bucket);
                reference.remove(&victim);
                set.remove(victim);
            } else {
                reference.insert(bucket);
                set.insert(bucket);
            }
            for at in [bucket, 0, 63, 64, 4_095, 4_096, Occupancy::CAPACITY - 1] {
                assert_eq!(set.above(at), reference.range(at + 1..).next().copied());
                assert_eq!(set.below(at), reference.range(..at).next_back().copied());
            }
        }
    }
}
