//! Retry under the laws, with what it borrows.

use evenkeel_core::Reported;
use evenkeel_core::backoff::Exhausted;
use evenkeel_core::breaker::{Transition, Transitions};
use evenkeel_core::retry::{AbandonedBy, AttemptId, End, RetryAction};
use evenkeel_replay::{breaker, retry, retry_tokens};

use super::breaker::moved_transitions;
pub(crate) use super::retry_borrowing::Borrowing;
use super::retry_borrowing::{Answer, Op, Policy};
use super::retry_moves::{moved_action, moved_end, moved_outcome};
use super::retry_words::{self, Account};
use crate::harness::{Law, Mover, Progress, Subject};

/// What falls due by itself: an attempt's time, and what the breaker makes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    Abandon(AttemptId, AbandonedBy, u64),
    Breaker(Transition),
}

fn transitions_mut(answer: &mut Answer) -> Option<&mut Transitions> {
    match answer {
        Answer::Retry(retry::Answer::Step(step)) => Some(&mut step.transitions),
        Answer::Retry(retry::Answer::Report(report)) => Some(&mut report.transitions),
        _ => None,
    }
}

impl Subject for Borrowing {
    const BEGINS: bool = true;
    const PUTS_OFF: bool = true;
    const PARTS_AT_THE_END: bool = true;

    type Made = Made;
    type Account = Account;

    fn not_applicable(law: Law) -> Option<&'static str> {
        match law {
            Law::Forgotten | Law::Order => Some("one operation, no keys"),
            _ => None,
        }
    }

    /// A cancel tells first what is still to be told, as a poll does.
    fn is_poll(op: &Op) -> bool {
        matches!(
            op,
            Op::Retry(retry::Op::Poll { .. } | retry::Op::Cancel { .. })
        )
    }

    fn queries() -> Vec<Op> {
        vec![
            Op::Retry(retry::Op::DeadlineAtNs),
            Op::Retry(retry::Op::Attempts),
        ]
    }

    fn settled_queries() -> Vec<Op> {
        let mut queries = Self::queries();
        queries.extend([
            Op::Retry(retry::Op::InFlight),
            Op::Retry(retry::Op::End),
            Op::Breaker(breaker::Op::Phase),
            Op::Breaker(breaker::Op::Stats),
            Op::Tokens(retry_tokens::Op::BalanceMilli),
        ]);
        queries
    }

    /// Whoever polls at the end of a wait asks the breaker and the budget, whatever they answer.
    fn progress(before: &Self, now_ns: u64, answer: &Answer) -> Progress {
        let retry = &before.retry;
        let rests = retry.in_flight().is_none() && retry.end().is_none();
        let is_due = retry.next_deadline_ns().is_some_and(|ns| ns <= now_ns);
        let Answer::Retry(retry::Answer::Step(step)) = answer else {
            return Progress::Quiet;
        };
        match step.action {
            RetryAction::Attempt { .. } => Progress::Begun,
            RetryAction::Abandon { .. } => Progress::Reported,
            RetryAction::WaitUntil { .. } if rests && is_due => Progress::Begun,
            RetryAction::Done {
                end: End::BreakerOpen { .. } | End::BudgetSpent { .. },
            } if rests => Progress::Begun,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Made> {
        let mut all = Vec::new();
        if let Some(transitions) = transitions_mut(answer) {
            all.extend(transitions.iter().map(Made::Breaker));
            *transitions = Transitions::NONE;
        }
        if let Answer::Retry(retry::Answer::Step(step)) = answer {
            if let RetryAction::Abandon {
                attempt,
                reason,
                at_ns,
            } = step.action
            {
                all.push(Made::Abandon(attempt, reason, at_ns));
            }
        }
        all
    }

    /// What would have come after the wait, such as a budget that refuses, comes no more.
    fn gives_up_at_the_end(answer: &Answer) -> bool {
        let limit = Exhausted::EndOfTime;
        let Answer::Retry(retry::Answer::Step(step)) = answer else {
            return false;
        };
        matches!(step.action, RetryAction::Done { end } if end == End::Exhausted { limit })
    }

    fn fell_due_ns(answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Retry(retry::Answer::Step(step)) => match step.action {
                RetryAction::Abandon { at_ns, .. } => Some(at_ns),
                _ => None,
            },
            _ => None,
        }
    }

    fn moved(_: &Policy, mut answer: Answer, mover: &mut Mover) -> Option<Answer> {
        if let Some(transitions) = transitions_mut(&mut answer) {
            *transitions = moved_transitions(*transitions, mover)?;
        }
        if let Answer::Retry(answer) = &mut answer {
            match answer {
                retry::Answer::Step(step) => step.action = moved_action(step.action, mover)?,
                retry::Answer::DeadlineAtNs(at_ns) => *at_ns = mover.maybe(*at_ns),
                retry::Answer::End(end) => *end = end.map(|end| moved_end(end, mover)),
                _ => {}
            }
        }
        Some(answer)
    }

    fn moved_op(_: &Policy, op: &Op, mover: &mut Mover) -> Option<Op> {
        let mut op = op.clone();
        if let Op::Retry(retry::Op::OnOutcome { outcome, .. }) = &mut op {
            *outcome = moved_outcome(*outcome, mover)?;
        }
        Some(op)
    }

    fn is_stale(answer: &Answer) -> bool {
        match answer {
            Answer::Retry(retry::Answer::Report(report)) => report.reported == Reported::Stale,
            _ => false,
        }
    }

    fn words_expected(
        account: &mut Account,
        policy: &Policy,
        around: [&Self; 2],
        now_ns: u64,
        op: &Op,
        answer: &Answer,
    ) -> u64 {
        retry_words::expected(account, &policy.retry, around, now_ns, op, answer)
    }
}
