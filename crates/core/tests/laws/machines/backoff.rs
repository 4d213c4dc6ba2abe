//! Backoff under the laws.

use core::time::Duration;

use evenkeel_core::backoff::{Backoff, BackoffPolicy, BackoffState, Exhausted, Growth, Jitter, Wait};
use evenkeel_core::{Ratio, RestoreError};

use crate::harness::{Law, Mover, NoId, NoReport, Pick, Subject, Words};

pub(crate) enum Backoffs {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    NextWait,
    Reset,
    Attempts,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Wait(Result<Wait, Exhausted>),
    Reset,
    Attempts(u32),
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl Subject for Backoffs {
    const NAME: &'static str = "backoff";

    type Policy = BackoffPolicy;
    type Machine = Backoff;
    type State = BackoffState;
    type Op = Op;
    type Answer = Answer;
    type Made = NoReport;
    type Id = NoId;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::QuietBefore | Law::ProgressAt | Law::LazyIsEager => {
                Some("no deadline and no poll: the wait is the answer, and the caller sleeps")
            }
            Law::Strangers => Some("no ids: nothing comes back"),
            Law::Forgotten | Law::Order => Some("one schedule, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, BackoffPolicy)> {
        let short = || BackoffPolicy::builder(ns(10));
        let half = Jitter::Spread(Ratio::percent(50));
        let all = [
            ("constant", short().growth(Growth::Constant).jitter(Jitter::None)),
            ("full, capped, 5 retries", short().cap(ns(300)).max_retries(5)),
            ("equal, 400 ns in all", short().jitter(Jitter::Equal).max_total_wait(ns(400))),
            ("decorrelated", short().jitter(Jitter::Decorrelated).cap(ns(1 << 40))),
            ("spread, linear", short().growth(Growth::Linear { step: ns(7) }).jitter(half)),
            ("the longest", BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Equal)),
            ("nothing", BackoffPolicy::builder(ns(0)).max_retries(0)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name))).into()
    }

    fn spans_ns(policy: &BackoffPolicy) -> Vec<u64> {
        vec![policy.base().as_nanos() as u64, 1_000]
    }

    fn fresh(policy: &BackoffPolicy, _: u64) -> Backoff {
        Backoff::new(*policy)
    }

    fn state(backoff: &Backoff) -> BackoffState {
        backoff.state()
    }

    fn restore(policy: &BackoffPolicy, state: BackoffState) -> Result<Backoff, RestoreError> {
        Backoff::restore(*policy, state)
    }

    fn apply(backoff: &mut Backoff, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match op {
            Op::NextWait => Answer::Wait(backoff.next_wait(now_ns, words)),
            Op::Reset => {
                backoff.reset();
                Answer::Reset
            }
            Op::Attempts => Answer::Attempts(backoff.attempts()),
        }
    }

    fn generate(_: &BackoffPolicy, pick: &mut Pick, _: u64, _: &[NoId]) -> Op {
        match pick.below(10) {
            0 => Op::Reset,
            _ => Op::NextWait,
        }
    }

    fn takes_time(op: &Op) -> bool {
        !matches!(op, Op::Reset | Op::Attempts)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Attempts]
    }

    fn moved(_: &BackoffPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        let Answer::Wait(Ok(wait)) = answer else {
            return Some(answer);
        };
        Some(Answer::Wait(match mover.surely(wait.at_ns) {
            Some(at_ns) => Ok(Wait { at_ns, ..wait }),
            None => {
                mover.end();
                Err(Exhausted::EndOfTime)
            }
        }))
    }

    fn words_expected(
        (): &mut (),
        policy: &BackoffPolicy,
        _: [&Backoff; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        let draws = !matches!(answer, Answer::Wait(Err(Exhausted::Retries)));
        let waits = matches!(answer, Answer::Wait(_)) && draws;
        u64::from(waits && policy.jitter() != Jitter::None)
    }
}
