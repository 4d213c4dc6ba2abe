//! A policy in words, for the terminal and the report.

use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Cause, Trigger, Window};
use evenkeel_core::time::MAX_SPAN;

use crate::numbers::{count, counted, exact, ratio};

/// What each trigger waits for, as a clause after "when", in the policy's order.
pub(crate) fn triggers(policy: &BreakerPolicy) -> Vec<String> {
    let window = policy.window();
    policy
        .triggers()
        .map(|trigger| match trigger {
            Trigger::Consecutive { failures: 1 } => "a call failed".to_owned(),
            Trigger::Consecutive { failures } => format!("{failures} calls in a row failed"),
            Trigger::Failures { failures } => {
                format!("at least {failures} of {} failed", calls(window))
            }
            Trigger::FailureRate {
                at_least,
                min_calls,
            } => {
                let rate = ratio(at_least);
                let min = minimum(min_calls);
                format!("at least {rate} of {} failed{min}", calls(window))
            }
            Trigger::SlowRate {
                slower_than,
                at_least,
                min_calls,
            } => format!(
                "at least {} of {} took longer than {}{}",
                ratio(at_least),
                calls(window),
                exact(slower_than),
                minimum(min_calls)
            ),
            Trigger::Latency {
                quantile,
                above,
                min_calls,
            } => format!(
                "the {quantile} of {} is above {}{}",
                calls(window),
                exact(above),
                minimum(min_calls)
            ),
            _ => "a trigger that this version has no words for".to_owned(),
        })
        .collect()
}

/// The whole of a breaker's policy, a sentence for each stage.
pub(crate) fn breaker(policy: &BreakerPolicy) -> Vec<String> {
    let mut sentences = vec![
        format!("Opens when {}.", triggers(policy).join(", or when ")),
        open(policy),
        half_open(policy),
    ];
    if let Some(ramp) = policy.ramp() {
        sentences.push(format!(
            "After closing it lets traffic return over {}: a share of the calls that grows from none to all.",
            exact(ramp)
        ));
    }
    sentences
}

/// How long it stays open, and what lengthens or shortens that.
fn open(policy: &BreakerPolicy) -> String {
    let mut text = format!(
        "Stays open for {}",
        schedule(policy.open(), "open in a row")
    );
    match policy.calm_after() {
        Some(calm) => text += &format!("; each {} spent closed forgives one open", exact(calm)),
        None => text.push_str("; a close forgives all earlier opens"),
    }
    text.push('.');
    if policy.until_healthy() {
        text.push_str(" Then it also waits until a health check says up.");
    }
    text.push_str(" An answer of \"overloaded\" opens it at once, for as long as that answer asks");
    if policy.advisory_cap() < MAX_SPAN {
        text += &format!(", but at most {}", exact(policy.advisory_cap()));
    }
    text + "."
}

/// How it finds out that the dependency is back.
fn half_open(policy: &BreakerPolicy) -> String {
    let (trials, successes) = (policy.trials(), policy.successes());
    let verdict = if trials == 1 {
        "one trial call through: it closes if that passes and re-opens if not".to_owned()
    } else {
        let at_once = match policy.max_in_flight().min(trials) {
            1 => "one at a time".to_owned(),
            n if n == trials => "all at once if they come so".to_owned(),
            n => format!("at most {} at a time", count(n.into())),
        };
        format!(
            "up to {} through, {at_once}: it closes as soon as {} passed and re-opens as soon as {} failed",
            counted(trials.into(), "trial call"),
            trials_have(successes),
            trials_have(trials - successes + 1)
        )
    };
    let slow = policy.slow_limit().map_or_else(String::new, |limit| {
        format!("slower than {} or ", exact(limit))
    });
    format!(
        "Half-open it lets {verdict}. A trial {slow}without an answer within {} counts as failed.",
        exact(policy.probe_timeout())
    )
}

