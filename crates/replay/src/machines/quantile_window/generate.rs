//! Random calls of a quantile window.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{QuantileWindow, QuantileWindowPolicy};

use super::Op;
use crate::generate::{Generate, Pick};
use crate::machine::NoId;

impl Generate for QuantileWindow {
    const POLICIES: usize = 3;

    fn sample_policy(number: usize) -> Option<(&'static str, QuantileWindowPolicy)> {
        let (name, values, quantiles) = match number {
            0 => ("one", 1, &[Quantile::P50][..]),
            1 => ("seven", 7, &[Quantile::P50, Quantile::P99][..]),
            2 => (
                "a hundred",
                100,
                &[Quantile::MIN, Quantile::P95, Quantile::MAX][..],
            ),
            _ => return None,
        };
        Some((name, QuantileWindowPolicy::new(values, quantiles).ok()?))
    }

    fn spans_ns(_: &QuantileWindowPolicy) -> [u64; 5] {
        [10, 1_000_000, 10, 1_000_000, 10]
    }

    fn call(_: &QuantileWindowPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        Op::fill(pick)
    }

    fn query(_: &QuantileWindowPolicy, pick: &mut Pick) -> Option<Op> {
        Some(Op::query(pick))
    }
}
