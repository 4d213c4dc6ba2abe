//! A call at another time: the instants in it go along, for "come back in a minute" was said a minute before.

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::Outcome;
use evenkeel_core::reconnect::LinkEvent;
use evenkeel_core::retry::AttemptOutcome;

use crate::any::AnyOp;
use crate::{backoff_table, breaker, breaker_table, reconnect, retry};

/// How far a call goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

impl Move {
    /// The call that was made at `from_ns`, as it is made at `to_ns`.
    pub(crate) fn op(self, mut op: AnyOp) -> AnyOp {
        match &mut op {
            AnyOp::Retry(retry::Op::OnOutcome { outcome, .. }) => match outcome {
                AttemptOutcome::Transient {
                    advice, breaker, ..
                } => {
                    advice.iter_mut().for_each(|advice| self.advice(advice));
                    breaker.iter_mut().for_each(|told| self.outcome(told));
                }
                AttemptOutcome::Permanent { breaker } => self.outcome(breaker),
                AttemptOutcome::Refused {
                    retry_at_ns: Some(at_ns),
                } => *at_ns = self.at_ns(*at_ns),
                _ => {}
            },
            AnyOp::Breaker(breaker::Op::OnOutcome { outcome, .. })
            | AnyOp::BreakerTable(breaker_table::Op::OnOutcome { outcome, .. }) => {
                self.outcome(outcome);
            }
            AnyOp::BackoffTable(backoff_table::Op::OnAdvice { advice, .. })
            | AnyOp::Reconnect(reconnect::Op::OnEvent {
                event: LinkEvent::Refused(advice),
                ..
            }) => self.advice(advice),
            _ => {}
        }
        op
    }

    fn advice(self, advice: &mut Advice) {
        if let Advice::RetryAt { at_ns } = advice {
            *at_ns = self.at_ns(*at_ns);
        }
    }

    fn outcome(self, outcome: &mut Outcome) {
        if let Outcome::Overloaded {
            retry_at_ns: Some(at_ns),
        } = outcome
        {
            *at_ns = self.at_ns(*at_ns);
        }
    }

    fn at_ns(self, at_ns: u64) -> u64 {
        let moved = i128::from(at_ns) + i128::from(self.to_ns) - i128::from(self.from_ns);
        u64::try_from(moved.max(0)).unwrap_or(u64::MAX)
    }
}
