//! Where the harness takes its choices from, and the random words that a machine draws.

use core::convert::Infallible;

use evenkeel_core::random::{TryRng, scaled};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Seeded choices: the same seed gives the same ones on every machine.
pub(crate) struct Pick {
    rng: Xoshiro256PlusPlus,
    is_wild: bool,
}

impl Pick {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            is_wild: false,
        }
    }

    /// Choices for which any `u64` is a time.
    pub(crate) fn wildly(seed: u64) -> Self {
        Self {
            is_wild: true,
            ..Self::new(seed)
        }
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// An instant that a call may carry: soon after `now_ns`, or before it, or any where any will do.
    pub(crate) fn instant(&mut self, now_ns: u64) -> u64 {
        match self.below(8) {
            0 if self.is_wild => self.wild(),
            1 => now_ns,
            2 => self.below(now_ns),
            _ => now_ns.saturating_add(self.sized(36)),
        }
    }

    /// A value that is no time: mostly small, sometimes any.
    pub(crate) fn value(&mut self) -> u64 {
        match self.below(8) {
            0 => self.wild(),
            1..=3 => self.below(16),
            _ => self.sized(40),
        }
    }

    /// Uniform on `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        scaled(self.word(), n)
    }

    /// Whether one of `n` came up.
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of these; they are not empty.
    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize].clone()
    }

    /// One of these, the later the likelier; `None` when there is none.
    pub(crate) fn recent<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let back = self.below(all.len() as u64).min(self.below(8));
        all.get(all.len().checked_sub(1 + back as usize)?).cloned()
    }

    /// Of any size: each length in bits is as likely as another.
    pub(crate) fn sized(&mut self, bits: u32) -> u64 {
        let shift = 64 - self.below(u64::from(bits) + 1) as u32;
        self.word().checked_shr(shift).unwrap_or(0)
    }

    /// Any number, mostly the ends and those that sums with spans run into.
    pub(crate) fn wild(&mut self) -> u64 {
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
pub(crate) const fn mix(one: u64, other: u64) -> u64 {
    let word = one.wrapping_add(other.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The words that a machine draws: by seed and place, counted. One in four is an extreme, where ranges end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    seed: u64,
    drawn: u64,
    broken: bool,
}

impl Words {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            seed,
            drawn: 0,
            broken: false,
        }
    }

    pub(crate) const fn drawn(&self) -> u64 {
        self.drawn
    }

    /// Whether something else than whole words was drawn.
    pub(crate) const fn broken(&self) -> bool {
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
