//! A breaker that keeps everything that ever happened and works each answer out anew from it, by the words of DESIGN
//! section 4 and in the most obvious way. It shares no code with the real one but the types of its answers.

use evenkeel_core::breaker::{
    BreakerStats, Cause, Health, Mode, Outcome, Phase, RefusedBy, Transition,
};

use super::plan::Plan;
use super::told::{Answer, No, Sight, Standing, Told};
use super::words::Words;

/// Everything that ever happened.
#[derive(Clone, Debug)]
pub struct Reference {
    pub plan: Plan,
    /// The latest instant that was told.
    clock_ns: u64,
    /// The phases gone through; the last is now, and its place in the list is the generation.
    eras: Vec<Era>,
    /// The calls let through, in order.
    grants: Vec<Given>,
    /// What was reported, in order.
    reports: Vec<Report>,
    /// The probes whose time ended before they reported.
    lost: Vec<usize>,
    refusals: Vec<(u64, RefusedBy)>,
    modes: Vec<(u64, Mode)>,
    health: Vec<(u64, Health)>,
}

#[derive(Clone, Copy, Debug)]
struct Era {
    phase: Phase,
    from_ns: u64,
    /// None for the first.
    cause: Option<Cause>,
    /// The end of an open wait; None where it has none.
    until_ns: Option<u64>,
    /// The wait that was drawn.
    wait_ns: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Given {
    at_ns: u64,
    generation: usize,
    kind: Kind,
    would_refuse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counts,
    /// With the word for a re-open wait, if this probe drew one.
    Probe(Option<u64>),
    Uncounted,
}

#[derive(Clone, Copy, Debug)]
struct Report {
    at_ns: u64,
    /// The generation that it came in, not the one that its call was let through in.
    generation: usize,
    /// None for a permit of another breaker.
    grant: Option<usize>,
    outcome: Outcome,
    latency_ns: u64,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Counted,
    Released,
    Stale,
}

impl Reference {
    pub fn new(plan: Plan) -> Self {
        let first = Era {
            phase: Phase::Closed,
            from_ns: 0,
            cause: None,
            until_ns: None,
            wait_ns: None,
        };
        Self {
            plan,
            clock_ns: 0,
            eras: vec![first],
            grants: Vec::new(),
            reports: Vec::new(),
            lost: Vec::new(),
            refusals: Vec::new(),
            modes: vec![(0, Mode::Normal)],
            health: Vec::new(),
        }
    }

    // ---- calls

    pub fn ask(&mut self, now_ns: u64, words: &mut Words) -> Told {
        let before = words.drawn();
        let made = self.arrive(now_ns);
        let refused = self.refusal(|| words.next());
        let answer = match refused {
            Some(no) if self.mode() != Mode::Observe => {
                self.refusals.push((self.clock_ns, no.reason));
                Answer::Refused(no)
            }
            _ => {
                let kind = if refused.is_some() || self.mode() == Mode::ForcedClosed {
                    Kind::Uncounted
                } else if self.now().phase == Phase::HalfOpen {
                    let first = self.probes().is_empty();
                    Kind::Probe(if first { self.plan.word(words) } else { None })
                } else {
                    Kind::Counts
                };
                self.grants.push(Given {
                    at_ns: self.clock_ns,
                    generation: self.generation(),
                    kind,
                    would_refuse: refused.is_some(),
                });
                Answer::Granted {
                    generation: self.generation() as u64,
                    is_probe: matches!(kind, Kind::Probe(_)),
                    would_refuse: refused,
                }
            }
        };
        Told {
            answer,
            made,
            drawn: words.drawn() - before,
        }
    }

    /// `grant` is the place of the ask among all that were granted; None for a permit of another breaker.
    pub fn report(
        &mut self,
        now_ns: u64,
        grant: Option<usize>,
        outcome: Outcome,
        latency_ns: u64,
        words: &mut Words,
    ) -> Told {
        let before = words.drawn();
        let mut made = self.arrive(now_ns);
        let fate = self.fate(grant, outcome);
        self.reports.push(Report {
            at_ns: self.clock_ns,
            generation: self.generation(),
            grant,
            outcome,
            latency_ns,
            fate,
        });
        if fate == Fate::Counted {
            made.extend(self.judge(outcome, words));
        }
        let answer = match fate {
            Fate::Counted => Answer::Counted,
            Fate::Released => Answer::Released,
            Fate::Stale => Answer::Stale,
        };
        Told {
            answer,
            made,
            drawn: words.drawn() - before,
        }
    }

