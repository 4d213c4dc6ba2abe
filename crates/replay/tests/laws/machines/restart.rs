//! Restart under the laws.

use evenkeel_core::Reported;
use evenkeel_core::backoff::Jitter;
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartOn, RestartPhase, RestartPolicy,
};
use evenkeel_replay::restart::{Answer, Op};

use crate::harness::{Law, Mover, NoReport, Progress, Subject};

/// What the count of words has to remember: whether the run in flight was told to stop.
#[derive(Default)]
pub(crate) struct Account {
    leaving: bool,
}

impl Subject for Restart {
    const PARTS_AT_THE_END: bool = true;

    type Made = NoReport;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one task, no keys"),
            _ => None,
        }
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Phase, Op::Attempts, Op::RecentFailures, Op::InFlight]
    }

    fn progress(_: &Self, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Action(RestartAction::Start { .. }) => Progress::Begun,
            _ => Progress::Quiet,
        }
    }

    fn moved(_: &RestartPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        let (Answer::Action(RestartAction::WaitUntil { at_ns })
        | Answer::Phase(RestartPhase::Waiting { until_ns: at_ns })) = answer
        else {
            return Some(answer);
        };
        let is_phase = matches!(answer, Answer::Phase(_));
        Some(match mover.surely(at_ns) {
            Some(until_ns) if is_phase => Answer::Phase(RestartPhase::Waiting { until_ns }),
            Some(at_ns) => Answer::Action(RestartAction::WaitUntil { at_ns }),
            None => {
                mover.end();
                if is_phase {
                    Answer::Phase(RestartPhase::Stopped)
                } else {
                    Answer::Action(RestartAction::Stopped)
                }
            }
        })
    }

    fn is_stale(answer: &Answer) -> bool {
        *answer == Answer::Reported(Reported::Stale)
    }

    fn words_expected(
        account: &mut Account,
        policy: &RestartPolicy,
        [_, after]: [&Self; 2],
        now_ns: u64,
        op: &Op,
        answer: &Answer,
    ) -> u64 {
        if let Answer::Stopped(Some(_)) = answer {
            account.leaving = true;
        }
        let (Op::OnExit { exit, .. }, Answer::Reported(Reported::Counted)) = (op, answer) else {
            return 0;
        };
        let was_leaving = core::mem::take(&mut account.leaving);
        let again = match policy.restart_on() {
            RestartOn::Always => true,
            RestartOn::Failure => *exit == Exit::Failure,
            _ => false,
        };
        let escalated = *exit == Exit::Failure
            && policy
                .intensity()
                .is_some_and(|limit| after.recent_failures(now_ns) > limit.max_restarts);
        let waits = again && !escalated && !was_leaving;
        u64::from(waits && policy.backoff().jitter() != Jitter::None)
    }
}
