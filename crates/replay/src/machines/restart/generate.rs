//! Random calls of a restart.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartOn, RestartPhase, RestartPolicy, RunId,
};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl Generate for Restart {
    const POLICIES: usize = 6;

    fn sample_policy(number: usize) -> Option<(&'static str, RestartPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let decorrelated = full.jitter(Jitter::Decorrelated);
        let longest = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Equal);
        let of = RestartPolicy::builder;
        let (name, builder) = match number {
            0 => ("plain", of(plain)),
            1 => ("3 in 900", of(full).intensity(3, ns(900)).cooldown(ns(300))),
            2 => (
                "on failure",
                of(decorrelated)
                    .restart_on(RestartOn::Failure)
                    .intensity(2, ns(5_000)),
            ),
            3 => ("never", of(full).restart_on(RestartOn::Never)),
            4 => ("none at all", of(full).intensity(0, ns(1)).cooldown(ns(1))),
            5 => ("the longest", of(longest).cooldown(ns(1 << 62))),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &RestartPolicy) -> [u64; 5] {
        let base = policy.backoff().base();
        let cooldown = policy.cooldown().unwrap_or(base);
        let window = policy.intensity().map_or(base, |limit| limit.window);
        [base, cooldown, window, base, window].map(|span| span.as_nanos() as u64)
    }

    fn call(_: &RestartPolicy, pick: &mut Pick, _: u64, ids: &[RunId]) -> Op {
        match (pick.below(20), pick.recent(ids)) {
            (0, _) => Op::Stop,
            (1 | 2, _) => Op::Rearm,
            (3..=10, Some(run)) => Op::OnExit {
                run,
                exit: pick.of(&[Exit::Failure, Exit::Failure, Exit::Clean]),
            },
            _ => Op::Poll,
        }
    }

    fn query(_: &RestartPolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::Phase, Op::Attempts, Op::RecentFailures, Op::InFlight]))
    }

    fn report(run: RunId, pick: &mut Pick) -> Option<Op> {
        let exit = pick.of(&[Exit::Failure, Exit::Clean]);
        Some(Op::OnExit { run, exit })
    }

    fn foreign(pick: &mut Pick, given: &[RunId]) -> Option<RunId> {
        let last = given.last().map_or(0, |run| run.to_word());
        let next = last.wrapping_add(1);
        let all = [0, next, next.wrapping_add(1), u64::MAX];
        Some(RunId::from_word(pick.of(&all)))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        match answer {
            Answer::Action(RestartAction::WaitUntil { at_ns })
            | Answer::Phase(RestartPhase::Waiting { until_ns: at_ns }) => show(*at_ns),
            _ => {}
        }
    }
}
