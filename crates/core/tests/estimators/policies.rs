//! What the policies of the estimators refuse, and in which words.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{LogHistogramPolicy, MAX_VALUES, ThresholdWindowPolicy};

fn text<T>(refused: Result<T, evenkeel_core::ConfigError>) -> String {
    refused
        .err()
        .expect("this policy should be refused")
        .to_string()
}

#[test]
fn a_threshold_window_without_room_or_beyond_the_largest_is_refused() {
    let policy = |values| ThresholdWindowPolicy::new(values, Quantile::P99, 1);
    assert_eq!(
        text(policy(0)),
        "threshold_window.values is 0: it must be at least 1"
    );
    assert_eq!(
        text(policy(MAX_VALUES + 1)),
        "threshold_window.values is 1048577: it must be at most 1048576"
    );
    assert!(policy(1024).is_ok());
    assert_eq!(policy(1025).is_ok(), cfg!(feature = "alloc"));
}

#[test]
fn a_histogram_has_1_to_7_bits() {
    let policy = LogHistogramPolicy::new;
    assert_eq!(
        text(policy(0)),
        "log_histogram.precision_bits is 0: it must be at least 1"
    );
    assert_eq!(
        text(policy(8)),
        "log_histogram.precision_bits is 8: it must be at most 7"
    );
    assert!(policy(3).is_ok());
    assert_eq!(policy(4).is_ok(), cfg!(feature = "alloc"));
}

#[cfg(not(feature = "alloc"))]
#[test]
fn without_alloc_a_policy_that_does_not_fit_inline_says_so() {
    let words = |given, max| {
        format!(
            "needs {given} words of memory: without the feature `alloc` at most {max} are there"
        )
    };
    assert_eq!(
        text(ThresholdWindowPolicy::new(1025, Quantile::P99, 1)),
        format!("threshold_window.values {}", words(17, 16))
    );
    assert_eq!(
        text(LogHistogramPolicy::new(4)),
        format!("log_histogram.precision_bits {}", words(976, 496))
    );
}

#[cfg(feature = "alloc")]
mod with_alloc {
    use std::time::Duration;

    use evenkeel_core::estimator::{
        QuantileWindowPolicy, RollingHistogramPolicy, SampleWindowPolicy,
    };

    use super::*;

    #[test]
    fn a_sample_window_holds_1_to_a_million_values() {
        assert!(SampleWindowPolicy::new(1).is_ok());
        assert!(SampleWindowPolicy::new(MAX_VALUES).is_ok());
        assert_eq!(
            text(SampleWindowPolicy::new(MAX_VALUES + 1)),
            "sample_window.values is 1048577: it must be at most 1048576"
        );
    }

    #[test]
    fn a_quantile_window_keeps_1_to_8_quantiles() {
        let policy = |n| QuantileWindowPolicy::new(10, &vec![Quantile::P99; n]);
        assert_eq!(
            text(policy(0)),
            "quantile_window.quantiles is 0: it must be at least 1"
        );
        assert_eq!(
            text(policy(9)),
            "quantile_window.quantiles is 9: it must be at most 8"
        );
        assert!(policy(8).is_ok());
        assert_eq!(
            text(QuantileWindowPolicy::new(0, &[Quantile::P99])),
            "quantile_window.values is 0: it must be at least 1"
        );
    }

    #[test]
    fn a_rolling_histogram_is_cut_into_whole_slices() {
        let second = Duration::from_secs(1);
        let policy = RollingHistogramPolicy::new;
        assert_eq!(
            text(policy(second, 7, 5)),
            "rolling_histogram.span conflicts with slices: \
             make the span a whole multiple of the number of slices"
        );
        assert_eq!(
            text(policy(second, 0, 5)),
            "rolling_histogram.slices is 0: it must be at least 1"
        );
        assert_eq!(
            text(policy(second, 1025, 5)),
            "rolling_histogram.slices is 1025: it must be at most 1024"
        );
        assert_eq!(
            text(policy(Duration::from_nanos(3), 4, 5)),
            "rolling_histogram.span is 3ns: it must be at least 4ns"
        );
        assert_eq!(
            text(policy(second, 10, 0)),
            "rolling_histogram.precision_bits is 0: it must be at least 1"
        );
        assert!(text(policy(Duration::MAX, 10, 5)).starts_with("rolling_histogram.span is "));
        assert!(policy(Duration::from_nanos(4), 4, 7).is_ok());
        assert!(policy(Duration::from_nanos(1 << 62), 1024, 1).is_ok());
    }
}

#[cfg(all(feature = "alloc", feature = "serde"))]
#[test]
fn policies_are_read_as_a_file_writes_them_and_checked_on_the_way() {
    use evenkeel_core::estimator::{
        QuantileWindowPolicy, RollingHistogramPolicy, SampleWindowPolicy,
    };
    use serde::{Serialize, de::DeserializeOwned};

    fn round<P: Serialize + DeserializeOwned + PartialEq>(json: &str) -> P {
        let policy: P = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&policy).unwrap(), json);
        policy
    }
    fn refusal<P: DeserializeOwned>(json: &str) -> String {
        serde_json::from_str::<P>(json)
            .err()
            .expect("refused")
            .to_string()
    }

    assert_eq!(
        round::<SampleWindowPolicy>(r#"{"values":1000}"#).values(),
        1000
    );
    round::<QuantileWindowPolicy>(r#"{"values":1000,"quantiles":["p50","p99.9"]}"#);
    round::<ThresholdWindowPolicy>(r#"{"values":1000,"quantile":"p99","above":200000000}"#);
    round::<LogHistogramPolicy>(r#"{"precision_bits":3}"#);
    round::<RollingHistogramPolicy>(r#"{"span":"10s","slices":10,"precision_bits":5}"#);
    let default: RollingHistogramPolicy =
        serde_json::from_str(r#"{"span":"10s","slices":10}"#).unwrap();
    assert_eq!(
        default.precision_bits(),
        RollingHistogramPolicy::DEFAULT_PRECISION_BITS
    );

    let refused = refusal::<SampleWindowPolicy>(r#"{"values":0}"#);
    assert!(
        refused.contains("sample_window.values is 0: it must be at least 1"),
        "{refused}"
    );
    let refused = refusal::<LogHistogramPolicy>(r#"{"precision_bit":3}"#);
    assert!(
        refused.contains("unknown field `precision_bit`"),
        "{refused}"
    );
}
