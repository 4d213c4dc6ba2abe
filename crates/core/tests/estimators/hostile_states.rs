//! A stored state is untrusted input: whatever is done to it, restoring refuses it or gives an estimator that
//! some history leads to. Never a panic, never a large allocation.

use evenkeel_core::Quantile;
use evenkeel_core::RestoreError;
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, LogHistogramState, ThresholdWindow, ThresholdWindowPolicy,
    ThresholdWindowState,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// `value` with one thing changed, for every part of it and every change.
fn mutants(value: &Value) -> Vec<Value> {
    let mut all = vec![Value::Null, json!("x"), json!(-1), json!([]), json!({})];
    match value {
        Value::Number(number) => {
            let n = number.as_u64().unwrap();
            for other in [
                0,
                1,
                n.wrapping_add(1),
                n.wrapping_sub(1),
                n ^ 64,
                1 << 16,
                u64::MAX,
            ] {
                all.push(json!(other));
            }
        }
        Value::Array(items) => {
            for at in 0..items.len() {
                for other in mutants(&items[at]) {
                    let mut changed = items.clone();
                    changed[at] = other;
                    all.push(Value::Array(changed));
                }
                let mut shorter = items.clone();
                let item = shorter.remove(at);
                all.push(Value::Array(shorter));
                let mut longer = items.clone();
                longer.insert(at, item);
                all.push(Value::Array(longer));
                let mut reversed = items.clone();
                reversed[..=at].reverse();
                all.push(Value::Array(reversed));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                for other in mutants(member) {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), other);
                    all.push(Value::Object(changed));
                }
                let mut without = members.clone();
                without.remove(name);
                all.push(Value::Object(without));
            }
        }
        _ => {}
    }
    all.retain(|mutant| mutant != value);
    all
}

/// Restores every mutant of `state`. One that is taken must be exactly what the estimator then stores, and the
/// estimator must go on working. Returns (refused, taken).
fn attack<S: Serialize + DeserializeOwned, E>(
    state: S,
    restore: impl Fn(S) -> Result<E, RestoreError>,
    store: impl Fn(&E) -> S,
    exercise: impl Fn(&mut E),
) -> (usize, usize) {
    let json = serde_json::to_value(state).unwrap();
    let (mut refused, mut taken) = (0, 0);
    for mutant in mutants(&json) {
        let restored = serde_json::from_value::<S>(mutant.clone()).map(&restore);
        let Ok(Ok(mut estimator)) = restored else {
            refused += 1;
            continue;
        };
        let stored = serde_json::to_value(store(&estimator)).unwrap();
        assert_eq!(
            stored, mutant,
            "a mutant of {json} was taken, but not as it was"
        );
        exercise(&mut estimator);
        taken += 1;
    }
    (refused, taken)
}

fn threshold_policy() -> ThresholdWindowPolicy {
    ThresholdWindowPolicy::new(130, Quantile::P99, 50).unwrap()
}

fn threshold_state(records: u64) -> ThresholdWindowState {
    let mut window = ThresholdWindow::new(threshold_policy());
    (0..records).for_each(|value| window.record(0, value % 60));
    window.state()
}

#[test]
fn a_threshold_window_takes_only_bits_that_match_their_counts() {
    for records in [0, 1, 70, 130, 500] {
        let (refused, taken) = attack(
            threshold_state(records),
            |state| ThresholdWindow::restore(threshold_policy(), state),
            ThresholdWindow::state,
            |window| {
                (0..300).for_each(|value| window.record(0, value));
                assert_eq!(window.count(0), 130);
                assert_eq!(window.count_above(0), 130);
                assert_eq!(window.is_above(0), Some(true));
            },
        );
        println!("{records} records: {refused} refused, {taken} taken");
        // A set bit that moves within its word, and a position in a full ring, are other histories.
        assert!(refused > taken * 4);
    }
}

#[test]
fn a_threshold_window_says_what_is_wrong_with_a_state() {
    let json = serde_json::to_value(threshold_state(100)).unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = json.clone();
        changed[name] = value;
        let state = serde_json::from_value(changed).unwrap();
        ThresholdWindow::restore(threshold_policy(), state).unwrap_err()
    };
    for (name, value) in [
        ("above", json!(51)),
        ("words", json!([2])),
        ("words", json!([4])),
    ] {
        assert!(
            matches!(with(name, value), RestoreError::Misfit { .. }),
            "{name}"
        );
    }
    for (name, value) in [
        ("count", json!(99)),
        ("count", json!(u32::MAX)),
        ("head", json!(u32::MAX)),
        ("count_above", json!(0)),
        ("words", json!([3, 1])),
        ("words", json!([3, u64::MAX, u64::MAX, u64::MAX])),
    ] {
        assert!(
            matches!(with(name, value), RestoreError::Corrupt { .. }),
            "{name}"
        );
    }
}

