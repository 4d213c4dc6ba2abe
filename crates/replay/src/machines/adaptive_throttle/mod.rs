//! What can happen to an [`AdaptiveThrottle`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::Refusal;
use evenkeel_core::random::Rng;
use evenkeel_core::throttle::{
    AdaptiveThrottle, AdaptiveThrottlePolicy, AdaptiveThrottleState, RejectProbability, Throttled,
};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, NoId, Verdict};
use crate::machines::own::own;

/// A call of an [`AdaptiveThrottle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`AdaptiveThrottle::try_request`]
    TryRequest,
    /// [`AdaptiveThrottle::on_accepted`]
    OnAccepted,
    /// [`AdaptiveThrottle::reject_probability`]
    RejectProbability,
    /// [`AdaptiveThrottle::requests`]
    Requests,
    /// [`AdaptiveThrottle::accepts`]
    Accepts,
}

/// What an [`AdaptiveThrottle`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// The request may be made.
    Granted,
    /// The request is rejected here.
    Refused(Refusal<Throttled>),
    /// Nothing is returned.
    Done,
    /// How likely a request is rejected.
    RejectProbability(RejectProbability),
    /// How many requests count.
    Requests(u32),
    /// How many accepted ones count.
    Accepts(u32),
}

impl Answer {
    const fn asked(asked: &Result<(), Refusal<Throttled>>) -> Self {
        match asked {
            Ok(()) => Self::Granted,
            Err(refusal) => Self::Refused(*refusal),
        }
    }

    const fn done((): &()) -> Self {
        Self::Done
    }
}

impl Machine for AdaptiveThrottle {
    const NAME: &'static str = "adaptive_throttle";

    type Policy = AdaptiveThrottlePolicy;
    type State = AdaptiveThrottleState;
    type Op = Op;
    type Answer = Answer;
    type Id = NoId;

    own!(begin, restore, policy, state);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        match op {
            Op::TryRequest => Answer::asked(&self.try_request(now_ns, rng)),
            Op::OnAccepted => Answer::done(&self.on_accepted(now_ns)),
            Op::RejectProbability => Answer::RejectProbability(self.reject_probability(now_ns)),
            Op::Requests => Answer::Requests(self.requests(now_ns)),
            Op::Accepts => Answer::Accepts(self.accepts(now_ns)),
        }
    }

    fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
        match answer {
            Answer::Granted => Some(Verdict::Admitted),
            Answer::Refused(refusal) => Some(Verdict::Refused {
                reason: refusal.reason.name(),
                retry_at_ns: refusal.retry_at_ns,
            }),
            _ => None,
        }
    }
}
