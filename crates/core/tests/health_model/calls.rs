//! What is called, what is answered, and one word for each.

use core::convert::Infallible;
use core::time::Duration;

use evenkeel_core::health::{ProbeAction, ProbeReceipt, Probed, TrafficReceipt};
use rand_core::TryRng;

pub(crate) const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// One word, and how often it was drawn.
pub(crate) struct Word {
    pub(crate) word: u64,
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

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    After(u64),
    Before(u64),
    /// At the deadline, so much sooner.
    Deadline(u64),
    At(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Latest,
    /// An id that the machine gave, or never gave.
    Id(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Poll(u64),
    Report(Which, Probed),
    Traffic(Probed),
    Restore,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    Action(ProbeAction, u32),
    Reported(ProbeReceipt),
    Traffic(TrafficReceipt),
    Nothing,
}
