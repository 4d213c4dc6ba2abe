//! Is a quantile above a limit: exact at one bit a value.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::prop_state_machine;

use crate::model::{Run, Subject, config, last};
use crate::reference::{nearest_rank, quantiles};

/// ORIGINS O5: the last 1000 samples, p99 after each sample against 200 ms.
#[test]
fn origin_o5_p99_against_200_ms_is_judged_after_every_sample() {
    const MS: u64 = 1_000_000;
    let policy = ThresholdWindowPolicy::new(1000, Quantile::P99, 200 * MS).unwrap();
    let mut window = ThresholdWindow::new(policy);
    (0..1000).for_each(|_| window.record(0, 200 * MS));
    assert_eq!(
        window.is_above(0),
        Some(false),
        "equal to the limit is not above"
    );
    // p99 of 1000 is the 990th: ten slow ones lie above it, the eleventh is it.
    for slow in 1..=11 {
        window.record(0, 201 * MS);
        assert_eq!(window.is_above(0), Some(slow >= 11), "{slow} slow");
    }
}

#[test]
fn a_thousand_values_take_at_most_n_8_plus_64_bytes() {
    // 16 words lie inline, so there is nothing on the heap.
    assert!(
        size_of::<ThresholdWindow>() <= 1000 / 8 + 64,
        "{}",
        size_of::<ThresholdWindow>()
    );
}

#[test]
fn the_first_slow_value_of_an_empty_window_is_its_percentile() {
    let policy = ThresholdWindowPolicy::new(10, Quantile::P99, 5).unwrap();
    let mut window = ThresholdWindow::new(policy);
    assert_eq!(window.is_above(0), None);
    window.record(0, 6);
    assert_eq!(
        (window.is_above(0), window.count_above(0), window.count(0)),
        (Some(true), 1, 1)
    );
    window.clear();
    assert_eq!(
        (window.is_above(0), window.count_above(0), window.count(0)),
        (None, 0, 0)
    );
}

#[test]
fn nothing_is_above_the_largest_value_and_everything_but_0_above_0() {
    let ask = |above, value| {
        let policy = ThresholdWindowPolicy::new(1, Quantile::P50, above).unwrap();
        let mut window = ThresholdWindow::new(policy);
        window.record(0, value);
        window.is_above(0)
    };
    assert_eq!(ask(u64::MAX, u64::MAX), Some(false));
    assert_eq!(ask(0, 1), Some(true));
    assert_eq!(ask(0, 0), Some(false));
}

#[test]
fn a_state_fits_another_quantile_but_no_other_limit() {
    let policy = |q, above| ThresholdWindowPolicy::new(10, q, above).unwrap();
    let mut window = ThresholdWindow::new(policy(Quantile::P99, 5));
    (0..10).for_each(|value| window.record(0, value));
    assert_eq!(window.is_above(0), Some(true));
    let median = ThresholdWindow::restore(policy(Quantile::P50, 5), window.state()).unwrap();
    assert_eq!(median.is_above(0), Some(false));
    assert!(ThresholdWindow::restore(policy(Quantile::P99, 6), window.state()).is_err());
}

impl Subject for ThresholdWindow {
    type Policy = ThresholdWindowPolicy;
    const AGES: bool = false;

    fn policies() -> BoxedStrategy<ThresholdWindowPolicy> {
        let limits = prop_oneof![Just(0), Just(1), 0_u64..600, any::<u64>(), Just(u64::MAX)];
        // word boundaries of the ring are at 64 and 128
        let sizes = prop_oneof![1_u32..6, 1_u32..140, Just(64), Just(128)];
        (sizes, select(quantiles()), limits)
            .prop_map(|(n, q, above)| ThresholdWindowPolicy::new(n, q, above).unwrap())
            .boxed()
    }

    fn new(policy: &ThresholdWindowPolicy) -> Self {
        Self::new(*policy)
    }

    fn record(&mut self, now_ns: u64, value: u64) {
        self.record(now_ns, value);
    }

    fn clear(&mut self) {
        self.clear();
    }

    fn restored(&self, policy: &ThresholdWindowPolicy) -> Self {
        Self::restore(*policy, self.state()).unwrap()
    }

    fn live(policy: &ThresholdWindowPolicy, history: &[(u64, u64)], _now_ns: u64) -> Vec<u64> {
        last(history, policy.values())
    }

    fn check(&self, policy: &ThresholdWindowPolicy, now_ns: u64, live: &[u64]) {
        let limit = policy.above();
        let truth = nearest_rank(live, policy.quantile()).map(|value| value > limit);
        assert_eq!(self.is_above(now_ns), truth);
        assert_eq!(self.count(now_ns), live.len() as u64);
        assert_eq!(
            self.count_above(now_ns),
            live.iter().filter(|&&v| v > limit).count() as u64
        );
    }
}

prop_state_machine! {
    #![proptest_config(config())]
    #[test]
    fn it_answers_as_sorting_the_last_n_values_would(sequential 1..200 => Run<ThresholdWindow>);
}
