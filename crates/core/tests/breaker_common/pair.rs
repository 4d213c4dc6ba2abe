//! The real breaker and the reference, side by side: the same calls, and every answer compared.

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{
    Breaker, Health, Mode, Outcome, Permit, PermitId, Receipt, RefusedBy,
};

use super::plan::Plan;
use super::reference::Reference;
use super::told::{Answer, No, Sight, Standing, Told};
use super::words::Words;

/// One call, with all that it depends on.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub now_ns: u64,
    pub what: What,
    /// The random words that it may draw.
    pub seed: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    Ask,
    /// The call that the `grant`-th yes let through (from 0) ended.
    Report {
        grant: usize,
        outcome: Outcome,
        latency_ns: u64,
    },
    /// The same report with the permit that another breaker gave for its `grant`-th yes.
    Foreign {
        grant: usize,
        outcome: Outcome,
        latency_ns: u64,
    },
    Poll,
    Health(Health),
    Mode(Mode),
    Reset,
}

/// A breaker with the permits that it gave.
#[derive(Clone, Debug)]
pub struct Real {
    pub breaker: Breaker,
    pub permits: Vec<PermitId>,
}

impl Real {
    pub fn new(plan: &Plan, tag: u32) -> Self {
        let policy = plan.build().expect("the plan is a policy");
        Self {
            breaker: Breaker::tagged(policy, tag),
            permits: Vec::new(),
        }
    }

    /// `strange` are the permits of another breaker.
    pub fn call(&mut self, call: &Call, strange: &[PermitId]) -> Told {
        let mut words = Words::of(call.seed);
        let now_ns = call.now_ns;
        let (answer, made) = match call.what {
            What::Ask => self.ask(now_ns, &mut words),
            What::Report {
                grant,
                outcome,
                latency_ns,
            } => self.report(now_ns, self.permits[grant], outcome, latency_ns, &mut words),
            What::Foreign {
                grant,
                outcome,
                latency_ns,
            } => self.report(now_ns, strange[grant], outcome, latency_ns, &mut words),
            What::Poll => (Answer::Done, self.breaker.poll(now_ns)),
            What::Health(health) => (Answer::Done, self.breaker.on_health(now_ns, health)),
            What::Mode(mode) => (Answer::Done, self.breaker.set_mode(now_ns, mode)),
            What::Reset => (Answer::Done, self.breaker.reset(now_ns)),
        };
        Told {
            answer,
            made: made.iter().collect(),
            drawn: words.drawn(),
        }
    }

    fn ask(
        &mut self,
        now_ns: u64,
        words: &mut Words,
    ) -> (Answer, evenkeel_core::breaker::Transitions) {
        match self.breaker.try_acquire(now_ns, words) {
            Ok(grant) => {
                let id = grant.permit.id();
                self.permits.push(id);
                let answer = Answer::Granted {
                    generation: id.generation(),
                    is_probe: id.is_probe(),
                    would_refuse: grant.would_refuse.as_ref().map(no),
                };
                (answer, grant.transitions)
            }
            Err(refused) => (Answer::Refused(no(&refused.refusal)), refused.transitions),
        }
    }

    fn report(
        &mut self,
        now_ns: u64,
        id: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        words: &mut Words,
    ) -> (Answer, evenkeel_core::breaker::Transitions) {
        let permit = Permit::from_id(id);
        let receipt = self
            .breaker
            .on_outcome(now_ns, permit, outcome, latency_ns, words);
        let answer = match receipt {
            Receipt::Counted(_) => Answer::Counted,
            Receipt::Released(_) => Answer::Released,
            Receipt::Stale(_) => Answer::Stale,
            _ => unreachable!("no other receipt exists"),
        };
        assert_eq!(receipt.is_stale(), answer == Answer::Stale);
        (answer, receipt.transitions())
    }

    pub fn sight(&self, at_ns: u64) -> Sight {
        Sight {
            at_ns,
            phase: self.breaker.phase(at_ns),
            peek: self.breaker.peek(at_ns).map_err(|refusal| no(&refusal)),
            stats: self.breaker.stats(at_ns),
        }
    }

    pub fn standing(&self) -> Standing {
        Standing {
            next_deadline_ns: self.breaker.next_deadline_ns(),
            mode: self.breaker.mode(),
            generation: self.breaker.generation(),
            consecutive_failures: self.breaker.consecutive_failures(),
        }
    }

    /// Whether the ask is answered with a yes that counts, if it comes at `at_ns` and nothing comes before.
    fn would_pass(&self, at_ns: u64) -> bool {
        let mut then = self.clone();
        let call = Call {
            now_ns: at_ns,
            what: What::Ask,
            seed: at_ns,
        };
        matches!(
            then.call(&call, &[]).answer,
            Answer::Granted {
                would_refuse: None,
                ..
            }
        )
    }

