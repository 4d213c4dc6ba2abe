//! The canary under the laws.

use evenkeel_core::RestoreError;

use super::machine::{Canary, Ended, Fault, Held, State};
use crate::harness::{Law, Mover, Pick, Progress, Subject, Words};

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
pub(crate) struct Bird<const FAULT: usize>;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Hold { key: u64 },
    Done { id: u64 },
    Poll,
    Forget { key: u64 },
    HeldUntil { key: u64 },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Held(Vec<Ended>, Held),
    Done { ended: Vec<Ended>, counted: bool },
    Ended(Vec<Ended>),
    Until(Option<u64>),
}

impl<const FAULT: usize> Subject for Bird<FAULT> {
    const NAME: &'static str = "canary";
    const AT_ONCE: u32 = KEYS as u32 + 2;

    /// The longest hold.
    type Policy = u64;
    type Machine = Canary;
    type State = State;
    type Op = Op;
    type Answer = Answer;
    type Made = Ended;
    type Id = u64;
    type Account = ();

    fn not_applicable(_: Law) -> Option<&'static str> {
        None
    }

    fn policies() -> Vec<(&'static str, u64)> {
        vec![("short", 20), ("long", 1_000_000)]
    }

    fn spans_ns(longest_ns: &u64) -> Vec<u64> {
        vec![*longest_ns]
    }

    fn fresh(longest_ns: &u64, _: u64) -> Canary {
        Canary::new(FAULTS[FAULT], *longest_ns)
    }

    fn state(canary: &Canary) -> State {
        canary.state()
    }

    fn restore(longest_ns: &u64, state: State) -> Result<Canary, RestoreError> {
        Ok(Canary::restore(FAULTS[FAULT], *longest_ns, state))
    }

    fn next_deadline_ns(canary: &Canary) -> Option<u64> {
        canary.next_deadline_ns()
    }

    fn apply(canary: &mut Canary, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        match *op {
            Op::Hold { key } => {
                let (ended, held) = canary.try_hold(now_ns, key, words);
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

    fn generate(_: &u64, pick: &mut Pick, _: u64, ids: &[u64]) -> Op {
        let key = pick.below(KEYS);
        match (pick.below(8), pick.recent(ids)) {
            (0 | 1, Some(id)) => Op::Done { id },
            (2, _) => Op::Poll,
            (3, _) => Op::Forget { key },
            _ => Op::Hold { key },
        }
    }

    fn poll() -> Option<Op> {
        Some(Op::Poll)
    }

    fn is_poll(op: &Op) -> bool {
        matches!(op, Op::Poll)
    }

    fn queries() -> Vec<Op> {
        (0..KEYS).map(|key| Op::HeldUntil { key }).collect()
    }

    fn progress(_: &Self::Machine, _: u64, answer: &Answer) -> Progress {
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

    fn given(_: &Op, answer: &Answer) -> Vec<u64> {
        match answer {
            Answer::Held(_, Ok((id, _))) => vec![*id],
            _ => Vec::new(),
        }
    }

    fn reported(op: &Op) -> Option<u64> {
        match op {
            Op::Done { id } => Some(*id),
            _ => None,
        }
    }

    fn is_stale(answer: &Answer) -> bool {
        matches!(answer, Answer::Done { counted: false, .. })
    }

    fn report(id: u64, _: &mut Pick) -> Option<Op> {
        Some(Op::Done { id })
    }

    fn foreign(pick: &mut Pick, given: &[u64]) -> Option<u64> {
        let last = given.last().copied().unwrap_or(0);
        Some(last + 1_000 + pick.below(5))
    }

    fn words_expected(
        _: &mut (),
        _: &u64,
        _: [&Canary; 2],
        _: u64,
        _: &Op,
        answer: &Answer,
    ) -> u64 {
        u64::from(matches!(answer, Answer::Held(_, Ok(_))))
    }

    fn forgettings(canary: &Canary, _: u64) -> Vec<Op> {
        let over = canary.state.holds.iter().filter(|hold| hold.over);
        over.map(|hold| Op::Forget { key: hold.key }).collect()
    }

    fn likes_of_fresh(longest_ns: &u64) -> Vec<Canary> {
        let like = |salt| Canary {
            salt,
            ..Self::fresh(longest_ns, 0)
        };
        vec![like(1), like(u64::MAX)]
    }
}
