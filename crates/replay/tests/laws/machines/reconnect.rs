//! Reconnect under the laws.

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::{Exhausted, Jitter};
use evenkeel_core::reconnect::{
    GaveUpBy, LinkAction, LinkEvent, LinkId, LinkPhase, LostBy, Reconnect, ReconnectPolicy,
};
use evenkeel_core::{Ratio, Reported};
use evenkeel_replay::reconnect::{Answer, Op};

use crate::harness::{Law, Mover, Progress, Subject};

/// A link that the caller is told to close, and why where time ran out on it. A stop takes the place of what a poll
/// would have told, and does not say why.
#[derive(Clone, Debug)]
pub(crate) struct Close {
    link: LinkId,
    why: Option<(LostBy, u64)>,
}

impl PartialEq for Close {
    fn eq(&self, other: &Self) -> bool {
        let both = self.why.zip(other.why);
        self.link == other.link && both.is_none_or(|(one, other)| one == other)
    }
}

/// What the count of words has to remember of this wait.
#[derive(Default)]
pub(crate) struct Account {
    kicked: bool,
    not_before_ns: u64,
}

fn moved_phase(phase: LinkPhase, mover: &mut Mover) -> Option<LinkPhase> {
    Some(match phase {
        LinkPhase::Waiting { until_ns } => LinkPhase::Waiting {
            until_ns: mover.surely(until_ns)?,
        },
        LinkPhase::Connecting {
            link,
            timeout_at_ns,
        } => LinkPhase::Connecting {
            link,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        other => other,
    })
}

fn moved_action(action: LinkAction, mover: &mut Mover) -> Option<LinkAction> {
    Some(match action {
        LinkAction::Connect {
            link,
            timeout_at_ns,
        } => LinkAction::Connect {
            link,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        LinkAction::Connecting {
            link,
            timeout_at_ns,
        } => LinkAction::Connecting {
            link,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        LinkAction::Connected { link, silent_at_ns } => LinkAction::Connected {
            link,
            silent_at_ns: mover.maybe(silent_at_ns),
        },
        LinkAction::Abandon {
            link,
            reason,
            at_ns,
        } => LinkAction::Abandon {
            link,
            reason,
            at_ns: mover.surely(at_ns)?,
        },
        LinkAction::WaitUntil { at_ns } => match mover.surely(at_ns) {
            Some(at_ns) => LinkAction::WaitUntil { at_ns },
            None => {
                mover.end();
                LinkAction::GaveUp {
                    by: GaveUpBy::Exhausted(Exhausted::EndOfTime),
                }
            }
        },
        other => other,
    })
}

impl Subject for Reconnect {
    const PARTS_AT_THE_END: bool = true;

    type Made = Close;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one link, no keys"),
            _ => None,
        }
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Status, Op::Attempts]
    }

    fn progress(_: &Self, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Action(LinkAction::Connect { .. }) => Progress::Begun,
            Answer::Action(LinkAction::Abandon { .. }) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Close> {
        match answer {
            Answer::Action(LinkAction::Abandon {
                link,
                reason,
                at_ns,
            }) => vec![Close {
                link: *link,
                why: Some((*reason, *at_ns)),
            }],
            Answer::Stopped(link) => {
                let link = link.take().into_iter();
                link.map(|link| Close { link, why: None }).collect()
            }
            _ => Vec::new(),
        }
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Action(LinkAction::Abandon { at_ns, .. }) => Some(*at_ns),
            _ => None,
        }
    }

    fn moved(_: &ReconnectPolicy, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        Some(match answer {
            Answer::Action(action) => Answer::Action(moved_action(action, mover)?),
            Answer::Kicked(Some(at_ns)) => Answer::Kicked(Some(mover.surely(at_ns)?)),
            Answer::Status(mut status) => {
                status.phase = moved_phase(status.phase, mover)?;
                status.last_heard_ns = mover.maybe(status.last_heard_ns);
                Answer::Status(status)
            }
            other => other,
        })
    }

    fn moved_op(_: &ReconnectPolicy, op: &Op, mover: &mut Mover) -> Option<Op> {
        let mut op = op.clone();
        if let Op::OnEvent {
            event: LinkEvent::Refused(Advice::RetryAt { at_ns }),
            ..
        } = &mut op
        {
            *at_ns = mover.surely(*at_ns)?;
        }
        Some(op)
    }

    fn is_stale(answer: &Answer) -> bool {
        *answer == Answer::Reported(Reported::Stale)
    }

    fn settles(op: &Op) -> bool {
        let Op::OnEvent { event, .. } = op else {
            return false;
        };
        *event != LinkEvent::Connected
    }

    fn words_expected(
        account: &mut Account,
        policy: &ReconnectPolicy,
        [before, after]: [&Self; 2],
        now_ns: u64,
        op: &Op,
        answer: &Answer,
    ) -> u64 {
        match (op, answer) {
            (Op::Poll, Answer::Action(LinkAction::Connect { .. })) => {
                *account = Account::default();
                u64::from(policy.backoff().jitter() != Jitter::None)
            }
            (Op::Kick, _) => {
                let LinkPhase::Waiting { until_ns } = before.status(now_ns).phase else {
                    return 0;
                };
                let counts = !account.kicked && now_ns.max(account.not_before_ns) < until_ns;
                account.kicked |= counts;
                u64::from(counts)
            }
            (
                Op::OnEvent {
                    event: LinkEvent::Refused(Advice::RetryAt { at_ns }),
                    ..
                },
                Answer::Reported(Reported::Counted),
            ) => {
                let cap_ns = policy.advisory_cap().as_nanos() as u64;
                account.not_before_ns =
                    now_ns.saturating_add(at_ns.saturating_sub(now_ns).min(cap_ns));
                let out = LinkPhase::GaveUp {
                    by: GaveUpBy::Exhausted(Exhausted::Retries),
                };
                let weighed = after.status(now_ns).phase != out;
                u64::from(weighed && policy.advisory_spread() != Ratio::ZERO)
            }
            _ => 0,
        }
    }
}
