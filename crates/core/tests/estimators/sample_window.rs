//! The last n values themselves: exact.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{SampleWindow, SampleWindowPolicy};
use proptest::prelude::*;
use proptest_state_machine::prop_state_machine;

use crate::model::{Run, Subject, check_equality, config, last};
use crate::reference::{expected_numbers, mean, nearest_rank, numbers, quantiles, sum};

fn window(values: u32) -> SampleWindow {
    SampleWindow::new(SampleWindowPolicy::new(values).unwrap())
}

/// ORIGINS O5: the latency monitor of the origin and its own test.
#[test]
fn origin_o5_percentiles_of_2_to_200_are_nearest_rank() {
    let mut window = window(1000);
    for value in (1..=100).map(|i| i * 2) {
        window.record(0, value);
    }
    // Count, mean, min and max; the percentiles 50, 90, 95, 99 and 99.9.
    let expected = [100, 101, 2, 200, 100, 180, 190, 198, 200];
    assert_eq!(window.summary(0).map(numbers), Some(expected));
}

#[test]
fn a_single_value_is_every_percentile_and_none_is_none() {
    let mut window = window(10);
    assert_eq!(window.quantile(0, Quantile::P50), None);
    assert_eq!(window.summary(0), None);
    window.record(0, 7);
    for q in quantiles() {
        assert_eq!(window.quantile(0, q), Some(7), "{q}");
    }
}

#[test]
fn the_oldest_value_leaves_first_even_when_values_repeat() {
    let mut window = window(3);
    for value in [5, 5, 1, 5, 9, 5] {
        window.record(0, value);
    }
    assert_eq!(window.quantile(0, Quantile::MIN), Some(5));
    assert_eq!(window.quantile(0, Quantile::MAX), Some(9));
    assert_eq!(window.count(0), 3);
}

#[test]
fn a_window_of_the_largest_values_has_a_mean_without_overflow() {
    let mut window = window(1000);
    (0..1500).for_each(|_| window.record(u64::MAX, u64::MAX));
    assert_eq!(window.mean(u64::MAX), Some(u64::MAX));
    assert_eq!(window.sum(u64::MAX), 1000 * u128::from(u64::MAX));
}

#[test]
fn windows_are_equal_when_they_hold_the_same_values_in_the_same_order_by_one_policy() {
    check_equality(window);
}

#[test]
fn a_smaller_state_fits_a_larger_window_and_goes_on_there() {
    let mut small = window(3);
    (1..=5).for_each(|value| small.record(0, value));
    let policy = SampleWindowPolicy::new(4).unwrap();
    let mut large = SampleWindow::restore(policy, small.state()).unwrap();
    large.record(0, 6);
    large.record(0, 7);
    assert_eq!(large.quantile(0, Quantile::MIN), Some(4));
    assert!(SampleWindow::restore(SampleWindowPolicy::new(2).unwrap(), small.state()).is_err());
}

impl Subject for SampleWindow {
    type Policy = SampleWindowPolicy;
    const AGES: bool = false;

    fn policies() -> BoxedStrategy<SampleWindowPolicy> {
        prop_oneof![1_u32..6, 1_u32..70]
            .prop_map(|n| SampleWindowPolicy::new(n).unwrap())
            .boxed()
    }

    fn new(policy: &SampleWindowPolicy) -> Self {
        Self::new(*policy)
    }

    fn record(&mut self, now_ns: u64, value: u64) {
        self.record(now_ns, value);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn restored(&self, policy: &SampleWindowPolicy) -> Self {
        Self::restore(*policy, self.state()).unwrap()
    }

    fn live(policy: &SampleWindowPolicy, history: &[(u64, u64)], _now_ns: u64) -> Vec<u64> {
        last(history, policy.values())
    }

    fn check(&self, _: &SampleWindowPolicy, now_ns: u64, live: &[u64]) {
        assert_eq!(self.count(now_ns), live.len() as u64);
        assert_eq!(self.sum(now_ns), sum(live));
        assert_eq!(self.mean(now_ns), mean(live));
        assert_eq!(self.min(now_ns), live.iter().min().copied());
        assert_eq!(self.max(now_ns), live.iter().max().copied());
        for q in quantiles() {
            assert_eq!(self.quantile(now_ns, q), nearest_rank(live, q), "{q}");
        }
        let at = |q| nearest_rank(live, q);
        let expected = expected_numbers(live, at);
        assert_eq!(self.summary(now_ns).map(numbers), expected);
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn it_answers_as_sorting_the_last_n_values_would(sequential 1..120 => Run<SampleWindow>);
}