    pub fn poll(&mut self, now_ns: u64) -> Told {
        done(self.arrive(now_ns))
    }

    pub fn on_health(&mut self, now_ns: u64, health: Health) -> Told {
        let mut made = self.arrive(now_ns);
        self.health.push((self.clock_ns, health));
        made.extend(self.arrive(now_ns));
        done(made)
    }

    pub fn set_mode(&mut self, now_ns: u64, mode: Mode) -> Told {
        let mut made = self.arrive(now_ns);
        self.modes.push((self.clock_ns, mode));
        let phase = self.now().phase;
        if mode == Mode::ForcedOpen && phase != Phase::Open {
            made.push(self.turn(
                Phase::Open,
                Cause::Forced,
                self.clock_ns,
                Some(self.clock_ns),
                None,
            ));
        } else if mode == Mode::ForcedClosed && phase != Phase::Closed {
            made.push(self.turn(Phase::Closed, Cause::Forced, self.clock_ns, None, None));
        }
        made.extend(self.arrive(now_ns));
        done(made)
    }

    pub fn reset(&mut self, now_ns: u64) -> Told {
        let mut made = self.arrive(now_ns);
        self.modes.push((self.clock_ns, Mode::Normal));
        made.push(self.turn(Phase::Closed, Cause::Reset, self.clock_ns, None, None));
        done(made)
    }

    // ---- queries

    pub fn sight(&self, at_ns: u64) -> Sight {
        let mut then = self.clone();
        let _ = then.arrive(at_ns);
        // On the ramp, where the answer is a draw, it is yes.
        let peek = match then.refusal(|| 0) {
            Some(no) if then.mode() != Mode::Observe && no.reason != RefusedBy::Ramp => Err(no),
            _ => Ok(()),
        };
        Sight {
            at_ns,
            phase: then.now().phase,
            peek,
            stats: then.stats(),
        }
    }

    pub fn standing(&self) -> Standing {
        Standing {
            next_deadline_ns: self.next_deadline_ns(),
            mode: self.mode(),
            generation: self.generation() as u64,
            consecutive_failures: self.consecutive_failures(),
        }
    }

    pub fn clock_ns(&self) -> u64 {
        self.clock_ns
    }

    pub fn granted(&self) -> usize {
        self.grants.len()
    }

    /// Whether a result of this call would count.
    pub fn awaits(&self, grant: usize) -> bool {
        self.fate(Some(grant), Outcome::Success) == Fate::Counted
    }

    pub fn in_flight(&self) -> usize {
        self.leases().len()
    }

    pub fn phase(&self) -> Phase {
        self.now().phase
    }

    /// The end of each probe's time, earliest first.
    pub fn lease_ends_ns(&self) -> Vec<Option<u64>> {
        self.leases()
            .iter()
            .map(|probe| self.lease_end_ns(*probe))
            .collect()
    }

    /// The end of the ramp, while on it.
    pub fn ramp_end_ns(&self) -> Option<u64> {
        let ramp_ns = self.plan.ramp_ns?;
        if self.now().cause != Some(Cause::TrialsPassed) {
            return None;
        }
        self.now().from_ns.checked_add(ramp_ns)
    }

    // ---- time

    /// Time comes to `now_ns` (never goes back), and what falls due on the way happens.
    fn arrive(&mut self, now_ns: u64) -> Vec<Transition> {
        self.clock_ns = self.clock_ns.max(now_ns);
        let mut made = Vec::new();
        while !matches!(self.mode(), Mode::ForcedOpen | Mode::ForcedClosed) {
            match self.now().phase {
                Phase::Closed => break,
                Phase::Open => match self.wait_over_at_ns() {
                    Some(at_ns) if at_ns <= self.clock_ns => {
                        made.push(self.turn(Phase::HalfOpen, Cause::WaitOver, at_ns, None, None));
                    }
                    _ => break,
                },
                Phase::HalfOpen => match self.first_lease() {
                    Some((probe, end_ns)) if end_ns <= self.clock_ns => {
                        self.lost.push(probe);
                        if self.failed() > self.failures_allowed() {
                            made.push(self.open_again(Cause::ProbeLost, end_ns, None));
                        }
                    }
                    _ => break,
                },
            }
        }
        made
    }

