//! Restart under the laws.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartOn, RestartPhase, RestartPolicy, RestartState, RunId,
};
use evenkeel_core::{Reported, RestoreError};

use crate::harness::{Law, Mover, NoReport, Pick, Progress, Subject, Words};

pub(crate) enum Restarts {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Poll,
    Exit { run: RunId, exit: Exit },
    Stop,
    Rearm,
    Attempts,
    RecentFailures,
    Running,
    Phase,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Action(RestartAction),
    Reported(Reported),
    Stopped(Option<RunId>),
    Rearmed,
    Attempts(u32),
    RecentFailures(u32),
    Running(Option<RunId>),
    Phase(RestartPhase),
}

/// What the count of words has to remember: whether the run in flight was told to stop.
#[derive(Default)]
pub(crate) struct Account {
    leaving: bool,
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl Subject for Restarts {
    const NAME: &'static str = "restart";
    const POLL_ASKS: bool = true;
    const PARTS_AT_THE_END: bool = true;

    type Policy = RestartPolicy;
    type Machine = Restart;
    type State = RestartState;
    type Op = Op;
    type Answer = Answer;
    type Made = NoReport;
    type Id = RunId;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one task, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, RestartPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let decorrelated = full.jitter(Jitter::Decorrelated);
        let longest = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Equal);
        let of = |backoff| RestartPolicy::builder(backoff);
        let all = [
            ("plain", of(plain)),
            ("3 in 900", of(full).intensity(3, ns(900)).cooldown(ns(300))),
            (
                "on failure",
                of(decorrelated)
                    .restart_on(RestartOn::Failure)
                    .intensity(2, ns(5_000)),
            ),
            ("never", of(full).restart_on(RestartOn::Never)),
            ("none at all", of(full).intensity(0, ns(1)).cooldown(ns(1))),
            ("the longest", of(longest).cooldown(ns(1 << 62))),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name)))
            .into()
    }

    fn spans_ns(policy: &RestartPolicy) -> Vec<u64> {
        let mut spans = vec![policy.backoff().base()];
        spans.extend(policy.cooldown());
        spans.extend(policy.intensity().map(|limit| limit.window));
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &RestartPolicy, _: u64) -> Restart {
        Restart::new(*policy)
    }

    fn state(restart: &Restart) -> RestartState {
        restart.state()
    }

    fn restore(policy: &RestartPolicy, state: RestartState) -> Result<Restart, RestoreError> {
        Restart::restore(*policy, state)
    }

    fn next_deadline_ns(restart: &Restart) -> Option<u64> {
        restart.next_deadline_ns()
    }

    fn apply(restart: &mut Restart, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match *op {
            Op::Poll => Answer::Action(restart.poll(now_ns)),
            Op::Exit { run, exit } => Answer::Reported(restart.on_exit(now_ns, run, exit, words)),
            Op::Stop => Answer::Stopped(restart.stop(now_ns)),
            Op::Rearm => {
                restart.rearm(now_ns);
                Answer::Rearmed
            }
            Op::Attempts => Answer::Attempts(restart.attempts()),
            Op::RecentFailures => Answer::RecentFailures(restart.recent_failures(now_ns)),
            Op::Running => Answer::Running(restart.in_flight()),
            Op::Phase => Answer::Phase(restart.phase(now_ns)),
        }
    }

    fn generate(_: &RestartPolicy, pick: &mut Pick, _: u64, ids: &[RunId]) -> Op {
        match (pick.below(20), pick.recent(ids)) {
            (0, _) => Op::Stop,
            (1 | 2, _) => Op::Rearm,
            (3..=10, Some(run)) => Op::Exit {
                run,
                exit: pick.of(&[Exit::Failure, Exit::Failure, Exit::Clean]),
            },
            _ => Op::Poll,
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Attempts, Op::RecentFailures, Op::Running, Op::Phase]
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
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

    fn given(_: &Op, answer: &Answer) -> Vec<RunId> {
        match answer {
            Answer::Action(RestartAction::Start { run }) => vec![*run],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<RunId> {
        match op {
            Op::Exit { run, .. } => Some(*run),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        *answer == Answer::Reported(Reported::Stale)
    }

    fn report(run: RunId, pick: &mut Pick) -> Option<Op> {
        let exit = pick.of(&[Exit::Failure, Exit::Clean]);
        Some(Op::Exit { run, exit })
    }

    fn foreign(pick: &mut Pick, given: &[RunId]) -> Option<RunId> {
        let last = given.last().map_or(0, |run| run.to_word());
        Some(RunId::from_word(pick.of(&[0, last + 1, last + 2, u64::MAX])))
    }

    fn words_expected(
        account: &mut Account,
        policy: &RestartPolicy,
        [_, after]: [&Restart; 2],
        now_ns: u64,
        op: &Op,
        answer: &Answer,
    ) -> u64 {
        if let Answer::Stopped(Some(_)) = answer {
            account.leaving = true;
        }
        let (Op::Exit { exit, .. }, Answer::Reported(Reported::Counted)) = (op, answer) else {
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
