//! Policies and scripts of calls, random and adversarial.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::restart::{Exit, RestartOn, RestartPolicy};
use proptest::prelude::*;

use crate::calls::*;
use crate::when::{When, when};

pub(crate) fn span(most: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), Just(1), 1..100_u64, 0..=most, Just(most)].prop_map(Duration::from_nanos)
}

pub(crate) fn policy() -> impl Strategy<Value = RestartPolicy> {
    let jitter = prop_oneof![
        2 => Just(Jitter::None),
        1 => Just(Jitter::Full),
        1 => Just(Jitter::Equal),
        1 => Just(Jitter::Decorrelated),
        1 => Just(Jitter::Spread(Ratio::percent(20))),
    ];
    let growth = prop_oneof![
        Just(Growth::Constant),
        Just(Growth::Exponential { factor: Ratio::TWO }),
        Just(Growth::Exponential {
            factor: Ratio::percent(150)
        }),
    ];
    let on = prop_oneof![
        4 => Just(RestartOn::Always),
        2 => Just(RestartOn::Failure),
        1 => Just(RestartOn::Never),
    ];
    // Mostly short waits in a longer window, so that failures come and go in it.
    let base = prop_oneof![3 => (0..20_u64).prop_map(ns), 1 => span(1 << 62)];
    let cap = prop_oneof![(1..60_u64).prop_map(ns), span(1000)];
    let window = prop_oneof![3 => (50..600_u64).prop_map(ns), 1 => span(1 << 62)];
    let limit = (prop_oneof![0..4_u32, 2..8_u32, 0..=40_u32], window);
    let parts = (
        (base, prop::option::weighted(0.8, cap), growth, jitter),
        on,
        prop::option::weighted(0.8, limit),
        prop::option::weighted(0.3, span(200)),
    );
    parts.prop_filter_map(
        "refused by build()",
        |((base, cap, growth, jitter), on, limit, calm)| {
            let mut backoff = BackoffPolicy::builder(base).growth(growth).jitter(jitter);
            if let Some(cap) = cap {
                backoff = backoff.cap(cap);
            }
            let mut builder = RestartPolicy::builder(backoff).restart_on(on);
            if let Some((restarts, window)) = limit {
                builder = builder.intensity(restarts, window);
            }
            if let Some(calm) = calm {
                builder = builder.cooldown(calm);
            }
            builder.build().ok()
        },
    )
}

pub(crate) fn script() -> impl Strategy<Value = Vec<(When, Call)>> {
    let exit = || prop_oneof![1 => Just(Exit::Clean), 4 => Just(Exit::Failure)];
    let word = || prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    let call = prop_oneof![
        20 => Just(Call::Poll),
        20 => (exit(), word()).prop_map(|(exit, word)| Call::Exit(Which::InFlight, exit, word)),
        2 => (prop_oneof![0..8_u64, any::<u64>()], exit(), word())
            .prop_map(|(id, exit, word)| Call::Exit(Which::Id(id), exit, word)),
        1 => Just(Call::Stop),
        2 => Just(Call::Rearm),
        2 => Just(Call::Restore),
    ];
    prop::collection::vec((when(), call), 1..120)
}
