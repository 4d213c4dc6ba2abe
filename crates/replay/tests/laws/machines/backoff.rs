//! Backoff under the laws.

use evenkeel_core::backoff::{Backoff, BackoffPolicy, Exhausted, Jitter, Wait};
use evenkeel_replay::backoff::{Answer, Op};

use crate::harness::{Law, Mover, NoReport, Subject};

impl Subject for Backoff {
    type Made = NoReport;
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

    fn takes_time(op: &Op) -> bool {
        !matches!(op, Op::Reset | Op::Attempts)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Attempts]
    }

    fn moved(_: &BackoffPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        let Answer::Wait(wait) = answer else {
            return Some(answer);
        };
        Some(match mover.surely(wait.at_ns) {
            Some(at_ns) => Answer::Wait(Wait { at_ns, ..wait }),
            None => {
                mover.end();
                Answer::Exhausted(Exhausted::EndOfTime)
            }
        })
    }

    fn words_expected(
        (): &mut (),
        policy: &BackoffPolicy,
        _: [&Self; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        let draws = match answer {
            Answer::Wait(_) => true,
            Answer::Exhausted(limit) => *limit != Exhausted::Retries,
            Answer::Reset | Answer::Attempts(_) => false,
        };
        u64::from(draws && policy.jitter() != Jitter::None)
    }
}
