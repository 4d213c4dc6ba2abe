//! A step of a vector as a call that can happen to a machine, and what its answer holds.

use core::fmt::Debug;

use evenkeel_replay::Machine;

use crate::read::{Stop, fail};
use crate::words::Words;

/// The answer to a call for which the words that it draws make no difference.
pub(crate) fn ask<M: Machine>(machine: &mut M, now_ns: u64, op: &M::Op) -> M::Answer {
    machine.apply(now_ns, op, &mut Words::endless())
}

/// No call like this has such an answer.
pub(crate) fn strange<T>(answer: &impl Debug) -> Result<T, Stop> {
    fail(format!("no answer to this call is {answer:?}"))
}

/// What an answer of this kind holds.
macro_rules! holds {
    ($answer:expr, $Kind:path) => {
        match $answer {
            $Kind(held) => Ok(held),
            other => $crate::ask::strange(&other),
        }
    };
}

pub(crate) use holds;