    /// The first instant, from the wait's end on, at which no mode was forced and the dependency was known to be up.
    fn wait_over_at_ns(&self) -> Option<u64> {
        let until_ns = self.now().until_ns?;
        let events = self.modes.iter().map(|(at_ns, _)| *at_ns);
        let events = events.chain(self.health.iter().map(|(at_ns, _)| *at_ns));
        let mut instants: Vec<u64> = events.filter(|at_ns| *at_ns > until_ns).collect();
        instants.push(until_ns);
        instants.sort_unstable();
        instants.into_iter().find(|at_ns| {
            let mode = self.modes.iter().rfind(|(since_ns, _)| since_ns <= at_ns);
            let health = self.health.iter().rfind(|(since_ns, _)| since_ns <= at_ns);
            let forced = matches!(mode, Some((_, Mode::ForcedOpen | Mode::ForcedClosed)));
            let up = matches!(health, Some((_, Health::Up)));
            !forced && (up || !self.plan.until_healthy)
        })
    }

    fn turn(
        &mut self,
        phase: Phase,
        cause: Cause,
        from_ns: u64,
        until_ns: Option<u64>,
        wait_ns: Option<u64>,
    ) -> Transition {
        let from = self.now().phase;
        self.eras.push(Era {
            phase,
            from_ns,
            cause: Some(cause),
            until_ns,
            wait_ns,
        });
        Transition {
            at_ns: from_ns,
            from,
            to: phase,
            cause,
            generation: self.generation() as u64,
        }
    }

    /// Opens with the next wait. From half-open the word is the one that the phase's first probe drew.
    fn open_again(&mut self, cause: Cause, at_ns: u64, advice_ns: Option<u64>) -> Transition {
        let first = self.probes().first().map(|probe| self.grants[*probe].kind);
        let word = match first {
            Some(Kind::Probe(word)) => word,
            _ => None,
        };
        self.open(cause, at_ns, word, advice_ns)
    }

    fn open(
        &mut self,
        cause: Cause,
        at_ns: u64,
        word: Option<u64>,
        advice_ns: Option<u64>,
    ) -> Transition {
        let from_closed = self.now().phase == Phase::Closed;
        let (opens, previous_ns) = self.earlier_opens(from_closed.then_some(at_ns));
        let wait_ns = self.plan.wait_ns(opens + 1, previous_ns, word);
        let until_ns = at_ns.checked_add(wait_ns).map(|own_ns| {
            let cap_ns = self
                .plan
                .advisory_cap_ns
                .or(self.plan.cap_ns)
                .unwrap_or(1 << 62);
            let advised_ns = advice_ns.map_or(0, |ns| ns.min(at_ns.saturating_add(cap_ns)));
            own_ns.max(advised_ns)
        });
        self.turn(Phase::Open, cause, at_ns, until_ns, Some(wait_ns))
    }

    /// How many opens in a row there were, and the last wait among them; at a trip some are forgiven for calm.
    fn earlier_opens(&self, trip_at_ns: Option<u64>) -> (u64, Option<u64>) {
        let mut opens = 0;
        let mut previous_ns = None;
        let mut closed_at_ns = 0;
        let forgiven = |opens: u64, since_ns: u64, at_ns: u64| match self.plan.calm_after_ns {
            Some(calm_ns) => opens.saturating_sub((at_ns - since_ns) / calm_ns),
            None => 0,
        };
        let mut before = Phase::Closed;
        for era in &self.eras {
            match (era.phase, era.cause) {
                (Phase::Closed, Some(Cause::Reset)) => {
                    opens = 0;
                    closed_at_ns = era.from_ns;
                }
                (Phase::Closed, _) => {
                    if self.plan.calm_after_ns.is_none() {
                        opens = 0;
                    }
                    closed_at_ns = era.from_ns;
                }
                (Phase::Open, Some(Cause::Forced)) | (Phase::HalfOpen, _) => {}
                (Phase::Open, _) => {
                    if before == Phase::Closed {
                        opens = forgiven(opens, closed_at_ns, era.from_ns);
                    }
                    opens += 1;
                    previous_ns = era.wait_ns;
                }
            }
            before = era.phase;
        }
        if let Some(at_ns) = trip_at_ns {
            opens = forgiven(opens, closed_at_ns, at_ns);
        }
        (opens, previous_ns.filter(|_| opens > 0))
    }
}

fn done(made: Vec<Transition>) -> Told {
    Told {
        answer: Answer::Done,
        made,
        drawn: 0,
    }
}

#[path = "reference_closed.rs"]
mod closed;
#[path = "reference_probes.rs"]
mod probes;
