//! What the core answers to the calls of all threads, in each order in which they can come one after the other.

use std::collections::HashSet;

use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Permit, PermitId};
use evenkeel_std::Streams;

use super::{Act, Answer, Answers};

/// The core, and what each thread holds of it; the last is who comes before and after the others.
#[derive(Clone)]
struct World {
    core: Breaker,
    now_ns: u64,
    held: Vec<Option<PermitId>>,
    done: Vec<usize>,
    answers: Answers,
}

pub(super) fn in_every_order(
    policy: BreakerPolicy,
    before: &[Act],
    acts: &[&[Act]],
) -> HashSet<Answers> {
    let last = acts.len();
    let mut world = World {
        core: Breaker::new(policy),
        now_ns: 0,
        held: vec![None; last + 1],
        done: vec![0; last],
        answers: vec![Vec::new(); last + 1],
    };
    for act in before {
        match *act {
            Act::AskFor(thread) => world.perform(thread, Act::Ask),
            act => world.perform(last, act),
        }
    }
    world.answers.iter_mut().for_each(Vec::clear);
    let mut found = HashSet::new();
    explore(&world, acts, &mut found);
    found
}

fn explore(world: &World, acts: &[&[Act]], found: &mut HashSet<Answers>) {
    let mut finished = true;
    for (thread, own) in acts.iter().enumerate() {
        let Some(act) = own.get(world.done[thread]) else {
            continue;
        };
        finished = false;
        let mut next = world.clone();
        next.perform(thread, *act);
        next.done[thread] += 1;
        explore(&next, acts, found);
    }
    if finished {
        let mut end = world.clone();
        end.perform(acts.len(), Act::Look);
        end.perform(acts.len(), Act::Ask);
        found.insert(end.answers);
    }
}

impl World {
    fn perform(&mut self, thread: usize, act: Act) {
        let now_ns = self.now_ns;
        let core = &mut self.core;
        let answer = match act {
            Act::Ask => self.ask(thread),
            Act::Begin => match self.ask(thread) {
                Answer::Granted { .. } => Answer::Let,
                refused => refused,
            },
            Act::Tell(outcome) => self.settle(thread, outcome),
            Act::End(outcome) => {
                let _ = self.settle(thread, outcome);
                Answer::Nothing
            }
            Act::Drop => {
                let _ = self.settle(thread, Outcome::Ignored);
                Answer::Nothing
            }
            Act::Look => {
                let window = core.window(now_ns);
                Answer::Seen(window.calls, window.failures)
            }
            Act::Reset => Answer::Made(core.reset(now_ns).len()),
            Act::SetMode(mode) => Answer::Made(core.set_mode(now_ns, mode).len()),
            Act::Pass(span) => {
                self.now_ns += span;
                Answer::Nothing
            }
            Act::AskFor(_) => unreachable!("only before the threads start"),
        };
        self.answers[thread].push(answer);
        self.count_places();
    }

    fn ask(&mut self, thread: usize) -> Answer {
        let mut rng = Streams::seeded(1).next();
        match self.core.try_acquire(self.now_ns, &mut rng) {
            Ok(grant) => {
                let id = grant.permit.id();
                self.held[thread] = Some(id);
                Answer::Granted {
                    generation: id.generation(),
                    probe: id.is_probe(),
                }
            }
            Err(refused) => Answer::Refused(refused.reason(), refused.retry_at_ns()),
        }
    }

    fn settle(&mut self, thread: usize, outcome: Outcome) -> Answer {
        let Some(id) = self.held[thread].take() else {
            return Answer::Nothing;
        };
        let mut rng = Streams::seeded(1).next();
        let permit = Permit::from_id(id);
        let receipt = self
            .core
            .on_outcome(self.now_ns, permit, outcome, 0, &mut rng);
        Answer::Counted(receipt.is_counted(), receipt.transitions().len())
    }

    /// The core is judged, too: who holds a probe of this generation has one of the places.
    fn count_places(&self) {
        let generation = self.core.generation();
        let held = self.held.iter().flatten();
        let out = held.filter(|id| id.is_probe() && id.generation() == generation);
        let (out, places) = (out.count(), self.core.policy().max_in_flight());
        assert!(out <= places as usize, "{out} probes are out at once");
    }
}
