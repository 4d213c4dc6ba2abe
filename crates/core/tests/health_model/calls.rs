//! What is called and what is answered.

use core::time::Duration;

use evenkeel_core::health::{ProbeAction, ProbeReceipt, Probed, TrafficReceipt};

pub(crate) const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
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
