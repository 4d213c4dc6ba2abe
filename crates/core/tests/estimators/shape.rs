//! One estimator can be put in the place of another: what all have, they have with the same signatures.

use std::fmt::Debug;
use std::hash::Hash;

use evenkeel_core::estimator::{
    Interval, LatencySummary, LogHistogram, LogHistogramPolicy, LogHistogramState, ThresholdWindow,
    ThresholdWindowPolicy, ThresholdWindowState,
};
use evenkeel_core::{Quantile, RestoreError};

/// What can be done with any policy.
fn policy<P: Copy + Debug + Eq + Hash + Send + Sync + 'static>(policy: P) -> P {
    policy
}

/// What can be done with any estimator and any state.
fn plain<T: Clone + Debug + Eq + Send + Sync + 'static>() {}

macro_rules! all_have {
    ($estimator:ty, $policy:ty, $state:ty, $made:expr) => {{
        plain::<$estimator>();
        plain::<$state>();
        let new: fn($policy) -> $estimator = <$estimator>::new;
        let record: fn(&mut $estimator, u64, u64) = <$estimator>::record;
        let count: fn(&$estimator, u64) -> u64 = <$estimator>::count;
        let clear: fn(&mut $estimator) = <$estimator>::clear;
        let its_policy: for<'a> fn(&'a $estimator) -> &'a $policy = <$estimator>::policy;
        let state: fn(&$estimator) -> $state = <$estimator>::state;
        let restore: fn($policy, $state) -> Result<$estimator, RestoreError> =
            <$estimator>::restore;

        let policy = policy($made.unwrap());
        let mut estimator = new(policy);
        assert_eq!(its_policy(&estimator), &policy);
        for (now_ns, value) in [(10, 4), (20, 0), (30, u64::MAX)] {
            record(&mut estimator, now_ns, value);
        }
        assert_eq!(count(&estimator, 30), 3);
        assert_eq!(restore(policy, state(&estimator)).as_ref(), Ok(&estimator));
        clear(&mut estimator);
        assert_eq!(count(&estimator, 30), 0);
        assert_eq!(restore(policy, state(&estimator)).as_ref(), Ok(&estimator));
    }};
}

macro_rules! keeps_values {
    ($($estimator:ty),*) => {
        $(let _: fn(&$estimator, u64, Quantile) -> Option<u64> = <$estimator>::quantile;)*
    };
}

macro_rules! keeps_buckets {
    ($($estimator:ty),*) => {
        $(let _: fn(&$estimator, u64, Quantile) -> Option<Interval> = <$estimator>::interval;)*
    };
}

macro_rules! sums_up {
    ($($estimator:ty),*) => {$(
        let _: fn(&$estimator, u64) -> u128 = <$estimator>::sum;
        let _: fn(&$estimator, u64) -> Option<u64> = <$estimator>::min;
        let _: fn(&$estimator, u64) -> Option<u64> = <$estimator>::max;
        let _: fn(&$estimator, u64) -> Option<u64> = <$estimator>::mean;
        let _: fn(&$estimator, u64) -> Option<LatencySummary> = <$estimator>::summary;
    )*};
}

#[test]
fn those_that_need_no_memory_have_the_same_shape() {
    all_have!(
        ThresholdWindow,
        ThresholdWindowPolicy,
        ThresholdWindowState,
        ThresholdWindowPolicy::new(10, Quantile::P99, 3)
    );
    all_have!(
        LogHistogram,
        LogHistogramPolicy,
        LogHistogramState,
        LogHistogramPolicy::new(3)
    );
    keeps_values!(LogHistogram);
    keeps_buckets!(LogHistogram);
    sums_up!(LogHistogram);
}

#[cfg(feature = "alloc")]
#[test]
fn those_that_need_memory_have_it_too() {
    use std::time::Duration;

    use evenkeel_core::estimator::{
        QuantileWindow, QuantileWindowPolicy, QuantileWindowState, RollingHistogram,
        RollingHistogramPolicy, RollingHistogramState, SampleWindow, SampleWindowPolicy,
        SampleWindowState,
    };

    all_have!(
        SampleWindow,
        SampleWindowPolicy,
        SampleWindowState,
        SampleWindowPolicy::new(10)
    );
    all_have!(
        QuantileWindow,
        QuantileWindowPolicy,
        QuantileWindowState,
        QuantileWindowPolicy::new(10, &[Quantile::P50])
    );
    all_have!(
        RollingHistogram,
        RollingHistogramPolicy,
        RollingHistogramState,
        RollingHistogramPolicy::new(Duration::from_secs(10), 10, 5)
    );
    keeps_values!(SampleWindow, QuantileWindow, RollingHistogram);
    keeps_buckets!(QuantileWindow, RollingHistogram);
    sums_up!(SampleWindow, RollingHistogram);
}
