//! Policies of budgets, throttle and drivers that damaged states are restored under, and any call that can be made.

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy, Withdrawal,
    WithdrawalId,
};
use evenkeel_core::health::{HealthProbe, HealthProbePolicy, ProbeAction, ProbeId, Probed};
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, LinkPhase, Reconnect, ReconnectPolicy,
};
use evenkeel_core::restart::{Exit, Restart, RestartAction, RestartPolicy, RunId};
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, Parts, Retry, RetryAction, RetryPolicy, WhenRefused,
};
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use evenkeel_core::{ConfigError, Ratio};

use super::{Chance, ns};

type Made<P> = Result<P, ConfigError>;

pub(crate) fn tokens() -> Made<RetryTokensPolicy> {
    RetryTokensPolicy::builder(9_000)
        .timeout_cost_milli(2_500)
        .refund(true)
        .deposit_milli(70)
        .refill_milli(7)
        .refill_per(ns(30))
        .build()
}

pub(crate) fn ratio() -> Made<RetryRatioPolicy> {
    RetryRatioPolicy::builder(Ratio::percent(30))
        .floor_per_second(100_000_000)
        .ttl(ns(40))
        .slices(4)
        .build()
}

pub(crate) fn throttle() -> Made<AdaptiveThrottlePolicy> {
    let builder = AdaptiveThrottlePolicy::builder().history(ns(40)).slices(4);
    builder
        .min_requests(3)
        .max_rejection(Ratio::percent(90))
        .build()
}

const fn backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ns(7))
        .cap(ns(300))
        .jitter(Jitter::Decorrelated)
}

pub(crate) fn retry() -> Made<RetryPolicy> {
    RetryPolicy::builder(backoff().max_total_wait(ns(4_000)))
        .unlimited_attempts()
        .attempt_timeout(ns(40))
        .deadline(ns(5_000))
        .when_refused(WhenRefused::Wait)
        .advisory_rule(AdvisoryRule::Exact)
        .advisory_spread(Ratio::percent(10))
        .build()
}

pub(crate) fn reconnect() -> Made<ReconnectPolicy> {
    ReconnectPolicy::builder(backoff().max_total_wait(ns(4_000)), ns(20))
        .stable_after(ns(60))
        .silence_limit(ns(30))
        .advisory_rule(AdvisoryRule::Exact)
        .build()
}

pub(crate) fn restart() -> Made<RestartPolicy> {
    let builder = RestartPolicy::builder(backoff()).intensity(5, ns(900));
    builder.cooldown(ns(60)).build()
}

pub(crate) fn probe() -> Made<HealthProbePolicy> {
    HealthProbePolicy::builder(ns(50), ns(20)).build()
}

fn cause(chance: &mut Chance) -> RetryCause {
    let all = [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ];
    all[chance.below(3)]
}

fn advice(now_ns: u64, chance: &mut Chance) -> Advice {
    match chance.below(12) {
        0 => Advice::Stop,
        1 => Advice::RetryAt {
            at_ns: chance.word(),
        },
        _ => Advice::RetryAt {
            at_ns: now_ns.saturating_add(chance.word() % 90),
        },
    }
}

/// One that the budget may have given, or anything.
fn withdrawal(amounts: &[u64], slice: u64, chance: &mut Chance) -> Withdrawal {
    let words = match chance.below(8) {
        0 => [chance.word(), chance.word()],
        _ => [amounts[chance.below(amounts.len())], slice],
    };
    Withdrawal::from_id(WithdrawalId::from_words(words))
}

pub(crate) fn tokens_call(machine: &mut RetryTokens, now_ns: u64, chance: &mut Chance) {
    match chance.below(8) {
        0 => machine.on_request(now_ns),
        1 => machine.on_success(now_ns, None),
        2 => machine.on_success(now_ns, Some(withdrawal(&[1_000, 2_500], 0, chance))),
        3 => {
            let _ = machine.give_back(now_ns, withdrawal(&[1_000, 2_500], 0, chance));
        }
        _ => {
            let asked = machine.try_withdraw(now_ns, cause(chance));
            if let Err(refusal) = asked {
                let reason = refusal.reason;
                assert!(reason.there_milli < reason.needed_milli);
                let at_ns = refusal.retry_at_ns.unwrap_or(u64::MAX);
                assert!(at_ns > now_ns || at_ns == u64::MAX, "sent back to the past");
            }
        }
    }
    assert!(machine.balance_milli(now_ns.wrapping_add(chance.word())) <= 9_000);
}

pub(crate) fn ratio_call(machine: &mut RetryRatio, now_ns: u64, chance: &mut Chance) {
    let before = machine.retries_left(now_ns);
    match chance.below(8) {
        0..=2 => machine.on_request(now_ns),
        3 => {
            let _ = machine.give_back(now_ns, withdrawal(&[1_000], now_ns / 10, chance));
        }
        4 => machine.on_success(now_ns, None),
        _ => {
            let asked = machine.try_withdraw(now_ns, cause(chance));
            assert_eq!(
                asked.is_ok(),
                before > 0,
                "what its balance says is what it does"
            );
            if let Err(refusal) = asked {
                assert!(refusal.retry_at_ns.is_none_or(|at_ns| at_ns > now_ns));
            }
        }
    }
    let _ = (machine.requests(now_ns), machine.retries(chance.word()));
}

