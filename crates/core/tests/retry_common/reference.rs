//! The reference: it keeps every call and, for each answer, goes through the whole history again.

use evenkeel_core::advice::Advice;
use evenkeel_core::backoff::Exhausted;
use evenkeel_core::breaker::{Outcome, RefusedBy};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{AbandonedBy, AttemptId, AttemptOutcome, End, RetryAction};

use super::plan::{Plan, Rule};
use super::script::{Heard, Says, refilled_at_ns};
use super::words::Words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Poll,
    Report(AttemptId, AttemptOutcome),
    Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Action(RetryAction),
    Counted,
    Stale,
}

/// All that is known after a history.
#[derive(Debug, PartialEq, Eq)]
pub struct Story {
    pub answers: Vec<Answer>,
    pub heard: Vec<Heard>,
    pub drawn: u64,
    pub due_ns: Option<u64>,
}

/// An attempt that was made.
struct Made {
    began: u64,
    paid: Option<u64>,
    over: bool,
}

struct Teller<'a> {
    plan: &'a Plan,
    started: u64,
    words: Words,
    heard: Vec<Heard>,
    asked_gate: usize,
    asked_budget: usize,
    made: Vec<Made>,
    waits: Vec<u64>,
    /// When the next attempt may be, why, and what was paid for it.
    next: Option<(u64, Option<RetryCause>, Option<u64>)>,
    end: Option<End>,
    abandon: Option<(AbandonedBy, u64)>,
}

/// The story of these calls, from the beginning.
pub fn story(plan: &Plan, started: u64, calls: &[(u64, Call)]) -> Story {
    let mut teller = Teller {
        plan,
        started,
        words: Words::of(plan.seed),
        heard: Vec::new(),
        asked_gate: 0,
        asked_budget: 0,
        made: Vec::new(),
        waits: Vec::new(),
        next: Some((started, None, None)),
        end: None,
        abandon: None,
    };
    let mut now = started;
    let mut answers = Vec::new();
    for &(at, call) in calls {
        now = now.max(at);
        teller.pass(now);
        answers.push(match call {
            Call::Poll => Answer::Action(teller.poll(now)),
            Call::Report(id, outcome) => teller.report(now, id, outcome),
            Call::Cancel => Answer::Action(teller.cancel(now)),
        });
    }
    Story {
        due_ns: teller.due(now),
        answers,
        heard: teller.heard,
        drawn: teller.words.drawn(),
    }
}

