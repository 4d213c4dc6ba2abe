//! The recovery budget: against a reference that looks through all grants ever made, and its facts.
#![cfg(feature = "alloc")]

use core::time::Duration;
use std::collections::BTreeMap;

use evenkeel_core::Refusal;
use evenkeel_core::backoff::{BackoffPolicy, Jitter, Wait};
use evenkeel_core::table::{DeniedBy, FixedState, Recovery, RecoveryBudget, RecoveryBudgetPolicy};
use proptest::prelude::*;

#[path = "table_backoff/words.rs"]
mod words;
use words::{Flat, Words};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// A recovery: its wait, its attempt, and how many remain.
type Granted = (Wait, u32, u32);

const fn granted(recovery: Recovery) -> Granted {
    (recovery.wait, recovery.attempt, recovery.remaining)
}

/// All grants of a key since it was last well, at which waits.
#[derive(Clone, Debug)]
struct Reference {
    policy: RecoveryBudgetPolicy,
    grants: BTreeMap<u64, Vec<(u64, u64)>>,
    now: u64,
}

impl Reference {
    fn goes_to(&mut self, now: u64) {
        self.now = self.now.max(now);
        let now = u128::from(self.now);
        let forget = self.policy.forget_after().as_nanos();
        let quiet = |grants: &[(u64, u64)]| {
            grants
                .last()
                .is_some_and(|(at, _)| u128::from(*at) + forget <= now)
        };
        self.grants.retain(|_, grants| !quiet(grants));
    }

    fn in_window(&self, key: u64) -> Vec<u64> {
        let (now, window) = (u128::from(self.now), self.policy.window().as_nanos());
        let all = self
            .grants
            .get(&key)
            .into_iter()
            .flatten()
            .map(|(at, _)| *at);
        all.filter(|at| u128::from(*at) + window > now).collect()
    }

    fn recover(&mut self, key: u64, words: &mut Words) -> Result<Granted, Refusal<DeniedBy>> {
        let budget = self.policy.budget() as usize;
        let window = self.in_window(key);
        let after = |at: u64, span: Duration| at.checked_add(span.as_nanos() as u64);
        if window.len() >= budget {
            let oldest = window[0];
            return Err(Refusal::new(
                DeniedBy::Spent,
                after(oldest, self.policy.window()),
            ));
        }
        if !self.grants.contains_key(&key) && self.grants.len() >= self.policy.max_keys() as usize {
            let lasts = self.grants.values().filter_map(|grants| grants.last());
            let first = lasts.map(|(at, _)| *at).min().expect("a key");
            let at = after(first, self.policy.forget_after());
            return Err(Refusal::new(DeniedBy::TableFull, at));
        }
        let known = self.grants.get(&key).cloned().unwrap_or_default();
        let attempt = known.len() as u32 + 1;
        let (base, cap) = (10_u128, 70_u128);
        let ceiling = (base << (attempt - 1).min(20)).min(cap);
        let delay = match self.policy.backoff().jitter() {
            Jitter::None => ceiling,
            Jitter::Full => (u128::from(words.next()) * (ceiling + 1)) >> 64,
            _ => {
                let s = known
                    .last()
                    .map_or(base, |(_, wait)| u128::from(*wait))
                    .max(base);
                (base + ((u128::from(words.next()) * (3 * s - base + 1)) >> 64)).min(cap)
            }
        };
        let Ok(at_ns) = u64::try_from(u128::from(self.now) + delay) else {
            return Err(Refusal::new(DeniedBy::EndOfTime, None));
        };
        let delay_ns = delay as u64;
        self.grants
            .entry(key)
            .or_default()
            .push((self.now, delay_ns));
        let wait = Wait {
            at_ns,
            delay_ns,
            attempt,
        };
        Ok((wait, attempt, (budget - window.len() - 1) as u32))
    }
}

