//! Scripts: calls at instants, made up while a machine answers them, so that deadlines and ids are met exactly.

use super::pick::{Pick, Words};
use super::subject::{Mover, Progress, Subject};

/// No instant of a tame script lies after this one, so that it can be moved far without running out of time.
pub(crate) const TAME_NS: u64 = 1 << 60;
const TEN_YEARS_NS: u64 = 315_576_000_000_000_000;

/// What times a script has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All before [`TAME_NS`], forwards and backwards.
    Tame,
    /// Any `u64`.
    Wild,
}

/// A call at an instant.
#[derive(Clone, Debug)]
pub(crate) struct Step<Op> {
    pub(crate) now_ns: u64,
    pub(crate) op: Op,
}

/// A script for a policy.
pub(crate) struct Case<S: Subject> {
    pub(crate) policy_name: &'static str,
    pub(crate) policy: S::Policy,
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    pub(crate) begin_ns: u64,
    pub(crate) steps: Vec<Step<S::Op>>,
}

impl<S: Subject> Clone for Case<S> {
    fn clone(&self) -> Self {
        Self {
            policy_name: self.policy_name,
            policy: self.policy.clone(),
            kind: self.kind,
            seed: self.seed,
            begin_ns: self.begin_ns,
            steps: self.steps.clone(),
        }
    }
}

impl<S: Subject> Case<S> {
    /// The same script on a clock that never runs backwards.
    pub(crate) fn forward(&self) -> Vec<Step<S::Op>> {
        let mut latest_ns = if S::BEGINS { self.begin_ns } else { 0 };
        let forward = |step: &Step<S::Op>| {
            if S::takes_time(&step.op) {
                latest_ns = step.now_ns.max(latest_ns);
            }
            Step {
                now_ns: latest_ns,
                op: step.op.clone(),
            }
        };
        self.steps.iter().map(forward).collect()
    }

    /// Makes up `len` steps. They are there up to the one at which the machine panicked, if it did.
    pub(crate) fn make_up(&mut self, len: u32) {
        let mut pilot = Pilot::new(self);
        self.begin_ns = pilot.clock_ns;
        for _ in 0..len {
            let step = pilot.next(&self.policy);
            self.steps.push(step.clone());
            pilot.go(&self.policy, &step);
        }
    }
}

/// A machine with the words that it draws.
pub(crate) struct Run<S: Subject> {
    pub(crate) machine: S::Machine,
    pub(crate) words: Words,
}

impl<S: Subject> Clone for Run<S> {
    fn clone(&self) -> Self {
        Self {
            machine: self.machine.clone(),
            words: self.words.clone(),
        }
    }
}

impl<S: Subject> Run<S> {
    pub(crate) fn fresh(case: &Case<S>) -> Self {
        Self::begun(case, case.begin_ns)
    }

    pub(crate) fn begun(case: &Case<S>, begin_ns: u64) -> Self {
        Self {
            machine: S::fresh(&case.policy, begin_ns),
            words: Words::new(case.seed),
        }
    }

    pub(crate) fn apply(&mut self, now_ns: u64, op: &S::Op) -> S::Answer {
        S::apply(&mut self.machine, now_ns, op, &mut self.words)
    }

    pub(crate) fn go(&mut self, step: &Step<S::Op>) -> S::Answer {
        self.apply(step.now_ns, &step.op)
    }

    pub(crate) fn state(&self) -> S::State {
        S::state(&self.machine)
    }

    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        S::next_deadline_ns(&self.machine)
    }

    /// All that can be seen of it at an instant.
    pub(crate) fn sight(&self, now_ns: u64) -> Vec<S::Answer> {
        let mut copy = self.clone();
        let queries = S::queries();
        queries.iter().map(|op| copy.apply(now_ns, op)).collect()
    }

    /// All that can be seen of it once all that is due has been reported.
    pub(crate) fn settled_sight(&self, now_ns: u64) -> Vec<S::Answer> {
        let mut copy = self.clone();
        let queries = S::settled_queries();
        queries.iter().map(|op| copy.apply(now_ns, op)).collect()
    }

    /// Polls until nothing more is reported; does not begin anything. What was reported.
    pub(crate) fn drain(&mut self, now_ns: u64) -> Vec<S::Made> {
        let mut made = Vec::new();
        let Some(poll) = S::poll() else {
            return made;
        };
        for _ in 0..1_000 {
            let mut polled = self.clone();
            let mut answer = polled.apply(now_ns, &poll);
            match S::progress(&self.machine, now_ns, &answer) {
                Progress::Begun => return made,
                Progress::Quiet => {
                    *self = polled;
                    return made;
                }
                Progress::Reported => {
                    made.extend(S::take_made(&mut answer));
                    *self = polled;
                }
            }
        }
        // It reports for ever: L4's affair.
        Vec::new()
    }

    /// Makes the call; if it is a poll, until nothing more is reported. What was reported, and the last answer
    /// without it.
    pub(crate) fn settle(
        &mut self,
        step: &Step<S::Op>,
        is_poll: bool,
    ) -> (Vec<S::Made>, S::Answer) {
        let mut made = Vec::new();
        for _ in 0..1_000 {
            let before = self.machine.clone();
            let mut answer = self.go(step);
            let progress = S::progress(&before, step.now_ns, &answer);
            made.extend(S::take_made(&mut answer));
            if !is_poll || progress != Progress::Reported {
                return (made, answer);
            }
        }
        let answer = self.go(step);
        (made, answer)
    }
}

