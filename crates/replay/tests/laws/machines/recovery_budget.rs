//! RecoveryBudget under the laws.

use evenkeel_core::backoff::Jitter;
use evenkeel_core::table::{DeniedBy, RecoveryBudget, RecoveryBudgetPolicy, RecoveryBudgetState};
use evenkeel_core::{Refusal, RestoreError};
use evenkeel_replay::generate::Words;
use evenkeel_replay::recovery_budget::{Answer, Op};

use crate::harness::{Law, Mover, NoReport, Salted, Subject};

/// As many as the random calls are about.
const KEYS: u64 = 5;

impl Subject for RecoveryBudget<u64, Salted> {
    type Made = NoReport;
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

    fn restored(
        policy: &RecoveryBudgetPolicy,
        state: RecoveryBudgetState<u64>,
    ) -> Result<Self, RestoreError> {
        Self::restore_with_hasher(*policy, state, None, Salted(77))
    }

    fn queries() -> Vec<Op<u64>> {
        let ops = |key| {
            [
                Op::Peek { key },
                Op::Remaining { key },
                Op::Attempts { key },
            ]
        };
        (0..KEYS).flat_map(ops).collect()
    }

    fn settled_queries() -> Vec<Op<u64>> {
        let mut queries = Self::queries();
        queries.push(Op::Iter);
        queries
    }

    fn moved(
        _: &RecoveryBudgetPolicy,
        mut answer: Answer<u64>,
        mover: &mut Mover,
    ) -> Option<Answer<u64>> {
        match &mut answer {
            Answer::Recovery(recovery) => match mover.surely(recovery.wait.at_ns) {
                Some(at_ns) => recovery.wait.at_ns = at_ns,
                None => {
                    mover.end();
                    answer = Answer::Refused(Refusal::new(DeniedBy::EndOfTime, None));
                }
            },
            Answer::Refused(refusal) | Answer::Peek(Err(refusal)) => {
                refusal.retry_at_ns = mover.maybe(refusal.retry_at_ns);
            }
            Answer::Grants(grants) => {
                for at_ns in grants.iter_mut().flat_map(|(_, at_ns)| at_ns) {
                    *at_ns = mover.surely(*at_ns)?;
                }
            }
            _ => {}
        }
        Some(answer)
    }

    fn words_expected(
        (): &mut (),
        policy: &RecoveryBudgetPolicy,
        _: [&Self; 2],
        _: u64,
        _: &Op<u64>,
        answer: &Answer<u64>,
    ) -> u64 {
        let draws = match answer {
            Answer::Recovery(_) => true,
            Answer::Refused(refusal) => refusal.reason == DeniedBy::EndOfTime,
            _ => false,
        };
        u64::from(draws && policy.backoff().jitter() != Jitter::None)
    }

    fn forgettings(budget: &Self, now_ns: u64) -> Vec<Op<u64>> {
        let fresh = (0..KEYS).filter(|key| budget.attempts(now_ns, key) == 0);
        fresh.map(|key| Op::Forget { key }).collect()
    }

    fn likes_of_fresh(policy: &RecoveryBudgetPolicy) -> Vec<Self> {
        let mut used = Self::with_hasher(*policy, Salted(2));
        let mut words = Words::new(3);
        let keys = 50..50 + u64::from(policy.max_keys().min(9));
        for key in keys.clone() {
            let _ = used.try_recover(0, &key, &mut words);
        }
        for key in keys.rev() {
            let _ = used.forget(0, &key);
        }
        vec![Self::with_hasher(*policy, Salted(1)), used]
    }
}
