//! A policy that was written to a file reads back as the same policy, whatever it says.
#![cfg(feature = "serde")]

use core::fmt::Debug;
use core::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Trigger, Window};
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_core::{Quantile, Ratio};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(policy: &T) {
    let json = serde_json::to_string(policy).expect("JSON");
    assert_eq!(
        &serde_json::from_str::<T>(&json).expect(&json),
        policy,
        "{json}"
    );
    let toml = toml::to_string(policy).expect("TOML");
    assert_eq!(&toml::from_str::<T>(&toml).expect(&toml), policy, "{toml}");
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1..=1_u64 << 62,
        1..5000_u64,
        (1..5000_u64).prop_map(|ms| ms * 1_000_000)
    ]
    .prop_map(Duration::from_nanos)
}

fn schedule() -> impl Strategy<Value = BackoffPolicy> {
    let factor = (1..50_u32, 1..50_u32).prop_map(|(a, b)| Ratio::new(a.max(b), a.min(b)).unwrap());
    let growth = prop_oneof![
        Just(Growth::Constant),
        span().prop_map(|step| Growth::Linear { step }),
        factor.prop_map(|factor| Growth::Exponential { factor }),
    ];
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        (0..=1000_u32).prop_map(|share| Jitter::Spread(Ratio::per_mille(share))),
    ];
    let parts = (span(), growth, jitter, prop::option::of(span()));
    parts.prop_filter_map("refused by build()", |(base, growth, jitter, cap)| {
        let builder = BackoffPolicy::builder(base).growth(growth).jitter(jitter);
        match cap {
            Some(cap) => builder.cap(cap),
            None => builder,
        }
        .build()
        .ok()
    })
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let rate = || (1..=1000_u32).prop_map(Ratio::per_mille);
    let quantile = (0..=10_000_u64).prop_map(|num| Quantile::new(num, 10_000).unwrap());
    let calls = || 1..=50_u32;
    prop_oneof![
        any::<u32>().prop_map(|failures| Trigger::Consecutive {
            failures: failures.max(1)
        }),
        calls().prop_map(|failures| Trigger::Failures { failures }),
        (rate(), calls()).prop_map(|(at_least, min_calls)| Trigger::FailureRate {
            at_least,
            min_calls
        }),
        (span(), rate(), calls()).prop_map(|(slower_than, at_least, min_calls)| {
            Trigger::SlowRate {
                slower_than,
                at_least,
                min_calls,
            }
        }),
        (quantile, span(), calls()).prop_map(|(quantile, above, min_calls)| Trigger::Latency {
            quantile,
            above,
            min_calls
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_backoff_that_was_written_reads_back(
        policy in schedule(),
        retries in prop::option::of(any::<u32>()),
        total in prop::option::of(span()),
    ) {
        survives(&policy);
        let mut builder = BackoffPolicy::builder(policy.base()).growth(policy.growth()).jitter(policy.jitter());
        if let Some(retries) = retries {
            builder = builder.max_retries(retries);
        }
        if let Some(total) = total {
            builder = builder.max_total_wait(total);
        }
        if let Ok(limited) = builder.build() {
            survives(&limited);
        }
    }

    #[test]
    fn a_breaker_that_was_written_reads_back(
        open in schedule(),
        triggers in prop::collection::vec(trigger(), 1..=4),
        window in prop_oneof![
            (50..=65_536_u32).prop_map(|calls| Window::Count { calls }),
            (1..=1024_u32, 1..1_000_000_u32).prop_map(|(slices, slice)| {
                Window::Time { span: Duration::from_nanos(u64::from(slices) * u64::from(slice)), slices }
            }),
        ],
        spans in (span(), prop::option::of(span()), prop::option::of(span()), prop::option::of(span())),
        (trials, successes, max_in_flight) in (1..=1000_u32, 1..=1000_u32, 1..=1024_u32),
        until_healthy in any::<bool>(),
    ) {
        let (probe_timeout, calm_after, advisory_cap, ramp) = spans;
        let mut builder = BreakerPolicy::builder(open, probe_timeout)
            .window(window)
            .trials(trials)
            .successes(successes.min(trials))
            .max_in_flight(max_in_flight)
            .until_healthy(until_healthy);
        builder = triggers.into_iter().fold(builder, evenkeel_core::breaker::BreakerBuilder::trigger);
        if let Some(span) = calm_after {
            builder = builder.calm_after(span);
        }
        if let Some(span) = advisory_cap {
            builder = builder.advisory_cap(span);
        }
        if let Some(span) = ramp {
            builder = builder.ramp(span);
        }
        if let Ok(policy) = builder.build() {
            survives(&policy);
            prop_assert_eq!(evenkeel_core::breaker::BreakerBuilder::from(policy).build(), Ok(policy));
        }
    }
}

/// Whether the files of a breaker, a retry and a link say a cap of advice.
fn say_a_cap(waits: BackoffBuilder, cap: Option<Duration>) -> [bool; 3] {
    let second = Duration::from_secs(1);
    let mut breaker =
        BreakerPolicy::builder(waits, second).trigger(Trigger::Consecutive { failures: 1 });
    let mut retry = RetryPolicy::builder(waits);
    let mut link = ReconnectPolicy::builder(waits, second);
    if let Some(cap) = cap {
        breaker = breaker.advisory_cap(cap);
        retry = retry.advisory_cap(cap);
        link = link.advisory_cap(cap);
    }
    let files = [
        toml::to_string(&breaker.build().expect("a breaker")),
        toml::to_string(&retry.build().expect("a retry")),
        toml::to_string(&link.build().expect("a link")),
    ];
    files.map(|file| file.expect("TOML").contains("advisory_cap"))
}

/// Who raises the cap of the waits in a file raises that of advice with it, unless the file says another.
#[test]
fn a_cap_of_advice_is_written_where_it_is_not_that_of_the_waits() {
    let minute = Duration::from_secs(60);
    let endless = BackoffPolicy::builder(Duration::from_secs(1));
    for waits in [endless, endless.cap(minute)] {
        assert_eq!(say_a_cap(waits, None), [false; 3]);
        assert_eq!(say_a_cap(waits, Some(2 * minute)), [true; 3]);
    }
    assert_eq!(say_a_cap(endless.cap(minute), Some(minute)), [false; 3]);
}
