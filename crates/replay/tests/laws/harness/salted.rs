//! A hasher with a salt, so that two tables with the same keys store them in another order.

use core::hash::{BuildHasher, Hasher};

use evenkeel_replay::generate::mix;

/// Builds hashers with this salt.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Salted(pub(crate) u64);

impl BuildHasher for Salted {
    type Hasher = Salting;

    fn build_hasher(&self) -> Salting {
        Salting(self.0)
    }
}

/// Folds what it is given into one word.
#[derive(Debug)]
pub(crate) struct Salting(u64);

impl Hasher for Salting {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0, u64::from(*byte));
        }
    }
}