fn histogram_policy() -> LogHistogramPolicy {
    LogHistogramPolicy::new(2).unwrap()
}

fn histogram_state() -> LogHistogramState {
    let mut histogram = LogHistogram::new(histogram_policy());
    for value in [0, 3, 3, 900, 1_000, 1 << 40, u64::MAX, u64::MAX] {
        histogram.record(0, value);
    }
    histogram.state()
}

#[test]
fn a_histogram_takes_only_totals_that_its_buckets_allow() {
    let (refused, taken) = attack(
        histogram_state(),
        |state| LogHistogram::restore(histogram_policy(), state),
        LogHistogram::state,
        |histogram| {
            histogram.record(0, 5);
            let whole = histogram.clone();
            histogram.merge(&whole).unwrap();
            assert!(histogram.summary(0).is_some());
        },
    );
    println!("{refused} refused, {taken} taken");
    // 900, 1 000 and 2^40 may have been others of their buckets, so some sums and extremes near them are taken.
    assert!(refused > taken * 4 && taken > 0);
}

#[test]
fn a_row_that_claims_to_be_huge_is_refused_before_memory_is_taken() {
    let mut json = serde_json::to_value(histogram_state()).unwrap();
    for row in [
        json!([1_u64 << 40]),
        json!([u64::MAX]),
        json!([16_385]),
        json!([252, 0, u64::MAX, 1]),
        json!([252, 0, 252, 1]),
        json!([252, 0, 0, 1]),
        json!([252, 0, 3]),
        json!([252, 0, 3, 0, 4, 1]),
        json!([252, 0]),
        json!([0, 1]),
        json!([]),
    ] {
        json["counts"] = row.clone();
        assert!(
            serde_json::from_value::<LogHistogramState>(json.clone()).is_err(),
            "{row}"
        );
    }
}

#[test]
fn a_histogram_with_full_counts_is_taken_and_never_overflows() {
    let state = json!({
        "version": 1,
        "totals": { "count": u64::MAX, "min": 1, "max": u64::MAX, "sum": [u64::MAX, u64::MAX] },
        "counts": [252, 0, 1, u64::MAX, 0, 249, u64::MAX],
    });
    let state = serde_json::from_value(state).unwrap();
    let mut histogram = LogHistogram::restore(histogram_policy(), state).unwrap();
    histogram.record(0, u64::MAX);
    let same = histogram.clone();
    histogram.merge(&same).unwrap();
    assert_eq!(histogram.mean(0), Some(u64::MAX));
    assert_eq!(histogram.quantile(0, Quantile::MAX), Some(u64::MAX));
    assert_eq!(histogram.quantile(0, Quantile::MIN), Some(1));
    assert!(histogram.quantile(0, Quantile::P50).is_some());
}

#[cfg(feature = "alloc")]
mod with_alloc {
    use std::time::Duration;

    use evenkeel_core::estimator::{
        QuantileWindow, QuantileWindowPolicy, RollingHistogram, RollingHistogramPolicy,
        SampleWindow, SampleWindowPolicy,
    };

    use super::*;

    #[test]
    fn a_sample_window_takes_any_values_but_not_too_many() {
        let policy = SampleWindowPolicy::new(4).unwrap();
        let mut window = SampleWindow::new(policy);
        (0..6).for_each(|value| window.record(0, value));
        let (refused, taken) = attack(
            window.state(),
            |state| SampleWindow::restore(policy, state),
            SampleWindow::state,
            |window| {
                (0..9).for_each(|value| window.record(0, value));
                assert_eq!(window.quantile(0, Quantile::MIN), Some(5));
            },
        );
        println!("{refused} refused, {taken} taken");
        assert!(refused > 20 && taken > 10);
    }

    #[test]
    fn a_quantile_window_takes_only_buckets_that_exist() {
        let policy = QuantileWindowPolicy::new(4, &[Quantile::P50]).unwrap();
        let mut window = QuantileWindow::new(policy);
        for value in [9, 1 << 20, 7, u64::MAX, 8] {
            window.record(0, value);
        }
        let (refused, taken) = attack(
            window.state(),
            |state| QuantileWindow::restore(policy, state),
            QuantileWindow::state,
            |window| {
                (0..9).for_each(|value| window.record(0, value));
                assert_eq!(window.quantile(0, Quantile::P50), Some(6));
            },
        );
        println!("{refused} refused, {taken} taken");
        assert!(refused > 20 && taken > 10);
        let state = json!({ "version": 1, "buckets": [7_424] });
        let state = serde_json::from_value(state).unwrap();
        assert!(matches!(
            QuantileWindow::restore(policy, state),
            Err(RestoreError::Corrupt { .. })
        ));
    }

