//! Random calls of a recovery budget.

use core::hash::BuildHasher;
use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{RecoveryBudget, RecoveryBudgetPolicy};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};
use crate::machine::NoId;
use crate::table_key::TableKey;

/// Some more than there is room for.
const KEYS: u64 = 5;

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl<K: TableKey + From<u64>, S: BuildHasher + Default> Generate for RecoveryBudget<K, S> {
    const POLICIES: usize = 4;

    fn sample_policy(number: usize) -> Option<(&'static str, RecoveryBudgetPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 60)).jitter(Jitter::Equal);
        let of = |backoff, budget, window, keys| {
            RecoveryBudgetPolicy::builder(backoff, budget, ns(window), keys)
        };
        let (name, builder) = match number {
            0 => ("three in 500", of(plain, 3, 500, 3)),
            1 => ("one in 1", of(full, 1, 1, 2)),
            2 => (
                "two in 900",
                of(full.jitter(Jitter::Decorrelated), 2, 900, 4).forget_after(ns(4_000)),
            ),
            3 => ("the longest", of(longest, 2, 1 << 60, 1)),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &RecoveryBudgetPolicy) -> [u64; 5] {
        let base = policy.backoff().base();
        let (window, forget) = (policy.window(), policy.forget_after());
        [base, window, forget, window, forget].map(|span| span.as_nanos() as u64)
    }

    fn call(_: &RecoveryBudgetPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op<K> {
        let key = K::from(pick.below(KEYS));
        match pick.below(16) {
            0 => Op::OnSuccess { key },
            1 => Op::Forget { key },
            _ => Op::TryRecover { key },
        }
    }

    fn query(_: &RecoveryBudgetPolicy, pick: &mut Pick) -> Option<Op<K>> {
        let key = K::from(pick.below(KEYS));
        Some(match pick.below(7) {
            0 | 1 => Op::Peek { key },
            2 | 3 => Op::Remaining { key },
            4 | 5 => Op::Attempts { key },
            _ => Op::Iter,
        })
    }

    fn instants(answer: &Answer<K>, show: &mut dyn FnMut(u64)) {
        match answer {
            Answer::Recovery(recovery) => show(recovery.wait.at_ns),
            Answer::Refused(refusal) | Answer::Peek(Err(refusal)) => {
                refusal.retry_at_ns.map(show);
            }
            Answer::Grants(grants) => {
                let all = grants.iter().flat_map(|(_, at_ns)| at_ns);
                all.copied().for_each(show);
            }
            Answer::Cleared(_)
            | Answer::Peek(Ok(()))
            | Answer::Remaining(_)
            | Answer::Attempts(_) => {}
        }
    }
}
