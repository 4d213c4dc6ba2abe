//! Policies to try: a few by hand, and any that `build()` lets pass.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::reconnect::{ReconnectBuilder, ReconnectPolicy};
use proptest::prelude::*;

pub(crate) const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// Base 100 ns without jitter, 50 ns to connect.
pub(crate) fn plain() -> ReconnectBuilder {
    let backoff = BackoffPolicy::builder(ns(100))
        .cap(ns(400))
        .jitter(Jitter::None);
    ReconnectPolicy::builder(backoff, ns(50)).stable_after(ns(30))
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => 1..10_u64,
        6 => 1..200_u64,
        2 => 1_000_000..10_000_000_000_u64,
        1 => 1..=1_u64 << 62,
        1 => Just(1_u64 << 62),
    ]
    .prop_map(ns)
}

fn span_or_zero() -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(Duration::ZERO), 6 => span()]
}

fn jitter() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated),
        (0..=100_u32).prop_map(|percent| Jitter::Spread(Ratio::percent(percent))),
    ]
}

fn growth() -> impl Strategy<Value = Growth> {
    prop_oneof![
        1 => Just(Growth::Constant),
        1 => span().prop_map(|step| Growth::Linear { step }),
        4 => (100..400_u32).prop_map(|p| Growth::Exponential { factor: Ratio::percent(p) }),
    ]
}

fn backoff() -> impl Strategy<Value = BackoffBuilder> {
    let limits = (
        proptest::option::weighted(0.3, 0..6_u32),
        proptest::option::weighted(0.3, span()),
    );
    let cap = proptest::option::weighted(0.8, span());
    (span(), cap, growth(), jitter(), limits).prop_map(|(base, cap, growth, jitter, limits)| {
        let mut builder = BackoffPolicy::builder(base).growth(growth).jitter(jitter);
        if let Some(cap) = cap {
            builder = builder.cap(cap);
        }
        if let Some(retries) = limits.0 {
            builder = builder.max_retries(retries);
        }
        if let Some(total) = limits.1 {
            builder = builder.max_total_wait(total);
        }
        builder
    })
}

fn rule() -> impl Strategy<Value = AdvisoryRule> {
    prop_oneof![
        Just(AdvisoryRule::AtLeast),
        Just(AdvisoryRule::Exact),
        span_or_zero().prop_map(AdvisoryRule::Within),
    ]
}

pub(crate) fn policy() -> impl Strategy<Value = ReconnectPolicy> {
    let spans = (
        span(),
        proptest::option::weighted(0.7, span_or_zero()),
        proptest::option::weighted(0.7, span()),
        proptest::option::weighted(0.5, span_or_zero()),
    );
    let advisory = (
        rule(),
        proptest::option::weighted(0.5, span_or_zero()),
        prop_oneof![Just(0), 1..=100_u32],
    );
    (backoff(), spans, advisory).prop_filter_map(
        "refused by build()",
        |(backoff, (timeout, stable, silence, kick), (rule, cap, spread))| {
            let mut builder = ReconnectPolicy::builder(backoff, timeout)
                .advisory_rule(rule)
                .advisory_spread(Ratio::percent(spread));
            if let Some(cap) = cap {
                builder = builder.advisory_cap(cap);
            }
            if let Some(span) = stable {
                builder = builder.stable_after(span);
            }
            if let Some(span) = silence {
                builder = builder.silence_limit(span);
            }
            if let Some(span) = kick {
                builder = builder.kick_within(span);
            }
            builder.build().ok()
        },
    )
}