impl Teller<'_> {
    fn ends(&self) -> Option<u64> {
        self.started.checked_add(self.plan.deadline?)
    }

    fn is_late(&self, at: u64) -> bool {
        self.ends().is_some_and(|ends| at >= ends)
    }

    fn id(&self) -> AttemptId {
        AttemptId::from_word(self.made.len() as u64)
    }

    fn out(&self) -> Option<&Made> {
        self.made.last().filter(|made| !made.over)
    }

    /// When the attempt that is out is out for too long.
    fn limit(&self) -> Option<u64> {
        let own = self
            .plan
            .timeout
            .and_then(|timeout| self.out()?.began.checked_add(timeout));
        [own, self.ends()].into_iter().flatten().min()
    }

    fn due(&self, now: u64) -> Option<u64> {
        if self.abandon.is_some() {
            return Some(now);
        }
        match self.next {
            Some((at, ..)) => Some(at),
            None if self.out().is_some() => self.limit(),
            None => None,
        }
    }

    fn tell(&mut self, now: u64, outcome: Outcome) {
        let began = self.made.last().expect("an attempt").began;
        self.made.last_mut().expect("an attempt").over = true;
        if self.plan.gate.is_some() {
            self.heard.push(Heard::Told {
                now_ns: now,
                outcome,
                latency_ns: now - began,
            });
        }
    }

    fn give_back(&mut self, now: u64) {
        if let Some((_, _, Some(paid))) = self.next {
            self.heard.push(Heard::GaveBack { now_ns: now, paid });
        }
    }

    fn finish(&mut self, end: End) {
        self.next = None;
        self.end = Some(end);
    }

    /// What happens by time alone.
    fn pass(&mut self, now: u64) {
        if let (Some(made), Some(limit)) = (self.out(), self.limit()) {
            if limit <= now {
                let whole = self
                    .plan
                    .timeout
                    .is_none_or(|timeout| limit - made.began >= timeout);
                let outcome = if whole {
                    Outcome::Failure
                } else {
                    Outcome::Ignored
                };
                self.tell(limit, outcome);
                // The one whose limit it is: its own timeout, if it had the whole of it.
                let reason = if self.plan.timeout.is_some() && whole {
                    AbandonedBy::Timeout
                } else {
                    AbandonedBy::Deadline
                };
                self.abandon = Some((reason, limit));
                self.decide(limit, RetryCause::Timeout, None);
            }
        }
        if self.next.is_some() && self.is_late(now) {
            self.give_back(self.ends().expect("late"));
            self.finish(End::Deadline);
        }
    }

    fn withdraw(&mut self, now: u64, cause: RetryCause) -> Result<Option<u64>, End> {
        let Some(script) = &self.plan.budget else {
            return Ok(None);
        };
        let grants = script[self.asked_budget % script.len()];
        self.asked_budget += 1;
        let paid = grants.then_some(self.asked_budget as u64);
        self.heard.push(Heard::Withdraw {
            now_ns: now,
            cause,
            paid,
        });
        match paid {
            Some(paid) => Ok(Some(paid)),
            None => Err(End::BudgetSpent {
                retry_at_ns: refilled_at_ns(now),
            }),
        }
    }

    fn decide(&mut self, now: u64, cause: RetryCause, advice: Option<Advice>) {
        let decision = self.checks(now, advice).and_then(|at| {
            let paid = self.withdraw(now, cause)?;
            Ok((at, Some(cause), paid))
        });
        match decision {
            Ok(next) => self.next = Some(next),
            Err(end) => self.finish(end),
        }
    }

    fn checks(&mut self, now: u64, advice: Option<Advice>) -> Result<u64, End> {
        if self.is_late(now) {
            return Err(End::Deadline);
        }
        let by_backoff = self.plan.max_retries.is_some() && self.plan.max_attempts.is_none();
        if !by_backoff && self.made.len() >= self.plan.attempts() {
            return Err(End::Attempts);
        }
        if advice == Some(Advice::Stop) {
            return Err(End::Advised);
        }
        let retries = self.plan.max_retries.map_or(usize::MAX, |max| max as usize);
        if self.waits.len() >= retries {
            return Err(End::Exhausted {
                limit: Exhausted::Retries,
            });
        }
        let wait = self.wait(now, advice)?;
        let at = self.take_wait(now, wait)?;
        self.waits.push(wait);
        if self.is_late(at) {
            return Err(End::Deadline);
        }
        Ok(at)
    }

    /// Refuses a wait that the total or the end of time forbids.
    fn take_wait(&self, now: u64, wait: u64) -> Result<u64, End> {
        let total: u128 = self
            .waits
            .iter()
            .chain([&wait])
            .map(|&wait| u128::from(wait))
            .sum();
        let limit = match self.plan.max_total {
            Some(max) if total > max.into() => Exhausted::TotalWait,
            _ => match now.checked_add(wait) {
                Some(at) => return Ok(at),
                // So late is later than any deadline.
                None if self.ends().is_some() => return Err(End::Deadline),
                None => Exhausted::EndOfTime,
            },
        };
        Err(End::Exhausted { limit })
    }

    fn word_below(&mut self, n: u64) -> u64 {
        let product = u128::from(self.words.next()) * u128::from(n);
        u64::try_from(product >> 64).expect("below n")
    }

    fn own_wait(&mut self) -> u64 {
        let cap = self.plan.cap.unwrap_or(1 << 62).min(1 << 62);
        let mut ceiling = u128::from(self.plan.base);
        for _ in 0..self.waits.len() {
            ceiling = (ceiling * 2).min(1 << 100);
        }
        let ceiling = u64::try_from(ceiling.min(cap.into())).expect("at most 2^62");
        if self.plan.jitter {
            self.word_below(ceiling + 1)
        } else {
            ceiling
        }
    }

    fn wait(&mut self, now: u64, advice: Option<Advice>) -> Result<u64, End> {
        let Some(Advice::RetryAt { at_ns }) = advice else {
            return Ok(self.own_wait());
        };
        let cap = self.plan.advisory_cap.or(self.plan.cap).unwrap_or(1 << 62);
        let advised = at_ns.saturating_sub(now).min(cap);
        let wait = if self.plan.rule == Rule::Exact {
            advised
        } else {
            let own = self.own_wait();
            self.take_wait(now, own)?;
            match self.plan.rule {
                Rule::Within(extra) => advised.max(own).min(own.saturating_add(extra)),
                _ => advised.max(own),
            }
        };
        if self.plan.spread_percent == 0 {
            return Ok(wait);
        }
        let room = u128::from(wait) * u128::from(self.plan.spread_percent) / 100;
        let room = u64::try_from(room).expect("at most the wait");
        Ok(wait.saturating_add(self.word_below(room + 1)))
    }

    fn poll(&mut self, now: u64) -> RetryAction {
        if let Some(abandon) = self.take_abandon() {
            return abandon;
        }
        if let Some(end) = self.end {
            return RetryAction::Done { end };
        }
        match self.next {
            None => RetryAction::InFlight {
                attempt: self.id(),
                timeout_at_ns: self.limit(),
            },
            Some((at, ..)) if now < at => RetryAction::WaitUntil { at_ns: at },
            Some((at, cause, paid)) => self.attempt(now, at, cause, paid),
        }
    }

    fn attempt(
        &mut self,
        now: u64,
        at: u64,
        cause: Option<RetryCause>,
        paid: Option<u64>,
    ) -> RetryAction {
        let mut paid = paid;
        if let (Some(cause), None) = (cause, paid) {
            match self.withdraw(now, cause) {
                Ok(taken) => paid = taken,
                Err(end) => {
                    self.finish(end);
                    return RetryAction::Done { end };
                }
            }
        }
        self.next = Some((at, cause, paid));
        if let Some(script) = &self.plan.gate {
            let says = script[self.asked_gate % script.len()];
            self.asked_gate += 1;
            let agreed = says == Says::Yes;
            self.heard.push(Heard::Asked {
                now_ns: now,
                agreed,
            });
            if let Says::No(later) = says {
                return self.refused(now, cause, later.and_then(|later| now.checked_add(later)));
            }
        }
        if cause.is_none() && self.plan.budget.is_some() {
            self.heard.push(Heard::Request { now_ns: now });
        }
        self.next = None;
        self.made.push(Made {
            began: now,
            paid,
            over: false,
        });
        RetryAction::Attempt {
            attempt: self.id(),
            number: u32::try_from(self.made.len()).expect("few"),
            timeout_at_ns: self.limit(),
            would_refuse: None,
        }
    }

    fn refused(&mut self, now: u64, cause: Option<RetryCause>, at: Option<u64>) -> RetryAction {
        self.give_back(now);
        match at {
            Some(at_ns) if self.plan.waits_when_refused && at_ns > now && !self.is_late(at_ns) => {
                self.next = Some((at_ns, cause, None));
                RetryAction::WaitUntil { at_ns }
            }
            retry_at_ns => {
                let end = End::BreakerOpen {
                    reason: RefusedBy::Open,
                    retry_at_ns,
                };
                self.finish(end);
                RetryAction::Done { end }
            }
        }
    }

    fn report(&mut self, now: u64, id: AttemptId, outcome: AttemptOutcome) -> Answer {
        let Some(paid) = self.out().map(|made| made.paid) else {
            return Answer::Stale;
        };
        if id != self.id() {
            return Answer::Stale;
        }
        let verdict = match outcome {
            AttemptOutcome::Success => Outcome::Success,
            AttemptOutcome::Permanent { breaker } => breaker,
            AttemptOutcome::Transient {
                breaker: Some(breaker),
                ..
            } => breaker,
            AttemptOutcome::Refused { .. } | AttemptOutcome::Cancelled => Outcome::Ignored,
            AttemptOutcome::Transient {
                cause: RetryCause::Throttled,
                advice: Some(Advice::RetryAt { at_ns }),
                ..
            } => Outcome::Overloaded {
                retry_at_ns: Some(at_ns),
            },
            AttemptOutcome::Transient {
                cause: RetryCause::Throttled,
                advice: Some(_),
                ..
            } => Outcome::Overloaded { retry_at_ns: None },
            _ => Outcome::Failure,
        };
        self.tell(now, verdict);
        match outcome {
            AttemptOutcome::Success => {
                if self.plan.budget.is_some() && (paid.is_some() || self.made.len() == 1) {
                    self.heard.push(Heard::Success { now_ns: now, paid });
                }
                self.finish(End::Succeeded);
            }
            AttemptOutcome::Permanent { .. } => self.finish(End::Permanent),
            AttemptOutcome::Transient { cause, advice, .. } => self.decide(now, cause, advice),
            AttemptOutcome::Refused { retry_at_ns } => {
                if let Some(paid) = paid {
                    self.heard.push(Heard::GaveBack { now_ns: now, paid });
                }
                self.finish(End::Refused { retry_at_ns });
            }
            _ => self.finish(End::Cancelled),
        }
        Answer::Counted
    }

    fn cancel(&mut self, now: u64) -> RetryAction {
        if self.out().is_some() {
            self.tell(now, Outcome::Ignored);
            self.abandon = Some((AbandonedBy::Cancelled, now));
        }
        self.give_back(now);
        let end = self.end.unwrap_or(End::Cancelled);
        self.finish(end);
        self.take_abandon().unwrap_or(RetryAction::Done { end })
    }

    fn take_abandon(&mut self) -> Option<RetryAction> {
        let (reason, at_ns) = self.abandon.take()?;
        Some(RetryAction::Abandon {
            attempt: self.id(),
            reason,
            at_ns,
        })
    }
}
