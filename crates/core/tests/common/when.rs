//! When the calls of a driver are made, as a random script has it; and what of a state is not the time.

use core::fmt::Debug;

use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    After(u64),
    Before(u64),
    /// At the deadline, so much sooner.
    Deadline(u64),
    At(u64),
}

impl When {
    pub(crate) fn at(self, latest_ns: u64, deadline_ns: Option<u64>) -> u64 {
        match self {
            Self::After(ns) => latest_ns.saturating_add(ns),
            Self::Before(ns) => latest_ns.saturating_sub(ns),
            Self::Deadline(sooner) => deadline_ns.unwrap_or(latest_ns).saturating_sub(sooner),
            Self::At(ns) => ns,
        }
    }
}

/// Rarely late, for nothing comes after the last instant.
fn extreme() -> impl Strategy<Value = u64> {
    prop_oneof![8 => Just(0), 1 => Just(u64::MAX), 1 => Just(u64::MAX - 50), 1 => any::<u64>()]
}

pub(crate) fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        12 => (0..60_u64).prop_map(When::After),
        1 => (0..100_000_u64).prop_map(When::After),
        7 => Just(When::Deadline(0)),
        2 => Just(When::Deadline(1)),
        1 => (0..1000_u64).prop_map(When::Before),
        1 => extreme().prop_map(When::At),
    ]
}

/// The state, told without the clock.
pub(crate) fn but_clock(state: &impl Debug) -> String {
    let text = format!("{state:?}");
    let (before, rest) = text.split_once("clock: Monotone {").unwrap();
    format!("{before}{}", rest.split_once('}').unwrap().1)
}
