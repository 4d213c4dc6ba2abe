//! Threads that do a few things each to one breaker, and the core doing the same in every possible order.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{
    Breaker, BreakerBuilder, BreakerPolicy, Mode, Outcome, Permit, RefusedBy,
};
use evenkeel_std::{Guard, SharedBreaker, Streams, TestClock};
use loom::thread;

/// What a thread does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Ask,
    /// Reports on the call that was asked for last; nothing if it was refused.
    Tell(Outcome),
    AskAndDrop,
    Look,
    Reset,
    SetMode(Mode),
    /// Lets so much time pass; only before the threads start.
    Pass(u64),
}

/// What it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Granted {
        generation: u64,
        probe: bool,
    },
    Refused(RefusedBy, Option<u64>),
    Counted(bool, usize),
    Made(usize),
    Nothing,
    /// Calls in the window, and failures among them.
    Seen(u32, Option<u32>),
}

pub(crate) fn policy() -> BreakerBuilder {
    let open = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::None);
    BreakerPolicy::builder(open, Duration::from_nanos(1_000))
}

type Answers = Vec<Vec<Answer>>;

/// Runs `acts` on threads under every schedule, after `before`; the answers of all threads, and what the breaker looks
/// like in the end, must be among those that the core gives.
pub(crate) fn check(
    policy: BreakerBuilder,
    before: &'static [Act],
    acts: &'static [&'static [Act]],
) {
    let policy = policy.build().expect("a valid policy");
    let allowed = Arc::new(in_every_order(policy, before, acts));
    let met = Arc::new(Mutex::new(HashSet::new()));
    let possible = allowed.len();
    let seen = Arc::clone(&met);
    let mut builder = loom::model::Builder::new();
    if acts.len() > 2 {
        // All schedules of three threads take minutes.
        builder.preemption_bound = Some(3);
    }
    builder.check(move || {
        let clock = TestClock::new();
        let streams = Streams::seeded(1);
        let builder = SharedBreaker::builder(policy).clock(clock.clone());
        let breaker = builder.streams(&streams).stripes(2).build();
        run(&breaker, &clock, before);
        let threads: Vec<_> = acts
            .iter()
            .enumerate()
            .map(|(number, acts)| {
                let (breaker, clock) = (breaker.clone(), clock.clone());
                thread::spawn(move || {
                    evenkeel_std::sync::number_this_thread(number);
                    run(&breaker, &clock, acts)
                })
            })
            .collect();
        // This thread only waits: loom tries no schedule in which it is overtaken.
        let mut answers = Vec::new();
        answers.extend(
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic")),
        );
        answers.push(run(&breaker, &clock, &[Act::Look, Act::Ask]));
        assert!(
            allowed.contains(&answers),
            "no order of the calls gives {answers:?}"
        );
        seen.lock().expect("no panic").insert(answers);
    });
    let met = met.lock().expect("no panic").len();
    println!("{met} of {possible} outcomes that are possible one after the other");
    assert!(
        met + 1 >= possible,
        "the schedules tried are not all there are"
    );
}

fn run(breaker: &SharedBreaker<TestClock>, clock: &TestClock, acts: &[Act]) -> Vec<Answer> {
    let mut held: Option<Guard<'_, TestClock>> = None;
    let mut answers = Vec::new();
    for act in acts {
        let answer = match *act {
            Act::Ask | Act::AskAndDrop => match breaker.try_acquire() {
                Ok(guard) => {
                    let probe = guard.is_probe();
                    let generation = guard.generation();
                    if matches!(act, Act::Ask) {
                        if let Some(forgotten) = held.replace(guard) {
                            drop(forgotten);
                        }
                    }
                    Answer::Granted { generation, probe }
                }
                Err(refused) => Answer::Refused(refused.reason(), refused.retry_at_ns()),
            },
            Act::Tell(outcome) => match held.take() {
                Some(guard) => {
                    let receipt = guard.outcome(outcome);
                    Answer::Counted(receipt.is_counted(), receipt.transitions().len())
                }
                None => Answer::Nothing,
            },
            Act::Look => {
                let window = breaker.window();
                Answer::Seen(window.calls, window.failures)
            }
            Act::Reset => Answer::Made(breaker.reset().len()),
            Act::SetMode(mode) => Answer::Made(breaker.set_mode(mode).len()),
            Act::Pass(span) => {
                clock.advance(Duration::from_nanos(span));
                Answer::Nothing
            }
        };
        answers.push(answer);
    }
    std::mem::forget(held);
    answers
}

/// The core, and what a thread of it holds.
#[derive(Clone)]
struct World {
    core: Breaker,
    now_ns: u64,
    held: Vec<Option<evenkeel_core::breaker::PermitId>>,
    done: Vec<usize>,
    /// Of the thread that asks and drops: it has asked.
    half: Vec<bool>,
    answers: Answers,
}

fn in_every_order(policy: BreakerPolicy, before: &[Act], acts: &[&[Act]]) -> HashSet<Answers> {
    let mut world = World {
        core: Breaker::new(policy),
        now_ns: 0,
        held: vec![None; acts.len() + 1],
        done: vec![0; acts.len()],
        half: vec![false; acts.len() + 1],
        answers: vec![Vec::new(); acts.len() + 1],
    };
    let last = acts.len();
    for act in before {
        world.perform(last, *act);
        world.perform_rest(last, *act);
    }
    world.answers[last].clear();
    world.held[last] = None;
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
        if next.half[thread] {
            next.perform_rest(thread, *act);
            next.done[thread] += 1;
        } else {
            next.perform(thread, *act);
            if !next.half[thread] {
                next.done[thread] += 1;
            }
        }
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
        let mut rng = Streams::seeded(1).next();
        let now_ns = self.now_ns;
        let core = &mut self.core;
        let answer = match act {
            Act::Ask | Act::AskAndDrop => match core.try_acquire(now_ns, &mut rng) {
                Ok(grant) => {
                    let id = grant.permit.id();
                    self.half[thread] = matches!(act, Act::AskAndDrop);
                    self.held[thread] = Some(id);
                    Answer::Granted {
                        generation: id.generation(),
                        probe: id.is_probe(),
                    }
                }
                Err(refused) => Answer::Refused(refused.reason(), refused.retry_at_ns()),
            },
            Act::Tell(outcome) => match self.held[thread].take() {
                Some(id) => {
                    let receipt =
                        core.on_outcome(now_ns, Permit::from_id(id), outcome, 0, &mut rng);
                    Answer::Counted(receipt.is_counted(), receipt.transitions().len())
                }
                None => Answer::Nothing,
            },
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
        };
        self.answers[thread].push(answer);
    }

    /// The drop of what was asked for is a step of its own.
    fn perform_rest(&mut self, thread: usize, act: Act) {
        if !matches!(act, Act::AskAndDrop) {
            return;
        }
        if let Some(id) = self.held[thread].take() {
            let mut rng = Streams::seeded(1).next();
            let permit = Permit::from_id(id);
            let _ = self
                .core
                .on_outcome(self.now_ns, permit, Outcome::Ignored, 0, &mut rng);
        }
        self.half[thread] = false;
    }
}
