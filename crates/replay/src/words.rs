//! Random words as data: taken down as they are drawn, and given out again.

use core::convert::Infallible;

use evenkeel_core::random::{Rng, TryRng};
#[cfg(feature = "alloc")]
use smallvec::SmallVec;

/// The words that one call drew: nearly always none or one.
#[cfg(feature = "alloc")]
pub type Words = SmallVec<[u64; 2]>;

/// Draws from another generator and takes down each word.
///
/// ```
/// use evenkeel_replay::words::Recording;
/// use rand_core::Rng;
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let mut recording = Recording::new(&mut rng);
/// let word = recording.next_u64();
/// assert_eq!(recording.into_words().as_slice(), [word]);
/// ```
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct Recording<'a, R: ?Sized> {
    rng: &'a mut R,
    words: Words,
}

#[cfg(feature = "alloc")]
impl<'a, R: Rng + ?Sized> Recording<'a, R> {
    /// Nothing drawn yet.
    pub fn new(rng: &'a mut R) -> Self {
        Self {
            rng,
            words: Words::new(),
        }
    }

    /// What was drawn, in order.
    #[must_use]
    pub fn into_words(self) -> Words {
        self.words
    }
}

#[cfg(feature = "alloc")]
impl<R: Rng + ?Sized> TryRng for Recording<'_, R> {
    type Error = Infallible;

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = self.rng.next_u64();
        self.words.push(word);
        Ok(word)
    }

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(upper_half)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(self, bytes)
    }
}

/// Gives out recorded words. Past the last it gives zeros, and counts them.
///
/// ```
/// use evenkeel_replay::words::Replaying;
/// use rand_core::Rng;
///
/// let mut words = Replaying::new(&[7]);
/// assert_eq!((words.next_u64(), words.next_u64()), (7, 0));
/// assert_eq!((words.left(), words.missing()), (0, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Replaying<'a> {
    left: &'a [u64],
    missing: u64,
}

impl<'a> Replaying<'a> {
    /// These, and zeros after them.
    #[must_use]
    pub const fn new(words: &'a [u64]) -> Self {
        Self {
            left: words,
            missing: 0,
        }
    }

    /// How many were not drawn.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left.len()
    }

    /// How many were drawn that were not there.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.missing
    }
}

impl TryRng for Replaying<'_> {
    type Error = Infallible;

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(match self.left.split_first() {
            Some((word, left)) => {
                self.left = left;
                *word
            }
            None => {
                self.missing += 1;
                0
            }
        })
    }

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(upper_half)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(self, bytes)
    }
}

/// Recorded words first, then those of another generator: for runs that part from the recorded one.
#[derive(Debug)]
pub struct Prolonged<'a, R: ?Sized> {
    left: &'a [u64],
    more: &'a mut R,
}

impl<'a, R: Rng + ?Sized> Prolonged<'a, R> {
    /// These words, and those of `more` after them.
    pub const fn new(words: &'a [u64], more: &'a mut R) -> Self {
        Self { left: words, more }
    }
}

impl<R: Rng + ?Sized> TryRng for Prolonged<'_, R> {
    type Error = Infallible;

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(match self.left.split_first() {
            Some((word, left)) => {
                self.left = left;
                *word
            }
            None => self.more.next_u64(),
        })
    }

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(upper_half)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill(self, bytes)
    }
}

/// The machines draw whole words; for anything else the upper half, which is the better one in every generator.
const fn upper_half(word: u64) -> u32 {
    (word >> 32) as u32
}

fn fill(words: &mut impl TryRng<Error = Infallible>, bytes: &mut [u8]) -> Result<(), Infallible> {
    for chunk in bytes.chunks_mut(8) {
        let word = words.try_next_u64()?.to_le_bytes();
        for (byte, drawn) in chunk.iter_mut().zip(word) {
            *byte = drawn;
        }
    }
    Ok(())
}