pub(crate) fn throttle_call(machine: &mut AdaptiveThrottle, now_ns: u64, chance: &mut Chance) {
    let probability = machine.reject_probability(now_ns);
    assert!(probability.numerator() < probability.denominator());
    if chance.below(3) == 0 {
        machine.on_accepted(now_ns);
    } else if let Err(refusal) = machine.try_request(now_ns, chance) {
        assert_eq!(refusal.reason.probability, probability);
        assert!(refusal.retry_at_ns.is_none_or(|at_ns| at_ns > now_ns));
    }
    let _ = (machine.requests(chance.word()), machine.accepts(now_ns));
}

pub(crate) fn retry_call(machine: &mut Retry<RetryPolicy>, now_ns: u64, chance: &mut Chance) {
    let mut parts = Parts::none();
    match chance.below(40) {
        0 if machine.end().is_some() => *machine = Retry::new(*machine.policy(), now_ns),
        1 if chance.below(20) == 0 => {
            let _ = machine.cancel(now_ns, &mut parts, chance);
        }
        2..=15 => {
            let newest = u64::from(machine.attempts());
            let id = AttemptId::from_word(newest.wrapping_sub(chance.word() % 2));
            let outcome = match chance.below(20) {
                0 => AttemptOutcome::Success,
                1..=8 => AttemptOutcome::transient(cause(chance)),
                _ => AttemptOutcome::transient(cause(chance)).with_advice(advice(now_ns, chance)),
            };
            let _ = machine.on_outcome(now_ns, id, outcome, &mut parts, chance);
        }
        _ => match machine.poll(now_ns, &mut parts, chance).action {
            RetryAction::WaitUntil { at_ns } => {
                assert!(at_ns > now_ns, "it waits for the past");
                assert!(
                    machine
                        .deadline_at_ns()
                        .is_none_or(|end_ns| at_ns <= end_ns)
                );
            }
            RetryAction::Attempt { attempt, .. } => assert_eq!(machine.in_flight(), Some(attempt)),
            _ => {}
        },
    }
}

pub(crate) fn reconnect_call(machine: &mut Reconnect, now_ns: u64, chance: &mut Chance) {
    let link = match machine.status(now_ns).phase {
        LinkPhase::Connecting { link, .. } | LinkPhase::Connected { link, .. }
            if chance.below(8) > 0 =>
        {
            link
        }
        _ => LinkId::from_word(chance.word()),
    };
    match chance.below(40) {
        0 => {
            let _ = machine.stop(now_ns);
        }
        1..=3 => {
            let _ = machine.start(now_ns);
        }
        4..=6 => {
            let kicked = machine.kick(now_ns, chance);
            if let (Some(at_ns), LinkPhase::Waiting { until_ns }) =
                (kicked, machine.status(now_ns).phase)
            {
                assert_eq!(at_ns, until_ns);
            }
        }
        7..=14 => {
            let _ = machine.on_frame(now_ns, link);
        }
        15..=26 => {
            let event = match chance.below(8) {
                0..=3 => LinkEvent::Connected,
                4 => LinkEvent::Failed,
                5 => LinkEvent::Lost,
                _ => LinkEvent::Refused(advice(now_ns, chance)),
            };
            let _ = machine.on_event(now_ns, link, event, chance);
        }
        _ => {
            if let LinkAction::WaitUntil { at_ns } = machine.poll(now_ns, chance) {
                assert!(at_ns > now_ns, "it waits for the past");
            }
        }
    }
    let _ = (machine.status(chance.word()), machine.next_deadline_ns());
}

pub(crate) fn restart_call(machine: &mut Restart, now_ns: u64, chance: &mut Chance) {
    match chance.below(40) {
        0 => {
            let _ = machine.stop(now_ns);
        }
        1..=3 => machine.rearm(now_ns),
        4..=16 => {
            let foreign = RunId::from_word(chance.word());
            let run = machine.in_flight().filter(|_| chance.below(8) > 0);
            let exit = if chance.below(3) == 0 {
                Exit::Clean
            } else {
                Exit::Failure
            };
            let _ = machine.on_exit(now_ns, run.unwrap_or(foreign), exit, chance);
        }
        _ => {
            if let RestartAction::WaitUntil { at_ns } = machine.poll(now_ns) {
                assert!(at_ns > now_ns, "it waits for the past");
            }
        }
    }
    assert!(machine.recent_failures(chance.word()) <= 6);
    let _ = machine.next_deadline_ns();
}

pub(crate) fn probe_call(machine: &mut HealthProbe, now_ns: u64, chance: &mut Chance) {
    let found = if chance.below(2) == 0 {
        Probed::Passed
    } else {
        Probed::Failed
    };
    match chance.below(10) {
        0 | 1 => {
            let _ = machine.on_traffic(now_ns, found);
        }
        2 => {
            let foreign = ProbeId::from_word(chance.word());
            let _ = machine.on_report(now_ns, foreign, found);
        }
        _ => match machine.poll(now_ns, chance) {
            ProbeAction::Probing { probe, .. } => {
                let _ = machine.on_report(now_ns, probe, found);
            }
            ProbeAction::WaitUntil { at_ns, .. } => {
                assert!(at_ns > now_ns, "it waits for the past");
            }
            _ => {}
        },
    }
    let _ = (machine.health(chance.word()), machine.next_deadline_ns());
}
