//! What can happen to a [`Retry`], and to what it borrows.

#[cfg(feature = "std")]
mod as_parts;
mod generate;
mod lent;
#[cfg(feature = "std")]
mod recorded_parts;
#[cfg(feature = "std")]
mod recorder;

use evenkeel_core::breaker::Transitions;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy, RetryReport,
    RetryState, RetryStep,
};
use serde::{Deserialize, Serialize};

pub use lent::{Lent, LentBreaker};
#[cfg(feature = "std")]
pub use recorded_parts::RecordedParts;

#[cfg(feature = "alloc")]
use crate::any::{AnyAnswer, AnyOp, Journaled, Kind};
#[cfg(feature = "alloc")]
use crate::key::Key;
use crate::machine::{Assumed, Change, Machine, Verdict};
use crate::machines::own::own;

/// A call of a [`Retry`].
///
/// A retry is one operation, and short-lived. [`Begin`](Self::Begin) puts the next one in its place, so that a machine
/// of a journal is a place for operations, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// [`Retry::new`] with the same policy.
    Begin,
    /// [`Retry::poll`]
    Poll {
        /// What it borrowed.
        #[serde(default, skip_serializing_if = "Lent::is_none")]
        lent: Lent,
    },
    /// [`Retry::on_outcome`]
    OnOutcome {
        /// Which attempt ended.
        attempt: AttemptId,
        /// How.
        outcome: AttemptOutcome,
        /// What it borrowed.
        #[serde(default, skip_serializing_if = "Lent::is_none")]
        lent: Lent,
    },
    /// [`Retry::cancel`]
    Cancel {
        /// What it borrowed.
        #[serde(default, skip_serializing_if = "Lent::is_none")]
        lent: Lent,
    },
    /// [`Retry::deadline_at_ns`]
    DeadlineAtNs,
    /// [`Retry::attempts`]
    Attempts,
    /// [`Retry::in_flight`]
    InFlight,
    /// [`Retry::end`]
    End,
}

impl Op {
    /// What the call borrowed.
    ///
    /// ```
    /// use evenkeel_replay::retry::{Lent, Op};
    ///
    /// let lent = Lent { breaker: None, budget: Some(2) };
    /// let poll = Op::Poll { lent: Lent::NONE }.with_lent(lent);
    /// assert_eq!(poll.lent().budget, Some(2));
    /// assert!(Op::Begin.lent().is_none());
    /// ```
    #[must_use]
    pub const fn lent(&self) -> &Lent {
        match self {
            Self::Poll { lent } | Self::OnOutcome { lent, .. } | Self::Cancel { lent } => lent,
            _ => &Lent::NONE,
        }
    }

    /// The same call with this lent to it; what borrows nothing stays as it is.
    #[must_use]
    pub fn with_lent(mut self, what: Lent) -> Self {
        if let Self::Poll { lent } | Self::OnOutcome { lent, .. } | Self::Cancel { lent } =
            &mut self
        {
            *lent = what;
        }
        self
    }
}

/// What a [`Retry`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// Another operation is in its place.
    Begun,
    /// What to do.
    Step(RetryStep),
    /// What became of a report.
    Report(RetryReport),
    /// When the operation is over at the latest.
    DeadlineAtNs(Option<u64>),
    /// How many attempts were made.
    Attempts(u32),
    /// The attempt whose outcome is awaited.
    InFlight(Option<AttemptId>),
    /// How it ended.
    End(Option<End>),
}

impl Answer {
    /// What changed in the breaker that was lent.
    pub const fn transitions(&self) -> Transitions {
        match self {
            Self::Step(step) => step.transitions,
            Self::Report(report) => report.transitions,
            _ => Transitions::NONE,
        }
    }
}

