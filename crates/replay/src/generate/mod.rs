//! Random calls for every machine: what the law suite, the golden traces and the fuzz targets are made of.

mod pick;
mod pilot;

pub use pick::{Pick, Words, mix};
pub use pilot::{Pilot, TAME_NS, Times};

use core::time::Duration;

use crate::machine::Machine;

/// A machine for which there are policies and random calls.
pub trait Generate: Machine {
    /// How many policies there are.
    const POLICIES: usize;

    /// A policy and its name, from 0; the extremes are among them. `None` past the last.
    fn sample_policy(number: usize) -> Option<(&'static str, Self::Policy)>;

    /// Lengths of time that matter to this policy; any of them may stand there twice.
    fn spans_ns(policy: &Self::Policy) -> [u64; 5];

    /// The length of its slices: shifts of time are multiples of it. 1 where there are none.
    fn grid_ns(_policy: &Self::Policy) -> u64 {
        1
    }

    /// A machine to make calls of, which begins at `now_ns` if that makes a difference.
    fn sample(policy: Self::Policy, now_ns: u64) -> Self {
        Self::begin(policy, now_ns)
    }

    /// A random call at `now_ns`, mostly a sensible one. `ids` were given out, oldest first.
    fn call(policy: &Self::Policy, pick: &mut Pick, now_ns: u64, ids: &[Self::Id]) -> Self::Op;

    /// A random query: a call that changes nothing.
    fn query(policy: &Self::Policy, pick: &mut Pick) -> Option<Self::Op>;

    /// Some report with this id.
    fn report(_id: Self::Id, _pick: &mut Pick) -> Option<Self::Op> {
        None
    }

    /// An id that the machine has not given.
    fn foreign(_pick: &mut Pick, _given: &[Self::Id]) -> Option<Self::Id> {
        None
    }

    /// Shows each instant that an answer holds: they make the next calls meet deadlines exactly.
    fn instants(_answer: &Self::Answer, _show: &mut dyn FnMut(u64)) {}
}

/// How long a slice of such a span is.
pub(crate) fn slice_ns(span: Duration, slices: u32) -> u64 {
    let span_ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    span_ns.checked_div(slices.into()).unwrap_or(1)
}
