//! Random words that a test chooses.

use core::convert::Infallible;

use rand_core::TryRng;

/// Gives these words in turn, then zeros, and counts.
pub(crate) struct Words<const N: usize> {
    words: [u64; N],
    drawn: u32,
}

impl<const N: usize> Words<N> {
    pub(crate) const fn new(words: [u64; N]) -> Self {
        Self { words, drawn: 0 }
    }

    pub(crate) const fn drawn(&self) -> u32 {
        self.drawn
    }
}

impl Words<0> {
    pub(crate) const fn endless() -> Self {
        Self::new([])
    }
}

impl<const N: usize> TryRng for Words<N> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only whole words are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = self.words.get(self.drawn as usize).copied();
        self.drawn += 1;
        Ok(word.unwrap_or(0))
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("only whole words are drawn")
    }
}
