//! A retry with the breaker and the budget that it borrows: the three are one machine under the laws.

use core::time::Duration;

use evenkeel_core::RestoreError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, BreakerState, Trigger};
use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy, RetryTokensState};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{AttemptId, Parts, Retry, RetryPolicy, RetryState};
use evenkeel_replay::generate::{Generate, Pick};
use evenkeel_replay::{Machine, breaker, retry, retry_tokens};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug)]
pub(crate) struct Borrowing {
    pub(super) retry: Retry,
    pub(super) breaker: Option<Breaker>,
    tokens: Option<RetryTokens>,
    policy: Policy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub(super) retry: RetryPolicy,
    breaker: Option<BreakerPolicy>,
    tokens: Option<RetryTokensPolicy>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    retry: RetryState,
    breaker: Option<BreakerState>,
    tokens: Option<RetryTokensState>,
}

/// A call of the retry, or a query of what it borrows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Op {
    Retry(retry::Op),
    Breaker(breaker::Op),
    Tokens(retry_tokens::Op),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Retry(retry::Answer),
    Breaker(Option<breaker::Answer>),
    Tokens(Option<retry_tokens::Answer>),
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

impl Machine for Borrowing {
    const NAME: &'static str = "retry";
    const POLL_ASKS: bool = true;

    type Policy = Policy;
    type State = State;
    type Op = Op;
    type Answer = Answer;
    type Id = AttemptId;

    fn begin(policy: Policy, now_ns: u64) -> Self {
        Self {
            retry: Retry::new(policy.retry, now_ns),
            breaker: policy.breaker.map(Breaker::new),
            tokens: policy.tokens.map(RetryTokens::new),
            policy,
        }
    }

    fn restore(policy: Policy, state: State) -> Result<Self, RestoreError> {
        let breaker = policy.breaker.zip(state.breaker);
        let tokens = policy.tokens.zip(state.tokens);
        Ok(Self {
            retry: Retry::restore(policy.retry, state.retry)?,
            breaker: breaker
                .map(|(policy, state)| Breaker::restore(policy, state))
                .transpose()?,
            tokens: tokens
                .map(|(policy, state)| RetryTokens::restore(policy, state))
                .transpose()?,
            policy,
        })
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn state(&self) -> State {
        State {
            retry: self.retry.state(),
            breaker: self.breaker.as_ref().map(Breaker::state),
            tokens: self.tokens.as_ref().map(RetryTokens::state),
        }
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        self.retry.next_deadline_ns()
    }

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        let (breaker, tokens) = (self.breaker.as_mut(), self.tokens.as_mut());
        match op {
            Op::Retry(op) => {
                let mut parts = Parts::none();
                if let Some(breaker) = breaker {
                    parts = parts.with_breaker(breaker);
                }
                if let Some(tokens) = tokens {
                    parts = parts.with_budget(tokens);
                }
                let retry = &mut self.retry;
                Answer::Retry(retry::apply_with(retry, now_ns, op, &mut parts, rng))
            }
            Op::Breaker(op) => Answer::Breaker(breaker.map(|it| it.apply(now_ns, op, rng))),
            Op::Tokens(op) => Answer::Tokens(tokens.map(|it| it.apply(now_ns, op, rng))),
        }
    }

    fn given(op: &Op, answer: &Answer) -> Option<AttemptId> {
        match (op, answer) {
            (Op::Retry(op), Answer::Retry(answer)) => Retry::given(op, answer),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<AttemptId> {
        match op {
            Op::Retry(op) => Retry::reported(op),
            _ => None,
        }
    }

    fn poll() -> Option<Op> {
        <Retry as Machine>::poll().map(Op::Retry)
    }
}

impl Generate for Borrowing {
    const POLICIES: usize = 6;

    fn sample_policy(number: usize) -> Option<(&'static str, Policy)> {
        let alone = [0, 1, 2, 3, 1, 4].get(number)?;
        let (name, retry) = Retry::sample_policy(*alone)?;
        let open = BackoffPolicy::builder(ns(100)).cap(ns(1_000));
        let breaker = BreakerPolicy::builder(open, ns(60))
            .trigger(Trigger::Consecutive { failures: 2 })
            .build()
            .ok();
        let few = RetryTokensPolicy::builder(4_000).build().ok();
        let refunds = RetryTokensPolicy::builder(3_000)
            .refund(true)
            .refill_milli(10)
            .refill_per(ns(1))
            .build()
            .ok();
        let (name, breaker, tokens) = match number {
            2 => (name, breaker, few),
            3 => (name, breaker, None),
            4 => ("refunds", None, refunds),
            _ => (name, None, None),
        };
        let policy = Policy {
            retry,
            breaker,
            tokens,
        };
        Some((name, policy))
    }

    fn spans_ns(policy: &Policy) -> [u64; 5] {
        Retry::spans_ns(&policy.retry)
    }

    /// Never another operation: its clock would begin anew, and its attempts would have the ids of the one before.
    fn call(policy: &Policy, pick: &mut Pick, now_ns: u64, ids: &[AttemptId]) -> Op {
        Op::Retry(match Retry::call(&policy.retry, pick, now_ns, ids) {
            retry::Op::Begin => retry::Op::Poll {
                lent: retry::Lent::NONE,
            },
            op => op,
        })
    }

    fn query(policy: &Policy, pick: &mut Pick) -> Option<Op> {
        Retry::query(&policy.retry, pick).map(Op::Retry)
    }

    fn report(attempt: AttemptId, pick: &mut Pick) -> Option<Op> {
        Retry::report(attempt, pick).map(Op::Retry)
    }

    fn foreign(pick: &mut Pick, given: &[AttemptId]) -> Option<AttemptId> {
        Retry::foreign(pick, given)
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        if let Answer::Retry(answer) = answer {
            Retry::instants(answer, show);
        }
    }
}
