//! Simpler calls in place of one.

use evenkeel_core::breaker::Outcome;
use evenkeel_core::reconnect::LinkEvent;
use evenkeel_core::retry::AttemptOutcome;

use crate::any::AnyOp;
use crate::retry::{Lent, LentBreaker};
use crate::{breaker, breaker_table, reconnect, retry};

/// Calls that say less than this one, the simplest first.
pub(super) fn simpler(op: &AnyOp) -> Vec<AnyOp> {
    let mut all = Vec::new();
    match op {
        AnyOp::Retry(op) => of_retry(op, &mut |op| all.push(AnyOp::Retry(op))),
        AnyOp::Breaker(breaker::Op::OnOutcome {
            permit,
            outcome,
            latency_ns,
        }) => of_outcome(*outcome, *latency_ns, &mut |outcome, latency_ns| {
            all.push(AnyOp::Breaker(breaker::Op::OnOutcome {
                permit: *permit,
                outcome,
                latency_ns,
            }));
        }),
        AnyOp::BreakerTable(breaker_table::Op::OnOutcome {
            key,
            permit,
            outcome,
            latency_ns,
        }) => of_outcome(*outcome, *latency_ns, &mut |outcome, latency_ns| {
            all.push(AnyOp::BreakerTable(breaker_table::Op::OnOutcome {
                key: key.clone(),
                permit: *permit,
                outcome,
                latency_ns,
            }));
        }),
        AnyOp::Reconnect(reconnect::Op::OnEvent {
            link,
            event: LinkEvent::Refused(_),
        }) => all.push(AnyOp::Reconnect(reconnect::Op::OnEvent {
            link: *link,
            event: LinkEvent::Failed,
        })),
        _ => {}
    }
    all
}

/// The same call of a retry with less lent to it.
pub(super) fn with_less_lent(op: &AnyOp, id: u64) -> Option<AnyOp> {
    let AnyOp::Retry(op) = op else {
        return None;
    };
    let mut lent = op.lent().clone();
    lent.breaker = lent.breaker.filter(|breaker| breaker.id() != id);
    lent.budget = lent.budget.filter(|budget| *budget != id);
    (lent != *op.lent()).then(|| AnyOp::Retry(op.clone().with_lent(lent)))
}

/// The machines that this call borrows.
pub(super) fn lent_to(op: &AnyOp) -> impl Iterator<Item = u64> {
    let lent = match op {
        AnyOp::Retry(op) => op.lent(),
        _ => &Lent::NONE,
    };
    let breaker = lent.breaker.as_ref().map(LentBreaker::id);
    breaker.into_iter().chain(lent.budget)
}

fn of_retry(op: &retry::Op, show: &mut dyn FnMut(retry::Op)) {
    let lent = op.lent();
    if !lent.is_none() {
        show(op.clone().with_lent(Lent::NONE));
    }
    if lent.breaker.is_some() && lent.budget.is_some() {
        for (has_breaker, has_budget) in [(true, false), (false, true)] {
            let breaker = lent.breaker.clone().filter(|_| has_breaker);
            let budget = lent.budget.filter(|_| has_budget);
            show(op.clone().with_lent(Lent { breaker, budget }));
        }
    }
    let retry::Op::OnOutcome {
        attempt,
        outcome:
            AttemptOutcome::Transient {
                cause,
                advice,
                breaker,
            },
        lent,
    } = op
    else {
        return;
    };
    let mut with = |advice, breaker| {
        show(retry::Op::OnOutcome {
            attempt: *attempt,
            outcome: AttemptOutcome::Transient {
                cause: *cause,
                advice,
                breaker,
            },
            lent: lent.clone(),
        });
    };
    if advice.is_some() && breaker.is_some() {
        with(None, None);
    }
    if advice.is_some() {
        with(None, *breaker);
    }
    if breaker.is_some() {
        with(*advice, None);
    }
}

fn of_outcome(outcome: Outcome, latency_ns: u64, show: &mut dyn FnMut(Outcome, u64)) {
    let plain = match outcome {
        Outcome::Overloaded {
            retry_at_ns: Some(_),
        } => Outcome::Overloaded { retry_at_ns: None },
        other => other,
    };
    if plain != outcome && latency_ns != 0 {
        show(plain, 0);
    }
    if plain != outcome {
        show(plain, latency_ns);
    }
    if latency_ns != 0 {
        show(outcome, 0);
    }
}
