//! Golden traces: random calls of every kind of machine with their answers, the same on every machine and in every
//! build.

mod answers;
mod canonical;
#[cfg(feature = "std")]
mod lending;
#[cfg(feature = "std")]
mod trace;

use crate::generate::{Generate, Pilot, Times, mix};

pub use answers::{all_answers, answers};
#[cfg(feature = "std")]
pub use lending::lending;
#[cfg(feature = "std")]
pub(crate) use trace::trace_of;
#[cfg(feature = "std")]
pub use trace::{digest, trace};

/// How many calls a golden trace has, queries not counted.
pub const CALLS: u32 = 2_000;

/// Any number would do, but it must stay the same.
const GOLDEN: u64 = 1_618_033_988;

/// How many machines of this kind are called: one for each sample policy, for tame and for wild instants.
const fn machines<M: Generate>() -> u64 {
    2 * M::POLICIES as u64
}

/// How many calls each of them gets.
fn calls<M: Generate>() -> u64 {
    u64::from(CALLS).checked_div(machines::<M>()).unwrap_or(0)
}

/// One of them, with the name of its policy.
fn machine<M: Generate>(id: u64) -> Option<(&'static str, Times, Pilot<M>)> {
    let (name, policy) = M::sample_policy((id / 2) as usize)?;
    let times = if id % 2 == 0 {
        Times::Tame
    } else {
        Times::Wild
    };
    Some((name, times, Pilot::new(policy, times, mix(GOLDEN, id))))
}
