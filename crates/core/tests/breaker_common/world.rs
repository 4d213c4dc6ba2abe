//! A caller with a clock of its own and a memory for permits: turns moves such as "to the deadline, less one" into
//! calls with plain numbers.

use evenkeel_core::breaker::{Health, Mode, Outcome, Phase};

use super::pair::{Call, What, ask_reference};
use super::plan::Plan;
use super::reference::Reference;
use super::told::{Answer, Told};

/// How the clock moves before a call: by name, so that it can be worked out from where the breaker is.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Stay,
    On(u64),
    /// To the start of a later slice, and one nanosecond around it.
    Slice(u64, i64),
    /// To the next deadline, to the instant of the last refusal, to the end of a probe's time, to the ramp's end.
    Deadline(i64),
    Retry(i64),
    Lease(usize, i64),
    RampEnd(i64),
    /// While open, to the end of the wait.
    Onward,
    Back(u64),
    Year,
    End,
}

#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Ask,
    Report(usize, Fact, u64),
    /// A permit that was reported already.
    Again(usize, Fact, u64),
    Foreign(usize, Fact, u64),
    /// What a caller would do: report a call that is out, or ask.
    Onward(Fact, u64),
    Poll,
    Health(Health),
    Mode(Mode),
    Reset,
}

/// An outcome whose advice is relative to the call.
#[derive(Clone, Copy, Debug)]
pub enum Fact {
    Success,
    Failure,
    Ignored,
    Overloaded,
    OverloadedFor(u64),
    OverloadedUntil(u64),
}

#[derive(Clone, Copy, Debug)]
pub struct Move {
    pub step: Step,
    pub deed: Deed,
    pub seed: u64,
}

/// The reference with what its caller remembers.
#[derive(Clone, Debug)]
pub struct World {
    pub model: Reference,
    /// The caller's clock, which may run backwards.
    pub now_ns: u64,
    waiting: Vec<usize>,
    reported: Vec<usize>,
    retry_at_ns: Option<u64>,
    pub last: Option<(Call, Told)>,
}

impl World {
    pub fn new(plan: Plan) -> Self {
        Self {
            model: Reference::new(plan),
            now_ns: 0,
            waiting: Vec::new(),
            reported: Vec::new(),
            retry_at_ns: None,
            last: None,
        }
    }

    pub fn make(&mut self, a_move: &Move) {
        let call = Call {
            now_ns: self.instant(a_move.step),
            what: self.what(a_move.deed, self.instant(a_move.step)),
            seed: a_move.seed,
        };
        let told = ask_reference(&mut self.model, &call);
        self.now_ns = call.now_ns;
        match told.answer {
            Answer::Granted { .. } => self.waiting.push(self.model.granted() - 1),
            Answer::Refused(no) => self.retry_at_ns = no.retry_at_ns,
            _ => {}
        }
        if let What::Report { grant, .. } = call.what {
            self.waiting.retain(|waiting| *waiting != grant);
            self.reported.push(grant);
        }
        self.last = Some((call, told));
    }

    fn instant(&self, step: Step) -> u64 {
        let near = |at_ns: Option<u64>, off: i64| {
            at_ns.map_or(self.now_ns, |at_ns| at_ns.saturating_add_signed(off))
        };
        match step {
            Step::Stay => self.now_ns,
            Step::On(ns) => self.now_ns.saturating_add(ns),
            Step::Slice(ahead, off) => {
                let at_ns = self.model.plan.slice_ns().and_then(|len_ns| {
                    (self.now_ns / len_ns)
                        .checked_add(ahead)?
                        .checked_mul(len_ns)
                });
                near(at_ns, off)
            }
            Step::Deadline(off) => near(self.model.standing().next_deadline_ns, off),
            Step::Retry(off) => near(self.retry_at_ns, off),
            Step::Lease(pick, off) => {
                let ends_ns = self.model.lease_ends_ns();
                near(ends_ns.get(pick).copied().flatten(), off)
            }
            Step::RampEnd(off) => near(self.model.ramp_end_ns(), off),
            Step::Onward if self.model.phase() == Phase::Open => {
                near(self.model.standing().next_deadline_ns, 0)
            }
            Step::Onward => self.now_ns,
            Step::Back(ns) => self.now_ns.saturating_sub(ns),
            Step::Year => self.now_ns.saturating_add(31_557_600_000_000_000),
            Step::End => u64::MAX,
        }
    }

    fn what(&self, deed: Deed, now_ns: u64) -> What {
        let latest =
            |list: &[usize], pick: usize| list.iter().rev().nth(pick % list.len().max(1)).copied();
        match deed {
            Deed::Ask => What::Ask,
            Deed::Report(pick, fact, latency_ns) | Deed::Again(pick, fact, latency_ns) => {
                let again = matches!(deed, Deed::Again(..));
                let list = if again { &self.reported } else { &self.waiting };
                latest(list, pick).map_or(What::Poll, |grant| What::Report {
                    grant,
                    outcome: fact.outcome(now_ns),
                    latency_ns,
                })
            }
            Deed::Foreign(pick, fact, latency_ns) => {
                latest(&self.waiting, pick).map_or(What::Poll, |grant| What::Foreign {
                    grant,
                    outcome: fact.outcome(now_ns),
                    latency_ns,
                })
            }
            Deed::Onward(fact, latency_ns) => {
                let mut latest = self.waiting.iter().rev();
                let out = latest.find(|grant| self.model.awaits(**grant));
                out.map_or(What::Ask, |grant| What::Report {
                    grant: *grant,
                    outcome: fact.outcome(now_ns),
                    latency_ns,
                })
            }
            Deed::Poll => What::Poll,
            Deed::Health(health) => What::Health(health),
            Deed::Mode(mode) => What::Mode(mode),
            Deed::Reset => What::Reset,
        }
    }
}

impl Fact {
    fn outcome(self, now_ns: u64) -> Outcome {
        let overloaded = |retry_at_ns| Outcome::Overloaded { retry_at_ns };
        match self {
            Self::Success => Outcome::Success,
            Self::Failure => Outcome::Failure,
            Self::Ignored => Outcome::Ignored,
            Self::Overloaded => overloaded(None),
            Self::OverloadedFor(ns) => overloaded(Some(now_ns.saturating_add(ns))),
            Self::OverloadedUntil(at_ns) => overloaded(Some(at_ns)),
        }
    }
}
