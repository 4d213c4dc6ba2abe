//! Reconnect under the laws.

use core::time::Duration;

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Exhausted, Jitter};
use evenkeel_core::reconnect::{
    GaveUpBy, LinkAction, LinkEvent, LinkId, LinkPhase, LinkStatus, LostBy, Reconnect,
    ReconnectPolicy, ReconnectState,
};
use evenkeel_core::{Ratio, Reported, RestoreError};

use crate::harness::{Law, Mover, Pick, Progress, Subject, Words};

pub(crate) enum Reconnects {}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Poll,
    Event { link: LinkId, event: LinkEvent },
    Frame { link: LinkId },
    Kick,
    Stop,
    Start,
    Status,
    Attempts,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Action(LinkAction),
    Reported(Reported),
    Kicked(Option<u64>),
    Stopped(Option<LinkId>),
    Started(bool),
    Status(LinkStatus),
    Attempts(u32),
}

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

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn event(pick: &mut Pick, now_ns: u64) -> LinkEvent {
    match pick.below(12) {
        0..=5 => LinkEvent::Connected,
        6 | 7 => LinkEvent::Failed,
        8 | 9 => LinkEvent::Lost,
        10 if pick.one_in(3) => LinkEvent::Refused(Advice::Stop),
        _ => LinkEvent::Refused(Advice::RetryAt {
            at_ns: pick.instant(now_ns),
        }),
    }
}

