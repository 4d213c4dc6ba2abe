//! A state of another version is refused for its version, whatever else its layout has become.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::RestoreError;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, BackoffState};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, BreakerState, Trigger};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Every way to store it that version 2 could have: other fields, the same fields with other content, a row.
fn of_another_version(state: &Value) -> Vec<String> {
    let version_2 = json!(2).to_string();
    let fields = state.as_object().expect("a state is an object");
    let others = fields.keys().filter(|name| *name != "version");
    let changed: String = others.map(|name| format!(",{name:?}:[\"?\"]")).collect();
    vec![
        format!("{{\"version\":{version_2},\"new\":{{\"a\":[1]}}}}"),
        format!("{{\"version\":{version_2}{changed}}}"),
        format!("[{version_2},\"?\"]"),
        state
            .to_string()
            .replacen("\"version\":1", "\"version\":2", 1),
    ]
}

fn is_refused_by_name<S: Serialize + DeserializeOwned + PartialEq>(state: S) {
    let text = serde_json::to_string(&state).expect("plain data");
    assert!(
        text.starts_with("{\"version\":1,"),
        "the version comes first: {text}"
    );
    assert!(serde_json::from_str::<S>(&text).expect("as it was stored") == state);

    let expected = RestoreError::Version {
        found: 2,
        expected: 1,
    }
    .to_string();
    for foreign in of_another_version(&serde_json::to_value(&state).expect("plain data")) {
        let Err(error) = serde_json::from_str::<S>(&foreign) else {
            panic!("taken: {foreign}")
        };
        assert!(
            error.to_string().starts_with(&expected),
            "{foreign}: {error}"
        );
    }
    for no_version in [
        "{}",
        "{\"version\":65537}",
        "{\"version\":\"1\"}",
        "{\"version\":null}",
        "[]",
    ] {
        assert!(
            serde_json::from_str::<S>(no_version).is_err(),
            "{no_version}"
        );
    }
}

#[test]
fn backoff() {
    let policy = BackoffPolicy::builder(Duration::from_nanos(10))
        .build()
        .expect("a policy");
    is_refused_by_name::<BackoffState>(Backoff::new(policy).state());
}

#[test]
fn breaker() {
    let open = BackoffPolicy::builder(Duration::from_nanos(10));
    let policy = BreakerPolicy::builder(open, Duration::from_nanos(5))
        .trigger(Trigger::Consecutive { failures: 1 })
        .build()
        .expect("a policy");
    is_refused_by_name::<BreakerState>(Breaker::new(policy).state());
}

mod gates_and_drivers {
    use core::time::Duration;

    use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy};
    use evenkeel_core::budget::{RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy};
    use evenkeel_core::health::{HealthProbe, HealthProbePolicy};
    use evenkeel_core::reconnect::{Reconnect, ReconnectPolicy};
    use evenkeel_core::restart::{Restart, RestartPolicy};
    use evenkeel_core::retry::{Retry, RetryPolicy};
    use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};

    use super::is_refused_by_name;

    const TEN: Duration = Duration::from_nanos(10);
    const BACKOFF: BackoffBuilder = BackoffPolicy::builder(TEN);

    #[test]
    fn retry_tokens() {
        let policy = RetryTokensPolicy::builder(5_000).build().expect("a policy");
        is_refused_by_name(RetryTokens::new(policy).state());
    }

    #[test]
    fn retry_ratio() {
        let policy = RetryRatioPolicy::finagle().build().expect("a policy");
        is_refused_by_name(RetryRatio::new(policy).state());
    }

    #[test]
    fn adaptive_throttle() {
        let policy = AdaptiveThrottlePolicy::builder().build().expect("a policy");
        is_refused_by_name(AdaptiveThrottle::new(policy).state());
    }

    #[test]
    fn retry() {
        let policy = RetryPolicy::builder(BACKOFF).build().expect("a policy");
        is_refused_by_name(Retry::new(policy, 5).state());
    }

    #[test]
    fn reconnect() {
        let policy = ReconnectPolicy::builder(BACKOFF, TEN).build();
        is_refused_by_name(Reconnect::new(policy.expect("a policy")).state());
    }

    #[test]
    fn restart() {
        let policy = RestartPolicy::builder(BACKOFF).build().expect("a policy");
        is_refused_by_name(Restart::new(policy).state());
    }

    #[test]
    fn health_probe() {
        let policy = HealthProbePolicy::builder(TEN, TEN / 2).build();
        is_refused_by_name(HealthProbe::new(policy.expect("a policy")).state());
    }
}

mod estimators {
    use evenkeel_core::Quantile;
    use evenkeel_core::estimator::{
        LogHistogram, LogHistogramPolicy, ThresholdWindow, ThresholdWindowPolicy,
    };

    use super::is_refused_by_name;

    #[test]
    fn log_histogram() {
        let policy = LogHistogramPolicy::new(3).expect("a policy");
        is_refused_by_name(LogHistogram::new(policy).state());
    }

    #[test]
    fn threshold_window() {
        let policy = ThresholdWindowPolicy::new(70, Quantile::P99, 5).expect("a policy");
        is_refused_by_name(ThresholdWindow::new(policy).state());
    }

    #[cfg(feature = "alloc")]
    mod with_alloc {
        use core::time::Duration;

        use evenkeel_core::Quantile;
        use evenkeel_core::estimator::{
            QuantileWindow, QuantileWindowPolicy, RollingHistogram, RollingHistogramPolicy,
            SampleWindow, SampleWindowPolicy,
        };

        use super::is_refused_by_name;

        #[test]
        fn sample_window() {
            let policy = SampleWindowPolicy::new(4).expect("a policy");
            is_refused_by_name(SampleWindow::new(policy).state());
        }

        #[test]
        fn quantile_window() {
            let policy = QuantileWindowPolicy::new(4, &[Quantile::P50]).expect("a policy");
            is_refused_by_name(QuantileWindow::new(policy).state());
        }

        #[test]
        fn rolling_histogram() {
            let span = Duration::from_nanos(40);
            let policy = RollingHistogramPolicy::new(span, 4, 2).expect("a policy");
            is_refused_by_name(RollingHistogram::new(policy).state());
        }
    }
}

#[cfg(feature = "alloc")]
mod tables {
    use core::time::Duration;

    use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy};
    use evenkeel_core::breaker::{BreakerPolicy, Trigger};
    use evenkeel_core::table::{
        BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, RecoveryBudget,
        RecoveryBudgetPolicy,
    };

    use super::is_refused_by_name;

    const TEN: Duration = Duration::from_nanos(10);
    const BACKOFF: BackoffBuilder = BackoffPolicy::builder(TEN);

    #[test]
    fn backoff_table() {
        let policy = BackoffTablePolicy::builder(BACKOFF, 5, TEN).build();
        is_refused_by_name(BackoffTable::<u64>::new(policy.expect("a policy")).state());
    }

    #[test]
    fn recovery_budget() {
        let policy = RecoveryBudgetPolicy::builder(BACKOFF, 2, TEN, 5).build();
        is_refused_by_name(RecoveryBudget::<u64>::new(policy.expect("a policy")).state());
    }

    #[test]
    fn breaker_table() {
        let breaker =
            BreakerPolicy::builder(BACKOFF, TEN).trigger(Trigger::Consecutive { failures: 1 });
        let policy =
            BreakerTablePolicy::builder(breaker.build().expect("a breaker"), 5, TEN).build();
        is_refused_by_name(BreakerTable::<u64>::new(policy.expect("a policy")).state());
    }
}
