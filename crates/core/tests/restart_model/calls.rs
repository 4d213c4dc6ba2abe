//! What is called, what is answered, and one word for each.

use core::convert::Infallible;
use core::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::restart::{Exit, RestartAction, RunId};
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

/// When a call is made.
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
    InFlight,
    /// An id that the machine gave, or never gave.
    Id(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Poll,
    Exit(Which, Exit, u64),
    Stop,
    Rearm,
    Restore,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Action(RestartAction),
    Reported(Reported, u32),
    Stopped(Option<RunId>),
    Nothing,
}
