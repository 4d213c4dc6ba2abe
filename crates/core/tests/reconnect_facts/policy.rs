//! The policy: defaults, errors; and how small the state is.

use super::*;

#[test]
fn it_is_small() {
    assert_eq!(size_of::<ReconnectState>(), 96);
}

#[test]
fn a_wrong_policy_names_the_field_and_the_bound() {
    let text = |builder: ReconnectBuilder| builder.build().expect_err("wrong").to_string();
    let long = Duration::from_nanos((1 << 62) + 1);
    let bound = "is 4611686018427387905ns: it must be at most 4611686018427387904ns";
    let ok = builder(Jitter::None);
    for (builder, error) in [
        (
            ReconnectPolicy::builder(o4(Jitter::None), Duration::ZERO),
            "reconnect.connect_timeout is 0: it must be above 0".to_owned(),
        ),
        (
            ReconnectPolicy::builder(o4(Jitter::None), long),
            format!("reconnect.connect_timeout {bound}"),
        ),
        (
            ok.stable_after(long),
            format!("reconnect.stable_after {bound}"),
        ),
        (
            ok.silence_limit(long),
            format!("reconnect.silence_limit {bound}"),
        ),
        (
            ok.silence_limit(Duration::ZERO),
            "reconnect.silence_limit is 0: it must be above 0".to_owned(),
        ),
        (
            ok.kick_within(long),
            format!("reconnect.kick_within {bound}"),
        ),
        (
            ok.advisory_cap(long),
            format!("reconnect.advisory_cap {bound}"),
        ),
        (
            ok.advisory_rule(AdvisoryRule::Within(long)),
            format!("reconnect.advisory_rule.within {bound}"),
        ),
        (
            ok.advisory_spread(Ratio::percent(101)),
            "reconnect.advisory_spread is 101/100: it must be at most 1".to_owned(),
        ),
        (
            ReconnectPolicy::builder(BackoffPolicy::builder(Duration::ZERO), secs(1)),
            "reconnect.backoff.base is 0: it must be above 0".to_owned(),
        ),
        (
            ReconnectPolicy::builder(o4(Jitter::None).cap(Duration::ZERO), secs(1)),
            "reconnect.backoff.cap is 0: it must be above 0".to_owned(),
        ),
        (
            ReconnectPolicy::builder(o4(Jitter::Spread(Ratio::percent(200))), secs(1)),
            "reconnect.backoff.jitter.spread is 2: it must be at most 1".to_owned(),
        ),
    ] {
        assert_eq!(text(builder), error);
    }
}

#[test]
fn the_defaults_are_what_the_setters_say() {
    let policy = builder(Jitter::None).build().expect("a policy");
    assert_eq!(policy.stable_after(), secs(30));
    assert_eq!(policy.silence_limit(), None);
    assert_eq!(policy.kick_within(), ms(500));
    assert_eq!(policy.advisory_rule(), AdvisoryRule::AtLeast);
    assert_eq!(policy.advisory_cap(), secs(30));
    assert_eq!(policy.advisory_spread(), Ratio::ZERO);
    for (backoff, stable_after) in [
        (BackoffPolicy::builder(ms(500)), secs(60)),
        (BackoffPolicy::builder(ms(500)).cap(secs(600)), secs(60)),
        (BackoffPolicy::builder(secs(9)).cap(secs(3)), secs(3)),
    ] {
        let policy = ReconnectPolicy::builder(backoff, secs(10)).build();
        assert_eq!(policy.expect("a policy").stable_after(), stable_after);
    }
}
