//! A small machine that keeps every law, and breaks one for each fault that it is given: it holds keys for a random
//! while.

use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_core::random::{Rng, scaled};
use evenkeel_core::time::Monotone;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// L1: a counter outside of the state takes part.
    HiddenCounter,
    /// L2: it believes a clock that runs backwards.
    FollowsClock,
    /// L3: a poll that finds nothing leaves a trace.
    PollLeavesTrace,
    /// L3: the deadline comes later than what it is the deadline of.
    LateDeadline,
    /// L4: at exactly the deadline it is not ready.
    NotReady,
    /// L4: what fell due is reported again and again.
    ReportsForEver,
    /// L5: only a poll ends a hold.
    NeedsPoll,
    /// L6: a snapshot leaves something out.
    ForgetsOnRestore,
    /// L7: holds depend on where time began.
    KnowsOrigin,
    /// L8: a stale report frees the key.
    StaleFrees,
    /// L8: a second report counts.
    CountsTwice,
    /// L9: a forgotten key begins anew although it was not as new.
    RemembersKeys,
    /// L10: it keeps a log.
    KeepsLog,
    /// L11: it draws a word that it has no use for.
    DrawsIdly,
    /// L12: it adds without looking.
    Overflows,
    /// L12: a deadline past the end is put at the end.
    Saturates,
    /// L13: the hasher shows.
    ShowsHasher,
}

/// A key that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Hold {
    pub(crate) key: u64,
    pub(crate) id: u64,
    pub(crate) until_ns: Option<u64>,
    /// Over, and reported; the key is as good as forgotten.
    pub(crate) over: bool,
    /// Times it was held before.
    pub(crate) times: u64,
}

/// All that it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct State {
    pub(crate) clock: Monotone,
    pub(crate) last_id: u64,
    pub(crate) holds: Vec<Hold>,
    pub(crate) traces: u64,
    pub(crate) log: Vec<u64>,
    pub(crate) odd: bool,
}

/// A hold that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Ended {
    pub(crate) key: u64,
    pub(crate) at_ns: u64,
}

/// The id of a new hold and its end, or the end of the one that stands.
pub(crate) type Held = Result<(u64, Option<u64>), Option<u64>>;

/// The machine. Its longest hold is `longest_ns`; `salt` is its hasher's and must not show.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    pub(crate) fault: Fault,
    pub(crate) longest_ns: u64,
    pub(crate) salt: u64,
    pub(crate) state: State,
}

static ASKED: AtomicU64 = AtomicU64::new(0);

impl Canary {
    pub(crate) fn new(fault: Fault, longest_ns: u64) -> Self {
        Self {
            fault,
            longest_ns,
            salt: 0,
            state: State::default(),
        }
    }

    fn observe(&mut self, now_ns: u64) -> u64 {
        if self.fault == Fault::FollowsClock {
            self.state.clock = Monotone::since(now_ns);
        }
        self.state.clock.observe(now_ns)
    }

    fn order(&self, hold: &Hold) -> (bool, Option<u64>, u64) {
        let salt = if self.fault == Fault::ShowsHasher {
            self.salt
        } else {
            0
        };
        (hold.until_ns.is_none(), hold.until_ns, hold.id ^ salt)
    }

    /// Ends the hold that ends first, if it is over.
    fn end_one(&mut self, now_ns: u64) -> Option<Ended> {
        let mut held: Vec<Hold> = self.state.holds.clone();
        held.retain(|hold| !hold.over);
        let first = held.into_iter().min_by_key(|hold| self.order(hold))?;
        let patience_ns = u64::from(self.fault == Fault::NotReady);
        let is_over = |at_ns: &u64| {
            now_ns
                .checked_sub(*at_ns)
                .is_some_and(|ns| ns >= patience_ns)
        };
        let at_ns = first.until_ns.filter(is_over)?;
        if self.fault != Fault::ReportsForEver {
            self.state
                .holds
                .iter_mut()
                .find(|hold| hold.id == first.id)?
                .over = true;
        }
        let key = first.key;
        Some(Ended { key, at_ns })
    }

    fn end_all(&mut self, now_ns: u64) -> Vec<Ended> {
        let lazily = !matches!(self.fault, Fault::NeedsPoll | Fault::ReportsForEver);
        let mut ended = Vec::new();
        while let Some(one) = lazily.then(|| self.end_one(now_ns)).flatten() {
            ended.push(one);
        }
        ended
    }