/// A schedule of waits: `1 s at first, doubling with each retry up to 10 s, each drawn ...`.
pub(crate) fn schedule(policy: &BackoffPolicy, step: &str) -> String {
    let cap = policy.cap();
    let first = exact(policy.ceiling(1));
    if let Some(cap) = cap.filter(|cap| *cap < policy.base()) {
        return format!(
            "{first} each time{} (the cap of {} is below the base of {}, so it is the wait from the start)",
            jitter(policy.jitter()),
            exact(cap),
            exact(policy.base())
        );
    }
    let most = cap.map_or_else(String::new, |cap| format!(" up to {}", exact(cap)));
    let grows = match policy.growth() {
        _ if policy.jitter() == Jitter::Decorrelated => {
            return format!(
                "{first} to three times the wait before it (at first {first}), drawn anew each time{most}"
            );
        }
        Growth::Linear { step: more } if !more.is_zero() => {
            format!("{} more with each {step}{most}", exact(more))
        }
        Growth::Exponential { factor } if factor > evenkeel_core::Ratio::ONE => {
            let times = match (factor.numerator(), factor.denominator()) {
                (2, 1) => "doubling".to_owned(),
                (whole, 1) => format!("{whole} times as long"),
                (num, den) => format!("{num}/{den} as long"),
            };
            format!("{times} with each {step}{most}")
        }
        _ => return format!("{first} each time{}", jitter(policy.jitter())),
    };
    if policy.ceiling(2) == policy.ceiling(1) {
        return format!("{first} each time{}", jitter(policy.jitter()));
    }
    format!("{first} at first, {grows}{}", jitter(policy.jitter()))
}

/// How a wait is drawn below its ceiling, as a clause after the schedule.
fn jitter(jitter: Jitter) -> String {
    match jitter {
        Jitter::None => ", without jitter".to_owned(),
        Jitter::Full => ", drawn between nothing and that".to_owned(),
        Jitter::Equal => ", drawn between half of that and all of it".to_owned(),
        Jitter::Spread(spread) => format!(", give or take {} of that", ratio(spread)),
        _ => String::new(),
    }
}

/// What a cause of a transition means under this policy.
pub(crate) fn cause(cause: Cause, policy: &BreakerPolicy) -> String {
    let fired = |wanted: fn(&Trigger) -> bool| {
        policy
            .triggers()
            .zip(triggers(policy))
            .find(|(trigger, _)| wanted(trigger))
            .map_or_else(String::new, |(_, words)| words)
    };
    match cause {
        Cause::Consecutive => fired(|trigger| matches!(trigger, Trigger::Consecutive { .. })),
        Cause::Failures => fired(|trigger| matches!(trigger, Trigger::Failures { .. })),
        Cause::FailureRate => fired(|trigger| matches!(trigger, Trigger::FailureRate { .. })),
        Cause::SlowRate => fired(|trigger| matches!(trigger, Trigger::SlowRate { .. })),
        Cause::Latency => fired(|trigger| matches!(trigger, Trigger::Latency { .. })),
        Cause::Overloaded => "the dependency answered that it is overloaded".to_owned(),
        Cause::WaitOver => "the open wait was over".to_owned(),
        Cause::TrialsPassed => format!(
            "{} of {} passed",
            count(policy.successes().into()),
            counted(u64::from(policy.trials()), "trial")
        ),
        Cause::TrialsFailed => {
            format!(
                "{} failed",
                trials_have(policy.trials() - policy.successes() + 1)
            )
        }
        Cause::ProbeLost => format!(
            "a trial had no answer within {}, which counts as a failure",
            exact(policy.probe_timeout())
        ),
        Cause::Forced => "an operator's command".to_owned(),
        Cause::Reset => "a reset".to_owned(),
        _ => cause.to_string(),
    }
}

fn calls(window: Option<Window>) -> String {
    match window {
        Some(Window::Count { calls }) => format!("the last {}", counted(u64::from(calls), "call")),
        Some(Window::Time { span, .. }) => format!("the calls of the last {}", exact(span)),
        _ => "the calls seen".to_owned(),
    }
}

fn minimum(min_calls: u32) -> String {
    if min_calls > 1 {
        format!(" ({min_calls} or more calls)")
    } else {
        String::new()
    }
}

/// `1 trial has`, `2 trials have`.
pub(crate) fn trials_have(n: u32) -> String {
    let verb = if n == 1 { "has" } else { "have" };
    format!("{} {verb}", counted(u64::from(n), "trial"))
}

/// The shortest and the longest of a range as one text: `500 ms to 1 s`, or `1 s` when they are the same.
pub(crate) fn range((least, most): (Duration, Duration)) -> String {
    if least == most {
        exact(most)
    } else {
        format!("{} to {}", exact(least), exact(most))
    }
}
