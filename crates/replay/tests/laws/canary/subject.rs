//! The canary under the laws.

use evenkeel_core::RestoreError;
use evenkeel_core::random::Rng;
use evenkeel_replay::Machine;
use evenkeel_replay::generate::{Generate, Pick};
use serde::{Deserialize, Serialize};

use super::machine::{Canary, Ended, Fault, Held, State};
use crate::harness::{Law, Mover, Progress, Subject};

const KEYS: u64 = 4;

/// Every fault at its number.
pub(crate) const FAULTS: [Fault; 18] = [
    Fault::None,
    Fault::HiddenCounter,
    Fault::FollowsClock,
    Fault::PollLeavesTrace,
    Fault::LateDeadline,
    Fault::NotReady,
    Fault::ReportsForEver,
    Fault::NeedsPoll,
    Fault::ForgetsOnRestore,
    Fault::KnowsOrigin,
    Fault::StaleFrees,
    Fault::CountsTwice,
    Fault::RemembersKeys,
    Fault::KeepsLog,
    Fault::DrawsIdly,
    Fault::Overflows,
    Fault::Saturates,
    Fault::ShowsHasher,
];

/// The canary with the fault of this number.
#[derive(Clone, Debug)]
pub(crate) struct Bird<const FAULT: usize>(Canary);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Op {
    Hold { key: u64 },
    Done { id: u64 },
    Poll,
    Forget { key: u64 },
    HeldUntil { key: u64 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Answer {
    Held(Vec<Ended>, Held),
    Done { ended: Vec<Ended>, counted: bool },
    Ended(Vec<Ended>),
    Until(Option<u64>),
}

impl<const FAULT: usize> Machine for Bird<FAULT> {
    const NAME: &'static str = "canary";

    /// The longest hold.
    type Policy = u64;
    type State = State;
    type Op = Op;
    type Answer = Answer;
    type Id = u64;

    fn begin(longest_ns: u64, _: u64) -> Self {
        Self(Canary::new(FAULTS[FAULT], longest_ns))
    }

    fn restore(longest_ns: u64, state: State) -> Result<Self, RestoreError> {
        Ok(Self(Canary::restore(FAULTS[FAULT], longest_ns, state)))
    }

    fn policy(&self) -> &u64 {
        &self.0.longest_ns
    }

    fn state(&self) -> State {
        self.0.state()
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        self.0.next_deadline_ns()
    }

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, rng: &mut R) -> Answer {
        let canary = &mut self.0;
        match *op {
            Op::Hold { key } => {
                let (ended, held) = canary.try_hold(now_ns, key, rng);
                Answer::Held(ended, held)
            }
            Op::Done { id } => {
                let (ended, counted) = canary.on_done(now_ns, id);
                Answer::Done { ended, counted }
            }
            Op::Poll => Answer::Ended(canary.poll(now_ns).into_iter().collect()),
            Op::Forget { key } => Answer::Ended(canary.forget(now_ns, key)),
            Op::HeldUntil { key } => Answer::Until(canary.held_until_ns(now_ns, key)),
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn given(_: &Op, answer: &Answer) -> Option<u64> {
        match answer {
            Answer::Held(_, Ok((id, _))) => Some(*id),
            _ => None,
        }
    }

    fn reported(op: &Op) -> Option<u64> {
        match op {
            Op::Done { id } => Some(*id),
            _ => None,
        }
    }
}

impl<const FAULT: usize> Generate for Bird<FAULT> {
    const POLICIES: usize = 2;

    fn sample_policy(number: usize) -> Option<(&'static str, u64)> {
        [("short", 20), ("long", 1_000_000)].get(number).copied()
    }

    fn spans_ns(longest_ns: &u64) -> [u64; 5] {
        [*longest_ns; 5]
    }

    fn call(_: &u64, pick: &mut Pick, _: u64, ids: &[u64]) -> Op {
        let key = pick.below(KEYS);
        match (pick.below(8), pick.recent(ids)) {
            (0 | 1, Some(id)) => Op::Done { id },
            (2, _) => Op::Poll,
            (3, _) => Op::Forget { key },
            _ => Op::Hold { key },
        }
    }

    fn query(_: &u64, pick: &mut Pick) -> Option<Op> {
        let key = pick.below(KEYS);
        Some(Op::HeldUntil { key })
    }

    fn report(id: u64, _: &mut Pick) -> Option<Op> {
        Some(Op::Done { id })
    }

    fn foreign(pick: &mut Pick, given: &[u64]) -> Option<u64> {
        let last = given.last().copied().unwrap_or(0);
        Some(last + 1_000 + pick.below(5))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        match answer {
            Answer::Held(_, held) => {
                held.map_or_else(|until_ns| until_ns, |(_, until_ns)| until_ns)
            }
            Answer::Until(until_ns) => *until_ns,
            _ => None,
        }
        .map(show);
    }
}

impl<const FAULT: usize> Subject for Bird<FAULT> {
    const AT_ONCE: u32 = KEYS as u32 + 2;

    type Made = Ended;
    type Account = ();

    fn not_applicable(_: Law) -> Option<&'static str> {
        None
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        (0..KEYS).map(|key| Op::HeldUntil { key }).collect()
    }

    fn progress(_: &Self, _: u64, answer: &Answer) -> Progress {
        match answer {
            Answer::Ended(ended) if !ended.is_empty() => Progress::Reported,
            _ => Progress::Quiet,
        }
    }

    fn take_made(answer: &mut Answer) -> Vec<Ended> {
        match answer {
            Answer::Held(ended, _) | Answer::Done { ended, .. } | Answer::Ended(ended) => {
                core::mem::take(ended)
            }
            Answer::Until(_) => Vec::new(),
        }
    }

    fn moved(_: &u64, answer: Answer, mover: &mut Mover) -> Option<Answer> {
        let mut ended = |ended: Vec<Ended>| -> Option<Vec<Ended>> {
            let moved = |one: Ended| {
                let at_ns = mover.surely(one.at_ns)?;
                Some(Ended { at_ns, ..one })
            };
            ended.into_iter().map(moved).collect()
        };
        Some(match answer {
            Answer::Held(made, held) => {
                let made = ended(made)?;
                let held = match held {
                    Ok((id, until_ns)) => Ok((id, mover.maybe(until_ns))),
                    Err(until_ns) => Err(mover.maybe(until_ns)),
                };
                Answer::Held(made, held)
            }
            Answer::Done {
                ended: made,
                counted,
            } => Answer::Done {
                ended: ended(made)?,
                counted,
            },
            Answer::Ended(made) => Answer::Ended(ended(made)?),
            Answer::Until(until_ns) => Answer::Until(mover.maybe(until_ns)),
        })
    }

    fn is_stale(answer: &Answer) -> bool {
        matches!(answer, Answer::Done { counted: false, .. })
    }

    fn words_expected(_: &mut (), _: &u64, _: [&Self; 2], _: u64, _: &Op, answer: &Answer) -> u64 {
        u64::from(matches!(answer, Answer::Held(_, Ok(_))))
    }

    fn forgettings(bird: &Self, _: u64) -> Vec<Op> {
        let over = bird.0.state.holds.iter().filter(|hold| hold.over);
        over.map(|hold| Op::Forget { key: hold.key }).collect()
    }

    fn likes_of_fresh(longest_ns: &u64) -> Vec<Self> {
        let like = |salt| {
            let fresh = Self::begin(*longest_ns, 0).0;
            Self(Canary { salt, ..fresh })
        };
        vec![like(1), like(u64::MAX)]
    }
}
