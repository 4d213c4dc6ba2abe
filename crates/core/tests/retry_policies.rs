//! Retry policies: every error says what to mend, and a policy file reads back what was written.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::retry::{RetryBuilder, RetryPolicy, WhenRefused};
use evenkeel_core::time::MAX_SPAN;

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ms(100)).jitter(Jitter::Equal)
}

#[test]
fn an_error_names_the_field_and_the_fix() {
    let builder = RetryPolicy::builder(backoff());
    let with = |backoff: BackoffBuilder| RetryPolicy::builder(backoff);
    let above = MAX_SPAN + Duration::from_nanos(1);
    let cases: [(RetryBuilder, &str); 14] = [
        (
            with(backoff().jitter(Jitter::Spread(Ratio::TWO))),
            "retry.backoff.jitter.spread is 2: it must be at most 1",
        ),
        (
            builder.max_attempts(0),
            "retry.max_attempts is 0: it must be at least 1",
        ),
        (
            builder.attempt_timeout(ms(0)),
            "retry.attempt_timeout is 0: it must be above 0",
        ),
        (
            builder.deadline(ms(0)),
            "retry.deadline is 0: it must be above 0",
        ),
        (
            builder.deadline(above),
            "retry.deadline is 4611686018427387905",
        ),
        (
            builder.attempt_timeout(above),
            "retry.attempt_timeout is 4611686018427387905",
        ),
        (
            builder.advisory_cap(above),
            "retry.advisory_cap is 4611686018427387905",
        ),
        (
            builder.advisory_rule(AdvisoryRule::Within(above)),
            "retry.advisory_rule.within is 4611686018427387905",
        ),
        (
            builder.advisory_spread(Ratio::TWO),
            "retry.advisory_spread is 2: it must be at most 1",
        ),
        (
            with(backoff().max_retries(3)).max_attempts(3),
            "retry.max_attempts conflicts with backoff.max_retries: \
             attempts are the retries and the first; set one of the two",
        ),
        (
            builder.unlimited_attempts(),
            "retry.deadline is missing: \
             attempts without limit need it; set it, or max_attempts, or backoff.max_retries",
        ),
        (
            builder.attempt_timeout(ms(2_001)).deadline(ms(2_000)),
            "retry.attempt_timeout conflicts with deadline: \
             an attempt cannot take longer than the whole; lower the timeout or raise the deadline",
        ),
        (
            builder.deadline(ms(50)),
            "retry.deadline conflicts with backoff.base: \
             no wait is over before it; raise the deadline, lower the base, or set max_attempts = 1",
        ),
        (
            builder.when_refused(WhenRefused::Wait),
            "retry.when_refused conflicts with deadline: \
             to wait for a breaker without a deadline may be to wait for ever; set a deadline, or end",
        ),
    ];
    for (builder, text) in cases {
        let error = builder.build().expect_err(text).to_string();
        assert!(error.starts_with(text), "{error}\n{text}");
    }
}

#[test]
fn a_policy_tells_its_most_attempts() {
    let builder = RetryPolicy::builder(backoff()).deadline(ms(10_000));
    for attempts in [1, 2, 5, u32::MAX] {
        let policy = builder.max_attempts(attempts).build().expect("a policy");
        assert_eq!(policy.max_attempts(), Some(attempts));
    }
    let unlimited = builder.unlimited_attempts().build().expect("a policy");
    assert_eq!(unlimited.max_attempts(), None);
}

#[test]
fn a_policy_at_its_bounds_can_be() {
    let builder = RetryPolicy::builder(backoff());
    for builder in [
        builder.deadline(Duration::from_nanos(50_000_001)), // the least first wait is 50 ms
        builder.deadline(ms(50)).max_attempts(1),
        RetryPolicy::builder(backoff().max_retries(0)).deadline(ms(50)),
        builder.attempt_timeout(ms(2_000)).deadline(ms(2_000)),
        RetryPolicy::builder(backoff().max_retries(3)).max_attempts(4),
        RetryPolicy::builder(backoff().max_retries(3)).unlimited_attempts(),
        builder.max_attempts(u32::MAX),
        builder
            .deadline(MAX_SPAN)
            .attempt_timeout(MAX_SPAN)
            .advisory_cap(MAX_SPAN),
        builder.advisory_cap(Duration::ZERO),
    ] {
        let policy = builder.build().expect("a policy");
        assert_eq!(RetryBuilder::from(policy).build(), Ok(policy));
    }
}

#[cfg(feature = "serde")]
mod files {
    use super::*;

    use evenkeel_core::retry::Retry;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct File {
        retry: RetryPolicy,
    }

    const WHOLE: &str = r#"
[retry]
max_attempts = 4
attempt_timeout = "2s"
deadline = "10s"
when_refused = "wait"
advisory_rule = { within = "5s" }
advisory_cap = "30s"
advisory_spread = "20%"
backoff = { base = "100ms", cap = "5s", jitter = "equal" }
"#;

