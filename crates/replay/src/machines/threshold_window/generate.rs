//! Random calls of a threshold window.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};

use super::Op;
use crate::generate::{Generate, Pick};
use crate::machine::NoId;

impl Generate for ThresholdWindow {
    const POLICIES: usize = 4;

    fn sample_policy(number: usize) -> Option<(&'static str, ThresholdWindowPolicy)> {
        let (name, values, quantile, above) = match number {
            0 => ("one", 1, Quantile::MAX, 0),
            1 => ("seven", 7, Quantile::P50, 9),
            2 => ("a hundred", 100, Quantile::P95, 1 << 30),
            3 => ("never", 20, Quantile::P99, u64::MAX),
            _ => return None,
        };
        Some((
            name,
            ThresholdWindowPolicy::new(values, quantile, above).ok()?,
        ))
    }

    fn spans_ns(_: &ThresholdWindowPolicy) -> [u64; 5] {
        [10, 1_000_000, 10, 1_000_000, 10]
    }

    fn call(_: &ThresholdWindowPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        Op::fill(pick)
    }

    fn query(_: &ThresholdWindowPolicy, pick: &mut Pick) -> Option<Op> {
        Some(Op::query(pick))
    }
}