    #[test]
    fn a_rolling_histogram_takes_only_the_last_slices_in_order_with_their_totals() {
        let policy = RollingHistogramPolicy::new(Duration::from_nanos(40), 4, 2).unwrap();
        let mut rolling = RollingHistogram::new(policy);
        for (now_ns, value) in [
            (5, 1),
            (75, 9),
            (80, 1 << 30),
            (80, 77),
            (101, u64::MAX),
            (105, 0),
        ] {
            rolling.record(now_ns, value);
        }
        let (refused, taken) = attack(
            rolling.state(),
            |state| RollingHistogram::restore(policy, state),
            RollingHistogram::state,
            |rolling| {
                rolling.record(0, 5);
                assert!(rolling.summary(0).is_some());
                // Far enough ahead that at most the state's own latest slices are left.
                rolling.record(u64::MAX, 6);
                assert_eq!(rolling.max(u64::MAX).map(|max| max >= 6), Some(true));
            },
        );
        println!("{refused} refused, {taken} taken");
        assert!(refused > taken * 4 && taken > 0);
    }

    #[test]
    fn a_rolling_histogram_takes_no_slice_that_is_empty_or_overfull_or_names_a_bucket_twice() {
        let policy = RollingHistogramPolicy::new(Duration::from_nanos(40), 4, 2).unwrap();
        let restore = |totals: Value, counts: Value| {
            let state = json!({
                "version": 1, "slice_ns": 10, "precision_bits": 2, "latest_ns": 5,
                "slices": [{ "index": 0, "totals": totals, "counts": counts }],
            });
            RollingHistogram::restore(policy, serde_json::from_value(state).unwrap())
        };
        let totals = |count: u64, min: u64, max: u64, sum: u64| json!({ "count": count, "min": min, "max": max, "sum": [0, sum] });
        let corrupt = |result| matches!(result, Err(RestoreError::Corrupt { .. }));
        let full = u64::from(u32::MAX);

        let mut rolling = restore(totals(full, 1, 1, full), json!([[1, full]])).unwrap();
        rolling.record(5, 1);
        assert_eq!(
            rolling.count(5),
            full,
            "a slice holds no more than 2^32 - 1 values"
        );
        assert!(corrupt(restore(
            totals(2, 1, 1, 2),
            json!([[1, 1], [1, 1]])
        )));
        assert!(corrupt(restore(
            totals(2, 1, 3, 4),
            json!([[1, 1], [2, 0], [3, 1]])
        )));
        assert!(corrupt(restore(totals(0, u64::MAX, 0, 0), json!([]))));
        assert!(corrupt(restore(
            totals(full + 1, 0, 1, full),
            json!([[0, 1], [1, full]])
        )));
    }

    #[test]
    fn a_rolling_histogram_says_whether_a_slice_is_too_old_for_the_policy_or_out_of_order() {
        let long = RollingHistogramPolicy::new(Duration::from_nanos(40), 4, 2).unwrap();
        let short = RollingHistogramPolicy::new(Duration::from_nanos(20), 2, 2).unwrap();
        let mut rolling = RollingHistogram::new(long);
        rolling.record(5, 1);
        rolling.record(25, 2);
        assert!(matches!(
            RollingHistogram::restore(short, rolling.state()),
            Err(RestoreError::Misfit { .. })
        ));

        let mut json = serde_json::to_value(rolling.state()).unwrap();
        json["slices"].as_array_mut().unwrap().reverse();
        let state = serde_json::from_value(json).unwrap();
        assert!(matches!(
            RollingHistogram::restore(long, state),
            Err(RestoreError::Corrupt { .. })
        ));
    }

    #[test]
    fn a_rolling_histogram_takes_the_last_slice_of_all_time_once() {
        let policy = RollingHistogramPolicy::new(Duration::from_nanos(2), 2, 2).unwrap();
        let mut rolling = RollingHistogram::new(policy);
        rolling.record(u64::MAX, 7);
        let mut json = serde_json::to_value(rolling.state()).unwrap();
        let slices = json["slices"].as_array_mut().unwrap();
        slices.push(slices[0].clone());
        let state = serde_json::from_value(json).unwrap();
        assert!(matches!(
            RollingHistogram::restore(policy, state),
            Err(RestoreError::Corrupt { .. })
        ));
    }
}
