//! Random and adversarial calls: the table, the same with the index and another hasher, one restored at every step, and
//! one that nobody polls answer what the reference says.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, FixedState, Hold, TableFull};
use proptest::prelude::*;

use crate::reference::{Full, Reference};
use crate::words::{Flat, Words};

#[derive(Clone, Copy, Debug)]
enum Op {
    Ask(u64),
    Fail(u64),
    Advise(u64, Advice),
    Succeed(u64),
    Pop,
}

/// How far time goes on, or back.
#[derive(Clone, Copy, Debug)]
enum Step {
    On(u64),
    Back(u64),
    Deadline,
    JustBefore,
}

fn policy() -> impl Strategy<Value = BackoffTablePolicy> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Decorrelated)
    ];
    let rule = prop_oneof![
        3 => Just(AdvisoryRule::AtLeast),
        1 => Just(AdvisoryRule::Exact),
        1 => Just(AdvisoryRule::Within(Duration::from_nanos(9))),
    ];
    let cap = prop_oneof![2 => Just(Some(40_u64)), 1 => Just(None)];
    let spread = prop_oneof![2 => Just(Ratio::ZERO), 1 => Just(Ratio::percent(50))];
    let forget = prop_oneof![3 => 1..60_u64, 1 => Just(1 << 62)];
    (
        0..12_u64,
        cap,
        jitter,
        rule,
        spread,
        1..5_u32,
        forget,
        0..80_u64,
    )
        .prop_map(
            |(base, cap, jitter, rule, spread, max_keys, forget, advisory_cap)| {
                let ns = Duration::from_nanos;
                let mut backoff = BackoffPolicy::builder(ns(base)).jitter(jitter);
                if let Some(cap) = cap {
                    backoff = backoff.cap(ns(cap));
                }
                BackoffTablePolicy::builder(backoff, max_keys, ns(forget))
                    .advisory_rule(rule)
                    .advisory_cap(ns(advisory_cap))
                    .advisory_spread(spread)
                    .build()
                    .expect("a policy")
            },
        )
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..7_u64;
    let advice = prop_oneof![
        4 => (0..200_u64).prop_map(|at_ns| Advice::RetryAt { at_ns }),
        1 => any::<u64>().prop_map(|at_ns| Advice::RetryAt { at_ns }),
        2 => Just(Advice::Stop),
    ];
    prop_oneof![
        3 => key().prop_map(Op::Ask),
        5 => key().prop_map(Op::Fail),
        2 => (key(), advice).prop_map(|(key, advice)| Op::Advise(key, advice)),
        1 => key().prop_map(Op::Succeed),
        3 => Just(Op::Pop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..12_u64).prop_map(Step::On),
        1 => (0..300_u64).prop_map(Step::On),
        1 => (0..50_u64).prop_map(Step::Back),
        2 => Just(Step::Deadline),
        1 => Just(Step::JustBefore),
    ]
}

fn with_index(policy: &BackoffTablePolicy) -> BackoffTablePolicy {
    BackoffTablePolicy::builder(*policy.backoff(), policy.max_keys(), policy.forget_after())
        .advisory_rule(policy.advisory_rule())
        .advisory_cap(policy.advisory_cap())
        .advisory_spread(policy.advisory_spread())
        .due_index(true)
        .build()
        .expect("a policy")
}

/// What a call answers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Asked(Result<(), (String, Option<u64>)>),
    Held(Result<Hold, Full>),
    Cleared(bool),
    Popped(Option<u64>),
}

fn tell<S: core::hash::BuildHasher>(
    table: &mut BackoffTable<u64, S>,
    now_ns: u64,
    op: Op,
    words: &mut Words,
) -> Told {
    match op {
        Op::Ask(key) => {
            let peeked = table.peek(now_ns, &key);
            let asked = table.try_acquire(now_ns, &key);
            assert_eq!(peeked, asked);
            Told::Asked(asked.map_err(|no| (no.reason.to_string(), no.retry_at_ns)))
        }
        Op::Fail(key) => Told::Held(plain(table.on_failure(now_ns, &key, words))),
        Op::Advise(key, advice) => Told::Held(plain(table.on_advice(now_ns, &key, advice, words))),
        Op::Succeed(key) => Told::Cleared(table.on_success(now_ns, &key)),
        Op::Pop => Told::Popped(table.pop_ready(now_ns).copied()),
    }
}

fn plain(held: Result<Hold, TableFull>) -> Result<Hold, Full> {
    held.map_err(|full| (full.max_keys, full.held_until_ns))
}

fn expected(reference: &mut Reference, now_ns: u64, op: Op, words: &mut Words) -> Told {
    reference.goes_to(now_ns);
    match op {
        Op::Ask(key) => {
            let asked = reference.ask(key);
            Told::Asked(asked.map_err(|(reason, at)| (reason.to_string(), at)))
        }
        Op::Fail(key) => Told::Held(reference.report(key, None, words)),
        Op::Advise(key, advice) => Told::Held(reference.report(key, Some(advice), words)),
        Op::Succeed(key) => Told::Cleared(reference.success(key)),
        Op::Pop => Told::Popped(reference.pop_ready()),
    }
}

