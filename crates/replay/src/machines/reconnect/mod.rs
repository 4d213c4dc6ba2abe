//! What can happen to a [`Reconnect`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::Reported;
use evenkeel_core::random::Rng;
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, LinkPhase, LinkStatus, LostBy, Reconnect, ReconnectPolicy,
    ReconnectState,
};
use serde::{Deserialize, Serialize};

use crate::machine::{Assumed, Change, Machine, Verdict};
use crate::machines::own::own;

/// A call of a [`Reconnect`].
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, reconnect::{LinkEvent, Reconnect, ReconnectPolicy}};
/// use evenkeel_replay::{Machine, Verdict, reconnect::Op};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// let once = BackoffPolicy::builder(base).max_retries(0);
/// let mut reconnect = Reconnect::new(ReconnectPolicy::builder(once, timeout).build()?);
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let begun = reconnect.apply(0, &Op::Poll, &mut rng);
/// assert_eq!(Reconnect::verdict(&Op::Poll, &begun), Some(Verdict::Admitted));
/// let link = Reconnect::given(&Op::Poll, &begun).expect("due at once");
/// let _ = reconnect.apply(5, &Op::OnEvent { link, event: LinkEvent::Failed }, &mut rng);
/// let ended = reconnect.apply(5, &Op::Poll, &mut rng);
/// assert_eq!(Reconnect::verdict(&Op::Poll, &ended), Some(Verdict::Ended { reason: "retries" }));
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`Reconnect::poll`]
    Poll,
    /// [`Reconnect::on_event`]
    OnEvent {
        /// Which link.
        link: LinkId,
        /// What happened to it.
        event: LinkEvent,
    },
    /// [`Reconnect::on_frame`]
    OnFrame {
        /// On which link something came in.
        link: LinkId,
    },
    /// [`Reconnect::kick`]
    Kick,
    /// [`Reconnect::stop`]
    Stop,
    /// [`Reconnect::start`]
    Start,
    /// [`Reconnect::status`]
    Status,
    /// [`Reconnect::attempts`]
    Attempts,
}

/// What a [`Reconnect`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// What to do next.
    Action(LinkAction),
    /// What became of a report.
    Reported(Reported),
    /// It was kicked: the new end of the wait, if that is sooner.
    Kicked(Option<u64>),
    /// It was stopped: the link to close.
    Stopped(Option<LinkId>),
    /// Whether it was started.
    Started(bool),
    /// How things stand.
    Status(LinkStatus),
    /// How many waits there were.
    Attempts(u32),
}

/// No fact counts for nothing, so there is no [`unknown`](Machine::unknown) one that is [ignored](Assumed::Ignored): a
/// link of which nobody knows what became of it ends by its timeout. The [`changes`](Machine::changes) are the links that
/// came up, failed, and were lost, by report or because time ran out on them.
impl Machine for Reconnect {
    const NAME: &'static str = "reconnect";
    const POLL_ASKS: bool = true;

    type Policy = ReconnectPolicy;
    type State = ReconnectState;
    type Op = Op;
    type Answer = Answer;
    type Id = LinkId;

    own!(begin, restore, policy, state, next_deadline_ns);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        match *op {
            Op::Poll => Answer::Action(self.poll(now_ns, rng)),
            Op::OnEvent { link, event } => {
                Answer::Reported(self.on_event(now_ns, link, event, rng))
            }
            Op::OnFrame { link } => Answer::Reported(self.on_frame(now_ns, link)),
            Op::Kick => Answer::Kicked(self.kick(now_ns, rng)),
            Op::Stop => Answer::Stopped(self.stop(now_ns)),
            Op::Start => Answer::Started(self.start(now_ns)),
            Op::Status => Answer::Status(self.status(now_ns)),
            Op::Attempts => Answer::Attempts(self.attempts(now_ns)),
        }
    }

    fn given(_: &Op, answer: &Answer) -> Option<LinkId> {
        match answer {
            Answer::Action(LinkAction::Connect { link, .. }) => Some(*link),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<LinkId> {
        match op {
            Op::OnEvent { link, .. } | Op::OnFrame { link } => Some(*link),
            _ => None,
        }
    }

    fn with_id(op: &Op, id: LinkId) -> Op {
        let mut op = op.clone();
        if let Op::OnEvent { link, .. } | Op::OnFrame { link } = &mut op {
            *link = id;
        }
        op
    }

    fn unknown(link: LinkId, assumed: Assumed) -> Option<Op> {
        let event = match assumed {
            Assumed::Ignored => return None,
            Assumed::Success => LinkEvent::Connected,
            Assumed::Failure => LinkEvent::Failed,
        };
        Some(Op::OnEvent { link, event })
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        let Answer::Action(action) = *answer else {
            return None;
        };
        match action {
            LinkAction::Connect { .. } => Some(Verdict::Admitted),
            LinkAction::WaitUntil { at_ns } => Some(Verdict::Waits { until_ns: at_ns }),
            LinkAction::GaveUp { by } => Some(Verdict::Ended { reason: by.name() }),
            LinkAction::Stopped => Some(Verdict::Ended {
                reason: LinkPhase::Stopped.name(),
            }),
            _ => None,
        }
    }

    fn changes(now_ns: u64, op: &Op, answer: &Answer, show: &mut dyn FnMut(Change)) {
        if let (Op::OnEvent { event, .. }, Answer::Reported(Reported::Counted)) = (op, answer) {
            show(Change {
                at_ns: now_ns,
                from: match event {
                    LinkEvent::Lost => "connected",
                    _ => "connecting",
                },
                to: match event {
                    LinkEvent::Connected => "connected",
                    _ => "lost",
                },
                cause: event.name(),
            });
        }
        if let Answer::Action(LinkAction::Abandon { reason, at_ns, .. }) = answer {
            show(Change {
                at_ns: *at_ns,
                from: match reason {
                    LostBy::ConnectTimeout => "connecting",
                    _ => "connected",
                },
                to: LinkEvent::Lost.name(),
                cause: reason.name(),
            });
        }
    }
}