fn policy() -> impl Strategy<Value = RecoveryBudgetPolicy> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Decorrelated)
    ];
    (jitter, 1..5_u32, 1..60_u64, 1..5_u32, 0..80_u64).prop_map(
        |(jitter, budget, window, max_keys, more)| {
            let backoff = BackoffPolicy::builder(ns(10)).cap(ns(70)).jitter(jitter);
            RecoveryBudgetPolicy::builder(backoff, budget, ns(window), max_keys)
                .forget_after(ns(window + more))
                .build()
                .expect("a policy")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_what_all_grants_say(
        policy in policy(),
        start in prop_oneof![3 => Just(0), 2 => (0..300_u64).prop_map(|left| u64::MAX - left)],
        ops in proptest::collection::vec((0..15_u64, 0..40_u64, 0..6_u64, 0..9_u8, any::<u64>()), 1..70),
    ) {
        let mut reference = Reference { policy, grants: BTreeMap::new(), now: 0 };
        let mut plain: RecoveryBudget<u64, FixedState> = RecoveryBudget::new(policy);
        let mut flat: RecoveryBudget<u64, Flat> = RecoveryBudget::new(policy);
        let mut now_ns = start;
        for (on, back, key, what, seed) in ops {
            now_ns = if what == 8 { now_ns.saturating_sub(back) } else { now_ns.saturating_add(on) };
            reference.goes_to(now_ns);
            if what == 0 {
                let known = reference.grants.remove(&key).is_some();
                prop_assert_eq!(plain.on_success(now_ns, &key), known);
                prop_assert_eq!(flat.on_success(now_ns, &key), known);
            } else {
                let [mut for_reference, mut for_plain, mut for_flat] = [Words::new(seed); 3];
                let before = plain.peek(now_ns, &key);
                let expected = reference.recover(key, &mut for_reference);
                let told = plain.try_recover(now_ns, &key, &mut for_plain).map(granted);
                prop_assert_eq!(told, expected);
                prop_assert_eq!(flat.try_recover(now_ns, &key, &mut for_flat).map(granted), expected);
                prop_assert_eq!(for_plain.drawn, for_reference.drawn);
                if !matches!(told, Err(Refusal { reason: DeniedBy::EndOfTime, .. })) {
                    prop_assert_eq!(before, told.map(|_| ()));
                }
            }
            for key in 0..6 {
                let spent = reference.in_window(key).len() as u32;
                prop_assert_eq!(plain.remaining(now_ns, &key), policy.budget() - spent);
                let attempts = reference.grants.get(&key).map_or(0, Vec::len) as u32;
                prop_assert_eq!(plain.attempts(now_ns, &key), attempts);
            }
            prop_assert!(plain.len() <= policy.max_keys() as usize);
            prop_assert_eq!(plain.state(), flat.state());
            let listed: BTreeMap<u64, Vec<u64>> = plain.iter().map(|(key, grants)| (*key, grants)).collect();
            let expected = reference.grants.keys().map(|key| (*key, reference.in_window(*key))).collect();
            prop_assert_eq!(listed, expected);
            plain = RecoveryBudget::restore(policy, plain.state()).expect("its own state");
        }
    }
}

fn budget(n: u32, window: u64, max_keys: u32) -> RecoveryBudget<u64> {
    let backoff = BackoffPolicy::builder(ns(250)).jitter(Jitter::None);
    let policy = RecoveryBudgetPolicy::builder(backoff, n, ns(window), max_keys);
    RecoveryBudget::new(policy.build().expect("a policy"))
}

/// O3: the first crash in a window is retried after the backoff, any further one refused with what is left of it.
#[test]
fn a_broker_recovers_a_backend_once_in_a_window() {
    let mut budget = budget(1, 10_000, 100);
    let mut words = Words::new(0);
    let first = budget
        .try_recover(1_000, &7, &mut words)
        .expect("a recovery");
    assert_eq!(
        (first.wait.delay_ns, first.attempt, first.remaining),
        (250, 1, 0)
    );
    for now_ns in [1_001, 6_000, 10_999] {
        let refused = budget
            .try_recover(now_ns, &7, &mut words)
            .expect_err("spent");
        assert_eq!(
            (refused.reason, refused.retry_at_ns),
            (DeniedBy::Spent, Some(11_000))
        );
        assert_eq!(refused.retry_after(now_ns), Some(ns(11_000 - now_ns)));
    }
    let next = budget
        .try_recover(11_000, &7, &mut words)
        .expect("a new window");
    assert_eq!(next.attempt, 1);
    assert!(budget.on_success(11_001, &7), "success clears it");
    assert!(budget.try_recover(11_002, &7, &mut words).is_ok());
    let refused = budget
        .try_recover(5, &7, &mut words)
        .expect_err("time stands still");
    assert_eq!(refused.retry_at_ns, Some(21_002));
}

/// What a tumbling window gets wrong: twice the budget around its edge.
#[test]
fn no_window_of_any_position_holds_more_than_the_budget() {
    let mut budget = budget(3, 100, 100);
    let mut granted = Vec::new();
    for now_ns in 0..1_000_u64 {
        let crashes = now_ns % 7 == 0 || (90..110).contains(&now_ns);
        if crashes && budget.try_recover(now_ns, &7, &mut Words::new(0)).is_ok() {
            granted.push(now_ns);
        }
    }
    assert!(granted.len() > 25);
    for pair in granted.windows(4) {
        assert!(pair[3] - pair[0] >= 100, "{pair:?}");
    }
}

/// task-supervisor's D24: an exponent that is the number of restarts in the window falls back for what never gets well.
#[test]
fn the_waits_of_one_who_crashes_for_ever_never_become_shorter() {
    let backoff = BackoffPolicy::builder(ns(1))
        .cap(ns(64))
        .jitter(Jitter::None);
    let policy = RecoveryBudgetPolicy::builder(backoff, 3, ns(100), 10)
        .build()
        .expect("a policy");
    let mut budget: RecoveryBudget<u64> = RecoveryBudget::new(policy);
    let mut waits = Vec::new();
    for now_ns in 0..2_000 {
        if let Ok(recovery) = budget.try_recover(now_ns, &7, &mut Words::new(0)) {
            waits.push(recovery.wait.delay_ns);
        }
    }
    assert!(waits.is_sorted());
    assert_eq!(waits.last(), Some(&64));
}

#[test]
fn a_flood_of_new_keys_recovers_nobody_and_takes_no_memory() {
    let mut budget = budget(1, 10_000, 50);
    for key in 0..50_u64 {
        let _ = budget
            .try_recover(key, &key, &mut Words::new(0))
            .expect("room");
    }
    let bytes = budget.heap_bytes();
    for key in 50..5_000_u64 {
        let refused = budget
            .try_recover(60, &key, &mut Words::new(0))
            .expect_err("full");
        assert_eq!(
            (refused.reason, refused.retry_at_ns),
            (DeniedBy::TableFull, Some(10_000))
        );
    }
    assert_eq!((budget.len(), budget.heap_bytes()), (50, bytes));
    assert!(budget.try_recover(9_999, &99, &mut Words::new(0)).is_err());
    assert!(
        budget.try_recover(10_000, &99, &mut Words::new(0)).is_ok(),
        "as it was said"
    );
    assert_eq!(
        budget
            .try_recover(10_000, &1, &mut Words::new(0))
            .map_err(|no| no.reason),
        Err(DeniedBy::Spent)
    );
}
