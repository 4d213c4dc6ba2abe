//! What is under the lock: the machine, and what must be known to say when the lock is not needed.

use evenkeel_core::breaker::{
    Breaker, BreakerStats, Cause, Grant, Mode, Outcome, Permit, PermitId, Phase, Receipt, Refused,
    Transitions,
};
use evenkeel_core::random::Rng;
use evenkeel_core::time::{self, Monotone};

#[cfg(feature = "journal")]
use evenkeel_replay::journal::Journal;

use super::outbox::Outbox;
use super::plan::{Plan, Success};
use super::stripes::Ticket;
use super::word::Word;
use crate::driver::Kept;
#[cfg(feature = "journal")]
use crate::journal::{Held, Part};
use crate::streams::Stream;

/// When every ask in closed is granted without a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ramp {
    None,
    Until(Option<u64>),
    /// The state came from elsewhere; the next transition tells.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Locked {
    pub(super) breaker: Kept<Breaker>,
    /// The words that this breaker draws. One stream for all its handles: they are drawn under the lock anyway, and no
    /// other breaker or retry draws from it.
    pub(super) stream: Stream,
    pub(super) outbox: Outbox,
    /// The latest instant that the machine was told.
    pub(super) latest: Monotone,
    /// The slice in which the last result was judged, since the last transition: no trigger fires as things stand.
    judged_in: Option<u64>,
    ramp: Ramp,
    tally: Tally,
    /// What the shared word says, and whether the stripes are open: only the lock's holder changes either.
    pub(super) word: Word,
    pub(super) stripes_open: bool,
}

/// What the machine was not told, and what it counts at another time than we do.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Successes that the machine need not be told: see [`Plan::most_told`].
    successes: u64,
    /// Calls in closed are counted as admitted when they report, because many asks leave no trace. So many were
    /// admitted under the lock, where the machine has counted them,
    asked: u64,
    /// and so many have reported.
    reported: u64,
}

/// The number in the id of every permit that was given in closed.
const CLOSED_NUMBER: u32 = 0;

/// The permit that every ask in closed is given.
#[inline]
pub(super) const fn closed_permit(generation: u64, tag: u32) -> PermitId {
    PermitId::from_words([generation, (tag as u64) << 32 | CLOSED_NUMBER as u64])
}

impl Locked {
    pub(super) fn new(breaker: Breaker, stream: Stream, is_fresh: bool) -> Self {
        let ramp = if is_fresh || breaker.policy().ramp().is_none() {
            Ramp::None
        } else {
            Ramp::Unknown
        };
        Self {
            breaker: Kept::new(breaker),
            stream,
            outbox: Outbox::default(),
            latest: Monotone::default(),
            judged_in: None,
            ramp,
            tally: Tally::default(),
            word: Word::Locked,
            stripes_open: false,
        }
    }

    /// Tells the machine of `count` successes that were counted without it.
    pub(super) fn catch_up(&mut self, plan: &Plan, count: u64) {
        if count == 0 {
            return;
        }
        let told = count.min(plan.most_told);
        let id = closed_permit(self.breaker.generation(), self.breaker.tag());
        for _ in 0..told {
            // At an earlier instant, which the machine takes for its latest: the slice that the stripes were opened in.
            // It cannot trip, so it draws nothing.
            let permit = Permit::from_id(id);
            let receipt = self
                .breaker
                .on_outcome(0, permit, Outcome::Success, 0, &mut self.stream);
            debug_assert_eq!(
                receipt,
                Receipt::Counted(Transitions::NONE),
                "a plain success"
            );
        }
        self.tally.successes = self.tally.successes.wrapping_add(count - told);
        self.tally.reported = self.tally.reported.wrapping_add(count);
    }

    pub(super) fn try_acquire(
        &mut self,
        now_ns: u64,
        rng: Option<&mut dyn Rng>,
    ) -> Result<Grant, Refused> {
        let _ = self.latest.observe(now_ns);
        let answer = match rng {
            Some(rng) => self.breaker.try_acquire(now_ns, rng),
            None => self.breaker.try_acquire(now_ns, &mut self.stream),
        };
        match &answer {
            Ok(grant) => {
                self.note(grant.transitions);
                if is_closed(grant.permit.id()) {
                    self.tally.asked = self.tally.asked.wrapping_add(1);
                }
            }
            Err(refused) => self.note(refused.transitions),
        }
        answer
    }

    pub(super) fn on_outcome(
        &mut self,
        plan: &Plan,
        now_ns: u64,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: Option<&mut dyn Rng>,
    ) -> Receipt {
        let now = self.latest.observe(now_ns);
        if is_closed(permit) {
            self.tally.reported = self.tally.reported.wrapping_add(1);
        }
        let given = Permit::from_id(permit);
        let receipt = match rng {
            Some(rng) => self
                .breaker
                .on_outcome(now_ns, given, outcome, latency_ns, rng),
            None => self
                .breaker
                .on_outcome(now_ns, given, outcome, latency_ns, &mut self.stream),
        };
        let made = receipt.transitions();
        if receipt.is_counted() && made.is_empty() {
            self.judged_in = Some(plan.slice(now));
        }
        self.note(made);
        receipt
    }

    /// A command or a fact, told to the machine at `now_ns`.
    pub(super) fn tell(
        &mut self,
        now_ns: u64,
        told: impl FnOnce(&mut Kept<Breaker>, u64) -> Transitions,
    ) -> Transitions {
        let _ = self.latest.observe(now_ns);
        let made = told(&mut self.breaker, now_ns);
        self.note(made);
        made
    }

