//! BackoffTable under the laws.

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::Jitter;
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, BackoffTableState, Hold};
use evenkeel_core::{Ratio, RestoreError};
use evenkeel_replay::backoff_table::{Answer, Op};
use evenkeel_replay::generate::Words;

use crate::harness::{Law, Mover, NoReport, Progress, Salted, Subject};

/// As many as the random calls are about.
const KEYS: u64 = 6;
/// A key that never fails.
const STRANGER: u64 = 1_000;

fn moved_hold(hold: Hold, mover: &mut Mover) -> Hold {
    Hold {
        until_ns: mover.maybe(hold.until_ns),
        ..hold
    }
}

impl Subject for BackoffTable<u64, Salted> {
    const AT_ONCE: u32 = KEYS as u32 + 2;

    /// Which hold is over is told while the key is known, not for ever: no later report makes up for it.
    type Made = NoReport;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Strangers => Some("no ids: keys come back, and any key may"),
            _ => None,
        }
    }

    fn restored(
        policy: &BackoffTablePolicy,
        state: BackoffTableState<u64>,
    ) -> Result<Self, RestoreError> {
        Self::restore_with_hasher(*policy, state, None, Salted(77))
    }

    fn is_poll(op: &Op<u64>) -> bool {
        matches!(op, Op::PopReady)
    }

    fn queries() -> Vec<Op<u64>> {
        let keys = (0..KEYS).flat_map(|key| [Op::Peek { key }, Op::Get { key }]);
        let all = [Op::Overflow, Op::Peek { key: STRANGER }];
        keys.chain(all).collect()
    }

    fn settled_queries() -> Vec<Op<u64>> {
        let mut queries = Self::queries();
        queries.push(Op::Iter);
        queries
    }

    fn passes_time() -> Option<Op<u64>> {
        Some(Op::TryAcquire { key: STRANGER })
    }

    fn progress(_: &Self, _: u64, answer: &Answer<u64>) -> Progress {
        match answer {
            Answer::Ready(Some(_)) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn moved(
        _: &BackoffTablePolicy,
        mut answer: Answer<u64>,
        mover: &mut Mover,
    ) -> Option<Answer<u64>> {
        match &mut answer {
            Answer::Refused(refusal) | Answer::Peek(Err(refusal)) => {
                refusal.retry_at_ns = mover.maybe(refusal.retry_at_ns);
            }
            Answer::Held(hold) | Answer::Hold(Some(hold)) => *hold = moved_hold(*hold, mover),
            Answer::Full(full) => full.held_until_ns = mover.maybe(full.held_until_ns),
            Answer::Holds(holds) => {
                for (_, hold) in holds {
                    *hold = moved_hold(*hold, mover);
                }
            }
            _ => {}
        }
        Some(answer)
    }

    fn moved_op(_: &BackoffTablePolicy, op: &Op<u64>, mover: &mut Mover) -> Option<Op<u64>> {
        let mut op = op.clone();
        if let Op::OnAdvice {
            advice: Advice::RetryAt { at_ns },
            ..
        } = &mut op
        {
            *at_ns = mover.surely(*at_ns)?;
        }
        Some(op)
    }

    fn words_expected(
        (): &mut (),
        policy: &BackoffTablePolicy,
        _: [&Self; 2],
        _: u64,
        op: &Op<u64>,
        _: &Answer<u64>,
    ) -> u64 {
        let jitter = u64::from(policy.backoff().jitter() != Jitter::None);
        match op {
            Op::OnFailure { .. } => jitter,
            Op::OnAdvice {
                advice: Advice::RetryAt { .. },
                ..
            } => {
                let spread = u64::from(policy.advisory_spread() != Ratio::ZERO);
                match policy.advisory_rule() {
                    AdvisoryRule::Exact => spread,
                    _ => jitter + spread,
                }
            }
            _ => 0,
        }
    }

    fn forgettings(table: &Self, now_ns: u64) -> Vec<Op<u64>> {
        let fresh = (0..KEYS).filter(|key| table.get(now_ns, key).is_none());
        fresh.map(|key| Op::Forget { key }).collect()
    }

    fn likes_of_fresh(policy: &BackoffTablePolicy) -> Vec<Self> {
        let mut used = Self::with_hasher(*policy, Salted(2));
        let mut words = Words::new(3);
        let keys = 50..50 + u64::from(policy.max_keys().min(9));
        for key in keys.clone() {
            let _ = used.on_failure(0, &key, &mut words);
        }
        for key in keys.rev() {
            let _ = used.forget(0, &key);
        }
        vec![Self::with_hasher(*policy, Salted(1)), used]
    }
}
