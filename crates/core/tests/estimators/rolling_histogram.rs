//! The last span of time: what has fallen out is gone, also after years, also for a query that changes nothing.

use std::time::Duration;

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};
use proptest::prelude::*;
use proptest_state_machine::prop_state_machine;

use crate::log_histogram::{check_interval, check_summary};
use crate::model::{Run, Subject, config};
use crate::reference::{mean, quantiles, sum};

const SECOND: u64 = 1_000_000_000;

fn ten_seconds() -> RollingHistogram {
    RollingHistogram::new(RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5).unwrap())
}

#[test]
fn a_value_is_live_until_its_slice_is_no_longer_one_of_the_last() {
    let mut rolling = ten_seconds();
    rolling.record(3 * SECOND + 999_999_999, 5);
    assert_eq!(rolling.count(4 * SECOND), 1);
    assert_eq!(rolling.count(13 * SECOND - 1), 1);
    assert_eq!(rolling.count(13 * SECOND), 0);
    assert_eq!(
        rolling.count(0),
        1,
        "asking about the past is asking about the latest instant"
    );
}

#[test]
fn ten_idle_years_cost_no_more_than_ten_idle_seconds() {
    const TEN_YEARS: u64 = 10 * 365 * 24 * 3_600 * SECOND;
    let policy = RollingHistogramPolicy::new(Duration::from_nanos(1_024), 1_024, 1).unwrap();
    let mut rolling = RollingHistogram::new(policy);
    // A nanosecond a slice: a loop over elapsed slices would never come back.
    for year in 0..50_u64 {
        let now_ns = year * TEN_YEARS;
        assert_eq!(rolling.quantile(now_ns, Quantile::P99), None);
        rolling.record(now_ns, year);
        assert_eq!(rolling.quantile(now_ns, Quantile::P99), Some(year));
        assert_eq!(rolling.summary(now_ns).unwrap().count, 1);
    }
}

#[test]
fn the_end_of_time_is_an_instant_like_any_other() {
    let mut rolling = ten_seconds();
    rolling.record(u64::MAX, 1);
    rolling.record(0, 2);
    rolling.record(u64::MAX, u64::MAX);
    assert_eq!(rolling.count(u64::MAX), 3);
    assert_eq!(rolling.sum(0), u128::from(u64::MAX) + 3);
    let policy = *rolling.policy();
    assert_eq!(
        RollingHistogram::restore(policy, rolling.state()),
        Ok(rolling)
    );
}

#[test]
fn a_clock_that_jumps_back_an_hour_stands_still() {
    let mut rolling = ten_seconds();
    rolling.record(7_200 * SECOND, 1);
    rolling.record(3_600 * SECOND, 2);
    assert_eq!(rolling.count(3_600 * SECOND), 2);
    rolling.record(7_210 * SECOND, 3);
    assert_eq!(rolling.count(7_210 * SECOND), 1);
}

#[test]
fn clearing_forgets_values_but_not_time() {
    let mut rolling = ten_seconds();
    rolling.record(100 * SECOND, 1);
    rolling.clear();
    assert_eq!(rolling.summary(100 * SECOND), None);
    rolling.record(0, 2);
    assert_eq!(rolling.count(109 * SECOND), 1);
    assert_eq!(rolling.count(110 * SECOND), 0);
}

#[test]
fn histograms_made_at_different_times_agree_on_where_slices_begin() {
    let (mut early, mut late) = (ten_seconds(), ten_seconds());
    early.record(SECOND / 2, 9);
    for second in 20..40 {
        early.record(second * SECOND + 7, second);
        late.record(second * SECOND + 7, second);
    }
    assert_eq!(early, late);
}

#[test]
fn a_state_fits_a_policy_that_looks_back_further_but_not_one_that_looks_less_far() {
    let policy = |slices: u32| {
        let span = Duration::from_secs(slices.into());
        RollingHistogramPolicy::new(span, slices, 5).unwrap()
    };
    let mut rolling = ten_seconds();
    rolling.record(3 * SECOND, 900);
    rolling.record(8 * SECOND, 40);
    let longer = RollingHistogram::restore(policy(20), rolling.state()).unwrap();
    assert_eq!(longer.max(22 * SECOND), Some(900));
    assert_eq!(longer.max(23 * SECOND), Some(40));
    assert!(RollingHistogram::restore(policy(6), rolling.state()).is_ok());
    assert!(RollingHistogram::restore(policy(5), rolling.state()).is_err());
}

#[derive(Clone, Debug)]
pub(crate) struct Params {
    slice_ns: u64,
    slices: u32,
    policy: RollingHistogramPolicy,
}

impl Subject for RollingHistogram {
    type Policy = Params;
    const AGES: bool = true;

    fn policies() -> BoxedStrategy<Params> {
        // short slices, so that the model's clock crosses many of them
        let lengths = prop_oneof![1_u64..4, 1_u64..60, Just(1 << 50)];
        (lengths, 1_u32..9, 1_u8..=7)
            .prop_map(|(slice_ns, slices, bits)| {
                let span = Duration::from_nanos(slice_ns * u64::from(slices));
                Params {
                    slice_ns,
                    slices,
                    policy: RollingHistogramPolicy::new(span, slices, bits).unwrap(),
                }
            })
            .boxed()
    }

    fn new(params: &Params) -> Self {
        Self::new(params.policy)
    }

    fn record(&mut self, now_ns: u64, value: u64) {
        self.record(now_ns, value);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn restored(&self, params: &Params) -> Self {
        Self::restore(params.policy, self.state()).unwrap()
    }

    fn live(params: &Params, history: &[(u64, u64)], now_ns: u64) -> Vec<u64> {
        let current = now_ns / params.slice_ns;
        let is_live = |t: u64| current - t / params.slice_ns < u64::from(params.slices);
        let live = history.iter().filter(|&&(t, _)| is_live(t));
        live.map(|&(_, value)| value).collect()
    }

    fn check(&self, params: &Params, now_ns: u64, live: &[u64]) {
        assert_eq!(self.count(now_ns), live.len() as u64);
        assert_eq!(self.sum(now_ns), sum(live));
        assert_eq!(self.mean(now_ns), mean(live));
        assert_eq!(self.min(now_ns), live.iter().min().copied());
        assert_eq!(self.max(now_ns), live.iter().max().copied());
        for q in quantiles() {
            let interval = self.interval(now_ns, q);
            check_interval(interval, params.policy.precision_bits(), live, q);
            assert_eq!(self.quantile(now_ns, q), interval.map(|i| i.high));
        }
        check_summary(self.summary(now_ns), live, |q| self.quantile(now_ns, q));
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn it_answers_for_the_values_of_the_last_slices_only(sequential 1..80 => Run<RollingHistogram>);
}
