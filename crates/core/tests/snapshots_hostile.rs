//! Stored states are untrusted: each machine's own states, damaged in a few places at once. What `restore` takes never
//! panics in a thousand calls, on any instant, and takes its own state all the way.
//!
//! A new machine is one line in `hostile!`, or two: its policy and the calls that can be made.
#![cfg(feature = "serde")]

#[path = "snapshots_common/gate_and_driver_calls.rs"]
mod calls;
#[path = "common/places.rs"]
mod places;

use core::convert::Infallible;
use core::fmt::Debug;
use core::time::Duration;

use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Health, Mode, Outcome, Permit, PermitId, Trigger, Window,
};
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::estimator::{
    LogHistogram, LogHistogramPolicy, ThresholdWindow, ThresholdWindowPolicy,
};
use evenkeel_core::health::HealthProbe;
use evenkeel_core::reconnect::Reconnect;
use evenkeel_core::restart::Restart;
use evenkeel_core::retry::Retry;
use evenkeel_core::throttle::AdaptiveThrottle;
use evenkeel_core::{ConfigError, Quantile, Ratio, Rebase, RestoreError};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{SeedableRng, TryRng};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use places::places;

/// Damaged states of each machine; of those that are taken, each makes this many calls.
const DAMAGED: u64 = 300;
const CALLS: u64 = 1_000;

/// Words for the machine and for what is done to it; one in eight is an end of the range.
#[derive(Clone)]
struct Chance(SplitMix64);