/// Makes up a script while a machine answers it.
pub(crate) struct Pilot<S: Subject> {
    run: Run<S>,
    pick: Pick,
    kind: Kind,
    clock_ns: u64,
    spans_ns: Vec<u64>,
    hints_ns: Vec<u64>,
    ids: Vec<S::Id>,
}

impl<S: Subject> Pilot<S> {
    pub(crate) fn new(case: &Case<S>) -> Self {
        let mut pick = match case.kind {
            Kind::Tame => Pick::new(case.seed),
            Kind::Wild => Pick::wildly(case.seed),
        };
        let clock_ns = match (case.kind, pick.below(3)) {
            (_, 0) => 0,
            (Kind::Tame, _) => pick.sized(50),
            (Kind::Wild, 1) => u64::MAX - pick.sized(63),
            (Kind::Wild, _) => pick.wild(),
        };
        Self {
            run: Run::begun(case, clock_ns),
            pick,
            kind: case.kind,
            clock_ns,
            spans_ns: S::spans_ns(&case.policy),
            hints_ns: Vec::new(),
            ids: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> S::State {
        self.run.state()
    }

    /// The next call, and when.
    pub(crate) fn next(&mut self, policy: &S::Policy) -> Step<S::Op> {
        let now_ns = self.next_time();
        let foreign = self.pick.one_in(24);
        let stranger = foreign
            .then(|| S::foreign(&mut self.pick, &self.ids))
            .flatten();
        let op = stranger
            .and_then(|id| S::report(id, &mut self.pick))
            .unwrap_or_else(|| S::generate(policy, &mut self.pick, now_ns, &self.ids));
        Step { now_ns, op }
    }

    /// Makes the call and remembers what it gave out.
    pub(crate) fn go(&mut self, policy: &S::Policy, step: &Step<S::Op>) {
        let answer = self.run.go(step);
        self.ids.extend(S::given(&step.op, &answer));
        let keep = self.ids.len().saturating_sub(200);
        self.ids.drain(..keep);
        let mut mover = Mover::new(0);
        let _ = S::moved(policy, answer, &mut mover);
        self.hints_ns.extend(mover.seen);
        let keep = self.hints_ns.len().saturating_sub(6);
        self.hints_ns.drain(..keep);
    }

    /// An instant ten years later.
    pub(crate) fn idle(&mut self) {
        self.clock_ns = self.clock_ns.saturating_add(TEN_YEARS_NS).min(TAME_NS);
    }

    fn next_time(&mut self) -> u64 {
        let due_ns = self.run.deadline_ns().unwrap_or(self.clock_ns);
        let hint_ns = self.pick.recent(&self.hints_ns).unwrap_or(due_ns);
        let span_ns = self.pick.of(&self.spans_ns);
        let clock_ns = self.clock_ns;
        let mut at_ns = match self.pick.below(20) {
            0..=3 => clock_ns,
            4 => clock_ns.saturating_add(1),
            5..=7 => due_ns,
            8 => due_ns.saturating_sub(1),
            9 => due_ns.saturating_add(1),
            10 => hint_ns,
            11 => hint_ns.saturating_sub(1),
            12 => clock_ns.saturating_add(span_ns),
            13 => clock_ns.saturating_add(span_ns.saturating_sub(1)),
            14 => clock_ns.saturating_add(span_ns.saturating_mul(1 + self.pick.below(5))),
            15 | 16 => clock_ns.saturating_add(self.pick.below(span_ns)),
            17 => return clock_ns.saturating_sub(self.pick.below(span_ns.saturating_mul(2))),
            18 => return self.pick.below(clock_ns.saturating_add(1)),
            _ => match self.pick.below(4) {
                0 => clock_ns.saturating_add(TEN_YEARS_NS),
                1 => clock_ns.saturating_add(self.pick.sized(56)),
                _ => clock_ns,
            },
        };
        if self.kind == Kind::Wild && self.pick.one_in(16) {
            at_ns = self.pick.wild();
        }
        if self.kind == Kind::Tame {
            at_ns = at_ns.min(TAME_NS);
        }
        self.clock_ns = at_ns.max(clock_ns);
        at_ns
    }
}