    /// Records from now on, or no more; what is to be dropped without the lock.
    #[cfg(feature = "journal")]
    pub(super) fn record(&mut self, to: Option<(&Journal, &str)>) -> Kept<Breaker> {
        self.judged_in = None;
        match to {
            Some((journal, name)) => self.breaker.record(journal, name),
            None => self.breaker.stop_recording(),
        }
    }

    /// Lends the machine, if it is recorded in this journal, to one step of a retry.
    #[cfg(feature = "journal")]
    pub(super) fn lend(
        &mut self,
        to: &Journal,
        now_ns: u64,
        held: &mut Held,
        step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
    ) {
        let recorder = self.breaker.recorder();
        let Some(recorder) = recorder.filter(|recorder| recorder.journal().is_same(to)) else {
            return;
        };
        let _ = self.latest.observe(now_ns);
        let before = recorder.stats(now_ns);
        let made = step(recorder);
        let after = recorder.stats(now_ns);
        let reports = |stats: &BreakerStats| {
            let counted = stats.successes.wrapping_add(stats.failures);
            counted
                .wrapping_add(stats.released)
                .wrapping_add(stats.stale)
        };
        // It reports before it asks.
        if reports(&before) != reports(&after) && std::mem::take(&mut held.in_closed) {
            self.tally.reported = self.tally.reported.wrapping_add(1);
        }
        let is_plain = after.would_refuse == before.would_refuse
            && recorder.mode() != Mode::ForcedClosed
            && recorder.phase(now_ns) == Phase::Closed;
        held.in_closed |= after.admitted != before.admitted && is_plain;
        if after.admitted != before.admitted && is_plain {
            self.tally.asked = self.tally.asked.wrapping_add(1);
        }
        self.note(made);
    }

    fn note(&mut self, made: Transitions) {
        if made.is_empty() {
            return;
        }
        self.judged_in = None;
        for transition in made {
            self.ramp = match (
                transition.to,
                transition.cause,
                self.breaker.policy().ramp(),
            ) {
                (Phase::Closed, Cause::TrialsPassed, Some(span)) => {
                    Ramp::Until(time::after(transition.at_ns, span))
                }
                _ => Ramp::None,
            };
        }
        self.outbox.put(made);
    }

    /// What an ask and a success may do without the lock from here on.
    pub(super) fn published(&self, plan: &Plan) -> (Word, Option<Ticket>) {
        let (breaker, latest_ns) = (&self.breaker, self.latest.latest_ns());
        if breaker.is_recorded() {
            return (Word::Locked, None);
        }
        match breaker.mode() {
            Mode::Normal => {}
            Mode::ForcedOpen => return (Word::ForcedOpen, None),
            _ => return (Word::Locked, None),
        }
        match breaker.phase(latest_ns) {
            Phase::Closed if self.is_on_ramp() => (Word::Locked, None),
            Phase::Closed => self.published_closed(plan),
            // Only where time alone ends it; and not when it has, which the next ask notices.
            Phase::Open => match breaker.next_deadline_ns() {
                Some(until_ns) if until_ns > latest_ns => (Word::Open { until_ns }, None),
                _ => (Word::Locked, None),
            },
            Phase::HalfOpen => (Word::Locked, None),
        }
    }

    fn published_closed(&self, plan: &Plan) -> (Word, Option<Ticket>) {
        let generation = self.breaker.generation();
        let closed = Word::Closed { generation };
        if plan.success == Success::Nothing {
            return match self.breaker.consecutive_failures() {
                0 => (Word::Calm { generation }, None),
                _ => (closed, None),
            };
        }
        let slice = plan.slice(self.latest.latest_ns());
        let ticket = self
            .is_safe(plan, slice)
            .then(|| Ticket::new(generation, slice));
        (closed, ticket)
    }

    /// Whether a success that was fast cannot open the breaker, and will be in this slice when the machine is told.
    ///
    /// - In an empty or clean window no trigger that counts failures or slow results can fire: all need at least one.
    /// - Else, if no trigger fires now: a success makes no count grow (it may push one out of a window of calls), nor the
    ///   number of results shrink; it can only lower a rate, unless a trigger has been waiting for results to judge.
    /// - In a window of time results leave with the slices, so that holds only in the slice of the last judgement.
    fn is_safe(&self, plan: &Plan, slice: u64) -> bool {
        let sliced = matches!(plan.success, Success::CountIn { .. });
        if sliced && self.judged_in != Some(slice) {
            return false;
        }
        let window = self.breaker.window(self.latest.latest_ns());
        let clean = window.failures.unwrap_or(0) == 0
            && window.slow.unwrap_or(0) == 0
            && plan.sees_all_limits;
        clean || (self.judged_in.is_some() && window.calls >= plan.min_calls)
    }

    fn is_on_ramp(&self) -> bool {
        match self.ramp {
            Ramp::None => false,
            Ramp::Until(Some(until_ns)) => self.latest.latest_ns() < until_ns,
            Ramp::Until(None) | Ramp::Unknown => true,
        }
    }

    /// The machine's counters, and what it was not told.
    pub(super) fn stats(&self, now_ns: u64, refused: u64) -> BreakerStats {
        let mut stats = self.breaker.stats(now_ns);
        let in_closed = self.tally.reported.wrapping_sub(self.tally.asked);
        stats.admitted = stats.admitted.wrapping_add(in_closed);
        stats.successes = stats.successes.wrapping_add(self.tally.successes);
        stats.refused = stats.refused.wrapping_add(refused);
        stats
    }
}

#[inline]
pub(super) const fn is_closed(permit: PermitId) -> bool {
    let [_, tag_and_number] = permit.to_words();
    (tag_and_number & 0xffff_ffff) as u32 == CLOSED_NUMBER
}
