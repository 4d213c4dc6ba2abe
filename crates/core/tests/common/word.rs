//! One random word, as often as it is asked for, and how often that was.

use core::convert::Infallible;

use rand_core::TryRng;

#[derive(Clone, Copy)]
pub(crate) struct Word {
    word: u64,
    pub(crate) drawn: u32,
}

impl Word {
    pub(crate) const fn new(word: u64) -> Self {
        Self { word, drawn: 0 }
    }
}

impl TryRng for Word {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only whole words are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.drawn += 1;
        Ok(self.word)
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        unreachable!("only whole words are drawn")
    }
}