impl Chance {
    fn word(&mut self) -> u64 {
        let Ok(word) = self.0.try_next_u64();
        match word % 16 {
            0 => 0,
            1 => u64::MAX,
            _ => word,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        let Ok(word) = self.0.try_next_u64();
        usize::try_from(word % n as u64).expect("below n")
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("the core draws whole words only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.word())
    }

    fn try_fill_bytes(&mut self, _dst: &mut [u8]) -> Result<(), Infallible> {
        panic!("the core draws whole words only")
    }
}

// ---- damage

/// Something else in the place of `value`, mostly of the same kind.
fn other(value: &Value, chance: &mut Chance) -> Value {
    let n = value.as_u64().unwrap_or(0);
    let word = chance.word();
    let near = [
        n.wrapping_add(1),
        n.wrapping_sub(1),
        n / 2,
        n.wrapping_mul(2),
        n ^ (1 << (word % 64)),
    ];
    let ends = [
        0,
        1,
        2,
        64,
        u64::from(u32::MAX) - 1,
        u64::from(u32::MAX),
        1 << 62,
        1 << 63,
        u64::MAX - 1,
        u64::MAX,
    ];
    match (value, chance.below(12)) {
        (_, 0) => Value::Null,
        (Value::Null | Value::Number(_) | Value::String(_), 1..=5) => {
            json!(near[chance.below(near.len())])
        }
        (Value::Null | Value::Number(_) | Value::String(_), 6..=9) => {
            json!(ends[chance.below(ends.len())])
        }
        (Value::Null | Value::String(_), _) => {
            let names = [
                "up",
                "down",
                "normal",
                "observe",
                "forced-open",
                "forced-closed",
                "none",
            ];
            json!(names[chance.below(names.len())])
        }
        (Value::Number(_), _) => json!(word),
        (Value::Array(items), choice) if !items.is_empty() => {
            let (mut items, at) = (items.clone(), chance.below(items.len()));
            let item = items.remove(at);
            let copies = choice % 4;
            (0..copies).for_each(|_| items.insert(at, item.clone()));
            if choice > 8 {
                items.reverse();
            }
            json!(items)
        }
        (Value::Object(fields), choice) if choice > 8 => {
            let mut fields = fields.clone();
            let name = fields
                .keys()
                .nth(chance.below(fields.len().max(1)))
                .cloned();
            name.and_then(|name| fields.remove(&name));
            Value::Object(fields)
        }
        (value, _) => value.clone(),
    }
}

fn damage(state: &mut Value, chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let paths = places(state);
        let path = &paths[chance.below(paths.len())];
        let place = state.pointer_mut(path).expect("the path was found there");
        *place = other(place, chance);
    }
}

// ---- the attack

/// Small steps, back and forth, and now and then anywhere.
fn next_instant(now_ns: u64, chance: &mut Chance) -> u64 {
    match chance.below(40) {
        0..=15 => now_ns,
        16..=33 => now_ns.saturating_add(chance.word() % 12),
        34..=36 => now_ns.saturating_sub(chance.word() % 50),
        37 => now_ns.saturating_add(1_000),
        38 => now_ns.saturating_add(chance.word() % (1 << 50)),
        _ => chance.word(),
    }
}

fn attack<M, S>(
    fresh: impl Fn() -> M,
    state: impl Fn(&M) -> S,
    restore: impl Fn(S) -> Result<M, RestoreError>,
    rebased: impl Fn(S, Rebase) -> Result<M, RestoreError>,
    call: impl Fn(&mut M, u64, &mut Chance),
) where
    M: Clone + Debug + PartialEq,
    S: Clone + Serialize + DeserializeOwned,
{
    let (mut refused, mut taken) = (0, 0);
    for seed in 0..DAMAGED {
        let mut chance = Chance(SplitMix64::seed_from_u64(seed));
        let (mut machine, mut now_ns) = (fresh(), chance.word() % 1_000);
        for _ in 0..chance.below(60) {
            now_ns = now_ns.saturating_add(chance.word() % 12);
            call(&mut machine, now_ns, &mut chance);
        }
        let mut stored = serde_json::to_value(state(&machine)).expect("plain data");
        damage(&mut stored, &mut chance);
        let Ok(stored) = serde_json::from_value::<S>(stored) else {
            refused += 1;
            continue;
        };
        let rebase = Rebase {
            taken_at_ns: next_instant(now_ns, &mut chance),
            now_ns: next_instant(now_ns, &mut chance),
            away: Duration::from_nanos(chance.word() >> chance.below(64)),
        };
        let moved = rebased(stored.clone(), rebase).map(|machine| (machine, rebase.now_ns));
        let here = restore(stored).map(|machine| (machine, now_ns));
        assert_eq!(moved.is_ok(), here.is_ok(), "rebased and not: {seed}");
        let (Ok(moved), Ok(here)) = (moved, here) else {
            refused += 1;
            continue;
        };
        taken += 1;
        for (mut machine, mut now_ns) in [moved, here] {
            for step in 0..CALLS {
                if step % 250 == 0 {
                    let again = restore(state(&machine));
                    assert_eq!(
                        again.as_ref(),
                        Ok(&machine),
                        "seed {seed}: it does not take its own state"
                    );
                }
                now_ns = next_instant(now_ns, &mut chance);
                call(&mut machine, now_ns, &mut chance);
            }
        }
    }
    println!("{refused} refused, {taken} taken");
    assert!(refused > DAMAGED / 20 && taken > 0);
}

/// `name: Machine of policy, |machine, now_ns, chance| any call that can be made;`, with `clocked` before it where the
/// machine can be rebased.
macro_rules! hostile {
    () => {};
    (clocked $name:ident: $machine:ident of $policy:expr, $call:expr; $($rest:tt)*) => {
        #[test]
        fn $name() {
            let policy = $policy.expect("a policy");
            attack(
                || $machine::new(policy),
                $machine::state,
                |state| $machine::restore(policy, state),
                |state, rebase| $machine::restore_rebased(policy, state, rebase),
                $call,
            );
        }
        hostile! { $($rest)* }
    };
    ($name:ident: $machine:ident of $policy:expr, $call:expr; $($rest:tt)*) => {
        #[test]
        fn $name() {
            let policy = $policy.expect("a policy");
            let restore = |state| $machine::restore(policy, state);
            attack(|| $machine::new(policy), $machine::state, restore, |state, _| restore(state), $call);
        }
        hostile! { $($rest)* }
    };
}

hostile! {
    clocked backoff: Backoff of BackoffPolicy::builder(ns(7)).cap(ns(900)).jitter(Jitter::Decorrelated).build(), backoff_call;
    clocked backoff_with_limits: Backoff of BackoffPolicy::builder(ns(7)).max_retries(20).max_total_wait(ns(5_000)).build(), backoff_call;
    clocked breaker_by_time: Breaker of breaker(Window::Time { span: ns(40), slices: 4 }), breaker_call;
    clocked breaker_by_count: Breaker of breaker(Window::Count { calls: 20 }), breaker_call;
    clocked retry_tokens: RetryTokens of calls::tokens(), calls::tokens_call;
    clocked retry_ratio: RetryRatio of calls::ratio(), calls::ratio_call;
    clocked adaptive_throttle: AdaptiveThrottle of calls::throttle(), calls::throttle_call;
    clocked reconnect: Reconnect of calls::reconnect(), calls::reconnect_call;
    clocked restart: Restart of calls::restart(), calls::restart_call;
    clocked health_probe: HealthProbe of calls::probe(), calls::probe_call;
    log_histogram: LogHistogram of LogHistogramPolicy::new(2), |machine, now_ns, chance| {
        machine.record(now_ns, chance.word() >> chance.below(64));
        let _ = (machine.summary(now_ns), machine.mean(now_ns));
        if chance.below(100) == 0 {
            let _ = machine.merge(&machine.clone());
        }
    };
    threshold_window: ThresholdWindow of ThresholdWindowPolicy::new(130, Quantile::P90, 1 << 20), |machine, now_ns, chance| {
        machine.record(now_ns, chance.word() >> chance.below(64));
        let _ = (machine.is_above(now_ns), machine.count_above(now_ns));
    };
}

/// An operation begins at an instant.
#[test]
fn retry() {
    let policy = calls::retry().expect("a policy");
    attack(
        || Retry::new(policy, 7),
        Retry::state,
        |state| Retry::restore(policy, state),
        |state, rebase| Retry::restore_rebased(policy, state, rebase),
        calls::retry_call,
    );
}

#[cfg(feature = "alloc")]
#[path = "snapshots_common/table_calls.rs"]
mod table_calls;

#[cfg(feature = "alloc")]
mod with_alloc {
    use evenkeel_core::estimator::{
        QuantileWindow, QuantileWindowPolicy, RollingHistogram, RollingHistogramPolicy,
        SampleWindow, SampleWindowPolicy,
    };
    use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};