/// Makes the call with these parts, whatever the call itself says was lent to it. [`Machine::apply`] lends nothing.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
/// use evenkeel_core::retry::{Parts, Retry, RetryPolicy};
/// use evenkeel_replay::retry::{self, Answer, Lent, Op};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let policy = RetryTokensPolicy::builder(9_000).initial_milli(0).deposit_milli(500).build()?;
/// let mut tokens = RetryTokens::new(policy);
/// let backoff = BackoffPolicy::builder(Duration::from_millis(10));
/// let mut operation = Retry::new(RetryPolicy::builder(backoff).build()?, 0);
/// let mut rng = SplitMix64::seed_from_u64(1);
///
/// let mut parts = Parts::none().with_budget(&mut tokens);
/// let answer = retry::apply_with(&mut operation, 0, &Op::Poll { lent: Lent::NONE }, &mut parts, &mut rng);
/// assert!(matches!(answer, Answer::Step(_)));
/// assert_eq!(tokens.balance_milli(0), 500); // it heard of the first attempt
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
pub fn apply_with<R: Rng + ?Sized>(
    retry: &mut Retry,
    now_ns: u64,
    op: &Op,
    parts: &mut Parts<'_>,
    rng: &mut R,
) -> Answer {
    match *op {
        Op::Begin => {
            *retry = Retry::new(*retry.policy(), now_ns);
            Answer::Begun
        }
        Op::Poll { .. } => Answer::Step(retry.poll(now_ns, parts, rng)),
        Op::OnOutcome {
            attempt, outcome, ..
        } => Answer::Report(retry.on_outcome(now_ns, attempt, outcome, parts, rng)),
        Op::Cancel { .. } => Answer::Step(retry.cancel(now_ns, parts, rng)),
        Op::DeadlineAtNs => Answer::DeadlineAtNs(retry.deadline_at_ns()),
        Op::Attempts => Answer::Attempts(retry.attempts()),
        Op::InFlight => Answer::InFlight(retry.in_flight()),
        Op::End => Answer::End(retry.end()),
    }
}

impl Machine for Retry {
    const NAME: &'static str = "retry";
    const POLL_ASKS: bool = true;

    type Policy = RetryPolicy;
    type State = RetryState;
    type Op = Op;
    type Answer = Answer;
    type Id = AttemptId;

    fn begin(policy: RetryPolicy, now_ns: u64) -> Self {
        Self::new(policy, now_ns)
    }

    own!(restore, policy, state, next_deadline_ns);

    /// Lends nothing: a retry alone cannot know the machines whose ids the call has. See [`apply_with`].
    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        apply_with(self, now_ns, op, &mut Parts::none(), rng)
    }

    fn given(_: &Op, answer: &Answer) -> Option<AttemptId> {
        match answer {
            Answer::Step(step) => match step.action {
                RetryAction::Attempt { attempt, .. } => Some(attempt),
                _ => None,
            },
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<AttemptId> {
        match op {
            Op::OnOutcome { attempt, .. } => Some(*attempt),
            _ => None,
        }
    }

    fn with_id(op: &Op, id: AttemptId) -> Op {
        let mut op = op.clone();
        if let Op::OnOutcome { attempt, .. } = &mut op {
            *attempt = id;
        }
        op
    }

    fn unknown(attempt: AttemptId, assumed: Assumed) -> Option<Op> {
        Some(Op::OnOutcome {
            attempt,
            outcome: match assumed {
                Assumed::Ignored => AttemptOutcome::Cancelled,
                Assumed::Success => AttemptOutcome::Success,
                Assumed::Failure => AttemptOutcome::transient(RetryCause::Failure),
            },
            lent: Lent::NONE,
        })
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll { lent: Lent::NONE })
    }

    /// That of the breaker which was lent.
    #[cfg(feature = "alloc")]
    fn key(op: &Op, _: &Answer) -> Option<Key> {
        match &op.lent().breaker {
            Some(LentBreaker::Key { key, .. }) => Some(key.clone()),
            _ => None,
        }
    }

    fn verdict(op: &Op, answer: &Answer) -> Option<Verdict> {
        let (Op::Poll { .. }, Answer::Step(step)) = (op, answer) else {
            return None;
        };
        match step.action {
            RetryAction::Attempt { .. } => Some(Verdict::Admitted),
            RetryAction::WaitUntil { at_ns } => Some(Verdict::Waits { until_ns: at_ns }),
            RetryAction::Done { end } => Some(Verdict::Ended { reason: end.name() }),
            _ => None,
        }
    }

    /// Those of the breaker that was lent: no other line tells of them.
    fn changes(_: u64, _: &Op, answer: &Answer, show: &mut dyn FnMut(Change)) {
        answer.transitions().iter().map(Change::from).for_each(show);
    }
}

#[cfg(feature = "alloc")]
impl Journaled for Retry {
    const KIND: Kind = Kind::Retry;

    fn alone(op: Op) -> Op {
        op.with_lent(Lent::NONE)
    }

    fn any_op(op: Op) -> AnyOp {
        AnyOp::Retry(op)
    }

    fn any_answer(answer: Answer) -> AnyAnswer {
        AnyAnswer::Retry(answer)
    }
}
