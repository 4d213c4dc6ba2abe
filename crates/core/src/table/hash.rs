//! The hasher that a table has unless another is given: fixed, fast, without a seed.

use core::hash::{BuildHasher, Hasher};

/// Hashes with a fixed function and no seed: the same on every run, for keys that **no outsider chooses**.
///
/// Whoever may choose the keys can choose them so that they all meet, and each look-up then goes through all of them.
/// For names or addresses that come from a network give the table a seeded hasher, say `std::hash::RandomState`, with
/// `with_hasher`. Answers, order and state do not depend on the hasher.
///
/// ```
/// use core::time::Duration;
/// use std::hash::RandomState;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, FixedState};
///
/// let backoff = BackoffPolicy::builder(Duration::from_millis(100));
/// let policy = BackoffTablePolicy::builder(backoff, 1_000, Duration::from_secs(600)).build()?;
/// let nodes: BackoffTable<u64, FixedState> = BackoffTable::new(policy); // we number our nodes
/// let clients: BackoffTable<String, RandomState> = BackoffTable::new(policy); // they name themselves
/// assert!(nodes.is_empty() && clients.is_empty());
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedState;

impl BuildHasher for FixedState {
    type Hasher = FixedHasher;

    #[inline]
    fn build_hasher(&self) -> FixedHasher {
        FixedHasher { word: START }
    }
}

/// The hasher of [`FixedState`]: each word is mixed in by one widening multiplication.
///
/// ```
/// use core::hash::BuildHasher;
/// use evenkeel_core::table::{FixedHasher, FixedState};
///
/// let _: FixedHasher = FixedState.build_hasher();
/// assert_eq!(FixedState.hash_one(7_u64), FixedState.hash_one(7_u64));
/// assert_ne!(FixedState.hash_one(7_u64), FixedState.hash_one(8_u64));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FixedHasher {
    word: u64,
}

/// Digits of pi: odd, and nobody chose them.
const START: u64 = 0x243f_6a88_85a3_08d3;
const TIMES: u64 = 0xa409_3822_299f_31d1;

/// Both halves of the product together, so that every bit of the word reaches every bit of the hash.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the lower half is meant")]
const fn mixed(word: u64) -> u64 {
    let product = (word as u128).wrapping_mul(TIMES as u128);
    (product >> 64) as u64 ^ product as u64
}

impl Hasher for FixedHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.word
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.write_u64(u64::from_le_bytes(word));
        }
        self.write_u64(bytes.len() as u64);
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.word = mixed(self.word ^ word);
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}
