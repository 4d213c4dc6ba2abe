//! That an estimator tells the p99 of what it remembers, within its error.

use evenkeel_core::estimator::ThresholdWindow;

use super::LIMIT_US;
use super::estimators::{Estimator, Rolling};
use crate::inputs::latencies_us;

/// Runs through all samples; now and then compares with the exact p99 of the last `kept`, which may be missed by at most
/// `value / below` down and `value / above` up (0: not at all).
pub(super) fn follows(
    every: usize,
    mut estimator: impl Estimator,
    kept: usize,
    (below, above): (u64, u64),
) {
    let samples = latencies_us();
    for (at, &sample) in (1..).zip(samples) {
        estimator.record(sample);
        if at >= every && at % 7_919 < 2 {
            let (exact, told) = (
                exact_p99(&samples[at.saturating_sub(kept)..at]),
                estimator.p99(),
            );
            let least = exact - exact.checked_div(below).unwrap_or(0);
            let most = exact + exact.checked_div(above).unwrap_or(0);
            assert!(
                (least..=most).contains(&told),
                "after {at} samples p99 is {exact}, told {told}"
            );
        }
    }
}

/// The same for "is it above the limit".
pub(super) fn judges(n: usize, mut window: ThresholdWindow) {
    let samples = latencies_us();
    let mut verdicts = [0, 0];
    for (at, &sample) in (1..).zip(samples) {
        window.record(0, sample);
        if at >= n && at % 499 < 2 {
            let above = exact_p99(&samples[at - n..at]) > LIMIT_US;
            assert_eq!(window.is_above(0), Some(above), "after {at} samples");
            verdicts[usize::from(above)] += 1;
        }
    }
    assert!(n > 1_000 || !verdicts.contains(&0), "one verdict only");
}

/// The same for a window of time, which holds between nine and ten slices.
pub(super) fn rolls(n: usize, mut rolling: Rolling) {
    let samples = latencies_us();
    for (at, &sample) in (1..).zip(samples) {
        rolling.record(sample);
        if at >= n && at % 7_919 < 2 {
            let live = usize::try_from(rolling.histogram.count(rolling.now_ns)).expect("a count");
            assert!((n * 9 / 10..=n).contains(&live), "{live} of {n}");
            let (exact, told) = (exact_p99(&samples[at - live..at]), rolling.p99());
            assert!(
                (exact..=exact + exact / 128).contains(&told),
                "after {at} samples p99 is {exact}, told {told}"
            );
        }
    }
}

/// The value with the nearest rank, `ceil(n * 99 / 100)`.
fn exact_p99(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    let rank = (sorted.len() * 99).div_ceil(100).max(1);
    *sorted.select_nth_unstable(rank - 1).1
}
