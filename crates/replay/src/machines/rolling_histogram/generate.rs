//! Random calls of a rolling histogram.

use core::time::Duration;

use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};

use super::Op;
use crate::generate::{Generate, Pick};
use crate::machine::NoId;

impl Generate for RollingHistogram {
    const POLICIES: usize = 4;

    fn sample_policy(number: usize) -> Option<(&'static str, RollingHistogramPolicy)> {
        let (name, span, slices) = match number {
            0 => ("two of 50", 100, 2),
            1 => ("eight of 1", 8, 8),
            2 => ("one of a second", 1_000_000_000, 1),
            3 => ("the longest", 1 << 60, 4),
            _ => return None,
        };
        let span = Duration::from_nanos(span);
        Some((name, RollingHistogramPolicy::new(span, slices, 1).ok()?))
    }

    fn spans_ns(policy: &RollingHistogramPolicy) -> [u64; 5] {
        let (slice_ns, span_ns) = (Self::grid_ns(policy), policy.span().as_nanos() as u64);
        [slice_ns, span_ns, slice_ns, span_ns, slice_ns]
    }

    fn grid_ns(policy: &RollingHistogramPolicy) -> u64 {
        policy.slice().as_nanos() as u64
    }

    fn call(_: &RollingHistogramPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        Op::fill(pick)
    }

    fn query(_: &RollingHistogramPolicy, pick: &mut Pick) -> Option<Op> {
        Some(Op::query(pick))
    }
}