fn moved_phase(phase: LinkPhase, mover: &mut Mover) -> Option<LinkPhase> {
    Some(match phase {
        LinkPhase::Waiting { until_ns } => LinkPhase::Waiting {
            until_ns: mover.surely(until_ns)?,
        },
        LinkPhase::Connecting { link, timeout_at_ns } => LinkPhase::Connecting {
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
        LinkAction::Connecting { link, timeout_at_ns } => LinkAction::Connecting {
            link,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        LinkAction::Connected { link, silent_at_ns } => LinkAction::Connected {
            link,
            silent_at_ns: mover.maybe(silent_at_ns),
        },
        LinkAction::Abandon { link, reason, at_ns } => LinkAction::Abandon {
            link,
            reason,
            at_ns: mover.surely(at_ns)?,
        },
        LinkAction::WaitUntil { at_ns } => match mover.surely(at_ns) {
            Some(at_ns) => LinkAction::WaitUntil { at_ns },
            None => {
                mover.end();
                LinkAction::GaveUp { by: GaveUpBy::Exhausted(Exhausted::EndOfTime) }
            }
        },
        other => other,
    })
}

impl Subject for Reconnects {
    const NAME: &'static str = "reconnect";
    const POLL_ASKS: bool = true;
    const PARTS_AT_THE_END: bool = true;

    type Policy = ReconnectPolicy;
    type Machine = Reconnect;
    type State = ReconnectState;
    type Op = Op;
    type Answer = Answer;
    type Made = Close;
    type Id = LinkId;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one link, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, ReconnectPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Equal);
        let all = [
            (
                "plain",
                ReconnectPolicy::builder(plain, ns(50)).stable_after(ns(120)),
            ),
            (
                "silence, jitter, spread advice",
                ReconnectPolicy::builder(full, ns(70))
                    .stable_after(ns(200))
                    .silence_limit(ns(90))
                    .kick_within(ns(30))
                    .advisory_spread(Ratio::percent(30)),
            ),
            (
                "gives up, exact advice",
                ReconnectPolicy::builder(full.max_retries(3), ns(70))
                    .silence_limit(ns(40))
                    .stable_after(ns(60))
                    .advisory_rule(AdvisoryRule::Exact),
            ),
            (
                "decorrelated, 3000 ns in all",
                ReconnectPolicy::builder(
                    full.jitter(Jitter::Decorrelated).max_total_wait(ns(3_000)),
                    ns(1),
                )
                .advisory_rule(AdvisoryRule::Within(ns(400)))
                .advisory_cap(ns(1_000)),
            ),
            (
                "the longest",
                ReconnectPolicy::builder(longest, ns(1 << 62))
                    .silence_limit(ns(1 << 62))
                    .stable_after(ns(1 << 62)),
            ),
        ];
        all.map(|(name, builder)| (name, builder.build().expect(name)))
            .into()
    }

    fn spans_ns(policy: &ReconnectPolicy) -> Vec<u64> {
        let mut spans = vec![
            policy.connect_timeout(),
            policy.stable_after(),
            policy.kick_within(),
            policy.backoff().base(),
        ];
        spans.extend(policy.silence_limit());
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &ReconnectPolicy, _: u64) -> Reconnect {
        Reconnect::new(*policy)
    }

    fn state(reconnect: &Reconnect) -> ReconnectState {
        reconnect.state()
    }

    fn restore(
        policy: &ReconnectPolicy,
        state: ReconnectState,
    ) -> Result<Reconnect, RestoreError> {
        Reconnect::restore(*policy, state)
    }

    fn next_deadline_ns(reconnect: &Reconnect) -> Option<u64> {
        reconnect.next_deadline_ns()
    }

    fn apply(reconnect: &mut Reconnect, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match *op {
            Op::Poll => Answer::Action(reconnect.poll(now_ns, words)),
            Op::Event { link, event } => {
                Answer::Reported(reconnect.on_event(now_ns, link, event, words))
            }
            Op::Frame { link } => Answer::Reported(reconnect.on_frame(now_ns, link)),
            Op::Kick => Answer::Kicked(reconnect.kick(now_ns, words)),
            Op::Stop => Answer::Stopped(reconnect.stop(now_ns)),
            Op::Start => Answer::Started(reconnect.start(now_ns)),
            Op::Status => Answer::Status(reconnect.status(now_ns)),
            Op::Attempts => Answer::Attempts(reconnect.attempts(now_ns)),
        }
    }

    fn generate(_: &ReconnectPolicy, pick: &mut Pick, now_ns: u64, ids: &[LinkId]) -> Op {
        match (pick.below(40), pick.recent(ids)) {
            (0..=14, _) => Op::Poll,
            (15..=17, _) => Op::Kick,
            (18, _) => Op::Stop,
            (19 | 20, _) => Op::Start,
            (21..=27, Some(link)) => Op::Frame { link },
            (_, Some(link)) => Op::Event {
                link,
                event: event(pick, now_ns),
            },
            (_, None) => Op::Poll,
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        vec![Op::Status, Op::Attempts]
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Action(LinkAction::Connect { .. }) => Progress::Begun,
            Answer::Action(LinkAction::Abandon { .. }) => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Close> {
        match answer {
            Answer::Action(LinkAction::Abandon { link, reason, at_ns }) => vec![Close {
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
        if let Op::Event {
            event: LinkEvent::Refused(Advice::RetryAt { at_ns }),
            ..
        } = &mut op
        {
            *at_ns = mover.surely(*at_ns)?;
        }
        Some(op)
    }

    fn given(_: &Op, answer: &Answer) -> Vec<LinkId> {
        match answer {
            Answer::Action(LinkAction::Connect { link, .. }) => vec![*link],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<LinkId> {
        match op {
            Op::Event { link, .. } | Op::Frame { link } => Some(*link),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        *answer == Answer::Reported(Reported::Stale)
    }

    fn settles(op: &Op) -> bool {
        let Op::Event { event, .. } = op else {
            return false;
        };
        *event != LinkEvent::Connected
    }

    fn report(link: LinkId, pick: &mut Pick) -> Option<Op> {
        Some(match pick.below(3) {
            0 => Op::Frame { link },
            _ => Op::Event {
                link,
                event: event(pick, 0),
            },
        })
    }

    fn foreign(pick: &mut Pick, given: &[LinkId]) -> Option<LinkId> {
        let last = given.last().map_or(0, |link| link.to_word());
        Some(LinkId::from_word(pick.of(&[0, last + 1, last + 2, u64::MAX])))
    }

    fn words_expected(
        account: &mut Account,
        policy: &ReconnectPolicy,
        [before, after]: [&Reconnect; 2],
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
                Op::Event {
                    event: LinkEvent::Refused(Advice::RetryAt { at_ns }),
                    ..
                },
                Answer::Reported(Reported::Counted),
            ) => {
                let cap_ns = policy.advisory_cap().as_nanos() as u64;
                account.not_before_ns =
                    now_ns.saturating_add(at_ns.saturating_sub(now_ns).min(cap_ns));
                let out = LinkPhase::GaveUp { by: GaveUpBy::Exhausted(Exhausted::Retries) };
                let weighed = after.status(now_ns).phase != out;
                u64::from(weighed && policy.advisory_spread() != Ratio::ZERO)
            }
            _ => 0,
        }
    }
}
