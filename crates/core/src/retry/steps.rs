//! One call of a retry: what has fallen due, then the next attempt, a report, or the end.

use super::answer::{AttemptId, AttemptOutcome, RetryAction, RetryReport, RetryStep};
use super::asking::Admitted;
use super::end::{AbandonedBy, End};
use super::parts::Parts;
use super::policy::{RetryPolicy, WhenRefused};
use super::state::{Overdue, RetryState, Stage};
use crate::advice::Advice;
use crate::backoff::Exhausted;
use crate::breaker::{Outcome, Refused, Transitions};
use crate::budget::{RetryCause, WithdrawalId};
use crate::random::Rng;
use crate::reported::Reported;

impl RetryState {
    pub(super) fn poll(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> RetryStep {
        let now_ns = self.clock.observe(now_ns);
        let transitions = self.advance(policy, now_ns, parts, rng);
        let step = |action| RetryStep {
            action,
            transitions,
        };
        if let Some(action) = self.take_abandon() {
            return step(action);
        }
        match self.stage {
            Stage::Waiting { at_ns, .. } if now_ns < at_ns => {
                step(RetryAction::WaitUntil { at_ns })
            }
            Stage::Waiting {
                cause, withdrawal, ..
            } => self.try_attempt(policy, now_ns, cause, withdrawal, parts, rng),
            Stage::InFlight { began_ns, .. } => step(RetryAction::InFlight {
                attempt: self.last_attempt(),
                timeout_at_ns: self.timeout_at_ns(policy, began_ns),
            }),
            Stage::Lost { at_ns } => step(RetryAction::WaitUntil { at_ns }),
            Stage::Done { end } => step(RetryAction::Done { end }),
        }
    }

    pub(super) fn on_outcome(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        attempt: AttemptId,
        outcome: AttemptOutcome,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> RetryReport {
        let now_ns = self.clock.observe(now_ns);
        let transitions = self.advance(policy, now_ns, parts, rng);
        let Stage::InFlight {
            began_ns,
            permit,
            withdrawal,
        } = self.stage
        else {
            return stale(transitions);
        };
        if attempt != self.last_attempt() {
            return stale(transitions);
        }
        let latency_ns = now_ns.saturating_sub(began_ns);
        let transitions = parts.tell(now_ns, permit, outcome.breaker_outcome(), latency_ns, rng);
        self.stage = match outcome {
            AttemptOutcome::Success => {
                // A retry that nobody paid for (its budget was not there then) says nothing.
                if withdrawal.is_some() || self.attempts == 1 {
                    parts.on_success(now_ns, withdrawal);
                }
                Stage::Done {
                    end: End::Succeeded,
                }
            }
            AttemptOutcome::Permanent { .. } => Stage::Done {
                end: End::Permanent,
            },
            AttemptOutcome::Refused { retry_at_ns } => {
                // It was not made.
                parts.give_back(now_ns, withdrawal);
                Stage::Done {
                    end: End::Refused { retry_at_ns },
                }
            }
            AttemptOutcome::Cancelled => Stage::Done {
                end: End::Cancelled,
            },
            AttemptOutcome::Transient { cause, advice, .. } => {
                self.decide(policy, now_ns, cause, advice, parts, rng)
            }
        };
        RetryReport {
            reported: Reported::Counted,
            transitions,
        }
    }

    pub(super) fn cancel(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> RetryStep {
        let now_ns = self.clock.observe(now_ns);
        let mut transitions = self.advance(policy, now_ns, parts, rng);
        let end = match self.stage {
            Stage::Done { end } => end,
            _ => End::Cancelled,
        };
        match self.stage {
            Stage::Waiting { withdrawal, .. } => parts.give_back(now_ns, withdrawal),
            Stage::InFlight {
                began_ns, permit, ..
            } => {
                let latency_ns = now_ns.saturating_sub(began_ns);
                transitions = parts.tell(now_ns, permit, Outcome::Ignored, latency_ns, rng);
                self.abandon = Some(Overdue {
                    reason: AbandonedBy::Cancelled,
                    at_ns: now_ns,
                });
            }
            Stage::Lost { .. } | Stage::Done { .. } => {}
        }
        self.stage = Stage::Done { end };
        let action = self.take_abandon().unwrap_or(RetryAction::Done { end });
        RetryStep {
            action,
            transitions,
        }
    }

    /// Does what has fallen due by `now_ns`, as of the instants at which it did.
    fn advance(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> Transitions {
        let transitions = self.expire(policy, now_ns, parts, rng);
        if let Stage::Lost { at_ns } = self.stage {
            if at_ns <= now_ns {
                self.stage = self.decide(policy, at_ns, RetryCause::Failure, None, parts, rng);
            }
        }
        if let Stage::Waiting { withdrawal, .. } = self.stage {
            let ends_ns = self.ends_at_ns(policy);
            if let Some(ends_ns) = ends_ns.filter(|&ends_ns| ends_ns <= now_ns) {
                parts.give_back(ends_ns, withdrawal);
                self.stage = Stage::Done { end: End::Deadline };
            }
        }
        transitions
    }

    /// Gives the attempt up whose time is over.
    fn expire(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> Transitions {
        let Stage::InFlight {
            began_ns, permit, ..
        } = self.stage
        else {
            return Transitions::NONE;
        };
        let timeout_ns = self.timeout_at_ns(policy, began_ns);
        let Some(at_ns) = timeout_ns.filter(|&at_ns| at_ns <= now_ns) else {
            return Transitions::NONE;
        };
        let latency_ns = at_ns.saturating_sub(began_ns);
        // An attempt that the deadline cut short has not had its time: that says nothing of the dependency.
        let cut_short = policy
            .attempt_timeout_ns
            .is_some_and(|timeout_ns| latency_ns < timeout_ns);
        let outcome = if cut_short {
            Outcome::Ignored
        } else {
            Outcome::Failure
        };
        let transitions = parts.tell(at_ns, permit, outcome, latency_ns, rng);
        let reason = match policy.attempt_timeout_ns {
            Some(_) if !cut_short => AbandonedBy::Timeout,
            _ => AbandonedBy::Deadline,
        };
        self.abandon = Some(Overdue { reason, at_ns });
        self.stage = self.decide(policy, at_ns, RetryCause::Timeout, None, parts, rng);
        transitions
    }

    /// What follows a failed attempt. The order of the checks is part of the contract: deadline, attempts, advice,
    /// backoff, budget.
    fn decide(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        cause: RetryCause,
        advice: Option<Advice>,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> Stage {
        let wait = self.wait_until(policy, now_ns, advice, rng);
        let paid = wait.and_then(|at_ns| Ok((at_ns, parts.withdraw(now_ns, cause)?)));
        match paid {
            Ok((at_ns, withdrawal)) => Stage::Waiting {
                at_ns,
                cause: Some(cause),
                withdrawal,
            },
            Err(end) => Stage::Done { end },
        }
    }

    /// When the next attempt may be made, if all but the budget agree.
    fn wait_until(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        advice: Option<Advice>,
        rng: &mut dyn Rng,
    ) -> Result<u64, End> {
        let ends_ns = self.ends_at_ns(policy);
        let is_late = |at_ns| ends_ns.is_some_and(|ends_ns| at_ns >= ends_ns);
        if is_late(now_ns) {
            return Err(End::Deadline);
        }
        if policy.attempts_are_used_up(self.attempts) {
            return Err(End::Attempts);
        }
        if advice == Some(Advice::Stop) {
            return Err(End::Advised);
        }
        let at_ns = self
            .draw_wait(policy, now_ns, advice, rng)
            .map_err(|limit| match (limit, ends_ns) {
                // What ends past the last instant ends past any deadline.
                (Exhausted::EndOfTime, Some(_)) => End::Deadline,
                _ => End::Exhausted { limit },
            })?;
        if is_late(at_ns) {
            return Err(End::Deadline);
        }
        Ok(at_ns)
    }

    /// The breaker is asked, and the attempt begins, if it agrees.
    fn try_attempt(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        cause: Option<RetryCause>,
        withdrawal: Option<WithdrawalId>,
        parts: &mut Parts<'_>,
        rng: &mut dyn Rng,
    ) -> RetryStep {
        // A retry that was refused has given back what it had taken: it asks again.
        let paid = match (withdrawal, cause) {
            (None, Some(cause)) => parts.withdraw(now_ns, cause),
            (withdrawal, _) => Ok(withdrawal),
        };
        let withdrawal = match paid {
            Ok(withdrawal) => withdrawal,
            Err(end) => {
                self.stage = Stage::Done { end };
                return RetryStep {
                    action: RetryAction::Done { end },
                    transitions: Transitions::NONE,
                };
            }
        };
        match parts.acquire(now_ns, rng) {
            Ok(asked) => {
                if cause.is_none() {
                    parts.on_request(now_ns);
                }
                self.begin(policy, now_ns, withdrawal, asked)
            }
            Err(refused) => {
                // A withdrawal of nothing is a cost that was the failure's: taken once, whoever asks how often.
                let (kept, taken) = match withdrawal {
                    Some(id) if id.amount_milli() == 0 => (withdrawal, None),
                    _ => (None, withdrawal),
                };
                parts.give_back(now_ns, taken);
                let step = self.refuse(policy, now_ns, cause, kept, &refused);
                if matches!(self.stage, Stage::Done { .. }) {
                    parts.give_back(now_ns, kept);
                }
                step
            }
        }
    }

    fn begin(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        withdrawal: Option<WithdrawalId>,
        asked: Option<Admitted>,
    ) -> RetryStep {
        self.attempts = self.attempts.saturating_add(1);
        self.stage = Stage::InFlight {
            began_ns: now_ns,
            permit: asked.map(|asked| asked.permit),
            withdrawal,
        };
        RetryStep {
            action: RetryAction::Attempt {
                attempt: self.last_attempt(),
                number: self.attempts(),
                timeout_at_ns: self.timeout_at_ns(policy, now_ns),
                would_refuse: asked.and_then(|asked| asked.would_refuse),
            },
            transitions: asked.map_or(Transitions::NONE, |asked| asked.transitions),
        }
    }

    fn refuse(
        &mut self,
        policy: &RetryPolicy,
        now_ns: u64,
        cause: Option<RetryCause>,
        withdrawal: Option<WithdrawalId>,
        refused: &Refused,
    ) -> RetryStep {
        let (reason, retry_at_ns) = (refused.reason(), refused.retry_at_ns());
        let ends_ns = self.ends_at_ns(policy);
        let in_time = |at_ns: &u64| *at_ns > now_ns && ends_ns.is_none_or(|ends| *at_ns < ends);
        let waits = policy.when_refused == WhenRefused::Wait;
        let action = match retry_at_ns.filter(|at_ns| waits && in_time(at_ns)) {
            Some(at_ns) => {
                self.stage = Stage::Waiting {
                    at_ns,
                    cause,
                    withdrawal,
                };
                RetryAction::WaitUntil { at_ns }
            }
            None => {
                let end = End::BreakerOpen {
                    reason,
                    retry_at_ns,
                };
                self.stage = Stage::Done { end };
                RetryAction::Done { end }
            }
        };
        RetryStep {
            action,
            transitions: refused.transitions,
        }
    }

    pub(super) const fn last_attempt(&self) -> AttemptId {
        AttemptId::from_word(self.attempts)
    }

    fn take_abandon(&mut self) -> Option<RetryAction> {
        let Overdue { reason, at_ns } = self.abandon.take()?;
        Some(RetryAction::Abandon {
            attempt: self.last_attempt(),
            reason,
            at_ns,
        })
    }
}

const fn stale(transitions: Transitions) -> RetryReport {
    RetryReport {
        reported: Reported::Stale,
        transitions,
    }
}
