//! A ring of the last `n` results at a few bits a result, with a running count for each bit.
//!
//! "Is p99 above T", "did half of the last 100 fail" need no values and no order: a count against a rank is the
//! whole question. The ring does not own its words, so that a breaker can use the same words for its window
//! while closed and for its leases while half-open.

/// How a ring lies in its words: how many results, and 1, 2 or 4 bits for each, so that none straddles a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RingShape {
    capacity: u32,
    /// log2 of the bits for each result.
    log_width: u8,
    /// As many ones as a result has bits.
    mask: u8,
}

impl RingShape {
    /// A ring of the last `capacity` results (at most [`Self::MAX_CAPACITY`]) with `planes` bits each (1 to 4).
    pub(crate) const fn new(capacity: u32, planes: usize) -> Self {
        let (log_width, mask) = match planes {
            0 | 1 => (0, 0b1),
            2 => (1, 0b11),
            _ => (2, 0b1111),
        };
        Self {
            capacity,
            log_width,
            mask,
        }
    }

    /// Keeps every bit position in a `u32`.
    pub(crate) const MAX_CAPACITY: u32 = 1 << 28;

    pub(crate) const fn capacity(self) -> u32 {
        self.capacity
    }

    /// The words that the ring takes.
    pub(crate) const fn words(self) -> usize {
        (self.capacity << self.log_width).div_ceil(64) as usize
    }
}

/// The position and the counts of a ring; `PLANES` is the most bits a result can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BitRing<const PLANES: usize> {
    len: u32,
    head: u32,
    counts: [u32; PLANES],
}

impl<const PLANES: usize> BitRing<PLANES> {
    /// An empty ring; its words must be zero.
    pub(crate) const fn new() -> Self {
        Self {
            len: 0,
            head: 0,
            counts: [0; PLANES],
        }
    }

    /// The parts of a stored ring. Only [`is_consistent`](Self::is_consistent) makes it safe to use.
    pub(crate) const fn from_parts(len: u32, head: u32, counts: [u32; PLANES]) -> Self {
        Self { len, head, counts }
    }

    /// Where the next result goes; with the length and the counts all that a stored ring needs.
    pub(crate) const fn head(&self) -> u32 {
        self.head
    }

    /// How many results the ring holds.
    #[inline]
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// How many of them have each bit set.
    #[inline]
    pub(crate) const fn counts(&self) -> [u32; PLANES] {
        self.counts
    }

    /// How many of them have bit `plane` set.
    #[inline]
    pub(crate) fn count(&self, plane: usize) -> u32 {
        self.counts.get(plane).copied().unwrap_or(0)
    }

    /// Records a result; the oldest leaves when the ring is full.
    #[inline]
    pub(crate) fn push(&mut self, shape: RingShape, words: &mut [u64], bits: u64) {
        let at = self.head << shape.log_width;
        let Some(word) = words.get_mut((at >> 6) as usize) else {
            return;
        };
        let shift = at & 63;
        let mask = u64::from(shape.mask);
        let old = (*word >> shift) & mask;
        // A healthy result mostly replaces a healthy one.
        if old != bits {
            *word = (*word & !(mask << shift)) | ((bits & mask) << shift);
            for (plane, count) in self.counts.iter_mut().enumerate() {
                *count = count
                    .wrapping_add(bit(bits, plane))
                    .wrapping_sub(bit(old, plane));
            }
        }
        if self.len < shape.capacity {
            self.len = self.len.wrapping_add(1);
        }
        self.head = self.head.wrapping_add(1);
        if self.head >= shape.capacity {
            self.head = 0;
        }
    }

    /// How many results without bits change nothing of the ring but its head, as [`step`](Self::step) does it: it is
    /// full, and the places that come next have no bits either. `u32::MAX` where none has any; else it looks no further
    /// than to the end of the ring and of one word.
    pub(crate) fn clear_ahead(&self, shape: RingShape, words: &[u64]) -> u32 {
        if self.len < shape.capacity {
            return 0;
        }
        if self.counts == [0; PLANES] {
            return u32::MAX;
        }
        let at = self.head << shape.log_width;
        let Some(word) = words.get((at >> 6) as usize) else {
            return 0;
        };
        let shift = at & 63;
        let clear = (word >> shift).trailing_zeros();
        let clear = clear.min(64_u32.wrapping_sub(shift));
        (clear >> shape.log_width).min(shape.capacity.wrapping_sub(self.head))
    }

    /// Records a result without bits where [`clear_ahead`](Self::clear_ahead) promised it, so in a ring that is full.
    #[inline]
    pub(crate) const fn step(&mut self) {
        let next = self.head.wrapping_add(1);
        self.head = if next < self.len { next } else { 0 };
    }

    /// Whether some history of pushes leads to this ring and these words.
    pub(crate) fn is_consistent(&self, shape: RingShape, words: &[u64]) -> bool {
        let head_fits = if self.len < shape.capacity {
            self.head == self.len
        } else {
            self.len == shape.capacity && self.head < shape.capacity
        };
        let width = 1_u32 << shape.log_width;
        let used_bits = u64::from(self.len) << shape.log_width;
        let mut counts = [0_u32; PLANES];
        let mut at = 0_u64;
        for word in words {
            let mut rest = *word;
            for _ in 0..(64_u32 >> shape.log_width) {
                let bits = rest & (1_u64 << width).wrapping_sub(1);
                if at >= used_bits && bits != 0 {
                    return false;
                }
                for (plane, count) in counts.iter_mut().enumerate() {
                    *count = count.wrapping_add(bit(bits, plane));
                }
                rest >>= width;
                at = at.wrapping_add(u64::from(width));
            }
        }
        head_fits && words.len() == shape.words() && counts == self.counts
    }
}

#[inline]
const fn bit(bits: u64, plane: usize) -> u32 {
    ((bits >> plane) & 1) as u32
}

/// As one row of numbers: length, head, then the counts.
#[cfg(feature = "serde")]
mod stored {
    use core::fmt;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::BitRing;

    impl<const PLANES: usize> Serialize for BitRing<PLANES> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq([self.len, self.head].iter().chain(&self.counts))
        }
    }

    impl<'de, const PLANES: usize> Deserialize<'de> for BitRing<PLANES> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Row::<PLANES>)
        }
    }

    struct Row<const PLANES: usize>;

    impl<'de, const PLANES: usize> Visitor<'de> for Row<PLANES> {
        type Value = BitRing<PLANES>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a length, a head and {PLANES} counts")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut ring = BitRing::new();
            let numbers = [&mut ring.len, &mut ring.head].into_iter();
            for (at, number) in numbers.chain(&mut ring.counts).enumerate() {
                *number = seq
                    .next_element()?
                    .ok_or_else(|| A::Error::invalid_length(at, &self))?;
            }
            match seq.next_element::<u32>()? {
                None => Ok(ring),
                Some(_) => Err(A::Error::invalid_length(PLANES.saturating_add(3), &self)),
            }
        }
    }
}
