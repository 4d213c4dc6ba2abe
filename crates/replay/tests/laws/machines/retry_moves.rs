//! What a retry is told and answers, with all its instants moved.

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::Outcome;
use evenkeel_core::retry::{AttemptOutcome, End, RetryAction};

use crate::harness::Mover;

pub(super) fn moved_end(end: End, mover: &mut Mover) -> End {
    match end {
        End::BudgetSpent { retry_at_ns } => End::BudgetSpent {
            retry_at_ns: mover.maybe(retry_at_ns),
        },
        End::BreakerOpen {
            reason,
            retry_at_ns,
        } => End::BreakerOpen {
            reason,
            retry_at_ns: mover.maybe(retry_at_ns),
        },
        End::Refused { retry_at_ns } => End::Refused {
            retry_at_ns: mover.maybe(retry_at_ns),
        },
        other => other,
    }
}

pub(super) fn moved_action(action: RetryAction, mover: &mut Mover) -> Option<RetryAction> {
    Some(match action {
        RetryAction::Attempt {
            attempt,
            number,
            timeout_at_ns,
            would_refuse,
        } => RetryAction::Attempt {
            attempt,
            number,
            timeout_at_ns: mover.maybe(timeout_at_ns),
            would_refuse,
        },
        RetryAction::Abandon {
            attempt,
            reason,
            at_ns,
        } => RetryAction::Abandon {
            attempt,
            reason,
            at_ns: mover.surely(at_ns)?,
        },
        RetryAction::InFlight {
            attempt,
            timeout_at_ns,
        } => RetryAction::InFlight {
            attempt,
            timeout_at_ns: mover.maybe(timeout_at_ns),
        },
        RetryAction::WaitUntil { at_ns } => RetryAction::WaitUntil {
            at_ns: mover.surely(at_ns)?,
        },
        RetryAction::Done { end } => RetryAction::Done {
            end: moved_end(end, mover),
        },
        other => other,
    })
}

pub(super) fn moved_outcome(
    mut outcome: AttemptOutcome,
    mover: &mut Mover,
) -> Option<AttemptOutcome> {
    if let AttemptOutcome::Transient {
        advice, breaker, ..
    } = &mut outcome
    {
        if let Some(Advice::RetryAt { at_ns }) = advice {
            *at_ns = mover.surely(*at_ns)?;
        }
        if let Some(Outcome::Overloaded {
            retry_at_ns: Some(at_ns),
        }) = breaker
        {
            *at_ns = mover.surely(*at_ns)?;
        }
    }
    Some(outcome)
}
