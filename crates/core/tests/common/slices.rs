//! When the calls of a machine that counts by slices are made, as a random script has it.

use proptest::prelude::*;

/// More than lie inline, where there is memory for them.
pub(crate) const MOST_SLICES: u32 = if cfg!(feature = "alloc") { 17 } else { 16 };

#[derive(Clone, Copy, Debug)]
pub(crate) enum Time {
    Stay,
    On(u64),
    Back(u64),
    /// To this many nanoseconds after the start of the next slice, or before.
    Edge(i64),
    Years(u64),
    Last,
}

impl Time {
    pub(crate) fn at(self, latest_ns: u64, slice_ns: u64) -> u64 {
        match self {
            Self::Stay => latest_ns,
            Self::On(ns) => latest_ns.saturating_add(ns),
            Self::Back(ns) => latest_ns.saturating_sub(ns),
            Self::Edge(by) => ((latest_ns / slice_ns).saturating_add(1))
                .saturating_mul(slice_ns)
                .saturating_add_signed(by),
            Self::Years(years) => latest_ns.saturating_add(years * 31_557_600_000_000_000),
            Self::Last => u64::MAX,
        }
    }
}

/// Anything but the last instant, for nothing comes after it.
pub(crate) fn time() -> impl Strategy<Value = Time> {
    prop_oneof![
        6 => Just(Time::Stay),
        6 => (0..40_u64).prop_map(Time::On),
        2 => (0..60_u64).prop_map(Time::Back),
        4 => (-1..=1_i64).prop_map(Time::Edge),
        1 => (1..20_u64).prop_map(Time::Years),
    ]
}
