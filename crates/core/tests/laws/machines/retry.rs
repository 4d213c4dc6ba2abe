//! Retry under the laws, with the breaker and the budget that it borrows: the three are one machine here.

use core::time::Duration;

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, BreakerState, BreakerStats, Outcome, Phase, Transition, Trigger,
};
use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy, RetryTokensState};
use evenkeel_core::retry::{
    AbandonedBy, AttemptId, AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy, RetryReport,
    RetryState, RetryStep, WhenRefused,
};
use evenkeel_core::{Ratio, Reported, RestoreError};

use super::retry_moves::{moved_action, moved_end, moved_outcome};
use super::retry_words::{self, Account};
use crate::harness::{Law, Mover, Pick, Progress, Subject, Words};

pub(crate) enum Retries {}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    retry: RetryPolicy,
    breaker: Option<BreakerPolicy>,
    tokens: Option<RetryTokensPolicy>,
}

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(super) retry: Retry,
    pub(super) breaker: Option<Breaker>,
    tokens: Option<RetryTokens>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    retry: RetryState,
    breaker: Option<BreakerState>,
    tokens: Option<RetryTokensState>,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Poll,
    Outcome {
        attempt: AttemptId,
        outcome: AttemptOutcome,
    },
    Cancel,
    DeadlineAt,
    Attempts,
    InFlight,
    End,
    BreakerPhase,
    BreakerStats,
    Balance,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Step {
        action: RetryAction,
        made: Vec<Transition>,
    },
    Report {
        reported: Reported,
        made: Vec<Transition>,
    },
    DeadlineAt(Option<u64>),
    Attempts(u32),
    InFlight(Option<AttemptId>),
    End(Option<End>),
    BreakerPhase(Option<Phase>),
    BreakerStats(Option<BreakerStats>),
    Balance(Option<u64>),
}

/// What falls due by itself: an attempt's time, and what the breaker makes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    Abandon(AttemptId, AbandonedBy, u64),
    Breaker(Transition),
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn step_answer(step: &RetryStep) -> Answer {
    Answer::Step {
        action: step.action,
        made: step.transitions.into_iter().collect(),
    }
}

fn report_answer(report: &RetryReport) -> Answer {
    Answer::Report {
        reported: report.reported,
        made: report.transitions.into_iter().collect(),
    }
}

fn outcome(pick: &mut Pick, now_ns: u64) -> AttemptOutcome {
    let causes = [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ];
    let advice = match pick.below(8) {
        0..=2 => Some(Advice::RetryAt {
            at_ns: pick.instant(now_ns),
        }),
        3 if pick.one_in(4) => Some(Advice::Stop),
        _ => None,
    };
    match pick.below(24) {
        0 => AttemptOutcome::Success,
        1 => AttemptOutcome::permanent(),
        2 => AttemptOutcome::Cancelled,
        _ => {
            let outcome = AttemptOutcome::transient(pick.of(&causes)).with_advice(advice);
            let retry_at_ns = Some(pick.instant(now_ns));
            match pick.below(8) {
                0 => outcome.with_breaker(Outcome::Ignored),
                1 => outcome.with_breaker(Outcome::Overloaded { retry_at_ns }),
                _ => outcome,
            }
        }
    }
}

impl Subject for Retries {
    const NAME: &'static str = "retry";
    const POLL_ASKS: bool = true;
    const BEGINS: bool = true;
    const PUTS_OFF: bool = true;
    const PARTS_AT_THE_END: bool = true;