    use super::*;

    /// Tables are equal when what they remember is.
    macro_rules! hostile_tables {
        ($($name:ident: $table:ident of $policy:expr, $call:expr;)*) => {$(
            #[test]
            fn $name() {
                #[derive(Clone, Debug)]
                struct Table($table<u64>);
                impl PartialEq for Table {
                    fn eq(&self, other: &Self) -> bool {
                        self.0.state() == other.0.state()
                    }
                }
                let policy = $policy.expect("a policy");
                attack(
                    || Table($table::new(policy)),
                    |table: &Table| table.0.state(),
                    |state| $table::restore(policy, state).map(Table),
                    |state, rebase| $table::restore_rebased(policy, state, rebase).map(Table),
                    |table: &mut Table, now_ns, chance| $call(&mut table.0, now_ns, chance),
                );
            }
        )*};
    }

    hostile_tables! {
        backoff_table: BackoffTable of table_calls::backoff_table(), table_calls::backoff_table_call;
        recovery_budget: RecoveryBudget of table_calls::recovery_budget(), table_calls::recovery_budget_call;
        breaker_table: BreakerTable of table_calls::breaker_table(), table_calls::breaker_table_call;
    }

    hostile! {
        sample_window: SampleWindow of SampleWindowPolicy::new(20), |machine, now_ns, chance| {
            machine.record(now_ns, chance.word());
            let _ = (machine.summary(now_ns), machine.sum(now_ns));
        };
        quantile_window: QuantileWindow of QuantileWindowPolicy::new(20, &[Quantile::P50, Quantile::P99]), |machine, now_ns, chance| {
            machine.record(now_ns, chance.word() >> chance.below(64));
            let _ = [Quantile::P50, Quantile::P90, Quantile::MAX].map(|q| machine.interval(now_ns, q));
        };
        clocked rolling_histogram: RollingHistogram of RollingHistogramPolicy::new(ns(40), 4, 2), |machine, now_ns, chance| {
            machine.record(now_ns, chance.word() >> chance.below(64));
            let _ = (machine.summary(now_ns), machine.mean(now_ns.wrapping_add(chance.word())));
        };
    }
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn backoff_call(machine: &mut Backoff, now_ns: u64, chance: &mut Chance) {
    match machine.next_wait(now_ns, chance) {
        Ok(wait) => assert_eq!(wait.attempt, machine.attempts()),
        Err(_) if chance.below(4) > 0 => machine.reset(),
        Err(_) => {}
    }
}

fn breaker(window: Window) -> Result<BreakerPolicy, ConfigError> {
    BreakerPolicy::builder(BackoffPolicy::builder(ns(10)).cap(ns(300)), ns(15))
        .window(window)
        .trigger(Trigger::Consecutive { failures: 9 })
        .trigger(Trigger::FailureRate {
            at_least: Ratio::percent(50),
            min_calls: 6,
        })
        .trigger(Trigger::Latency {
            quantile: Quantile::P90,
            above: ns(1 << 40),
            min_calls: 6,
        })
        .calm_after(ns(500))
        .max_in_flight(4)
        .trials(6)
        .successes(4)
        .ramp(ns(20))
        .build()
}

fn breaker_call(machine: &mut Breaker, now_ns: u64, chance: &mut Chance) {
    match chance.below(24) {
        0..=9 => {
            let _ = machine.try_acquire(now_ns, chance);
        }
        10..=19 => {
            // A call in closed, or one of the last probes: no need to remember which went out.
            let number = [0, 0, 1, 2, 3, 4, 5, 6, 7, u64::from(u32::MAX)][chance.below(10)];
            let permit = Permit::from_id(PermitId::from_words([machine.generation(), number]));
            let outcome = match chance.below(12) {
                0 => Outcome::Ignored,
                1 => Outcome::Overloaded {
                    retry_at_ns: Some(chance.word()),
                },
                2..=5 => Outcome::Failure,
                _ => Outcome::Success,
            };
            let _ = machine.on_outcome(
                now_ns,
                permit,
                outcome,
                chance.word() >> chance.below(64),
                chance,
            );
        }
        20 => {
            let _ = machine.on_health(now_ns, Health::Up);
        }
        21 => {
            let modes = [
                Mode::Normal,
                Mode::Normal,
                Mode::Observe,
                Mode::ForcedOpen,
                Mode::ForcedClosed,
            ];
            let _ = machine.set_mode(now_ns, modes[chance.below(5)]);
        }
        22 if chance.below(8) == 0 => {
            let _ = machine.reset(now_ns);
        }
        _ => {
            let _ = machine.poll(now_ns);
        }
    }
    let _ = (
        machine.phase(now_ns),
        machine.window(now_ns),
        machine.stats(now_ns),
    );
    if let Err(refusal) = machine.peek(now_ns) {
        assert!(
            refusal.retry_at_ns.is_none_or(|at_ns| at_ns > now_ns),
            "sent back to the past"
        );
    }
}
