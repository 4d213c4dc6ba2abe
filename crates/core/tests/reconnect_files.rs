//! The `[reconnect]` table of a policy file: read, refused with the field named, written back the same.
#![cfg(feature = "serde")]

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::reconnect::ReconnectPolicy;
use proptest::prelude::*;

fn read(text: &str) -> Result<ReconnectPolicy, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

#[test]
fn all_keys_are_the_setters() {
    let text = r#"
        connect_timeout = "10s"
        stable_after = "1m"
        silence_limit = "45s"
        kick_within = "2s"
        advisory_rule = { within = "5s" }
        advisory_cap = "2m"
        advisory_spread = "10%"

        [backoff]
        growth = "exponential"
        base = "500ms"
        cap = "30s"
        factor = "2"
        jitter = "equal"
        max_retries = 100
        max_total_wait = "1d"
    "#;
    let secs = Duration::from_secs;
    let backoff = BackoffPolicy::builder(Duration::from_millis(500))
        .cap(secs(30))
        .jitter(Jitter::Equal)
        .max_retries(100)
        .max_total_wait(secs(86_400));
    let built = ReconnectPolicy::builder(backoff, secs(10))
        .stable_after(secs(60))
        .silence_limit(secs(45))
        .kick_within(secs(2))
        .advisory_rule(AdvisoryRule::Within(secs(5)))
        .advisory_cap(secs(120))
        .advisory_spread(Ratio::percent(10))
        .build();
    assert_eq!(read(text), Ok(built.expect("a policy")));
}

#[test]
fn two_keys_are_enough() {
    let policy = read("connect_timeout = '10s'\nbackoff = { base = '500ms', cap = '30s' }");
    let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    let built = ReconnectPolicy::builder(backoff, Duration::from_secs(10)).build();
    assert_eq!(policy, Ok(built.expect("a policy")));
}

#[test]
fn what_is_wrong_is_named() {
    for (text, error) in [
        (
            "backoff = { base = '1s' }",
            "missing field `connect_timeout`",
        ),
        ("connect_timeout = '1s'", "missing field `backoff`"),
        (
            "connect_timeout = '0s'\nbackoff = { base = '1s' }",
            "reconnect.connect_timeout is 0: it must be above 0",
        ),
        (
            "connect_timeout = '1s'\nbackoff = { base = '0s' }",
            "reconnect.backoff.base is 0: it must be above 0",
        ),
        (
            "connect_timeout = '1s'\nbackoff = { base = '1s', factor = '1/2' }",
            "reconnect.backoff.factor is 1/2: it must be at least 1",
        ),
        (
            "connect_timeout = '1s'\nbackoff = { base = '1s', step = '1s' }",
            "reconnect.backoff.step cannot be set here: only linear growth has a step; leave it out",
        ),
    ] {
        assert_eq!(read(text).expect_err(text), error);
    }
    let unknown = read("connect_timeout = '1s'\nbackoff = { base = '1s' }\ntimeout = '1s'");
    let unknown = unknown.expect_err("unknown");
    assert!(unknown.starts_with("unknown field `timeout`"), "{unknown}");
    let unknown = read("connect_timeout = '1s'\nbackoff = { base = '1s', until = '1s' }");
    let unknown = unknown.expect_err("unknown");
    assert!(unknown.starts_with("unknown field `until`"), "{unknown}");
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1..=1_u64 << 62,
        1..5000_u64,
        (1..5000_u64).prop_map(|ms| ms * 1_000_000)
    ]
    .prop_map(Duration::from_nanos)
}

fn policy() -> impl Strategy<Value = ReconnectPolicy> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Decorrelated),
        (0..=1000_u32).prop_map(|share| Jitter::Spread(Ratio::per_mille(share))),
    ];
    let growth = prop_oneof![
        Just(Growth::Constant),
        span().prop_map(|step| Growth::Linear { step }),
        (100..900_u32).prop_map(|p| Growth::Exponential {
            factor: Ratio::percent(p)
        }),
    ];
    let rule = prop_oneof![
        Just(AdvisoryRule::AtLeast),
        Just(AdvisoryRule::Exact),
        span().prop_map(AdvisoryRule::Within),
    ];
    let maybe = || prop::option::of(span());
    let limits = (prop::option::of(0..9_u32), maybe());
    let backoff = (span(), maybe(), growth, jitter, limits);
    let spans = (span(), maybe(), maybe(), maybe(), maybe());
    let parts = (backoff, spans, rule, 0..=1000_u32);
    parts.prop_filter_map("refused by build()", |(backoff, spans, rule, spread)| {
        let (base, cap, growth, jitter, (retries, total)) = backoff;
        let mut backoff = BackoffPolicy::builder(base).growth(growth).jitter(jitter);
        if let Some(cap) = cap {
            backoff = backoff.cap(cap);
        }
        if let Some(retries) = retries {
            backoff = backoff.max_retries(retries);
        }
        if let Some(total) = total {
            backoff = backoff.max_total_wait(total);
        }
        let (timeout, stable, silence, kick, advisory_cap) = spans;
        let mut builder = ReconnectPolicy::builder(backoff, timeout)
            .advisory_rule(rule)
            .advisory_spread(Ratio::per_mille(spread));
        if let Some(span) = stable {
            builder = builder.stable_after(span);
        }
        if let Some(span) = silence {
            builder = builder.silence_limit(span);
        }
        if let Some(span) = kick {
            builder = builder.kick_within(span);
        }
        if let Some(span) = advisory_cap {
            builder = builder.advisory_cap(span);
        }
        builder.build().ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_policy_that_was_written_reads_back_the_same(policy in policy()) {
        let json = serde_json::to_string(&policy).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<ReconnectPolicy>(&json).expect(&json), policy);
        let toml = toml::to_string(&policy).expect("TOML");
        prop_assert_eq!(toml::from_str::<ReconnectPolicy>(&toml).expect(&toml), policy);
    }
}
