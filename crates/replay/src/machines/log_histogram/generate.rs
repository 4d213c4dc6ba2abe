//! Random calls of a log histogram.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy};

use super::Op;
use crate::generate::{Generate, Pick};
use crate::machine::NoId;

/// A histogram to be merged: mostly of this policy, now and then of another precision.
#[cfg(feature = "alloc")]
fn other(policy: LogHistogramPolicy, pick: &mut Pick) -> LogHistogram {
    let policy = match pick.below(8) {
        0 => LogHistogramPolicy::new(2).unwrap_or(policy),
        _ => policy,
    };
    let mut other = LogHistogram::new(policy);
    for _ in 0..pick.below(4) {
        other.record(0, pick.value());
    }
    other
}

impl Generate for LogHistogram {
    const POLICIES: usize = 2;

    fn sample_policy(number: usize) -> Option<(&'static str, LogHistogramPolicy)> {
        let (name, precision_bits) = match number {
            0 => ("coarse", 1),
            1 => ("fine", 3),
            _ => return None,
        };
        Some((name, LogHistogramPolicy::new(precision_bits).ok()?))
    }

    fn spans_ns(_: &LogHistogramPolicy) -> [u64; 5] {
        [10, 1_000_000, 10, 1_000_000, 10]
    }

    #[cfg_attr(
        not(feature = "alloc"),
        expect(unused_variables, reason = "only a merge looks at it")
    )]
    fn call(policy: &LogHistogramPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(20) {
            #[cfg(feature = "alloc")]
            0 => Op::Merge {
                other: Box::new(other(*policy, pick)),
            },
            _ => Op::fill(pick),
        }
    }

    fn query(_: &LogHistogramPolicy, pick: &mut Pick) -> Option<Op> {
        Some(Op::query(pick))
    }
}
