//! Policies of the keyed tables that damaged states are restored under, and any call that can be made.

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    BreakerPolicy, Health, Mode, Outcome, Permit, PermitId, Trigger, Window,
};
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BreakerTable, BreakerTablePolicy, RecoveryBudget,
    RecoveryBudgetPolicy,
};
use evenkeel_core::{ConfigError, Ratio};

use super::{Chance, ns};

type Made<P> = Result<P, ConfigError>;

/// Some more than there is room for.
const KEYS: usize = 5;

pub(crate) fn backoff_table() -> Made<BackoffTablePolicy> {
    let backoff = BackoffPolicy::builder(ns(7))
        .cap(ns(300))
        .jitter(Jitter::Decorrelated);
    BackoffTablePolicy::builder(backoff, 3, ns(100))
        .advisory_spread(Ratio::percent(20))
        .due_index(true)
        .build()
}

pub(crate) fn backoff_table_call(table: &mut BackoffTable<u64>, now_ns: u64, chance: &mut Chance) {
    let key = chance.below(KEYS) as u64;
    match chance.below(12) {
        0..=3 => drop(table.on_failure(now_ns, &key, chance)),
        4 | 5 => {
            let at_ns = now_ns.saturating_add(chance.word() >> chance.below(64));
            let _ = table.on_advice(now_ns, &key, Advice::RetryAt { at_ns }, chance);
        }
        6 => drop(table.on_advice(now_ns, &key, Advice::Stop, chance)),
        7 => drop(table.on_success(now_ns, &key)),
        8 | 9 => drop(table.pop_ready(now_ns)),
        _ => drop(table.try_acquire(now_ns, &key)),
    }
    if let Err(refusal) = table.peek(now_ns, &key) {
        assert!(refusal.retry_at_ns.is_none_or(|at_ns| at_ns > now_ns));
    }
    let _ = (table.next_deadline_ns(), table.overflow(now_ns));
    assert!(table.len() <= 3);
}

pub(crate) fn recovery_budget() -> Made<RecoveryBudgetPolicy> {
    let backoff = BackoffPolicy::builder(ns(7))
        .cap(ns(300))
        .jitter(Jitter::Decorrelated);
    RecoveryBudgetPolicy::builder(backoff, 2, ns(50), 3)
        .forget_after(ns(80))
        .build()
}

pub(crate) fn recovery_budget_call(
    budget: &mut RecoveryBudget<u64>,
    now_ns: u64,
    chance: &mut Chance,
) {
    let key = chance.below(KEYS) as u64;
    match chance.below(8) {
        0 => drop(budget.on_success(now_ns, &key)),
        _ => drop(budget.try_recover(now_ns, &key, chance)),
    }
    assert!(budget.remaining(now_ns, &key) <= 2);
    let _ = (budget.attempts(now_ns, &key), budget.peek(now_ns, &key));
    assert!(budget.len() <= 3);
}

pub(crate) fn breaker_table() -> Made<BreakerTablePolicy> {
    let breaker = BreakerPolicy::builder(BackoffPolicy::builder(ns(10)).cap(ns(300)), ns(15))
        .window(Window::Time {
            span: ns(40),
            slices: 4,
        })
        .trigger(Trigger::Consecutive { failures: 3 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 4,
        })
        .max_in_flight(2)
        .trials(3)
        .build()?;
    BreakerTablePolicy::builder(breaker, 3, ns(100)).build()
}

pub(crate) fn breaker_table_call(table: &mut BreakerTable<u64>, now_ns: u64, chance: &mut Chance) {
    let key = chance.below(KEYS) as u64;
    match chance.below(24) {
        0..=15 => {
            let granted = table.try_acquire(now_ns, &key, chance);
            if let (Ok(granted), 0..=5) = (granted, chance.below(7)) {
                let outcome = match chance.below(8) {
                    0 => Outcome::Ignored,
                    1 => Outcome::Overloaded {
                        retry_at_ns: Some(chance.word()),
                    },
                    2..=5 => Outcome::Failure,
                    _ => Outcome::Success,
                };
                let permit = granted.answer.permit;
                let _ = table.on_outcome(now_ns, &key, permit, outcome, 5, chance);
            }
        }
        16 => {
            let permit = Permit::from_id(PermitId::from_words([chance.word(), chance.word()]));
            let _ = table.on_outcome(now_ns, &key, permit, Outcome::Failure, 5, chance);
        }
        17 => drop(table.on_health(now_ns, &key, Health::Up)),
        18 => {
            let modes = [Mode::Normal, Mode::Normal, Mode::Observe, Mode::ForcedOpen];
            let _ = table.set_mode(now_ns, &key, modes[chance.below(4)]);
        }
        19 => drop(table.reset(now_ns, &key)),
        20 => drop(table.forget(now_ns, &key)),
        _ => drop(table.poll(now_ns)),
    }
    let _ = (table.next_deadline_ns(), table.stats(now_ns));
    assert!(table.len() <= 3);
}
