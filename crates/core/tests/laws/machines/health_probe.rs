//! HealthProbe under the laws.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::Health;
use evenkeel_core::health::{
    HealthChange, HealthProbe, HealthProbePolicy, HealthProbeState, ProbeAction, ProbeId,
    ProbeReceipt, Probed, TrafficReceipt,
};
use evenkeel_core::{Reported, RestoreError};

use crate::harness::{Law, Mover, Pick, Progress, Subject, Words};

pub(crate) enum Probes {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Poll,
    Report { probe: ProbeId, found: Probed },
    Traffic { found: Probed },
    Health,
    InFlight,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Action(ProbeAction),
    Receipt(ProbeReceipt),
    Traffic(TrafficReceipt),
    Health(Option<Health>),
    InFlight(Option<ProbeId>),
}

/// What time makes of a probe in flight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    Change(HealthChange),
    Abandon(ProbeId, u64),
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn moved_change(
    change: Option<HealthChange>,
    mover: &mut Mover,
) -> Option<Option<HealthChange>> {
    Some(match change {
        None => None,
        Some(mut change) => {
            change.at_ns = mover.surely(change.at_ns)?;
            Some(change)
        }
    })
}

fn moved_action(action: ProbeAction, mover: &mut Mover) -> Option<ProbeAction> {
    Some(match action {
        ProbeAction::Probing {
            probe,
            timeout_at_ns,
        } => ProbeAction::Probing {
            probe,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        ProbeAction::Send {
            probe,
            timeout_at_ns,
        } => ProbeAction::Send {
            probe,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        ProbeAction::Abandon {
            probe,
            at_ns,
            change,
        } => ProbeAction::Abandon {
            probe,
            at_ns: mover.surely(at_ns)?,
            change: moved_change(change, mover)?,
        },
        ProbeAction::WaitUntil { at_ns } => match mover.surely(at_ns) {
            Some(at_ns) => ProbeAction::WaitUntil { at_ns },
            None => ProbeAction::Idle,
        },
        other => other,
    })
}

impl Subject for Probes {
    const NAME: &'static str = "health_probe";
    const POLL_ASKS: bool = true;

    type Policy = HealthProbePolicy;
    type Machine = HealthProbe;
    type State = HealthProbeState;
    type Op = Op;
    type Answer = Answer;
    type Made = Made;
    type Id = ProbeId;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one dependency, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, HealthProbePolicy)> {
        let of = |interval, timeout| HealthProbePolicy::builder(ns(interval), ns(timeout));
        let waits = BackoffPolicy::builder(ns(20)).cap(ns(500));
        let all = [
            ("spread", of(100, 40)),
            ("no jitter", of(100, 40).jitter(Jitter::None).fall(1).rise(1)),
            (
                "waits while down",
                of(100, 30)
                    .down(waits.jitter(Jitter::Decorrelated))
                    .fall(2)
                    .rise(3),
            ),
            (
                "jitter only while down",
                of(100, 99)
                    .jitter(Jitter::None)
                    .down(waits.jitter(Jitter::Full))
                    .fall(1),
            ),
            ("the longest", of(1 << 62, 1 << 61).fall(1)),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name)))
            .into()
    }

    fn spans_ns(policy: &HealthProbePolicy) -> Vec<u64> {
        let mut spans = vec![policy.interval(), policy.timeout()];
        spans.extend(policy.down().map(BackoffPolicy::base));
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &HealthProbePolicy, _: u64) -> HealthProbe {
        HealthProbe::new(*policy)
    }

    fn state(probe: &HealthProbe) -> HealthProbeState {
        probe.state()
    }

    fn restore(
        policy: &HealthProbePolicy,
        state: HealthProbeState,
    ) -> Result<HealthProbe, RestoreError> {
        HealthProbe::restore(*policy, state)
    }

    fn next_deadline_ns(probe: &HealthProbe) -> Option<u64> {
        probe.next_deadline_ns()
    }

    fn apply(machine: &mut HealthProbe, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match *op {
            Op::Poll => Answer::Action(machine.poll(now_ns, words)),
            Op::Report { probe, found } => Answer::Receipt(machine.on_report(now_ns, probe, found)),
            Op::Traffic { found } => Answer::Traffic(machine.on_traffic(now_ns, found)),
            Op::Health => Answer::Health(machine.health(now_ns)),
            Op::InFlight => Answer::InFlight(machine.in_flight()),
        }
    }

    fn generate(_: &HealthProbePolicy, pick: &mut Pick, _: u64, ids: &[ProbeId]) -> Op {
        let found = pick.of(&[Probed::Passed, Probed::Failed, Probed::Failed]);
        match (pick.below(20), pick.recent(ids)) {
            (0..=3, _) => Op::Traffic { found },
            (4..=9, Some(probe)) => Op::Report { probe, found },
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
        vec![Op::Health]
    }

    /// What is in flight is told as of the last call.
    fn settled_queries() -> Vec<Op> {
        vec![Op::Health, Op::InFlight]
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Action(ProbeAction::Send { .. }) => Progress::Begun,
            Answer::Action(ProbeAction::Abandon { .. }) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Made> {
        let change = match answer {
            Answer::Action(ProbeAction::Abandon { change, .. }) => change.take(),
            Answer::Receipt(receipt) if receipt.reported.is_stale() => receipt.change.take(),
            Answer::Traffic(receipt) => receipt.timed_out.take(),
            _ => None,
        };
        let mut all: Vec<Made> = change.map(Made::Change).into_iter().collect();
        if let Answer::Action(ProbeAction::Abandon { probe, at_ns, .. }) = answer {
            all.push(Made::Abandon(*probe, *at_ns));
        }
        all
    }

    fn lane(made: &Made) -> u8 {
        u8::from(matches!(made, Made::Abandon(..)))
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Action(ProbeAction::Abandon { at_ns, .. }) => Some(*at_ns),
            _ => None,
        }
    }

    fn moved(_: &HealthProbePolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Action(action) => Answer::Action(moved_action(action, mover)?),
            Answer::Receipt(mut receipt) => {
                receipt.change = moved_change(receipt.change, mover)?;
                Answer::Receipt(receipt)
            }
            Answer::Traffic(mut receipt) => {
                receipt.timed_out = moved_change(receipt.timed_out, mover)?;
                receipt.change = moved_change(receipt.change, mover)?;
                Answer::Traffic(receipt)
            }
            other => other,
        })
    }

    fn given(_: &Op, answer: &Answer) -> Vec<ProbeId> {
        match answer {
            Answer::Action(ProbeAction::Send { probe, .. }) => vec![*probe],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<ProbeId> {
        match op {
            Op::Report { probe, .. } => Some(*probe),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        matches!(answer, Answer::Receipt(receipt) if receipt.reported == Reported::Stale)
    }

    fn report(probe: ProbeId, pick: &mut Pick) -> Option<Op> {
        let found = pick.of(&[Probed::Passed, Probed::Failed]);
        Some(Op::Report { probe, found })
    }

    fn foreign(pick: &mut Pick, given: &[ProbeId]) -> Option<ProbeId> {
        let last = given.last().map_or(0, |probe| probe.to_word());
        Some(ProbeId::from_word(pick.of(&[0, last + 1, last + 2, u64::MAX])))
    }

    fn words_expected(
        (): &mut (),
        policy: &HealthProbePolicy,
        _: [&HealthProbe; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        let sends = matches!(answer, Answer::Action(ProbeAction::Send { .. }));
        let draws = |waits: &BackoffPolicy| waits.jitter() != Jitter::None;
        u64::from(sends && (policy.jitter() != Jitter::None || policy.down().is_some_and(draws)))
    }
}