/// Advice in the ops is relative to the start.
fn shifted(op: Op, start: u64) -> Op {
    match op {
        Op::Advise(key, Advice::RetryAt { at_ns }) if at_ns < 1_000 => {
            let at_ns = start.saturating_add(at_ns);
            Op::Advise(key, Advice::RetryAt { at_ns })
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_what_the_text_says(
        policy in policy(),
        start in prop_oneof![3 => Just(0), 1 => Just(1 << 40), 2 => (0..400_u64).prop_map(|left| u64::MAX - left)],
        ops in proptest::collection::vec((step(), op(), any::<u64>()), 1..70),
    ) {
        let indexed_policy = with_index(&policy);
        let mut reference = Reference::new(policy);
        let mut plain: BackoffTable<u64, FixedState> = BackoffTable::new(policy);
        let mut indexed: BackoffTable<u64, Flat> = BackoffTable::new(indexed_policy);
        let mut unpolled: BackoffTable<u64> = BackoffTable::new(indexed_policy);
        let mut now_ns = start;
        for (step, op, seed) in ops {
            now_ns = match step {
                Step::On(by) => now_ns.saturating_add(by),
                Step::Back(by) => now_ns.saturating_sub(by),
                Step::Deadline => plain.next_deadline_ns().unwrap_or(now_ns),
                Step::JustBefore => plain.next_deadline_ns().unwrap_or(now_ns).saturating_sub(1),
            };
            let op = shifted(op, start);
            let mut words = [Words::new(seed); 4];
            let [for_reference, for_plain, for_indexed, for_unpolled] = &mut words;
            let says = expected(&mut reference, now_ns, op, for_reference);
            prop_assert_eq!(&tell(&mut plain, now_ns, op, for_plain), &says, "{:?} at {}", op, now_ns);
            prop_assert_eq!(&tell(&mut indexed, now_ns, op, for_indexed), &says, "indexed: {:?}", op);
            if matches!(op, Op::Pop) {
                let _ = unpolled.try_acquire(now_ns, &99); // it sees the time, and nothing else
            } else {
                prop_assert_eq!(&tell(&mut unpolled, now_ns, op, for_unpolled), &says, "unpolled: {:?}", op);
                prop_assert_eq!(words[3].drawn, words[0].drawn);
            }
            prop_assert_eq!(words[1].drawn, words[0].drawn);
            prop_assert_eq!(words[2].drawn, words[0].drawn);

            // All that can be asked without changing anything.
            for key in 0..7 {
                prop_assert_eq!(plain.get(now_ns, &key), reference.get(key));
            }
            prop_assert_eq!(plain.overflow(now_ns), reference.overflow());
            prop_assert_eq!(plain.next_deadline_ns(), reference.next_deadline());
            prop_assert_eq!(indexed.next_deadline_ns(), reference.next_deadline());
            let listed: Vec<_> = plain.iter().map(|(key, hold)| (*key, hold)).collect();
            prop_assert_eq!(listed, reference.in_order());
            prop_assert_eq!(plain.state(), indexed.state());
            prop_assert!(plain.len() <= policy.max_keys() as usize);

            // Whoever goes on from the stored state cannot be told apart.
            plain = BackoffTable::restore(policy, plain.state()).expect("its own state");
            if seed % 2 == 0 {
                indexed = BackoffTable::restore(indexed_policy, indexed.state()).expect("its own state");
            }
        }
    }

    /// Adding a constant to all times shifts all answers by it.
    #[test]
    fn another_origin_of_time_shifts_all_answers(
        policy in policy(),
        shift in 0..1_u64 << 40,
        ops in proptest::collection::vec((0..20_u64, op(), any::<u64>()), 1..50),
    ) {
        let policy = with_index(&policy);
        let mut here: BackoffTable<u64> = BackoffTable::new(policy);
        let mut there: BackoffTable<u64> = BackoffTable::new(policy);
        let mut now_ns = 0;
        for (by, op, seed) in ops {
            let op = match op {
                Op::Advise(key, Advice::RetryAt { at_ns }) => {
                    Op::Advise(key, Advice::RetryAt { at_ns: at_ns % 1_000 })
                }
                other => other,
            };
            now_ns += by;
            let told = tell(&mut here, now_ns, op, &mut Words::new(seed));
            let later = tell(&mut there, now_ns + shift, shifted(op, shift), &mut Words::new(seed));
            prop_assert_eq!(moved(told, shift), later);
            prop_assert_eq!(here.next_deadline_ns().map(|at| at + shift), there.next_deadline_ns());
        }
    }
}

fn moved(told: Told, shift: u64) -> Told {
    let later = |at: Option<u64>| at.map(|at| at + shift);
    match told {
        Told::Asked(asked) => Told::Asked(asked.map_err(|(reason, at)| (reason, later(at)))),
        Told::Held(Ok(hold)) => Told::Held(Ok(Hold {
            until_ns: later(hold.until_ns),
            ..hold
        })),
        Told::Held(Err((max_keys, at))) => Told::Held(Err((max_keys, later(at)))),
        other => other,
    }
}
