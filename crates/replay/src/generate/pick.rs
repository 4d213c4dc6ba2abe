//! Where random calls take their choices from, and the random words that a machine draws.

#[cfg(feature = "alloc")]
use alloc::vec::{self, Vec};
use core::convert::Infallible;

use evenkeel_core::random::{Rng, TryRng, scaled};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// Choices: the same seed, or the same bytes, give the same ones on every machine.
#[derive(Clone, Debug)]
pub struct Pick {
    source: Source,
    is_wild: bool,
}

#[derive(Clone, Debug)]
enum Source {
    Seed(Xoshiro256PlusPlus),
    #[cfg(feature = "alloc")]
    Bytes(vec::IntoIter<u8>),
}

impl Pick {
    /// Choices by this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            source: Source::Seed(Xoshiro256PlusPlus::seed_from_u64(seed)),
            is_wild: false,
        }
    }

    /// Choices made of bytes, such as those of a fuzzer: a choice takes no more of them than it needs to tell its
    /// possibilities apart, mostly one, so that a changed byte changes one choice. Past the last, bytes are 0.
    ///
    /// ```
    /// use evenkeel_replay::generate::Pick;
    ///
    /// let mut pick = Pick::of_bytes(&[0, 255, 128]);
    /// assert_eq!([pick.below(10), pick.below(10)], [0, 9]);
    /// assert!(!pick.is_spent());
    /// assert_eq!([pick.below(10), pick.below(10)], [5, 0]);
    /// assert!(pick.is_spent());
    /// ```
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self {
            source: Source::Bytes(Vec::from(bytes).into_iter()),
            is_wild: false,
        }
    }

    /// Whether it was made of bytes, and all are used up.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        match &self.source {
            Source::Seed(_) => false,
            #[cfg(feature = "alloc")]
            Source::Bytes(rest) => rest.as_slice().is_empty(),
        }
    }

    /// The same choices; whether any `u64` is a time.
    #[must_use]
    pub(super) fn wild_if(self, is_wild: bool) -> Self {
        Self { is_wild, ..self }
    }

    /// A random word.
    pub fn word(&mut self) -> u64 {
        self.leading(64)
    }

    /// A random word of which only so many leading bits will be looked at.
    #[cfg_attr(
        not(feature = "alloc"),
        allow(unused_variables, reason = "a seed has words enough")
    )]
    fn leading(&mut self, bits: u32) -> u64 {
        match &mut self.source {
            Source::Seed(rng) => rng.next_u64(),
            #[cfg(feature = "alloc")]
            Source::Bytes(rest) => {
                let mut word = [0; 8];
                let bytes = rest.take(bits.div_ceil(8) as usize);
                word.iter_mut()
                    .zip(bytes)
                    .for_each(|(into, byte)| *into = byte);
                u64::from_be_bytes(word)
            }
        }
    }

    /// An instant that a call may carry: soon after `now_ns`, or before it, or any where any will do.
    pub fn instant(&mut self, now_ns: u64) -> u64 {
        match self.below(8) {
            0 if self.is_wild => self.wild(),
            1 => now_ns,
            2 => self.below(now_ns),
            _ => now_ns.saturating_add(self.sized(36)),
        }
    }

    /// A value that is no time: mostly small, sometimes any.
    pub fn value(&mut self) -> u64 {
        match self.below(8) {
            0 => self.wild(),
            1..=3 => self.below(16),
            _ => self.sized(40),
        }
    }

    /// Uniform on `0..n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        scaled(self.leading(bits), n)
    }

    /// Whether one of `n` came up.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these. (An empty row does not compile.)
    pub fn of<T: Clone, const N: usize>(&mut self, all: &[T; N]) -> T {
        let first = const {
            assert!(N > 0, "one of none");
            0
        };
        let at = self.below(N as u64) as usize;
        all.get(at).unwrap_or(&all[first]).clone()
    }

    /// One of these, the later the likelier; `None` when there is none.
    pub fn recent<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let back = self.below(all.len() as u64).min(self.below(8));
        all.get(all.len().checked_sub(1 + back as usize)?).cloned()
    }

    /// Of any size: each length in bits is as likely as another.
    pub fn sized(&mut self, bits: u32) -> u64 {
        let shift = 64 - self.below(u64::from(bits) + 1) as u32;
        self.leading(64 - shift).checked_shr(shift).unwrap_or(0)
    }

    /// Any number, mostly the ends and those that sums with spans run into.
    pub fn wild(&mut self) -> u64 {
        let edges = [0, 1, 1 << 62, 1 << 63, u64::MAX - (1 << 62), u64::MAX];
        match self.below(4) {
            0 => self.of(&edges),
            1 => self.of(&edges).wrapping_sub(1),
            2 => u64::MAX - self.sized(64),
            _ => self.sized(64),
        }
    }
}

/// Mixes two numbers into a seed.
#[must_use]
pub const fn mix(one: u64, other: u64) -> u64 {
    let word = one.wrapping_add(other.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The words that a machine draws: by seed and place, counted. One in four is an extreme, where ranges end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    seed: u64,
    drawn: u64,
    broken: bool,
}

impl Words {
    /// Words by this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: 0,
            broken: false,
        }
    }

    /// How many were drawn.
    #[must_use]
    pub const fn drawn(&self) -> u64 {
        self.drawn
    }

    /// Whether something else than whole words was drawn.
    #[must_use]
    pub const fn broken(&self) -> bool {
        self.broken
    }
}

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.broken = true;
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.drawn += 1;
        let word = mix(self.seed, self.drawn);
        Ok(match word & 7 {
            0 => 0,
            1 => u64::MAX,
            _ => mix(word, 1),
        })
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.broken = true;
        bytes.fill(0);
        Ok(())
    }
}
