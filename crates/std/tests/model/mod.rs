//! Threads that do a few things each to one breaker, and the core doing the same in every possible order.

mod core_orders;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Mode, Outcome, RefusedBy};
use evenkeel_std::driver::PlainLeave;
use evenkeel_std::{Guard, SharedBreaker, Streams, TestClock};
use loom::thread;

/// What a thread does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Ask,
    /// Reports on the call that was asked for; nothing if it was refused.
    Tell(Outcome),
    /// Asks as a driver does: for the leave that everybody is given, and for a guard where it is not.
    Begin,
    /// Reports on the call that has begun, and does not look at what became of that; nothing if it was refused.
    End(Outcome),
    /// Gives the call up without a word; nothing if it was refused.
    Drop,
    Look,
    Reset,
    SetMode(Mode),
    /// Lets so much time pass; only before the threads start.
    Pass(u64),
    /// Asks for that thread, which has the call under way when it starts; only before the threads start.
    AskFor(usize),
}

/// What it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Granted {
        generation: u64,
        probe: bool,
    },
    /// Granted, and no more is known.
    Let,
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

/// Which schedules are tried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tried {
    All,
    /// Those in which threads are stopped in the middle so many times, or less often.
    Stops(usize),
}

/// Runs `acts` on threads under the schedules `tried`, after `before`. The answers of all threads, and what the breaker
/// looks like in the end, must be among those that the core gives; at no time may more probes be out than there are
/// places.
pub(crate) fn check(
    tried: Tried,
    policy: BreakerBuilder,
    before: &'static [Act],
    acts: &'static [&'static [Act]],
) {
    let policy = policy.build().expect("a valid policy");
    let allowed = Arc::new(core_orders::in_every_order(policy, before, acts));
    let met = Arc::new(Mutex::new(HashSet::new()));
    let schedules = Arc::new(AtomicU64::new(0));
    let possible = allowed.len();
    let (seen, count) = (Arc::clone(&met), Arc::clone(&schedules));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = match tried {
        Tried::All => None,
        Tried::Stops(stops) => Some(stops),
    };
    builder.check(move || {
        let answers = once(policy, before, acts);
        assert!(
            allowed.contains(&answers),
            "no order of the calls gives {answers:?}"
        );
        seen.lock().expect("no panic").insert(answers);
        count.fetch_add(1, Ordering::Relaxed);
    });
    let met = met.lock().expect("no panic").len();
    let schedules = schedules.load(Ordering::Relaxed);
    println!(
        "{schedules} schedules ({tried:?}), {met} of {possible} outcomes that are possible one after the other"
    );
    assert!(
        met + 1 >= possible,
        "the schedules tried are not all there are"
    );
}

/// One schedule.
fn once(policy: BreakerPolicy, before: &[Act], acts: &'static [&'static [Act]]) -> Answers {
    let clock = TestClock::new();
    let streams = Streams::seeded(1);
    let builder = SharedBreaker::builder(policy).clock(clock.clone());
    let breaker = builder.streams(&streams).stripes(2).build();
    let places = Arc::new(Places::new(policy.max_in_flight()));
    let caller = || Caller {
        breaker: breaker.clone(),
        clock: clock.clone(),
        places: Arc::clone(&places),
        held: None,
        plain: None,
    };
    let mut callers: Vec<_> = acts.iter().map(|_| caller()).collect();
    let mut last = caller();
    for act in before {
        match *act {
            Act::AskFor(thread) => drop(callers[thread].perform(Act::Ask)),
            act => drop(last.perform(act)),
        }
    }
    let threads: Vec<_> = callers
        .into_iter()
        .zip(acts)
        .enumerate()
        .map(|(number, (mut caller, acts))| {
            thread::spawn(move || {
                evenkeel_std::sync::number_this_thread(number);
                let answers = acts.iter().map(|act| caller.perform(*act));
                let answers: Vec<_> = answers.collect();
                std::mem::forget(caller.held);
                answers
            })
        })
        .collect();
    // This thread only waits: loom tries no schedule in which it is overtaken.
    let threads = threads.into_iter();
    let mut answers: Answers = threads
        .map(|thread| thread.join().expect("no panic"))
        .collect();
    answers.push([Act::Look, Act::Ask].map(|act| last.perform(act)).to_vec());
    std::mem::forget(last.held);
    answers
}

/// How many probes are out, counted by the callers themselves, for each generation.
struct Places {
    out: [AtomicU32; 8],
    most: u32,
    /// What every caller touches while it is out: so loom tries that another comes in just then. Relaxed, for what the
    /// breaker is to order must not be ordered by this.
    meeting: loom::sync::atomic::AtomicU32,
}

impl Places {
    fn new(most: u32) -> Self {
        Self {
            out: Default::default(),
            most,
            meeting: loom::sync::atomic::AtomicU32::new(0),
        }
    }

    fn enter(&self, generation: u64) {
        let out = 1 + self.out[generation as usize].fetch_add(1, Ordering::Relaxed);
        assert!(out <= self.most, "{out} probes are out at once");
        self.meeting.fetch_add(1, Ordering::Relaxed);
    }

    fn leave(&self, generation: u64) {
        self.out[generation as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

struct Caller {
    breaker: SharedBreaker<TestClock>,
    clock: TestClock,
    places: Arc<Places>,
    held: Option<Guard<'static, TestClock>>,
    plain: Option<PlainLeave>,
}

impl Caller {
    fn perform(&mut self, act: Act) -> Answer {
        match act {
            Act::Begin => match PlainLeave::take(&self.breaker) {
                Some(leave) => {
                    self.plain = Some(leave);
                    Answer::Let
                }
                None => match self.perform(Act::Ask) {
                    Answer::Granted { .. } => Answer::Let,
                    refused => refused,
                },
            },
            Act::End(outcome) => match self.plain.take() {
                Some(leave) => {
                    leave.tell(&self.breaker, outcome);
                    Answer::Nothing
                }
                None => {
                    self.perform(Act::Tell(outcome));
                    Answer::Nothing
                }
            },
            Act::Ask => {
                assert!(self.held.is_none(), "a caller makes one call at a time");
                match self.breaker.try_acquire_owned() {
                    Ok(guard) => {
                        let (generation, probe) = (guard.generation(), guard.is_probe());
                        if probe {
                            self.places.enter(generation);
                        }
                        self.held = Some(guard);
                        Answer::Granted { generation, probe }
                    }
                    Err(refused) => Answer::Refused(refused.reason(), refused.retry_at_ns()),
                }
            }
            Act::Tell(outcome) => self.settle(|guard| {
                let receipt = guard.outcome(outcome);
                Answer::Counted(receipt.is_counted(), receipt.transitions().len())
            }),
            Act::Drop => self.settle(|guard| {
                drop(guard);
                Answer::Nothing
            }),
            Act::Look => {
                let window = self.breaker.window();
                Answer::Seen(window.calls, window.failures)
            }
            Act::Reset => Answer::Made(self.breaker.reset().len()),
            Act::SetMode(mode) => Answer::Made(self.breaker.set_mode(mode).len()),
            Act::Pass(span) => {
                self.clock.advance(Duration::from_nanos(span));
                Answer::Nothing
            }
            Act::AskFor(_) => unreachable!("only before the threads start"),
        }
    }

    fn settle(&mut self, settle: impl FnOnce(Guard<'static, TestClock>) -> Answer) -> Answer {
        let Some(guard) = self.held.take() else {
            return Answer::Nothing;
        };
        if guard.is_probe() {
            self.places.leave(guard.generation());
        }
        settle(guard)
    }
}
