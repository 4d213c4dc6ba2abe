//! Policies and scripts of calls, random and adversarial.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::health::{HealthProbePolicy, Probed};
use proptest::prelude::*;

use crate::calls::*;
use crate::when::{When, when};

pub(crate) fn span(most: u64) -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(1), 6 => 1..100_u64, 1 => 1..=most, 1 => Just(most)].prop_map(ns)
}

pub(crate) fn policy() -> impl Strategy<Value = HealthProbePolicy> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Spread(Ratio::percent(10))),
        Just(Jitter::Spread(Ratio::ONE)),
    ];
    let down_jitter = prop_oneof![
        2 => Just(Jitter::None),
        1 => Just(Jitter::Full),
        1 => Just(Jitter::Equal),
        2 => Just(Jitter::Decorrelated),
    ];
    let growth = prop_oneof![
        Just(Growth::Constant),
        Just(Growth::Linear { step: ns(7) }),
        Just(Growth::Exponential { factor: Ratio::TWO }),
    ];
    let down = (
        span(1 << 62),
        prop::option::of(span(1000)),
        growth,
        down_jitter,
    );
    let parts = (
        span(1 << 62),
        span(1 << 62),
        jitter,
        1..4_u32,
        1..4_u32,
        prop::option::of(down),
    );
    parts.prop_map(|(interval, timeout, jitter, rise, fall, down)| {
        let builder = HealthProbePolicy::builder(interval, timeout).jitter(jitter);
        let mut builder = builder.rise(rise).fall(fall);
        if let Some((base, cap, growth, jitter)) = down {
            let waits = BackoffPolicy::builder(base).growth(growth).jitter(jitter);
            builder = match cap {
                Some(cap) => builder.down(waits.cap(cap)),
                None => builder.down(waits),
            };
        }
        builder.build().expect("a policy")
    })
}

pub(crate) fn script() -> impl Strategy<Value = Vec<(When, Call)>> {
    let found = || prop_oneof![1 => Just(Probed::Passed), 1 => Just(Probed::Failed)];
    let word = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    let call = prop_oneof![
        12 => word.prop_map(Call::Poll),
        8 => found().prop_map(|found| Call::Report(Which::Latest, found)),
        1 => (prop_oneof![0..8_u64, any::<u64>()], found())
            .prop_map(|(id, found)| Call::Report(Which::Id(id), found)),
        4 => found().prop_map(Call::Traffic),
        2 => Just(Call::Restore),
    ];
    prop::collection::vec((when(), call), 1..80)
}
