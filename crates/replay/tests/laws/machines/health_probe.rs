//! HealthProbe under the laws.

use evenkeel_core::Reported;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::health::{HealthChange, HealthProbe, HealthProbePolicy, ProbeAction, ProbeId};
use evenkeel_replay::health_probe::{Answer, Op};

use crate::harness::{Law, Mover, Progress, Subject};

/// What time makes of a probe in flight.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    Change(HealthChange),
    Abandon(ProbeId, u64),
}

fn moved_change(change: Option<HealthChange>, mover: &mut Mover) -> Option<Option<HealthChange>> {
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

impl Subject for HealthProbe {
    type Made = Made;
    type Account = ();

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one dependency, no keys"),
            _ => None,
        }
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

    fn progress(_: &Self, _: u64, answer: &Answer) -> Progress {
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

    fn is_stale(answer: &Answer) -> bool {
        matches!(answer, Answer::Receipt(receipt) if receipt.reported == Reported::Stale)
    }

    fn words_expected(
        (): &mut (),
        policy: &HealthProbePolicy,
        _: [&Self; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        let sends = matches!(answer, Answer::Action(ProbeAction::Send { .. }));
        let draws = |waits: &BackoffPolicy| waits.jitter() != Jitter::None;
        u64::from(sends && (policy.jitter() != Jitter::None || policy.down().is_some_and(draws)))
    }
}
