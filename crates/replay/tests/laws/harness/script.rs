//! Scripts: calls at instants, made up while a machine answers them, so that deadlines and ids are met exactly.

use evenkeel_replay::generate::{Pick, Pilot, Times, Words};

use super::subject::{Progress, Subject};

/// A call at an instant.
#[derive(Clone, Debug)]
pub(crate) struct Step<Op> {
    pub(crate) now_ns: u64,
    pub(crate) op: Op,
}

/// A state to begin with, and the latest instant that it has seen.
pub(crate) struct Start<S: Subject> {
    pub(crate) state: S::State,
    pub(crate) clock_ns: u64,
}

/// A script for a policy.
pub(crate) struct Case<S: Subject> {
    pub(crate) policy_name: &'static str,
    pub(crate) policy: S::Policy,
    pub(crate) times: Times,
    pub(crate) seed: u64,
    pub(crate) begin_ns: u64,
    /// Where it does not begin afresh.
    pub(crate) start: Option<Start<S>>,
    pub(crate) steps: Vec<Step<S::Op>>,
}

impl<S: Subject> Clone for Start<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            clock_ns: self.clock_ns,
        }
    }
}

impl<S: Subject> Clone for Case<S> {
    fn clone(&self) -> Self {
        Self {
            policy_name: self.policy_name,
            policy: self.policy.clone(),
            times: self.times,
            seed: self.seed,
            begin_ns: self.begin_ns,
            start: self.start.clone(),
            steps: self.steps.clone(),
        }
    }
}

impl<S: Subject> Case<S> {
    /// The same script on a clock that never runs backwards.
    pub(crate) fn forward(&self) -> Vec<Step<S::Op>> {
        let begin_ns = if S::BEGINS { self.begin_ns } else { 0 };
        let mut latest_ns = self.start.as_ref().map_or(begin_ns, |start| start.clock_ns);
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

    /// Makes up `len` steps, or fewer if the choices are made of bytes and those are used up. They are there up to the one
    /// at which the machine panicked, if it did.
    pub(crate) fn make_up(&mut self, len: u32, pick: Pick) {
        let mut pilot = match &self.start {
            None => Pilot::<S>::choosing(self.policy.clone(), self.times, self.seed, pick),
            Some(Start { clock_ns, .. }) => {
                let machine = Run::fresh(self).machine;
                Pilot::resuming(machine, *clock_ns, self.times, self.seed, pick)
            }
        };
        self.begin_ns = pilot.begin_ns();
        for _ in 0..len {
            if pilot.is_spent() {
                return;
            }
            let (now_ns, op) = pilot.next_call();
            let call = op.clone();
            self.steps.push(Step { now_ns, op });
            let _ = pilot.go(now_ns, &call);
        }
    }
}

/// A machine with the words that it draws.
pub(crate) struct Run<S: Subject> {
    pub(crate) machine: S,
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
        let machine = match &case.start {
            None => S::sample(case.policy.clone(), begin_ns),
            Some(start) => S::restored(&case.policy, start.state.clone())
                .expect("a state that was taken before"),
        };
        Self {
            machine,
            words: Words::new(case.seed),
        }
    }

    pub(crate) fn apply(&mut self, now_ns: u64, op: &S::Op) -> S::Answer {
        self.machine.apply(now_ns, op, &mut self.words)
    }

    pub(crate) fn go(&mut self, step: &Step<S::Op>) -> S::Answer {
        self.apply(step.now_ns, &step.op)
    }

    pub(crate) fn state(&self) -> S::State {
        self.machine.state()
    }

    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        self.machine.next_deadline_ns()
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
