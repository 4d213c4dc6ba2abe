//! What can happen to a [`Breaker`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, BreakerState, BreakerStats, Grant, Health, Mode, Outcome, Permit,
    PermitId, Phase, Receipt, Refused, RefusedBy, Transition, Transitions, WindowCounts,
};
use evenkeel_core::random::Rng;
use serde::{Deserialize, Serialize};

use crate::machine::{Assumed, Change, Machine, Verdict};
use crate::machines::either;
use crate::machines::own::own;

/// A call of a [`Breaker`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`Breaker::try_acquire`]
    TryAcquire,
    /// [`Breaker::on_outcome`]
    OnOutcome {
        /// Whose result it is.
        permit: PermitId,
        /// The result.
        outcome: Outcome,
        /// How long the call took.
        latency_ns: u64,
    },
    /// [`Breaker::on_health`]
    OnHealth {
        /// What the probe found.
        health: Health,
    },
    /// [`Breaker::poll`]
    Poll,
    /// [`Breaker::set_mode`]
    SetMode {
        /// The mode from now on.
        mode: Mode,
    },
    /// [`Breaker::reset`]
    Reset,
    /// [`Breaker::phase`]
    Phase,
    /// [`Breaker::peek`]
    Peek,
    /// [`Breaker::window`]
    Window,
    /// [`Breaker::stats`]
    Stats,
}

/// What a [`Breaker`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// The call may be made.
    Granted {
        /// What to report with.
        permit: PermitId,
        /// The refusal that the observing mode passed over.
        would_refuse: Option<Refusal<RefusedBy>>,
        /// What had fallen due.
        transitions: Transitions,
    },
    /// The call may not be made now.
    Refused(Refused),
    /// What became of a report.
    Receipt(Receipt),
    /// What changed.
    Transitions(Transitions),
    /// The phase.
    Phase(Phase),
    /// What an ask would be answered.
    Peek(#[serde(with = "either")] Result<(), Refusal<RefusedBy>>),
    /// What the window holds.
    Window(WindowCounts),
    /// The counters.
    Stats(BreakerStats),
}

impl Answer {
    fn asked(asked: &Result<Grant, Refused>) -> Self {
        match asked {
            Ok(grant) => Self::Granted {
                permit: grant.permit.id(),
                would_refuse: grant.would_refuse,
                transitions: grant.transitions,
            },
            Err(refused) => Self::Refused(*refused),
        }
    }

    /// What changed, by whichever call.
    pub const fn transitions(&self) -> Transitions {
        match self {
            Self::Granted { transitions, .. } | Self::Transitions(transitions) => *transitions,
            Self::Refused(refused) => refused.transitions,
            Self::Receipt(receipt) => receipt.transitions(),
            _ => Transitions::NONE,
        }
    }
}

impl Machine for Breaker {
    const NAME: &'static str = "breaker";

    type Policy = BreakerPolicy;
    type State = BreakerState;
    type Op = Op;
    type Answer = Answer;
    type Id = PermitId;

    own!(begin, restore, policy, state, next_deadline_ns);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        match *op {
            Op::TryAcquire => Answer::asked(&self.try_acquire(now_ns, rng)),
            Op::OnOutcome {
                permit,
                outcome,
                latency_ns,
            } => {
                let permit = Permit::from_id(permit);
                Answer::Receipt(self.on_outcome(now_ns, permit, outcome, latency_ns, rng))
            }
            Op::OnHealth { health } => Answer::Transitions(self.on_health(now_ns, health)),
            Op::Poll => Answer::Transitions(self.poll(now_ns)),
            Op::SetMode { mode } => Answer::Transitions(self.set_mode(now_ns, mode)),
            Op::Reset => Answer::Transitions(self.reset(now_ns)),
            Op::Phase => Answer::Phase(self.phase(now_ns)),
            Op::Peek => Answer::Peek(self.peek(now_ns)),
            Op::Window => Answer::Window(self.window(now_ns)),
            Op::Stats => Answer::Stats(self.stats(now_ns)),
        }
    }

    fn given(_: &Op, answer: &Answer) -> Option<PermitId> {
        match answer {
            Answer::Granted { permit, .. } => Some(*permit),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<PermitId> {
        match op {
            Op::OnOutcome { permit, .. } => Some(*permit),
            _ => None,
        }
    }

    fn with_id(op: &Op, id: PermitId) -> Op {
        let mut op = op.clone();
        if let Op::OnOutcome { permit, .. } = &mut op {
            *permit = id;
        }
        op
    }

    fn unknown(permit: PermitId, assumed: Assumed) -> Option<Op> {
        Some(Op::OnOutcome {
            permit,
            outcome: match assumed {
                Assumed::Ignored => Outcome::Ignored,
                Assumed::Success => Outcome::Success,
                Assumed::Failure => Outcome::Failure,
            },
            latency_ns: 0,
        })
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        match answer {
            Answer::Granted { .. } => Some(Verdict::Admitted),
            Answer::Refused(refused) => Some(Verdict::Refused {
                reason: refused.reason().name(),
                retry_at_ns: refused.retry_at_ns(),
            }),
            _ => None,
        }
    }

    fn changes(_: u64, _: &Op, answer: &Answer, show: &mut dyn FnMut(Change)) {
        answer.transitions().iter().map(Change::from).for_each(show);
    }
}

impl From<Transition> for Change {
    fn from(made: Transition) -> Self {
        Self {
            at_ns: made.at_ns,
            from: made.from.name(),
            to: made.to.name(),
            cause: made.cause.name(),
        }
    }
}
