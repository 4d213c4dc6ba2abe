//! A plain map of breakers: keys are dropped at the instant at which they are forgotten, the first that is due is
//! searched for.

use std::collections::BTreeMap;

use evenkeel_core::breaker::{
    Breaker, Cause, Health, Mode, Outcome, Permit, PermitId, Phase, Receipt, RefusedBy, Transition,
    Transitions,
};
use evenkeel_core::table::{AnsweredBy, BreakerTable, BreakerTablePolicy};

use crate::words::Words;

/// A transition without its generation, which a table counts otherwise.
pub(crate) type Made = (u64, Phase, Phase, Cause);

pub(crate) fn made(transitions: Transitions) -> Vec<Made> {
    let plain = |t: Transition| (t.at_ns, t.from, t.to, t.cause);
    transitions.into_iter().map(plain).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Granted(AnsweredBy, bool, Vec<Made>),
    Refused(AnsweredBy, RefusedBy, Option<u64>, Vec<Made>),
    Receipt(AnsweredBy, &'static str, Vec<Made>),
    Made(Vec<Made>),
    Full,
    Polled(Option<(Option<u64>, Vec<Made>)>),
    Forgotten(bool),
}

pub(crate) fn receipt(by: AnsweredBy, receipt: Receipt) -> Told {
    let name = match receipt {
        Receipt::Counted(_) => "counted",
        Receipt::Released(_) => "released",
        _ => "stale",
    };
    Told::Receipt(by, name, made(receipt.transitions()))
}

/// One breaker of the reference.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    pub(crate) number: u64,
    pub(crate) breaker: Breaker,
    pub(crate) last: u64,
    pub(crate) deadline: Option<u64>,
}

impl Stay {
    /// When it is forgotten if nobody comes: all that time does to it, and then the quiet.
    pub(crate) fn forgotten_at(&self, forget: u64) -> Option<u64> {
        let (mut later, mut quiet) = (self.breaker.clone(), self.last);
        while let Some(at) = later.next_deadline_ns() {
            let _ = later.poll(at);
            quiet = quiet.max(at);
        }
        let held = later.mode() != Mode::Normal || later.phase(0) == Phase::Open;
        if held {
            None
        } else {
            quiet.checked_add(forget)
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) policy: BreakerTablePolicy,
    pub(crate) keys: BTreeMap<u64, Stay>,
    pub(crate) overflow: Option<Stay>,
    pub(crate) now: u64,
    pub(crate) stays: u64,
}

impl Reference {
    pub(crate) fn forget(&self) -> u64 {
        self.policy.forget_after().as_nanos() as u64
    }

    pub(crate) fn goes_to(&mut self, now: u64) {
        self.now = self.now.max(now);
        let (now, forget) = (self.now, self.forget());
        let known = |stay: &Stay| stay.forgotten_at(forget).is_none_or(|at| at > now);
        self.keys.retain(|_, stay| known(stay));
        self.overflow = self.overflow.take().filter(known);
    }

    pub(crate) fn new_stay(&mut self) -> Stay {
        self.stays += 1;
        Stay {
            number: self.stays,
            breaker: Breaker::new(*self.policy.breaker()),
            last: self.now,
            deadline: None,
        }
    }

    /// The breaker that answers for a key.
    pub(crate) fn who(&mut self, key: u64) -> Option<u64> {
        let closed = self
            .overflow
            .as_ref()
            .is_none_or(|stay| stay.breaker.phase(self.now) == Phase::Closed);
        if self.keys.contains_key(&key) {
            return Some(key);
        }
        if closed && self.keys.len() < self.policy.max_keys() as usize {
            let stay = self.new_stay();
            self.keys.insert(key, stay);
            return Some(key);
        }
        if self.overflow.is_none() {
            self.overflow = Some(self.new_stay());
        }
        None
    }

    pub(crate) fn stay(&mut self, who: Option<u64>) -> &mut Stay {
        match who {
            Some(key) => self.keys.get_mut(&key).expect("tracked"),
            None => self.overflow.as_mut().expect("there"),
        }
    }

    pub(crate) fn settle(&mut self, who: Option<u64>, event: bool, made: &[Made]) {
        let now = self.now;
        let stay = self.stay(who);
        if event {
            stay.last = now;
        } else if let Some((at, ..)) = made.last() {
            stay.last = stay.last.max(*at);
        }
        stay.deadline = stay.breaker.next_deadline_ns();
    }

