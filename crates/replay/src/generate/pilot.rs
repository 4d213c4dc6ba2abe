//! Makes up calls at instants while a machine answers them, so that deadlines and ids are met exactly.

use arrayvec::ArrayVec;

use super::Generate;
use super::pick::{Pick, Words};

/// No instant of a tame run lies after this one, so that it can be moved far without running out of time.
pub const TAME_NS: u64 = 1 << 60;
const TEN_YEARS_NS: u64 = 315_576_000_000_000_000;

/// What instants a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// All before [`TAME_NS`], forwards and now and then backwards.
    Tame,
    /// Any `u64`.
    Wild,
}

/// How many ids and instants are remembered.
const IDS: usize = 24;
const HINTS: usize = 6;

/// Makes up calls for a machine.
///
/// ```
/// use evenkeel_core::breaker::Breaker;
/// use evenkeel_replay::generate::{Pilot, Times};
///
/// let (_, policy) = <Breaker as evenkeel_replay::generate::Generate>::sample_policy(0).expect("a policy");
/// let mut pilot = Pilot::<Breaker>::new(policy, Times::Tame, 1);
/// let (now_ns, op) = pilot.next_call();
/// let answer = pilot.go(now_ns, &op);
/// # let _ = answer;
/// ```
#[derive(Clone, Debug)]
pub struct Pilot<M: Generate> {
    machine: M,
    words: Words,
    pick: Pick,
    times: Times,
    begin_ns: u64,
    clock_ns: u64,
    hints_ns: ArrayVec<u64, HINTS>,
    ids: ArrayVec<M::Id, IDS>,
}

impl<M: Generate> Pilot<M> {
    /// A fresh machine of this policy; `seed` chooses the calls and the words.
    #[must_use]
    pub fn new(policy: M::Policy, times: Times, seed: u64) -> Self {
        Self::choosing(policy, times, seed, Pick::new(seed))
    }

    /// A fresh machine of this policy; `pick` chooses the calls, `seed` the words.
    #[must_use]
    pub fn choosing(policy: M::Policy, times: Times, seed: u64, pick: Pick) -> Self {
        let mut pick = pick.wild_if(times == Times::Wild);
        let clock_ns = match (times, pick.below(3)) {
            (_, 0) => 0,
            (Times::Tame, _) => pick.sized(50),
            (Times::Wild, 1) => u64::MAX - pick.sized(63),
            (Times::Wild, _) => pick.wild(),
        };
        Self::resuming(M::sample(policy, clock_ns), clock_ns, times, seed, pick)
    }

    /// This machine, which has seen `clock_ns`; `pick` chooses the calls, `seed` the words.
    #[must_use]
    pub fn resuming(machine: M, clock_ns: u64, times: Times, seed: u64, pick: Pick) -> Self {
        Self {
            machine,
            words: Words::new(seed),
            pick: pick.wild_if(times == Times::Wild),
            times,
            begin_ns: clock_ns,
            clock_ns,
            hints_ns: ArrayVec::new(),
            ids: ArrayVec::new(),
        }
    }

    /// The machine, after all calls so far.
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// Whether the choices were made of bytes, and all are used up.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.pick.is_spent()
    }

    /// The choices that are left.
    #[must_use]
    pub fn into_pick(self) -> Pick {
        self.pick
    }

    /// Where the machine began.
    pub const fn begin_ns(&self) -> u64 {
        self.begin_ns
    }

    /// The next call, and when.
    pub fn next_call(&mut self) -> (u64, M::Op) {
        let now_ns = self.next_time();
        let foreign = self.pick.one_in(24);
        let stranger = foreign
            .then(|| M::foreign(&mut self.pick, &self.ids))
            .flatten();
        let op = stranger
            .and_then(|id| M::report(id, &mut self.pick))
            .unwrap_or_else(|| M::call(self.machine.policy(), &mut self.pick, now_ns, &self.ids));
        (now_ns, op)
    }

    /// Now and then a query, to be asked at the time of the last call.
    pub fn query(&mut self) -> Option<M::Op> {
        let asks = self.pick.one_in(8);
        asks.then(|| M::query(self.machine.policy(), &mut self.pick))
            .flatten()
    }

    /// Makes the call and remembers what it gave out.
    pub fn go(&mut self, now_ns: u64, op: &M::Op) -> M::Answer {
        self.go_by(op, |machine, words| machine.apply(now_ns, op, words))
    }

    /// The same by a way of your own, such as one that takes the call down.
    pub fn go_by(
        &mut self,
        op: &M::Op,
        make: impl FnOnce(&mut M, &mut Words) -> M::Answer,
    ) -> M::Answer {
        let answer = make(&mut self.machine, &mut self.words);
        self.remember(op, &answer);
        answer
    }

    fn remember(&mut self, op: &M::Op, answer: &M::Answer) {
        if let Some(id) = M::given(op, answer) {
            push_last(&mut self.ids, id);
        }
        let hints_ns = &mut self.hints_ns;
        M::instants(answer, &mut |at_ns| push_last(hints_ns, at_ns));
    }

    /// Lets ten years go by.
    pub fn idle(&mut self) {
        self.clock_ns = self.clock_ns.saturating_add(TEN_YEARS_NS).min(TAME_NS);
    }

    fn next_time(&mut self) -> u64 {
        let due_ns = self.machine.next_deadline_ns().unwrap_or(self.clock_ns);
        let hint_ns = self.pick.recent(&self.hints_ns).unwrap_or(due_ns);
        let span_ns = self.pick.of(&M::spans_ns(self.machine.policy()));
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
        if self.times == Times::Wild && self.pick.one_in(16) {
            at_ns = self.pick.wild();
        }
        if self.times == Times::Tame {
            at_ns = at_ns.min(TAME_NS);
        }
        self.clock_ns = at_ns.max(clock_ns);
        at_ns
    }
}

/// Adds one, and forgets the oldest if there is no room.
fn push_last<T, const N: usize>(row: &mut ArrayVec<T, N>, one: T) {
    if row.is_full() {
        row.pop_at(0);
    }
    let _ = row.try_push(one);
}
