//! A generator that counts its words, and hashers that put all keys into one bucket or mix them otherwise.

use core::convert::Infallible;
use core::hash::{BuildHasher, Hasher};

use rand_core::TryRng;

/// Words from a seed, counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    seed: u64,
    pub(crate) drawn: u64,
}

impl Words {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.drawn += 1;
        let mixed = (self.seed ^ self.drawn).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }
}

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only whole words are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("only whole words are drawn")
    }
}

/// All keys meet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flat;

pub(crate) struct FlatHasher;

impl BuildHasher for Flat {
    type Hasher = FlatHasher;

    fn build_hasher(&self) -> FlatHasher {
        FlatHasher
    }
}

impl Hasher for FlatHasher {
    fn finish(&self) -> u64 {
        42
    }

    fn write(&mut self, _: &[u8]) {}
}