    /// Holds a key that is not held: its id and until when, or the end of the hold that stands.
    pub(crate) fn try_hold<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        key: u64,
        rng: &mut R,
    ) -> (Vec<Ended>, Held) {
        let now_ns = self.observe(now_ns);
        let ended = self.end_all(now_ns);
        let standing = |hold: &&Hold| hold.key == key && !hold.over;
        if let Some(hold) = self.state.holds.iter().find(standing) {
            let is_held = hold.until_ns.is_none_or(|at_ns| now_ns < at_ns);
            if is_held || self.fault == Fault::NeedsPoll {
                return (ended, Err(hold.until_ns));
            }
        }
        let times = self.times(key);
        let wait_ns = 1 + scaled(rng.next_u64(), self.longest_ns) + self.extra_ns(now_ns, times);
        if self.fault == Fault::DrawsIdly && wait_ns % 3 == 0 {
            let _ = rng.next_u64();
        }
        let until_ns = match self.fault {
            Fault::Overflows => Some(now_ns + wait_ns),
            Fault::Saturates => Some(now_ns.saturating_add(wait_ns)),
            _ => now_ns.checked_add(wait_ns),
        };
        self.state.last_id += 1;
        let id = self.state.last_id;
        self.state.odd = !self.state.odd;
        if self.fault == Fault::KeepsLog {
            self.state.log.push(id);
        }
        let hold = Hold {
            key,
            id,
            until_ns,
            over: false,
            times: times + 1,
        };
        self.state.holds.retain(|hold| hold.key != key);
        self.state.holds.push(hold);
        (ended, Ok((id, until_ns)))
    }

    fn times(&self, key: u64) -> u64 {
        let known = self.state.holds.iter().find(|hold| hold.key == key);
        known.map_or(0, |hold| hold.times)
    }

    fn extra_ns(&self, now_ns: u64, times: u64) -> u64 {
        match self.fault {
            Fault::HiddenCounter => ASKED.fetch_add(1, Ordering::Relaxed) % 7,
            Fault::KnowsOrigin => now_ns % 7,
            Fault::RemembersKeys => times.min(5),
            Fault::ForgetsOnRestore => u64::from(self.state.odd),
            _ => 0,
        }
    }

    /// Ends a hold early. Whether it was one.
    pub(crate) fn on_done(&mut self, now_ns: u64, id: u64) -> (Vec<Ended>, bool) {
        let now_ns = self.observe(now_ns);
        let ended = self.end_all(now_ns);
        let known = |hold: &&mut Hold| hold.id == id && !hold.over;
        if let Some(hold) = self.state.holds.iter_mut().find(known) {
            hold.over = true;
            return (ended, true);
        }
        if self.fault == Fault::StaleFrees {
            self.state.holds.clear();
        }
        (
            ended,
            self.fault == Fault::CountsTwice && id <= self.state.last_id,
        )
    }

    /// Reports the next hold that ended.
    pub(crate) fn poll(&mut self, now_ns: u64) -> Option<Ended> {
        let now_ns = self.observe(now_ns);
        let ended = self.end_one(now_ns);
        if ended.is_none() && self.fault == Fault::PollLeavesTrace {
            self.state.traces += 1;
        }
        ended
    }

    /// Forgets a key that is not held.
    pub(crate) fn forget(&mut self, now_ns: u64, key: u64) -> Vec<Ended> {
        let now_ns = self.observe(now_ns);
        let ended = self.end_all(now_ns);
        self.state
            .holds
            .retain(|hold| hold.key != key || !hold.over);
        ended
    }

    /// Until when a key is held; `None` if it is not, and if for ever.
    pub(crate) fn held_until_ns(&self, now_ns: u64, key: u64) -> Option<u64> {
        let now_ns = self.state.clock.peek(now_ns);
        let held = self
            .state
            .holds
            .iter()
            .find(|hold| hold.key == key && !hold.over)?;
        held.until_ns.filter(|at_ns| now_ns < *at_ns)
    }

    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        let held = self.state.holds.iter().filter(|hold| !hold.over);
        let at_ns = held.filter_map(|hold| hold.until_ns).min()?;
        at_ns.checked_add(u64::from(self.fault == Fault::LateDeadline))
    }

    pub(crate) fn state(&self) -> State {
        self.state.clone()
    }

    pub(crate) fn restore(fault: Fault, longest_ns: u64, mut state: State) -> Self {
        if fault == Fault::ForgetsOnRestore {
            state.odd = false;
        }
        let salt = 0;
        Self {
            fault,
            longest_ns,
            salt,
            state,
        }
    }
}
