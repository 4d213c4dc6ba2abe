//! Chosen quantiles of the last n values at constant cost: within 1/128, never below.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{QuantileWindow, QuantileWindowPolicy};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest_state_machine::prop_state_machine;

use crate::model::{Run, Subject, check_equality, config, last};
use crate::reference::{Values, nearest_rank, quantiles};

const KEPT: [Quantile; 3] = [Quantile::P50, Quantile::P99, Quantile::MAX];

fn window(values: u32) -> QuantileWindow {
    QuantileWindow::new(QuantileWindowPolicy::new(values, &KEPT).unwrap())
}

/// The promise of the type: `high` is what `quantile` says.
fn assert_within_1_128(truth: u64, high: u64) {
    assert!(high >= truth, "{high} is below the true {truth}");
    assert!(
        high - truth <= truth / 128,
        "{high} is more than 1/128 above {truth}"
    );
}

#[test]
fn the_error_is_at_most_1_128_for_values_of_every_size() {
    let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) | 1]);
    let all = edges
        .chain([0, u64::MAX - 1, u64::MAX])
        .chain(Values(1).take(50_000));
    let mut one = window(1);
    for value in all {
        one.record(0, value);
        let interval = one.interval(0, Quantile::P50).unwrap();
        assert!(interval.contains(value));
        assert_eq!(one.quantile(0, Quantile::P50), Some(interval.high));
        assert_within_1_128(value, interval.high);
        assert_within_1_128(interval.low, value);
    }
}

#[test]
fn values_below_256_are_exact() {
    let mut window = window(1000);
    for value in (1..=100).map(|i| i * 2) {
        window.record(0, value);
    }
    assert_eq!(window.quantile(0, Quantile::P50), Some(100));
    assert_eq!(window.quantile(0, Quantile::P99), Some(198));
    assert_eq!(
        window.quantile(0, Quantile::P95),
        Some(190),
        "not kept, so searched"
    );
}

#[test]
fn a_cursor_follows_jumps_across_the_whole_range() {
    // Alternating extremes move every cursor as far as a value can.
    let mut window = window(10);
    let mut history = Vec::new();
    for value in Values(2)
        .take(20_000)
        .map(|v| if v % 3 == 0 { v } else { v % 2 * u64::MAX })
    {
        window.record(0, value);
        history.push((0, value));
        let live = last(&history, 10);
        for q in KEPT {
            let truth = nearest_rank(&live, q).unwrap();
            assert!(
                window.interval(0, q).unwrap().contains(truth),
                "{q} of {live:?}"
            );
        }
    }
}

#[test]
fn windows_are_equal_when_they_hold_the_same_values_in_the_same_order_by_one_policy() {
    check_equality(window);
}

#[test]
fn a_state_fits_other_quantiles_and_a_larger_window() {
    let mut small = window(50);
    Values(3).take(80).for_each(|value| small.record(0, value));
    let policy = QuantileWindowPolicy::new(100, &[Quantile::P95]).unwrap();
    let large = QuantileWindow::restore(policy, small.state()).unwrap();
    for q in quantiles() {
        assert_eq!(large.interval(0, q), small.interval(0, q), "{q}");
    }
    let tight = QuantileWindowPolicy::new(49, &KEPT).unwrap();
    assert!(QuantileWindow::restore(tight, small.state()).is_err());
}

impl Subject for QuantileWindow {
    type Policy = QuantileWindowPolicy;
    const AGES: bool = false;

    fn policies() -> BoxedStrategy<QuantileWindowPolicy> {
        (
            prop_oneof![1_u32..6, 1_u32..70],
            subsequence(quantiles(), 1..=8),
        )
            .prop_map(|(n, kept)| QuantileWindowPolicy::new(n, &kept).unwrap())
            .boxed()
    }

    fn new(policy: &QuantileWindowPolicy) -> Self {
        Self::new(*policy)
    }

    fn record(&mut self, now_ns: u64, value: u64) {
        self.record(now_ns, value);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn restored(&self, policy: &QuantileWindowPolicy) -> Self {
        Self::restore(*policy, self.state()).unwrap()
    }

    fn live(policy: &QuantileWindowPolicy, history: &[(u64, u64)], _now_ns: u64) -> Vec<u64> {
        last(history, policy.values())
    }

    fn check(&self, _: &QuantileWindowPolicy, now_ns: u64, live: &[u64]) {
        assert_eq!(self.count(now_ns), live.len() as u64);
        for q in quantiles() {
            let Some(truth) = nearest_rank(live, q) else {
                assert_eq!(self.interval(now_ns, q), None);
                assert_eq!(self.quantile(now_ns, q), None);
                continue;
            };
            let interval = self.interval(now_ns, q).unwrap();
            assert!(interval.contains(truth), "{q}: {truth} not in {interval:?}");
            assert_eq!(self.quantile(now_ns, q), Some(interval.high));
            assert_within_1_128(truth, interval.high);
        }
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn each_answer_is_the_bucket_of_the_value_at_the_rank(sequential 1..120 => Run<QuantileWindow>);
}