    #[test]
    fn a_file_with_every_key_is_the_policy_of_every_setter() {
        let file: File = toml::from_str(WHOLE).expect("a policy file");
        let built = RetryPolicy::builder(backoff().cap(ms(5_000)))
            .max_attempts(4)
            .attempt_timeout(ms(2_000))
            .deadline(ms(10_000))
            .when_refused(WhenRefused::Wait)
            .advisory_rule(AdvisoryRule::Within(ms(5_000)))
            .advisory_cap(ms(30_000))
            .advisory_spread(Ratio::percent(20))
            .build();
        assert_eq!(Ok(file.retry), built);
        assert_eq!(
            Retry::new(&file.retry, 0).deadline_at_ns(),
            Some(10_000_000_000)
        );
    }

    #[test]
    fn only_the_backoff_is_needed() {
        let file: File = toml::from_str("[retry]\nbackoff = { base = \"100ms\" }").expect("a file");
        assert_eq!(
            Ok(file.retry),
            RetryPolicy::builder(BackoffPolicy::builder(ms(100))).build()
        );
        let error = toml::from_str::<File>("[retry]\nmax_attempts = 2").expect_err("no backoff");
        assert!(error.to_string().contains("backoff"), "{error}");
    }

    #[test]
    fn a_file_is_checked_as_a_builder_is() {
        for (keys, text) in [
            ("max_attempt = 3", "unknown field `max_attempt`"),
            ("max_attempts = 0", "retry.max_attempts is 0"),
            (
                "max_attempts = 3\nunlimited_attempts = true",
                "retry.max_attempts cannot be set here",
            ),
            ("unlimited_attempts = true", "retry.deadline is missing"),
            (
                "deadline = \"1ns\"\nattempt_timeout = \"1s\"",
                "retry.attempt_timeout conflicts",
            ),
            ("when_refused = \"never\"", "unknown variant `never`"),
        ] {
            let file = format!("[retry]\n{keys}\nbackoff = {{ base = \"100ms\" }}");
            let error = toml::from_str::<File>(&file).expect_err(keys).to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    /// Where nothing else was said, advice is followed as far as the backoff goes: also in a file that was written by a
    /// program and is edited by hand.
    #[test]
    fn the_cap_of_advice_follows_the_backoffs_cap_in_a_file_that_was_written() {
        let own = backoff().cap(ms(5_000));
        let (by_default, said) = (RetryPolicy::builder(own), RetryPolicy::builder(own));
        let file = |builder: RetryBuilder| {
            let policy = builder.build().expect("a policy");
            toml::to_string(&policy).expect("a file")
        };
        for (builder, cap) in [
            (by_default, ms(8_000)),
            (said.advisory_cap(ms(30_000)), ms(30_000)),
        ] {
            let edited = file(builder).replace("\ncap = \"5s\"", "\ncap = \"8s\"");
            let policy: RetryPolicy = toml::from_str(&edited).expect(&edited);
            assert_eq!(policy.backoff().cap(), Some(ms(8_000)));
            assert_eq!(policy.advisory_cap(), cap, "{edited}");
        }
        let uncapped: RetryPolicy =
            toml::from_str(&file(RetryPolicy::builder(backoff()))).expect("it");
        assert_eq!(uncapped.advisory_cap(), MAX_SPAN);
    }

    fn policies() -> impl Strategy<Value = RetryPolicy> {
        let span = || prop::option::of(prop_oneof![1_u64..10_000_000_000, Just(1 << 62)]);
        let rule = prop_oneof![
            Just(AdvisoryRule::AtLeast),
            Just(AdvisoryRule::Exact),
            (0_u64..1 << 62).prop_map(|span| AdvisoryRule::Within(Duration::from_nanos(span))),
        ];
        let attempts = prop_oneof![Just(None), (0_u32..9).prop_map(Some)];
        (
            (0_u64..1_000_000, span(), prop::option::of(0_u32..9)),
            (attempts, span(), span(), any::<bool>()),
            (rule, span(), 0_u32..=100),
        )
            .prop_filter_map("a policy", |(waits, limits, advice)| {
                let ns = Duration::from_nanos;
                let mut backoff = BackoffPolicy::builder(ns(waits.0));
                if let Some(cap) = waits.1 {
                    backoff = backoff.cap(ns(cap));
                }
                if let Some(retries) = waits.2 {
                    backoff = backoff.max_retries(retries);
                }
                let mut builder = RetryPolicy::builder(backoff)
                    .advisory_rule(advice.0)
                    .advisory_spread(Ratio::percent(advice.2));
                builder = match limits.0 {
                    Some(0) => builder.unlimited_attempts(),
                    Some(attempts) => builder.max_attempts(attempts),
                    None => builder,
                };
                if let Some(timeout) = limits.1 {
                    builder = builder.attempt_timeout(ns(timeout));
                }
                if let Some(deadline) = limits.2 {
                    builder = builder.deadline(ns(deadline));
                }
                if limits.3 {
                    builder = builder.when_refused(WhenRefused::Wait);
                }
                if let Some(cap) = advice.1 {
                    builder = builder.advisory_cap(ns(cap));
                }
                builder.build().ok()
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_back(policy in policies()) {
            let file = File { retry: policy };
            let text = toml::to_string(&file).expect("it can be written");
            prop_assert_eq!(toml::from_str::<File>(&text).expect(&text), file);
            let text = serde_json::to_string(&policy).expect("it can be written");
            prop_assert_eq!(serde_json::from_str::<RetryPolicy>(&text).expect(&text), policy);
            prop_assert_eq!(RetryBuilder::from(policy).build(), Ok(policy));
        }
    }
}
