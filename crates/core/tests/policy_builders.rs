//! A finished policy is a builder again, so that a tool can change one knob of it: nothing is lost on the way.

use core::fmt::Debug;
use core::time::Duration;

use evenkeel_core::advice::AdvisoryRule;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Trigger, Window};
use evenkeel_core::budget::{
    AllowedWhen, RetryRatioBuilder, RetryRatioPolicy, RetryTokensBuilder, RetryTokensPolicy,
};
use evenkeel_core::health::{HealthProbeBuilder, HealthProbePolicy};
use evenkeel_core::reconnect::{ReconnectBuilder, ReconnectPolicy};
use evenkeel_core::restart::{RestartBuilder, RestartOn, RestartPolicy};
use evenkeel_core::retry::{RetryBuilder, RetryPolicy, WhenRefused};
use evenkeel_core::throttle::{AdaptiveThrottleBuilder, AdaptiveThrottlePolicy};
use evenkeel_core::{ConfigError, Ratio};

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn comes_back<P, B>(builders: &[B], build: impl Fn(B) -> Result<P, ConfigError>)
where
    P: Copy + Debug + PartialEq,
    B: Clone + From<P>,
{
    let policies = builders.iter().cloned().map(&build);
    let policies: Vec<P> = policies.collect::<Result<_, _>>().expect("policies");
    for policy in policies {
        assert_eq!(build(B::from(policy)), Ok(policy));
    }
}

fn backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ms(70))
        .cap(ms(9_000))
        .growth(Growth::Linear { step: ms(30) })
        .jitter(Jitter::Spread(Ratio::percent(7)))
}

#[test]
fn breaker() {
    let plain = BreakerPolicy::builder(BackoffPolicy::builder(ms(50)), ms(700))
        .trigger(Trigger::Consecutive { failures: 4 });
    let rate = Trigger::FailureRate {
        at_least: Ratio::percent(30),
        min_calls: 5,
    };
    let full = BreakerPolicy::builder(backoff(), ms(701))
        .trigger(rate)
        .trigger(Trigger::Consecutive { failures: 4 })
        .window(Window::Time {
            span: ms(100),
            slices: 5,
        })
        .calm_after(ms(11))
        .advisory_cap(ms(12))
        .until_healthy(true)
        .max_in_flight(2)
        .trials(5)
        .successes(3)
        .ramp(ms(13));
    comes_back(&[plain, full], BreakerBuilder::build);
}

#[test]
fn all_probes_of_a_breaker_stay_all_when_there_are_more() {
    let plain = BreakerPolicy::builder(BackoffPolicy::builder(ms(50)), ms(700))
        .trigger(Trigger::Consecutive { failures: 4 })
        .trials(2);
    let policy = plain.build().expect("a policy");
    let more = BreakerBuilder::from(policy).trials(5).build();
    assert_eq!(more.expect("a policy").successes(), 5);
}

#[test]
fn reconnect() {
    let plain = ReconnectPolicy::builder(BackoffPolicy::builder(ms(50)), ms(600));
    let full = ReconnectPolicy::builder(backoff(), ms(601))
        .stable_after(ms(14))
        .silence_limit(ms(15))
        .kick_within(ms(16))
        .advisory_rule(AdvisoryRule::Within(ms(17)))
        .advisory_cap(ms(18))
        .advisory_spread(Ratio::percent(19));
    comes_back(&[plain, full], ReconnectBuilder::build);
}

#[test]
fn budgets_and_throttle() {
    let full = RetryTokensPolicy::builder(90_000)
        .initial_milli(20)
        .failure_cost_milli(21)
        .timeout_cost_milli(22)
        .throttled_cost_milli(23)
        .credit_milli(24)
        .refund(true)
        .deposit_milli(25)
        .refill_milli(26)
        .refill_per(ms(27));
    let half = RetryTokensPolicy::builder(90_000).allowed_when(AllowedWhen::AboveHalf);
    comes_back(
        &[RetryTokensPolicy::builder(5_000), full, half],
        RetryTokensBuilder::build,
    );
    let full = RetryRatioPolicy::builder(Ratio::percent(28))
        .ttl(ms(3_000))
        .floor_per_second(29)
        .slices(6);
    comes_back(
        &[RetryRatioPolicy::finagle(), full],
        RetryRatioBuilder::build,
    );
    let full = AdaptiveThrottlePolicy::builder()
        .history(ms(4_000))
        .slices(8)
        .k(Ratio::percent(110))
        .min_requests(31)
        .max_rejection(Ratio::percent(90));
    comes_back(
        &[AdaptiveThrottlePolicy::builder(), full],
        AdaptiveThrottleBuilder::build,
    );
}

#[test]
fn the_other_drivers() {
    let full = RetryPolicy::builder(backoff())
        .max_attempts(6)
        .attempt_timeout(ms(300))
        .deadline(ms(8_000))
        .when_refused(WhenRefused::Wait)
        .advisory_rule(AdvisoryRule::Exact)
        .advisory_cap(ms(41))
        .advisory_spread(Ratio::percent(42));
    comes_back(
        &[RetryPolicy::builder(BackoffPolicy::builder(ms(50))), full],
        RetryBuilder::build,
    );
    let full = RestartPolicy::builder(backoff())
        .restart_on(RestartOn::Failure)
        .intensity(4, ms(60_000))
        .cooldown(ms(43));
    comes_back(
        &[RestartPolicy::builder(BackoffPolicy::builder(ms(50))), full],
        RestartBuilder::build,
    );
    let full = HealthProbePolicy::builder(ms(5_000), ms(500))
        .jitter(Jitter::Full)
        .rise(4)
        .fall(5)
        .down(backoff());
    comes_back(
        &[HealthProbePolicy::builder(ms(50), ms(5)), full],
        HealthProbeBuilder::build,
    );
}
