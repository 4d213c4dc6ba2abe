//! RecoveryBudget under the laws.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{
    DeniedBy, Recovery, RecoveryBudget, RecoveryBudgetPolicy, RecoveryBudgetState,
};
use evenkeel_core::{Refusal, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Salted, Subject, Words};

/// Some more than there is room for.
const KEYS: u64 = 5;

pub(crate) enum Recoveries {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryRecover { key: u64 },
    Success { key: u64 },
    Forget { key: u64 },
    Peek { key: u64 },
    Remaining { key: u64 },
    Attempts { key: u64 },
    Iter,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Asked(Result<Recovery, Refusal<DeniedBy>>),
    Cleared(bool),
    Peeked(Result<(), Refusal<DeniedBy>>),
    Remaining(u32),
    Attempts(u32),
    All(Vec<(u64, Vec<u64>)>),
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn moved_refusal(refusal: Refusal<DeniedBy>, mover: &mut Mover) -> Refusal<DeniedBy> {
    Refusal::new(refusal.reason, mover.maybe(refusal.retry_at_ns))
}

impl Subject for Recoveries {
    const NAME: &'static str = "recovery_budget";

    type Policy = RecoveryBudgetPolicy;
    type Machine = RecoveryBudget<u64, Salted>;
    type State = RecoveryBudgetState<u64>;
    type Op = Op;
    type Answer = Answer;
    type Made = NoReport;
    type Id = NoId;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::QuietBefore | Law::ProgressAt | Law::LazyIsEager => {
                Some("no deadline and no poll: a refusal says when to ask again")
            }
            Law::Strangers => Some("no ids: keys come back, and any key may"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, RecoveryBudgetPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 60)).jitter(Jitter::Equal);
        let of = |backoff, budget, window, keys| {
            RecoveryBudgetPolicy::builder(backoff, budget, ns(window), keys)
        };
        let all = [
            ("three in 500", of(plain, 3, 500, 3)),
            ("one in 1", of(full, 1, 1, 2)),
            (
                "two in 900",
                of(full.jitter(Jitter::Decorrelated), 2, 900, 4).forget_after(ns(4_000)),
            ),
            ("the longest", of(longest, 2, 1 << 60, 1)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name)))
            .into()
    }

    fn spans_ns(policy: &RecoveryBudgetPolicy) -> Vec<u64> {
        let spans = [
            policy.backoff().base(),
            policy.window(),
            policy.forget_after(),
        ];
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &RecoveryBudgetPolicy, _: u64) -> Self::Machine {
        RecoveryBudget::with_hasher(*policy, Salted(0))
    }

    fn state(budget: &Self::Machine) -> Self::State {
        budget.state()
    }

    fn restore(
        policy: &RecoveryBudgetPolicy,
        state: Self::State,
    ) -> Result<Self::Machine, RestoreError> {
        RecoveryBudget::restore_with_hasher(*policy, state, None, Salted(77))
    }

    fn apply(budget: &mut Self::Machine, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match op {
            Op::TryRecover { key } => Answer::Asked(budget.try_recover(now_ns, key, words)),
            Op::Success { key } => Answer::Cleared(budget.on_success(now_ns, key)),
            Op::Forget { key } => Answer::Cleared(budget.forget(now_ns, key)),
            Op::Peek { key } => Answer::Peeked(budget.peek(now_ns, key)),
            Op::Remaining { key } => Answer::Remaining(budget.remaining(now_ns, key)),
            Op::Attempts { key } => Answer::Attempts(budget.attempts(now_ns, key)),
            Op::Iter => Answer::All(budget.iter().map(|(key, at)| (*key, at)).collect()),
        }
    }

    fn generate(_: &RecoveryBudgetPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        let key = pick.below(KEYS);
        match pick.below(16) {
            0 => Op::Success { key },
            1 => Op::Forget { key },
            _ => Op::TryRecover { key },
        }
    }

    fn queries() -> Vec<Op> {
        let ops = |key| {
            [
                Op::Peek { key },
                Op::Remaining { key },
                Op::Attempts { key },
            ]
        };
        (0..KEYS).flat_map(ops).collect()
    }

    fn settled_queries() -> Vec<Op> {
        let mut queries = Self::queries();
        queries.push(Op::Iter);
        queries
    }

    fn moved(_: &RecoveryBudgetPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Asked(Ok(mut recovery)) => {
                Answer::Asked(match mover.surely(recovery.wait.at_ns) {
                    Some(at_ns) => {
                        recovery.wait.at_ns = at_ns;
                        Ok(recovery)
                    }
                    None => {
                        mover.end();
                        Err(Refusal::new(DeniedBy::EndOfTime, None))
                    }
                })
            }
            Answer::Asked(Err(no)) => Answer::Asked(Err(moved_refusal(no, mover))),
            Answer::Peeked(Err(no)) => Answer::Peeked(Err(moved_refusal(no, mover))),
            Answer::All(all) => {
                let later = |(key, grants): (u64, Vec<u64>)| {
                    let grants: Option<Vec<u64>> = grants
                        .into_iter()
                        .map(|at_ns| mover.surely(at_ns))
                        .collect();
                    Some((key, grants?))
                };
                let all: Option<Vec<_>> = all.into_iter().map(later).collect();
                Answer::All(all?)
            }
            other => other,
        })
    }

    fn words_expected(
        (): &mut (),
        policy: &RecoveryBudgetPolicy,
        _: [&Self::Machine; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        let draws = match answer {
            Answer::Asked(Ok(_)) => true,
            Answer::Asked(Err(no)) => no.reason == DeniedBy::EndOfTime,
            _ => false,
        };
        u64::from(draws && policy.backoff().jitter() != Jitter::None)
    }

    fn forgettings(budget: &Self::Machine, now_ns: u64) -> Vec<Op> {
        let fresh = (0..KEYS).filter(|key| budget.attempts(now_ns, key) == 0);
        fresh.map(|key| Op::Forget { key }).collect()
    }

    fn likes_of_fresh(policy: &RecoveryBudgetPolicy) -> Vec<Self::Machine> {
        let mut used = RecoveryBudget::with_hasher(*policy, Salted(2));
        let mut words = Words::new(3);
        let keys = 50..50 + u64::from(policy.max_keys());
        for key in keys.clone() {
            let _ = used.try_recover(0, &key, &mut words);
        }
        for key in keys.rev() {
            let _ = used.forget(0, &key);
        }
        vec![RecoveryBudget::with_hasher(*policy, Salted(1)), used]
    }
}
