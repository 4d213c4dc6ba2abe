//! The whole history in buckets: totals exact, quantiles as intervals, merging without loss.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{Interval, LatencySummary, LogHistogram, LogHistogramPolicy};
use proptest::prelude::*;
use proptest_state_machine::prop_state_machine;

use crate::model::{Run, Subject, config};
use crate::reference::{Values, expected_numbers, mean, nearest_rank, numbers, quantiles, sum};

/// The finest that every build has room for.
const FINEST: u8 = if cfg!(feature = "alloc") { 7 } else { 3 };

fn histogram(bits: u8) -> LogHistogram {
    LogHistogram::new(LogHistogramPolicy::new(bits).unwrap())
}

/// What an estimator with buckets of `bits` must say of `live`; also used for the rolling one.
pub(crate) fn check_interval(interval: Option<Interval>, bits: u8, live: &[u64], q: Quantile) {
    let Some(truth) = nearest_rank(live, q) else {
        assert_eq!(interval, None);
        return;
    };
    let interval = interval.unwrap();
    let (min, max) = (*live.iter().min().unwrap(), *live.iter().max().unwrap());
    assert!(interval.contains(truth), "{q}: {truth} not in {interval:?}");
    assert!(
        interval.low >= min && interval.high <= max,
        "{interval:?} not in {min}..={max}"
    );
    assert!(
        interval.high - truth <= truth >> bits,
        "{q}: {interval:?} too wide for {truth}"
    );
    if q == Quantile::MIN {
        assert_eq!(
            interval,
            Interval {
                low: min,
                high: min
            }
        );
    }
    if q == Quantile::MAX {
        assert_eq!(
            interval,
            Interval {
                low: max,
                high: max
            }
        );
    }
}

/// A summary must be the exact totals and the quantiles that are answered one by one.
pub(crate) fn check_summary(
    summary: Option<LatencySummary>,
    live: &[u64],
    quantile: impl Fn(Quantile) -> Option<u64>,
) {
    assert_eq!(summary.map(numbers), expected_numbers(live, quantile));
}

#[test]
fn an_interval_contains_its_ends_and_nothing_beyond() {
    let interval = Interval { low: 8, high: 10 };
    let contained = [7, 8, 9, 10, 11].map(|value| interval.contains(value));
    assert_eq!(contained, [false, true, true, true, false]);
}

#[test]
fn the_error_is_at_most_2_to_the_minus_bits_for_values_of_every_size() {
    for bits in 1..=FINEST {
        for middle in Values(u64::from(bits)).take(3_000) {
            // a smaller and a larger one keep the middle from being exact
            let mut three = histogram(bits);
            let all = [0, middle, u64::MAX];
            all.iter().for_each(|&value| three.record(0, value));
            check_interval(three.interval(0, Quantile::P50), bits, &all, Quantile::P50);
        }
    }
}

#[test]
fn p50_of_two_to_two_hundred_lies_in_the_interval_of_100() {
    let mut histogram = histogram(FINEST);
    let all: Vec<u64> = (1..=100).map(|i| i * 2).collect();
    all.iter().for_each(|&value| histogram.record(0, value));
    assert!(histogram.interval(0, Quantile::P50).unwrap().contains(100));
    assert!(histogram.interval(0, Quantile::P99).unwrap().contains(198));
    let summary = histogram.summary(0).unwrap();
    assert_eq!((summary.count, summary.mean), (100, 101));
    assert_eq!((summary.min, summary.max), (2, 200));
}

#[test]
fn merging_is_recording_everything_into_one() {
    for bits in 1..=FINEST {
        let mut parts = [histogram(bits), histogram(bits), histogram(bits)];
        let mut whole = histogram(bits);
        for (i, value) in Values(9).take(2_000).enumerate() {
            parts[i % 3].record(0, value);
            whole.record(0, value);
        }
        let [mut merged, second, third] = parts;
        merged.merge(&second).unwrap();
        merged.merge(&third).unwrap();
        merged.merge(&histogram(bits)).unwrap();
        assert_eq!(merged, whole);
    }
}

#[test]
fn histograms_of_different_precision_do_not_merge_and_stay_as_they_were() {
    let (mut fine, mut coarse) = (histogram(3), histogram(2));
    fine.record(0, 1_000);
    coarse.record(0, 2_000);
    let before = fine.clone();
    let error = fine.merge(&coarse).unwrap_err();
    assert_eq!(fine, before);
    assert_eq!(
        error.to_string(),
        "histograms of 3 and 2 precision bits cannot be merged: use the same for both"
    );
}

#[test]
fn doubling_by_merging_stops_at_the_largest_count_and_goes_on_answering() {
    let mut histogram = histogram(1);
    histogram.record(0, 3);
    histogram.record(0, u64::MAX);
    // after 63 doublings there are 2^64, one more than fits
    for _ in 0..70 {
        let same = histogram.clone();
        histogram.merge(&same).unwrap();
    }
    assert_eq!(histogram.count(0), u64::MAX);
    assert_eq!(histogram.min(0), Some(3));
    for q in quantiles() {
        let interval = histogram.interval(0, q).unwrap();
        assert!(
            interval.low >= 3 && interval.low <= interval.high,
            "{q}: {interval:?}"
        );
    }
    // Half of the values are 3, half are the largest: a count that has stopped moves no percentile to the other half.
    let interval = |q| histogram.interval(0, q).unwrap();
    for (percent, value) in [(10, 3), (40, 3), (60, u64::MAX), (90, u64::MAX)] {
        let q = Quantile::new(percent, 100).unwrap();
        assert!(interval(q).contains(value), "p{percent}");
    }
    assert!(histogram.mean(0) <= Some(u64::MAX));
    histogram.record(0, 0);
    assert_eq!(histogram.min(0), Some(0));
    let policy = *histogram.policy();
    assert_eq!(
        LogHistogram::restore(policy, histogram.state()),
        Ok(histogram)
    );
}

impl Subject for LogHistogram {
    type Policy = LogHistogramPolicy;
    const AGES: bool = false;

    fn policies() -> BoxedStrategy<LogHistogramPolicy> {
        (1..=FINEST)
            .prop_map(|bits| LogHistogramPolicy::new(bits).unwrap())
            .boxed()
    }

    fn new(policy: &LogHistogramPolicy) -> Self {
        Self::new(*policy)
    }

    fn record(&mut self, now_ns: u64, value: u64) {
        self.record(now_ns, value);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn restored(&self, policy: &LogHistogramPolicy) -> Self {
        Self::restore(*policy, self.state()).unwrap()
    }

    fn live(_: &LogHistogramPolicy, history: &[(u64, u64)], _now_ns: u64) -> Vec<u64> {
        history.iter().map(|&(_, value)| value).collect()
    }

    fn check(&self, policy: &LogHistogramPolicy, now_ns: u64, live: &[u64]) {
        assert_eq!(self.count(now_ns), live.len() as u64);
        assert_eq!(self.sum(now_ns), sum(live));
        assert_eq!(self.mean(now_ns), mean(live));
        assert_eq!(self.min(now_ns), live.iter().min().copied());
        assert_eq!(self.max(now_ns), live.iter().max().copied());
        for q in quantiles() {
            let interval = self.interval(now_ns, q);
            check_interval(interval, policy.precision_bits(), live, q);
            assert_eq!(self.quantile(now_ns, q), interval.map(|i| i.high));
        }
        check_summary(self.summary(now_ns), live, |q| self.quantile(now_ns, q));
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn the_value_at_the_rank_lies_in_every_interval(sequential 1..80 => Run<LogHistogram>);
}