    pub(crate) fn first_due(&self) -> Option<(u64, Option<u64>)> {
        let due = |stay: &Stay| stay.breaker.next_deadline_ns();
        let own = self
            .keys
            .iter()
            .filter_map(|(key, stay)| Some((due(stay)?, stay.number, *key)));
        let own = own.min().map(|(at, _, key)| (at, Some(key)));
        let overflow = self.overflow.as_ref().and_then(due).map(|at| (at, None));
        match (own, overflow) {
            (Some(own), Some(overflow)) => Some(if own.0 <= overflow.0 { own } else { overflow }),
            (own, overflow) => own.or(overflow),
        }
    }
}

pub(crate) const fn by(who: Option<u64>) -> AnsweredBy {
    match who {
        Some(_) => AnsweredBy::Key,
        None => AnsweredBy::Overflow,
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Ask(u64),
    /// Reports a grant given before, to its key or to another one.
    Report(usize, Option<u64>, Outcome),
    Health(u64, Health),
    Mode(u64, Mode),
    Reset(u64),
    Forget(u64),
    Poll,
}

/// A grant: of whom, and its permits in the tables and in the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given {
    pub(crate) key: u64,
    pub(crate) stay: u64,
    pub(crate) permits: [PermitId; 2],
    pub(crate) expected: PermitId,
}

pub(crate) fn tell<S: core::hash::BuildHasher>(
    table: &mut BreakerTable<u64, S>,
    now: u64,
    op: Op,
    report: Option<(u64, PermitId, Outcome)>,
    words: &mut Words,
) -> (Told, Option<PermitId>) {
    let told = match op {
        Op::Ask(key) => match table.try_acquire(now, &key, words) {
            Ok(granted) => {
                let grant = granted.answer;
                let told = Told::Granted(
                    granted.by,
                    grant.would_refuse.is_some(),
                    made(grant.transitions),
                );
                return (told, Some(grant.permit.id()));
            }
            Err(refused) => {
                let no = refused.answer;
                Told::Refused(
                    refused.by,
                    no.reason(),
                    no.retry_at_ns(),
                    made(no.transitions),
                )
            }
        },
        Op::Report(..) => {
            let (key, permit, outcome) = report.expect("a report");
            let permit = Permit::from_id(permit);
            let told = table.on_outcome(now, &key, permit, outcome, 0, words);
            receipt(told.by, told.answer)
        }
        Op::Health(key, health) => {
            let told = table.on_health(now, &key, health);
            Told::Receipt(told.by, "health", made(told.answer))
        }
        Op::Mode(key, mode) => table
            .set_mode(now, &key, mode)
            .map_or(Told::Full, |t| Told::Made(made(t))),
        Op::Reset(key) => Told::Made(made(table.reset(now, &key))),
        Op::Forget(key) => Told::Forgotten(table.forget(now, &key)),
        Op::Poll => Told::Polled(
            table
                .poll(now)
                .map(|due| (due.key.copied(), made(due.transitions))),
        ),
    };
    (told, None)
}

pub(crate) fn expect(
    reference: &mut Reference,
    op: Op,
    given: Option<(Given, u64, Outcome)>,
    words: &mut Words,
) -> (Told, Option<(u64, PermitId)>) {
    let now = reference.now;
    let told = match op {
        Op::Ask(key) => {
            let who = reference.who(key);
            let stay = reference.stay(who);
            let number = stay.number;
            let answer = stay.breaker.try_acquire(now, words);
            let (told, permit) = match answer {
                Ok(grant) => {
                    let told = Told::Granted(
                        by(who),
                        grant.would_refuse.is_some(),
                        made(grant.transitions),
                    );
                    (told, Some((number, grant.permit.id())))
                }
                Err(no) => (
                    Told::Refused(by(who), no.reason(), no.retry_at_ns(), made(no.transitions)),
                    None,
                ),
            };
            reference.settle(who, true, &[]);
            return (told, permit);
        }
        Op::Report(..) => {
            let (given, key, outcome) = given.expect("a report");
            let of_overflow = given.key == u64::MAX;
            let who = if of_overflow { None } else { Some(key) };
            let there = if of_overflow {
                reference.overflow.is_some()
            } else {
                reference.keys.contains_key(&key)
            };
            if !there {
                return (Told::Receipt(by(who), "stale", Vec::new()), None);
            }
            let stay = reference.stay(who);
            let permit = if stay.number == given.stay {
                given.expected
            } else {
                PermitId::from_words([u64::MAX, 0]) // of another stay: of no generation of this one
            };
            let answer = stay
                .breaker
                .on_outcome(now, Permit::from_id(permit), outcome, 0, words);
            let transitions = made(answer.transitions());
            reference.settle(who, !answer.is_stale(), &transitions);
            receipt(by(who), answer)
        }
        Op::Health(key, health) => {
            if !reference.policy.breaker().until_healthy() && !reference.keys.contains_key(&key) {
                return (Told::Receipt(AnsweredBy::Key, "health", Vec::new()), None);
            }
            let who = reference.who(key);
            let transitions = made(reference.stay(who).breaker.on_health(now, health));
            reference.settle(who, true, &[]);
            Told::Receipt(by(who), "health", transitions)
        }
        Op::Mode(key, mode) => {
            if !reference.keys.contains_key(&key) {
                if mode == Mode::Normal {
                    return (Told::Made(Vec::new()), None);
                }
                if reference.keys.len() >= reference.policy.max_keys() as usize {
                    return (Told::Full, None);
                }
                let stay = reference.new_stay();
                reference.keys.insert(key, stay);
            }
            let transitions = made(reference.stay(Some(key)).breaker.set_mode(now, mode));
            reference.settle(Some(key), true, &[]);
            Told::Made(transitions)
        }
        Op::Reset(key) => {
            if !reference.keys.contains_key(&key) {
                return (Told::Made(Vec::new()), None);
            }
            let transitions = made(reference.stay(Some(key)).breaker.reset(now));
            reference.settle(Some(key), true, &[]);
            Told::Made(transitions)
        }
        Op::Forget(key) => Told::Forgotten(reference.keys.remove(&key).is_some()),
        Op::Poll => match reference.first_due() {
            Some((at, who)) if at <= now => {
                let transitions = made(reference.stay(who).breaker.poll(now));
                reference.settle(who, false, &transitions);
                Told::Polled(Some((who, transitions)))
            }
            _ => Told::Polled(None),
        },
    };
    (told, None)
}
