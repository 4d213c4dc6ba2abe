//! What is called and what is answered.

use core::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::restart::{Exit, RestartAction, RunId};

pub(crate) const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
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
