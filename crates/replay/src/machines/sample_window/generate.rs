//! Random calls of a sample window.

use evenkeel_core::estimator::{SampleWindow, SampleWindowPolicy};

use super::Op;
use crate::generate::{Generate, Pick};
use crate::machine::NoId;

impl Generate for SampleWindow {
    const POLICIES: usize = 3;

    fn sample_policy(number: usize) -> Option<(&'static str, SampleWindowPolicy)> {
        let (name, values) = match number {
            0 => ("one", 1),
            1 => ("seven", 7),
            2 => ("a hundred", 100),
            _ => return None,
        };
        Some((name, SampleWindowPolicy::new(values).ok()?))
    }

    fn spans_ns(_: &SampleWindowPolicy) -> [u64; 5] {
        [10, 1_000_000, 10, 1_000_000, 10]
    }

    fn call(_: &SampleWindowPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        Op::fill(pick)
    }

    fn query(_: &SampleWindowPolicy, pick: &mut Pick) -> Option<Op> {
        Some(Op::query(pick))
    }
}
