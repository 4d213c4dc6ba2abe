//! `Breaker::window` against a list of all results: what a dashboard shows is what the triggers judge.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{
    Breaker, BreakerBuilder, BreakerPolicy, Outcome, Trigger, Window, WindowCounts,
};
use proptest::prelude::*;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

const SLOW_NS: u64 = 100;

fn builder() -> BreakerBuilder {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).build();
    BreakerPolicy::builder(open.expect("a schedule"), Duration::from_secs(5))
}

fn failures(failures: u32) -> Trigger {
    Trigger::Failures { failures }
}

/// Never fires on fewer than `min_calls`.
fn slow_rate(min_calls: u32) -> Trigger {
    Trigger::SlowRate {
        slower_than: Duration::from_nanos(SLOW_NS),
        at_least: Ratio::ONE,
        min_calls,
    }
}

fn record(breaker: &mut Breaker, now_ns: u64, outcome: Outcome, latency_ns: u64) {
    let mut rng = SplitMix64::seed_from_u64(0);
    let grant = breaker.try_acquire(now_ns, &mut rng).expect("closed");
    let _ = breaker.on_outcome(now_ns, grant.permit, outcome, latency_ns, &mut rng);
}

const fn numbers(counts: WindowCounts) -> (u32, Option<u32>, Option<u32>) {
    (counts.calls, counts.failures, counts.slow)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_of_time_holds_the_current_slice_and_those_before_it(
        slices in 1..8_u32,
        slice_ns in 1..50_u64,
        results in prop::collection::vec((0..40_u64, any::<bool>(), 0..200_u64), 1..60),
        looks in prop::collection::vec(0..600_u64, 1..10),
    ) {
        let span = Duration::from_nanos(slice_ns * u64::from(slices));
        let policy = builder().window(Window::Time { span, slices });
        let policy = policy.trigger(failures(u32::MAX)).trigger(slow_rate(u32::MAX)).build().unwrap();
        let mut breaker = Breaker::new(policy);
        let (mut now_ns, mut history) = (0, Vec::new());
        for (gap, failed, latency_ns) in results {
            now_ns += gap;
            let outcome = if failed { Outcome::Failure } else { Outcome::Success };
            record(&mut breaker, now_ns, outcome, latency_ns);
            history.push((now_ns / slice_ns, failed, latency_ns > SLOW_NS));
            let before = breaker.state();
            for look in looks.iter().map(|ahead| now_ns + ahead) {
                let current = look / slice_ns;
                let live = history.iter().filter(|(slice, ..)| slice + u64::from(slices) > current);
                let count = |of: fn(&(u64, bool, bool)) -> bool| u32::try_from(live.clone().filter(|r| of(r)).count()).unwrap();
                let expected = (count(|_| true), Some(count(|r| r.1)), Some(count(|r| r.2)));
                prop_assert_eq!(numbers(breaker.window(look)), expected);
            }
            prop_assert_eq!(breaker.window(0), breaker.window(now_ns), "time stands still");
            prop_assert_eq!(breaker.state(), before);
        }
    }

    #[test]
    fn a_window_of_calls_holds_the_last_of_them(
        calls in 1..10_u32,
        results in prop::collection::vec((any::<bool>(), 0..200_u64), 1..60),
    ) {
        let policy = builder().window(Window::Count { calls });
        let policy = policy.trigger(slow_rate(calls)).trigger(failures(calls)).build().unwrap();
        let mut breaker = Breaker::new(policy);
        let mut history = Vec::new();
        for (failed, latency_ns) in results {
            let outcome = if failed { Outcome::Failure } else { Outcome::Success };
            record(&mut breaker, 0, outcome, latency_ns);
            history.push((failed, latency_ns > SLOW_NS));
            let last = || history.iter().rev().take(calls as usize);
            let failures = u32::try_from(last().filter(|r| r.0).count()).unwrap();
            let slow = u32::try_from(last().filter(|r| r.1).count()).unwrap();
            if failures == calls || slow == calls {
                prop_assert_eq!(breaker.window(0).calls, 0, "open: afresh");
                let _ = breaker.reset(0);
                history.clear();
                prop_assert_eq!(breaker.window(0).calls, 0, "closed again: afresh");
                continue;
            }
            let calls = u32::try_from(last().count()).unwrap();
            prop_assert_eq!(numbers(breaker.window(0)), (calls, Some(failures), Some(slow)));
        }
    }
}

#[test]
fn what_no_trigger_looks_at_is_not_counted() {
    let consecutive = Trigger::Consecutive { failures: 5 };
    let window = Window::Count { calls: 10 };
    let counts = |builder: BreakerBuilder| {
        let mut breaker = Breaker::new(builder.build().unwrap());
        record(&mut breaker, 0, Outcome::Failure, SLOW_NS + 1);
        record(&mut breaker, 0, Outcome::Ignored, SLOW_NS + 1);
        numbers(breaker.window(0))
    };
    assert_eq!(counts(builder().trigger(consecutive)), (0, None, None));
    assert_eq!(
        counts(builder().window(window).trigger(consecutive)),
        (0, None, None)
    );
    assert_eq!(
        counts(builder().window(window).trigger(failures(2))),
        (1, Some(1), None)
    );
    assert_eq!(
        counts(builder().window(window).trigger(slow_rate(2))),
        (1, None, Some(1))
    );
}