    /// `retry_at_ns` is the first instant at which the answer is yes; `None` means that none is known.
    fn assert_truthful(&self, clock_ns: u64, refused: No) {
        let No {
            reason,
            retry_at_ns,
        } = refused;
        match retry_at_ns {
            Some(at_ns) => {
                assert!(
                    at_ns > clock_ns,
                    "{refused:?} at {clock_ns} sends back to the past"
                );
                assert!(
                    self.would_pass(at_ns),
                    "{refused:?}: asked then, it is refused"
                );
                let sure = reason != RefusedBy::Ramp;
                assert!(
                    !sure || !self.would_pass(at_ns - 1),
                    "{refused:?}: it is a yes earlier"
                );
            }
            None if reason == RefusedBy::Ramp => {}
            None => assert!(
                !self.would_pass(u64::MAX),
                "{refused:?}: waiting brings a yes"
            ),
        }
    }

    /// `next_deadline_ns` is the first instant at which `poll` reports a transition.
    fn assert_deadline(&self, clock_ns: u64) {
        let made_at = |at_ns: u64| self.clone().breaker.poll(at_ns).len();
        match self.breaker.next_deadline_ns() {
            None => assert_eq!(made_at(u64::MAX), 0, "a transition without a deadline"),
            Some(at_ns) => {
                assert!(
                    made_at(at_ns) > 0,
                    "nothing happens at the deadline {at_ns}"
                );
                if at_ns > clock_ns {
                    assert_eq!(made_at(at_ns - 1), 0, "a transition before {at_ns}");
                }
            }
        }
    }
}

fn no(refusal: &Refusal<RefusedBy>) -> No {
    No {
        reason: refusal.reason,
        retry_at_ns: refusal.retry_at_ns,
    }
}

/// Makes the call on the reference.
pub fn ask_reference(model: &mut Reference, call: &Call) -> Told {
    let mut words = Words::of(call.seed);
    let now_ns = call.now_ns;
    match call.what {
        What::Ask => model.ask(now_ns, &mut words),
        What::Report {
            grant,
            outcome,
            latency_ns,
        } => model.report(now_ns, Some(grant), outcome, latency_ns, &mut words),
        What::Foreign {
            outcome,
            latency_ns,
            ..
        } => model.report(now_ns, None, outcome, latency_ns, &mut words),
        What::Poll => model.poll(now_ns),
        What::Health(health) => model.on_health(now_ns, health),
        What::Mode(mode) => model.set_mode(now_ns, mode),
        What::Reset => model.reset(now_ns),
    }
}

/// Two real breakers with different tags (each the foreigner of the other) that must answer as the reference did.
#[derive(Clone, Debug)]
pub struct Pair {
    pub real: Real,
    pub twin: Real,
}

impl Pair {
    pub fn new(plan: &Plan) -> Self {
        Self {
            real: Real::new(plan, 1),
            twin: Real::new(plan, 2),
        }
    }

    /// `model` is the reference after the call, and `expected` is what it answered.
    pub fn call(&mut self, call: &Call, model: &Reference, expected: &Told) {
        let strangers = self.real.permits.clone();
        let told = self.real.call(call, &self.twin.permits);
        assert_eq!(&told, expected, "{call:?}: real, then reference");
        let twin = self.twin.call(call, &strangers);
        assert_eq!(
            &twin, expected,
            "{call:?}: a second breaker, then reference"
        );
        self.compare(call.now_ns, model);
        let clock_ns = model.clock_ns();
        self.real.assert_deadline(clock_ns);
        match told.answer {
            Answer::Refused(no)
            | Answer::Granted {
                would_refuse: Some(no),
                ..
            } => self.real.assert_truthful(clock_ns, no),
            _ => {}
        }
    }

    /// Every query, now and at the instants at which something could happen.
    fn compare(&self, now_ns: u64, model: &Reference) {
        assert_eq!(self.real.standing(), model.standing());
        let mut instants = vec![now_ns, model.clock_ns(), u64::MAX];
        let deadlines = model.standing().next_deadline_ns.into_iter();
        let ends = model.lease_ends_ns().into_iter().flatten().take(2);
        for at_ns in deadlines.chain(ends).chain(model.ramp_end_ns()) {
            instants.extend([at_ns.saturating_sub(1), at_ns, at_ns.saturating_add(1)]);
        }
        for at_ns in instants {
            assert_eq!(
                self.real.sight(at_ns),
                model.sight(at_ns),
                "real, then reference"
            );
        }
    }
}
