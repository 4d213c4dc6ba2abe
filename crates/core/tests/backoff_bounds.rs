//! The bounds of a wait: what `range` says of each, and how long a wait a stored state may tell of.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::time::MAX_SPAN;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn built(builder: BackoffBuilder) -> BackoffPolicy {
    builder.build().expect("a policy")
}

/// Each wait is at most three times the one before, and the first follows the base.
#[test]
fn decorrelated_waits_may_be_three_times_longer_each_time_and_not_more() {
    let builder = BackoffPolicy::builder(ns(10)).jitter(Jitter::Decorrelated);
    let most = |policy: &BackoffPolicy| [0, 1, 2, 3, 4].map(|n| policy.range(n).1.as_nanos());
    assert_eq!(most(&built(builder)), [30, 30, 90, 270, 810]);
    assert_eq!(most(&built(builder.cap(ns(100)))), [30, 30, 90, 100, 100]);
    assert_eq!(built(builder).range(4).0, ns(10));
    assert_eq!(built(builder).range(u32::MAX), (ns(10), MAX_SPAN));
}

#[cfg(feature = "serde")]
mod stored {
    use super::*;

    use evenkeel_core::RestoreError;
    use evenkeel_core::retry::{Parts, Retry, RetryPolicy, RetryState};
    use rand_xoshiro::SplitMix64;
    use rand_xoshiro::rand_core::SeedableRng;
    use serde_json::json;

    /// A retry that waits, by a policy without a cap, until `at_ns`.
    fn restored(jitter: Jitter, at_ns: u64) -> Result<Retry, RestoreError> {
        use evenkeel_core::budget::RetryCause;
        use evenkeel_core::retry::{AttemptId, AttemptOutcome};

        let policy = RetryPolicy::builder(BackoffPolicy::builder(ns(100)).jitter(jitter));
        let policy = policy.build().expect("a policy");
        let (mut parts, mut rng) = (Parts::none(), SplitMix64::seed_from_u64(1));
        let mut retry = Retry::new(policy, 0);
        let _ = retry.poll(0, &mut parts, &mut rng);
        let failed = AttemptOutcome::transient(RetryCause::Failure);
        let _ = retry.on_outcome(0, AttemptId::from_word(1), failed, &mut parts, &mut rng);
        let mut state = serde_json::to_value(retry.state()).expect("plain data");
        state["stage"]["waiting"]["at_ns"] = json!(at_ns);
        let state: RetryState = serde_json::from_value(state).expect("readable");
        Retry::restore(policy, state)
    }

    /// A spread of 100 % doubles a wait; without one the longest span is the longest wait, also where there is no cap.
    #[test]
    fn without_a_cap_only_a_spread_waits_for_more_than_the_longest_span() {
        let longest_ns = u64::try_from(MAX_SPAN.as_nanos()).expect("2^62");
        for jitter in [Jitter::None, Jitter::Full, Jitter::Equal] {
            assert!(restored(jitter, longest_ns).is_ok(), "{jitter:?}");
            let error = restored(jitter, longest_ns + 1).expect_err("too long");
            assert!(
                matches!(error, RestoreError::Misfit { .. }),
                "{jitter:?}: {error}"
            );
        }
        let spread = Jitter::Spread(evenkeel_core::Ratio::ONE);
        assert!(restored(spread, 2 * longest_ns).is_ok());
        assert!(restored(spread, 2 * longest_ns + 1).is_err());
    }
}
