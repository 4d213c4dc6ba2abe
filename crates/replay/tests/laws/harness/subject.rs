//! What the harness has to know of a machine beyond its calls. Adding a machine is one file that implements [`Subject`],
//! and one line.

use core::fmt::Debug;

use evenkeel_core::RestoreError;
use evenkeel_replay::generate::Generate;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::law::Law;

/// What a poll's answer amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing happened.
    Quiet,
    /// It reports what fell due by itself, such as a transition or an abandoned attempt.
    Reported,
    /// It tells the caller to begin something, which counts from the instant of this very call.
    Begun,
}

/// A snapshot that was written and read.
pub(crate) fn thawed<T: Serialize + DeserializeOwned>(state: &T) -> Result<T, String> {
    let text = serde_json::to_string(state).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
}

/// The report of a machine that makes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReport {}

/// Adds a constant to instants, and remembers those that it moved.
pub(crate) struct Mover {
    pub(crate) by_ns: u64,
    pub(crate) seen: Vec<u64>,
    is_last: bool,
}

impl Mover {
    pub(crate) const fn new(by_ns: u64) -> Self {
        Self {
            by_ns,
            seen: Vec::new(),
            is_last: false,
        }
    }

    /// From this answer on the machine goes another way, because there was no time left.
    pub(crate) fn end(&mut self) {
        self.is_last = true;
    }

    pub(crate) const fn is_last(&self) -> bool {
        self.is_last
    }

    /// An instant that need not exist: past the last one it is `None`.
    pub(crate) fn maybe(&mut self, at_ns: Option<u64>) -> Option<u64> {
        at_ns.and_then(|at_ns| self.surely(at_ns))
    }

    /// An instant that must exist: `None` says that the whole has no moved form.
    pub(crate) fn surely(&mut self, at_ns: u64) -> Option<u64> {
        self.seen.push(at_ns);
        at_ns.checked_add(self.by_ns)
    }
}

/// A machine under the laws.
pub(crate) trait Subject: Generate + Clone + 'static {
    /// Whether it begins at an instant that [`sample`](Generate::sample) is told.
    const BEGINS: bool = false;
    /// Whether a poll at the deadline may do no more than put it off, since it asks somebody else who refuses.
    const PUTS_OFF: bool = false;
    /// Whether it goes another way, such as giving up, when a wait would end past the last instant.
    const PARTS_AT_THE_END: bool = false;
    /// How often a poll may report or begin something at one instant: what can be in flight or held, and two more.
    const AT_ONCE: u32 = 4;
    /// How many steps fill whatever the policies of this subject let it keep.
    const FULL_AFTER: u32 = 400;

    /// A transition, or whatever else falls due by itself and is reported by the call that notices it.
    type Made: Clone + PartialEq + Debug;
    /// What the count of words has to remember of earlier answers.
    type Account: Default;

    /// Why a law cannot be asked of this machine.
    fn not_applicable(law: Law) -> Option<&'static str>;
    /// The machine of a snapshot; of a table with another hasher.
    fn restored(policy: &Self::Policy, state: Self::State) -> Result<Self, RestoreError> {
        Self::restore(policy.clone(), state)
    }
    /// Whether the call takes `now_ns`.
    fn takes_time(_op: &Self::Op) -> bool {
        true
    }
    /// Whether the call is a poll, or like one tells one thing at a time until nothing is left to tell.
    fn is_poll(_op: &Self::Op) -> bool {
        false
    }
    /// Calls that take `now_ns` and change nothing.
    fn queries() -> Vec<Self::Op>;

    /// Calls that change nothing, of which those without `now_ns` are right once all that is due has been reported.
    fn settled_queries() -> Vec<Self::Op> {
        Self::queries()
    }

    /// A call that changes nothing but the time memory, where a state tells only what is known at the latest instant.
    fn passes_time() -> Option<Self::Op> {
        None
    }

    /// Whether the answer is to give up because a wait would end past the last instant: there it parts.
    fn gives_up_at_the_end(_answer: &Self::Answer) -> bool {
        false
    }
    /// What a poll's answer amounts to. `before` is the machine before the poll at `now_ns`.
    fn progress(_before: &Self, _now_ns: u64, _answer: &Self::Answer) -> Progress {
        Progress::Quiet
    }
    /// Takes what fell due by itself out of an answer.
    fn take_made(_answer: &mut Self::Answer) -> Vec<Self::Made> {
        Vec::new()
    }
    /// Reports of two lanes may come in any order among each other, as one lane may wait for a poll.
    fn lane(_made: &Self::Made) -> u8 {
        0
    }
    /// When the first thing that a poll reports fell due, where the answer says so.
    fn fell_due_ns(_answer: &Self::Answer) -> Option<u64> {
        None
    }

    /// The answer with all its instants moved; `None` if it has an instant past the last one and no form to say so.
    fn moved(
        policy: &Self::Policy,
        answer: Self::Answer,
        mover: &mut Mover,
    ) -> Option<Self::Answer>;
    /// The call with all its instants moved.
    fn moved_op(_policy: &Self::Policy, op: &Self::Op, _mover: &mut Mover) -> Option<Self::Op> {
        Some(op.clone())
    }

    /// Whether the answer to a report is that it changed nothing.
    fn is_stale(_answer: &Self::Answer) -> bool {
        false
    }
    /// The answer without a count of stale reports, which is all that those may change.
    fn without_stale_count(answer: Self::Answer) -> Self::Answer {
        answer
    }
    /// Whether a counted report is the last one with its id.
    fn settles(_op: &Self::Op) -> bool {
        true
    }
    /// Whether this id is given once and can be settled once.
    fn is_single(_id: Self::Id) -> bool {
        true
    }
    /// How many words this call must have drawn. `around` is the machine before and after the call.
    fn words_expected(
        _account: &mut Self::Account,
        _policy: &Self::Policy,
        _around: [&Self; 2],
        _now_ns: u64,
        _op: &Self::Op,
        _answer: &Self::Answer,
    ) -> u64 {
        0
    }

    /// The most numbers that a state can hold under this policy, where that takes too long to reach.
    fn most_numbers(_policy: &Self::Policy) -> Option<usize> {
        None
    }

    /// Calls that forget a key whose state equals fresh.
    fn forgettings(_machine: &Self, _now_ns: u64) -> Vec<Self::Op> {
        Vec::new()
    }
    /// Machines with the content of a fresh one, but with another hasher or history.
    fn likes_of_fresh(_policy: &Self::Policy) -> Vec<Self> {
        Vec::new()
    }
}
