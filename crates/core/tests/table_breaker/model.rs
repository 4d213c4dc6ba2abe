//! Random and adversarial calls: the tables answer what the reference does, whoever polls, hashes or restores them.

use core::time::Duration;
use std::collections::BTreeMap;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerPolicy, Cause, Health, Mode, Outcome, Phase, Trigger};
use evenkeel_core::table::{AnsweredBy, BreakerTable, BreakerTablePolicy, FixedState};
use proptest::prelude::*;

use crate::reference::{Given, Made, Op, Reference, Told, expect, tell};
use crate::words::{Flat, Words};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn policy() -> impl Strategy<Value = BreakerTablePolicy> {
    let jitter = prop_oneof![Just(Jitter::None), Just(Jitter::Full)];
    let ramp = prop_oneof![3 => Just(None), 1 => Just(Some(ns(15)))];
    let shape = (
        1..3_u32,
        1..3_u32,
        1..3_u32,
        prop_oneof![4 => Just(false), 1 => Just(true)],
    );
    (shape, jitter, ramp, 1..4_u32, 10..70_u64).prop_map(
        |((failures, trials, max_in_flight, until_healthy), jitter, ramp, max_keys, forget)| {
            let open = BackoffPolicy::builder(ns(20)).cap(ns(40)).jitter(jitter);
            let mut builder = BreakerPolicy::builder(open, ns(10))
                .trigger(Trigger::Consecutive { failures })
                .trials(trials)
                .max_in_flight(max_in_flight)
                .until_healthy(until_healthy);
            if let Some(ramp) = ramp {
                builder = builder.ramp(ramp);
            }
            let breaker = builder.build().expect("a breaker");
            BreakerTablePolicy::builder(breaker, max_keys, ns(forget))
                .build()
                .expect("a policy")
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..5_u64;
    let outcome = prop_oneof![
        3 => Just(Outcome::Success),
        5 => Just(Outcome::Failure),
        1 => Just(Outcome::Ignored),
        1 => Just(Outcome::Overloaded { retry_at_ns: None }),
    ];
    let mode = prop_oneof![
        3 => Just(Mode::Normal), 1 => Just(Mode::Observe), 1 => Just(Mode::ForcedOpen), 1 => Just(Mode::ForcedClosed)
    ];
    let foreign = prop_oneof![9 => Just(None), 1 => key().prop_map(Some)];
    prop_oneof![
        10 => key().prop_map(Op::Ask),
        10 => (0..6_usize, foreign, outcome).prop_map(|(back, key, outcome)| Op::Report(back, key, outcome)),
        1 => (key(), prop_oneof![Just(Health::Up), Just(Health::Down)]).prop_map(|(key, health)| Op::Health(key, health)),
        1 => (key(), mode).prop_map(|(key, mode)| Op::Mode(key, mode)),
        1 => key().prop_map(Op::Reset),
        1 => key().prop_map(Op::Forget),
        4 => Just(Op::Poll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_that_of_a_plain_map_of_breakers(
        policy in policy(),
        start in prop_oneof![4 => Just(0), 1 => (0..300_u64).prop_map(|left| u64::MAX - left)],
        ops in proptest::collection::vec((0..12_u64, 0..10_u8, op(), any::<u64>()), 1..80),
    ) {
        let mut reference = Reference { policy, keys: BTreeMap::new(), overflow: None, now: 0, stays: 0 };
        let mut plain: BreakerTable<u64, FixedState> = BreakerTable::new(policy);
        let mut flat: BreakerTable<u64, Flat> = BreakerTable::new(policy);
        let mut given: Vec<Given> = Vec::new();
        let mut now = start;
        for (on, how, op, seed) in ops {
            now = match how {
                0 => now.saturating_sub(on),
                1 => plain.next_deadline_ns().unwrap_or(now),
                2 => plain.next_deadline_ns().unwrap_or(now).saturating_sub(1),
                3 => now.saturating_add(on * 5),
                _ => now.saturating_add(on),
            };
            let report = match op {
                Op::Report(back, key, outcome) => {
                    let Some(given) = given.len().checked_sub(back + 1).map(|at| given[at]) else { continue };
                    Some((given, key.unwrap_or(given.key), outcome))
                }
                _ => None,
            };
            let real = |which: usize| report.map(|(given, key, outcome)| (key, given.permits[which], outcome));
            reference.goes_to(now);
            let [mut first, mut second, mut third] = [Words::new(seed); 3];
            let (expected, expected_permit) = expect(&mut reference, op, report, &mut first);
            let (told, permit) = tell(&mut plain, now, op, real(0), &mut second);
            prop_assert_eq!(&told, &expected, "{:?} at {}", op, now);
            let (other, other_permit) = tell(&mut flat, now, op, real(1), &mut third);
            prop_assert_eq!(&other, &expected);
            prop_assert_eq!(permit, other_permit, "generations and tags do not depend on the hasher");
            prop_assert_eq!(first.drawn, second.drawn);
            if let (Op::Ask(key), Some((stay, expected)), Some(permit)) = (op, expected_permit, permit) {
                let key = if matches!(told, Told::Granted(AnsweredBy::Overflow, ..)) { u64::MAX } else { key };
                given.push(Given { key, stay, permits: [permit, permit], expected });
            }

            for key in 0..5 {
                let phase = match (reference.keys.get(&key), &reference.overflow) {
                    (Some(stay), _) | (None, Some(stay)) => stay.breaker.phase(reference.now),
                    (None, None) => Phase::Closed,
                };
                prop_assert_eq!(plain.phase(now, &key), phase);
                prop_assert_eq!(plain.tracks(now, &key), reference.keys.contains_key(&key));
            }
            prop_assert_eq!(plain.next_deadline_ns(), reference.first_due().map(|(at, _)| at));
            let listed: Vec<u64> = plain.iter().map(|(key, _)| *key).collect();
            let mut order: Vec<_> = reference.keys.iter().collect();
            order.sort_by_key(|(_, stay)| (stay.deadline.is_none(), stay.deadline, stay.number));
            let order: Vec<u64> = order.into_iter().map(|(key, _)| *key).collect();
            prop_assert_eq!(listed, order);
            prop_assert_eq!(plain.state(), flat.state());
            prop_assert!(plain.len() <= policy.max_keys() as usize);
            plain = BreakerTable::restore(policy, plain.state()).expect("its own state");
        }
    }

    /// A transition is reported earlier or later, or (when forgotten) never: no answer changes.
    #[test]
    fn polling_never_changes_an_answer(
        policy in policy(),
        ops in proptest::collection::vec((0..25_u64, op(), any::<u64>()), 1..60),
    ) {
        let mut polled: BreakerTable<u64> = BreakerTable::new(policy);
        let mut lazy: BreakerTable<u64> = BreakerTable::new(policy);
        let mut given = Vec::new();
        let mut now = 0;
        for (on, op, seed) in ops {
            for _ in 0..on {
                now += 1;
                while polled.poll(now).is_some() {}
            }
            let report = match op {
                Op::Report(back, key, outcome) => {
                    let at = given.len().checked_sub(back + 1);
                    let Some((of, permit)) = at.map(|at: usize| given[at]) else { continue };
                    Some((key.unwrap_or(of), permit, outcome))
                }
                Op::Poll => continue,
                _ => None,
            };
            let (one, permit) = tell(&mut polled, now, op, report, &mut Words::new(seed));
            let (other, other_permit) = tell(&mut lazy, now, op, report, &mut Words::new(seed));
            prop_assert_eq!(permit, other_permit);
            prop_assert_eq!(plain_answer(one), plain_answer(other));
            if let (Op::Ask(key), Some(permit)) = (op, permit) {
                given.push((key, permit));
            }
        }
    }
}

/// Without what fell due before.
fn plain_answer(told: Told) -> Told {
    let own = |made: Vec<Made>| {
        made.last()
            .copied()
            .into_iter()
            .filter(|(.., cause)| !matches!(cause, Cause::WaitOver | Cause::ProbeLost))
            .collect()
    };
    match told {
        Told::Granted(by, observed, _) => Told::Granted(by, observed, Vec::new()),
        Told::Refused(by, reason, at, _) => Told::Refused(by, reason, at, Vec::new()),
        Told::Receipt(by, name, made) => Told::Receipt(by, name, own(made)),
        Told::Made(made) => Told::Made(own(made)),
        other => other,
    }
}
