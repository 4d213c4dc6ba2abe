//! BackoffTable under the laws.

use core::time::Duration;

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BackoffTableState, HeldBy, Hold, TableFull,
};
use evenkeel_core::{Ratio, Refusal, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Progress, Salted, Subject, Words};

/// Some more than there is room for.
const KEYS: u64 = 6;
/// A key that never fails.
const STRANGER: u64 = 1_000;

pub(crate) enum BackoffTables {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryAcquire { key: u64 },
    Failure { key: u64 },
    Advice { key: u64, advice: Advice },
    Success { key: u64 },
    Forget { key: u64 },
    PopReady,
    Peek { key: u64 },
    Get { key: u64 },
    Overflow,
    Iter,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Asked(Result<(), Refusal<HeldBy>>),
    Held(Result<Hold, TableFull>),
    Cleared(bool),
    Ready(Option<u64>),
    Known(Option<Hold>),
    All(Vec<(u64, Hold)>),
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn moved_hold(hold: Hold, mover: &mut Mover) -> Hold {
    Hold {
        until_ns: mover.maybe(hold.until_ns),
        ..hold
    }
}

impl Subject for BackoffTables {
    const NAME: &'static str = "backoff_table";
    const AT_ONCE: u32 = KEYS as u32 + 2;

    type Policy = BackoffTablePolicy;
    type Machine = BackoffTable<u64, Salted>;
    type State = BackoffTableState<u64>;
    type Op = Op;
    type Answer = Answer;
    /// Which hold is over is told while the key is known, not for ever: no later report makes up for it.
    type Made = NoReport;
    type Id = NoId;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Strangers => Some("no ids: keys come back, and any key may"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, BackoffTablePolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 60)).jitter(Jitter::Equal);
        let of = |backoff, keys, forget| BackoffTablePolicy::builder(backoff, keys, ns(forget));
        let all = [
            ("plain, index", of(plain, 4, 500).due_index(true)),
            ("plain, no index", of(plain, 4, 500)),
            (
                "decorrelated, index, spread",
                of(full.jitter(Jitter::Decorrelated), 3, 300)
                    .due_index(true)
                    .advisory_spread(Ratio::percent(40)),
            ),
            (
                "exact, one key",
                of(full, 1, 5_000).advisory_rule(AdvisoryRule::Exact),
            ),
            (
                "within, all keys",
                of(full, 16, 1)
                    .due_index(true)
                    .advisory_rule(AdvisoryRule::Within(ns(70)))
                    .advisory_cap(ns(900)),
            ),
            ("the longest", of(longest, 2, 1 << 62).due_index(true)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name)))
            .into()
    }

    fn spans_ns(policy: &BackoffTablePolicy) -> Vec<u64> {
        let spans = [policy.backoff().base(), policy.forget_after()];
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &BackoffTablePolicy, _: u64) -> Self::Machine {
        BackoffTable::with_hasher(*policy, Salted(0))
    }

    fn state(table: &Self::Machine) -> Self::State {
        table.state()
    }

    fn restore(
        policy: &BackoffTablePolicy,
        state: Self::State,
    ) -> Result<Self::Machine, RestoreError> {
        BackoffTable::restore_with_hasher(*policy, state, None, Salted(77))
    }

    fn next_deadline_ns(table: &Self::Machine) -> Option<u64> {
        table.next_deadline_ns()
    }

    fn apply(table: &mut Self::Machine, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match op {
            Op::TryAcquire { key } => Answer::Asked(table.try_acquire(now_ns, key)),
            Op::Failure { key } => Answer::Held(table.on_failure(now_ns, key, words)),
            Op::Advice { key, advice } => {
                Answer::Held(table.on_advice(now_ns, key, *advice, words))
            }
            Op::Success { key } => Answer::Cleared(table.on_success(now_ns, key)),
            Op::Forget { key } => Answer::Cleared(table.forget(now_ns, key)),
            Op::PopReady => Answer::Ready(table.pop_ready(now_ns).copied()),
            Op::Peek { key } => Answer::Asked(table.peek(now_ns, key)),
            Op::Get { key } => Answer::Known(table.get(now_ns, key)),
            Op::Overflow => Answer::Known(table.overflow(now_ns)),
            Op::Iter => Answer::All(table.iter().map(|(key, hold)| (*key, hold)).collect()),
        }
    }

    fn generate(_: &BackoffTablePolicy, pick: &mut Pick, now_ns: u64, _: &[NoId]) -> Op {
        let key = pick.below(KEYS);
        match pick.below(24) {
            0..=4 => Op::TryAcquire { key },
            5..=7 => Op::PopReady,
            8 => Op::Success { key },
            9 => Op::Forget { key },
            10 if pick.one_in(3) => Op::Advice {
                key,
                advice: Advice::Stop,
            },
            11..=14 => Op::Advice {
                key,
                advice: Advice::RetryAt {
                    at_ns: pick.instant(now_ns),
                },
            },
            _ => Op::Failure { key },
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::PopReady)
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::PopReady)
    }

    fn passes_time() -> Option<Op> {
        Some(Op::TryAcquire { key: STRANGER })
    }

    fn queries() -> Vec<Op> {
        let keys = (0..KEYS).flat_map(|key| [Op::Peek { key }, Op::Get { key }]);
        let all = [Op::Overflow, Op::Peek { key: STRANGER }];
        keys.chain(all).collect()
    }

    fn settled_queries() -> Vec<Op> {
        let mut queries = Self::queries();
        queries.push(Op::Iter);
        queries
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Ready(Some(_)) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn moved(_: &BackoffTablePolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Asked(Err(no)) => {
                Answer::Asked(Err(Refusal::new(no.reason, mover.maybe(no.retry_at_ns))))
            }
            Answer::Held(Ok(hold)) => Answer::Held(Ok(moved_hold(hold, mover))),
            Answer::Held(Err(mut full)) => {
                full.held_until_ns = mover.maybe(full.held_until_ns);
                Answer::Held(Err(full))
            }
            Answer::Known(hold) => Answer::Known(hold.map(|hold| moved_hold(hold, mover))),
            Answer::All(all) => {
                let all = all.into_iter();
                Answer::All(
                    all.map(|(key, hold)| (key, moved_hold(hold, mover)))
                        .collect(),
                )
            }
            other => other,
        })
    }

    fn moved_op(_: &BackoffTablePolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
        let mut op = op.clone();
        if let Op::Advice {
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
        _: [&Self::Machine; 2],
        _: u64,
        op: &Op,
        _: &Answer,
    ) -> u64 {
        let jitter = u64::from(policy.backoff().jitter() != Jitter::None);
        match op {
            Op::Failure { .. } => jitter,
            Op::Advice {
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

    fn forgettings(table: &Self::Machine, now_ns: u64) -> Vec<Op> {
        let fresh = (0..KEYS).filter(|key| table.get(now_ns, key).is_none());
        fresh.map(|key| Op::Forget { key }).collect()
    }

    fn likes_of_fresh(policy: &BackoffTablePolicy) -> Vec<Self::Machine> {
        let mut used = BackoffTable::with_hasher(*policy, Salted(2));
        let mut words = Words::new(3);
        let keys = 50..50 + u64::from(policy.max_keys().min(9));
        for key in keys.clone() {
            let _ = used.on_failure(0, &key, &mut words);
        }
        for key in keys.rev() {
            let _ = used.forget(0, &key);
        }
        vec![BackoffTable::with_hasher(*policy, Salted(1)), used]
    }
}