    type Policy = Policy;
    type Machine = Machine;
    type State = State;
    type Op = Op;
    type Answer = Answer;
    type Made = Made;
    type Id = AttemptId;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one operation, no keys"),
            _ => None,
        }
    }

    fn policies() -> Vec<(&'static str, Policy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(1_000));
        let twice = Trigger::Consecutive { failures: 2 };
        let breaker = BreakerPolicy::builder(full, ns(60)).trigger(twice);
        let wait = WhenRefused::Wait;
        let of = |retry| Policy {
            retry,
            breaker: None,
            tokens: None,
        };
        let alone = RetryPolicy::builder(plain).max_attempts(5).build();
        let times_out = RetryPolicy::builder(full)
            .unlimited_attempts()
            .attempt_timeout(ns(70))
            .advisory_rule(AdvisoryRule::Exact)
            .advisory_spread(Ratio::percent(20))
            .deadline(ns(1 << 40));
        let waits = RetryPolicy::builder(full.jitter(Jitter::Decorrelated))
            .unlimited_attempts()
            .attempt_timeout(ns(50))
            .deadline(ns(20_000))
            .when_refused(wait);
        let longest = RetryPolicy::builder(BackoffPolicy::builder(ns(1 << 60)))
            .max_attempts(40)
            .attempt_timeout(ns(1 << 62));
        vec![
            ("alone", of(alone.expect("alone"))),
            ("times out", of(times_out.build().expect("times out"))),
            (
                "waits for the breaker",
                Policy {
                    breaker: Some(breaker.build().expect("breaker")),
                    tokens: Some(RetryTokensPolicy::builder(4_000).build().expect("tokens")),
                    ..of(waits.build().expect("waits"))
                },
            ),
            (
                "ends at the breaker",
                Policy {
                    breaker: Some(breaker.build().expect("breaker")),
                    ..of(times_out.max_attempts(9).build().expect("ends"))
                },
            ),
            (
                "refunds",
                Policy {
                    tokens: Some(
                        RetryTokensPolicy::builder(3_000)
                            .refund(true)
                            .refill_milli(10)
                            .refill_per(ns(1))
                            .build()
                            .expect("refunds"),
                    ),
                    ..of(times_out.build().expect("refunds"))
                },
            ),
            ("the longest", of(longest.build().expect("the longest"))),
        ]
    }

    fn spans_ns(policy: &Policy) -> Vec<u64> {
        let mut spans = vec![policy.retry.backoff().base()];
        spans.extend(policy.retry.attempt_timeout());
        spans.extend(policy.retry.deadline());
        spans.iter().map(|span| span.as_nanos() as u64).collect()
    }

    fn fresh(policy: &Policy, begin_ns: u64) -> Machine {
        Machine {
            retry: Retry::new(policy.retry, begin_ns),
            breaker: policy.breaker.map(Breaker::new),
            tokens: policy.tokens.map(RetryTokens::new),
        }
    }

    fn state(machine: &Machine) -> State {
        State {
            retry: machine.retry.state(),
            breaker: machine.breaker.as_ref().map(Breaker::state),
            tokens: machine.tokens.as_ref().map(RetryTokens::state),
        }
    }

    fn restore(policy: &Policy, state: State) -> Result<Machine, RestoreError> {
        let breaker = policy.breaker.zip(state.breaker);
        let tokens = policy.tokens.zip(state.tokens);
        Ok(Machine {
            retry: Retry::restore(policy.retry, state.retry)?,
            breaker: breaker
                .map(|(policy, state)| Breaker::restore(policy, state))
                .transpose()?,
            tokens: tokens
                .map(|(policy, state)| RetryTokens::restore(policy, state))
                .transpose()?,
        })
    }

    fn next_deadline_ns(machine: &Machine) -> Option<u64> {
        machine.retry.next_deadline_ns()
    }

    fn apply(machine: &mut Machine, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        let Machine {
            retry,
            breaker,
            tokens,
        } = machine;
        match op {
            Op::DeadlineAt => return Answer::DeadlineAt(retry.deadline_at_ns()),
            Op::Attempts => return Answer::Attempts(retry.attempts()),
            Op::InFlight => return Answer::InFlight(retry.in_flight()),
            Op::End => return Answer::End(retry.end()),
            Op::BreakerPhase => {
                let breaker = breaker.as_ref();
                return Answer::BreakerPhase(breaker.map(|breaker| breaker.phase(now_ns)));
            }
            Op::BreakerStats => {
                let breaker = breaker.as_ref();
                return Answer::BreakerStats(breaker.map(|breaker| breaker.stats(now_ns)));
            }
            Op::Balance => {
                let tokens = tokens.as_ref();
                return Answer::Balance(tokens.map(|tokens| tokens.balance_milli(now_ns)));
            }
            _ => {}
        }
        let mut parts = Parts::none();
        if let Some(breaker) = breaker {
            parts = parts.with_breaker(breaker);
        }
        if let Some(tokens) = tokens {
            parts = parts.with_budget(tokens);
        }
        match *op {
            Op::Outcome { attempt, outcome } => {
                report_answer(&retry.on_outcome(now_ns, attempt, outcome, &mut parts, words))
            }
            Op::Cancel => step_answer(&retry.cancel(now_ns, &mut parts, words)),
            _ => step_answer(&retry.poll(now_ns, &mut parts, words)),
        }
    }

    fn generate(_: &Policy, pick: &mut Pick, now_ns: u64, ids: &[AttemptId]) -> Op {
        match (pick.below(80), pick.recent(ids)) {
            (0, _) => Op::Cancel,
            (1..=40, Some(attempt)) => Op::Outcome {
                attempt,
                outcome: outcome(pick, now_ns),
            },
            _ => Op::Poll,
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    /// A cancel tells first what is still to be told, as a poll does.
    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll | Op::Cancel)
    }

    fn queries() -> Vec<Op> {
        vec![Op::DeadlineAt, Op::Attempts]
    }

    fn settled_queries() -> Vec<Op> {
        vec![
            Op::DeadlineAt,
            Op::Attempts,
            Op::InFlight,
            Op::End,
            Op::BreakerPhase,
            Op::BreakerStats,
            Op::Balance,
        ]
    }

    /// Whoever polls at the end of a wait asks the breaker and the budget, whatever they answer.
    fn progress(before: &Machine, now_ns: u64, answer: &Answer) -> Progress {
        let retry = &before.retry;
        let rests = retry.in_flight().is_none() && retry.end().is_none();
        let is_due = retry.next_deadline_ns().is_some_and(|ns| ns <= now_ns);
        match answer {
            Answer::Step { action, .. } => match action {
                RetryAction::Attempt { .. } => Progress::Begun,
                RetryAction::Abandon { .. } => Progress::Reported,
                RetryAction::WaitUntil { .. } if rests && is_due => Progress::Begun,
                RetryAction::Done {
                    end: End::BreakerOpen { .. } | End::BudgetSpent { .. },
                } if rests => Progress::Begun,
                _ => Progress::Quiet,
            },
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Made> {
        let mut all = Vec::new();
        if let Answer::Step { made, .. } | Answer::Report { made, .. } = answer {
            all.extend(made.drain(..).map(Made::Breaker));
        }
        if let Answer::Step {
            action:
                RetryAction::Abandon {
                    attempt,
                    reason,
                    at_ns,
                },
            ..
        } = answer
        {
            all.push(Made::Abandon(*attempt, *reason, *at_ns));
        }
        all
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Step {
                action: RetryAction::Abandon { at_ns, .. },
                ..
            } => Some(*at_ns),
            _ => None,
        }
    }

    fn moved(_: &Policy, mut answer: Answer, mover: &mut Mover) -> Option<Answer> {
        if let Answer::Step { made, .. } | Answer::Report { made, .. } = &mut answer {
            for made in made {
                made.at_ns = mover.surely(made.at_ns)?;
            }
        }
        Some(match answer {
            Answer::Step { action, made } => Answer::Step {
                action: moved_action(action, mover)?,
                made,
            },
            Answer::DeadlineAt(at_ns) => Answer::DeadlineAt(mover.maybe(at_ns)),
            Answer::End(end) => Answer::End(end.map(|end| moved_end(end, mover))),
            other => other,
        })
    }

    fn moved_op(_: &Policy, op: &Op, mover: &mut Mover) -> Option<Op> {
        let mut op = op.clone();
        if let Op::Outcome { outcome, .. } = &mut op {
            *outcome = moved_outcome(*outcome, mover)?;
        }
        Some(op)
    }

    fn given(_: &Op, answer: &Answer) -> Vec<AttemptId> {
        match answer {
            Answer::Step {
                action: RetryAction::Attempt { attempt, .. },
                ..
            } => vec![*attempt],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<AttemptId> {
        match op {
            Op::Outcome { attempt, .. } => Some(*attempt),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        matches!(
            answer,
            Answer::Report {
                reported: Reported::Stale,
                ..
            }
        )
    }

    fn report(attempt: AttemptId, pick: &mut Pick) -> Option<Op> {
        Some(Op::Outcome {
            attempt,
            outcome: outcome(pick, 0),
        })
    }

    fn foreign(pick: &mut Pick, given: &[AttemptId]) -> Option<AttemptId> {
        let last = given.last().map_or(0, |attempt| attempt.to_word());
        let word = pick.of(&[0, last + 1, last + 2, u64::MAX]);
        Some(AttemptId::from_word(word))
    }

    fn words_expected(
        account: &mut Account,
        policy: &Policy,
        around: [&Machine; 2],
        now_ns: u64,
        op: &Op,
        answer: &Answer,
    ) -> u64 {
        retry_words::expected(account, &policy.retry, around, now_ns, op, answer)
    }
}
