//! The breaker that all handles share: the way without the lock, and the way with it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::thread;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Outcome, PermitId, Phase, Receipt, Refused, RefusedBy, Transitions,
};
use evenkeel_core::random::Rng;

use super::locked::{self, Locked};
use super::outbox::Outbox;
use super::plan::{Plan, Success};
use super::stripes::{Stripes, Ticket};
use super::word::Word;
use crate::clock::Clock;
use crate::driver::discard;
use crate::streams::Stream;
use crate::sync::{AtomicU64, Mutex, MutexGuard, lock};

#[derive(Debug)]
pub(super) struct Inner<C> {
    /// A [`Word`]. It is stored with release when the machine, and with it everything that a lock-free step looks at,
    /// is as the word says; and loaded with acquire. So whoever has seen a word has seen all stripes as they were closed
    /// before it, and the words form one order, that of the locked steps: a lock-free step belongs right behind the
    /// locked step whose word it saw. No step looks at one of two words to decide on the other, so nothing needs to be
    /// stronger.
    word: AtomicU64,
    tag: u32,
    plan: Plan,
    pub(super) policy: BreakerPolicy,
    pub(super) clock: C,
    stripes: Stripes,
    locked: Apart<Mutex<Locked>>,
}

/// On cache lines of its own: who waits for the lock does not slow down who does not need it.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

/// The answer to an ask.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) permit: PermitId,
    pub(super) would_refuse: Option<Refusal<RefusedBy>>,
    pub(super) transitions: Transitions,
}

impl<C> Inner<C> {
    pub(super) fn new(
        breaker: Breaker,
        stream: Stream,
        clock: C,
        stripes: usize,
        count_all: bool,
        is_fresh: bool,
    ) -> Self {
        let policy = *breaker.policy();
        let inner = Self {
            word: AtomicU64::new(Word::Locked.packed()),
            tag: breaker.tag(),
            plan: Plan::new(&policy, count_all),
            policy,
            clock,
            stripes: Stripes::new(stripes),
            locked: Apart(Mutex::new(Locked::new(breaker, stream, is_fresh))),
        };
        inner.publish(&mut inner.lock());
        inner
    }

    #[inline]
    pub(super) const fn measures(&self) -> bool {
        self.plan.measures()
    }

    #[cfg(feature = "metrics")]
    pub(super) fn counts_successes(&self) -> bool {
        self.plan.success != Success::Nothing
    }

    #[inline]
    pub(super) fn word(&self) -> Word {
        Word::of(self.word.load(Ordering::Acquire))
    }

    #[inline]
    pub(super) const fn closed_permit(&self, generation: u64) -> PermitId {
        locked::closed_permit(generation, self.tag)
    }

    /// The refusal of an ask at `now_ns`, where that needs no lock. The clock is read only where the answer depends on it.
    #[inline]
    pub(super) fn refusal(&self, now_ns: impl FnOnce() -> u64) -> Option<Refused> {
        let refusal = match self.word() {
            Word::Open { until_ns } if now_ns() < until_ns => {
                Refusal::new(RefusedBy::Open, Some(until_ns))
            }
            Word::ForcedOpen => Refusal::new(RefusedBy::ForcedOpen, None),
            _ => return None,
        };
        self.stripes.count_refusal();
        Some(Refused {
            refusal,
            transitions: Transitions::NONE,
        })
    }

    /// May a call be made at `now_ns`?
    pub(super) fn try_acquire(&self, now_ns: u64, rng: &mut dyn Rng) -> Result<Pass, Refused> {
        if let Some(generation) = self.word().closed() {
            return Ok(Pass {
                permit: self.closed_permit(generation),
                would_refuse: None,
                transitions: Transitions::NONE,
            });
        }
        match self.refusal(|| now_ns) {
            Some(refused) => Err(refused),
            None => self.acquire_locked(now_ns, Some(rng)),
        }
    }

    #[cold]
    pub(super) fn acquire_locked(
        &self,
        now_ns: u64,
        rng: Option<&mut dyn Rng>,
    ) -> Result<Pass, Refused> {
        self.step(|locked| {
            locked.try_acquire(now_ns, rng).map(|grant| Pass {
                permit: grant.permit.id(),
                would_refuse: grant.would_refuse,
                transitions: grant.transitions,
            })
        })
    }

    /// A call ended. The clock is read only where the answer depends on it.
    #[inline]
    pub(super) fn on_outcome(
        &self,
        now_ns: impl Fn() -> u64,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: Option<&mut dyn Rng>,
    ) -> Receipt {
        if outcome == Outcome::Success && self.passes_by(&now_ns, permit, latency_ns) {
            return Receipt::Counted(Transitions::NONE);
        }
        self.report_locked(now_ns(), permit, outcome, latency_ns, rng)
    }

    /// Whether a success of a call that had plain leave is reported with one step on a counter, and neither the clock nor the
    /// lock is asked.
    #[inline]
    pub(super) fn is_counted(&self, generation: u64) -> bool {
        self.plan.counts_alone
            && self.word() == Word::Closed { generation }
            && self.stripes.count(Ticket::new(generation, 0))
    }

    /// Whether a success is reported without the lock: it changes nothing, or nothing but a count, and that is done.
    #[inline]
    fn passes_by(&self, now_ns: impl Fn() -> u64, permit: PermitId, latency_ns: u64) -> bool {
        if latency_ns > self.plan.least_limit_ns {
            return false;
        }
        let word = self.word();
        let generation = permit.generation();
        if permit != self.closed_permit(generation) {
            return false;
        }
        let slice = match self.plan.success {
            Success::Nothing => return word == Word::Calm { generation },
            Success::Count => 0,
            Success::CountIn { slice_ns } => now_ns() / slice_ns,
        };
        word.closed() == Some(generation) && self.stripes.count(Ticket::new(generation, slice))
    }

    #[cold]
    fn report_locked(
        &self,
        now_ns: u64,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
        rng: Option<&mut dyn Rng>,
    ) -> Receipt {
        self.step(|locked| locked.on_outcome(&self.plan, now_ns, permit, outcome, latency_ns, rng))
    }

    /// One step of the machine under the lock, behind all successes that were counted without it; then the listeners,
    /// without the lock.
    pub(super) fn step<A>(&self, act: impl FnOnce(&mut Locked) -> A) -> A {
        let mut locked = self.lock();
        self.catch_up(&mut locked);
        let answer = act(&mut locked);
        self.publish(&mut locked);
        let delivers = locked.outbox.claim();
        drop(locked);
        if delivers {
            self.deliver();
        }
        answer
    }

    /// Tells the machine of all successes that were counted without it.
    fn catch_up(&self, locked: &mut Locked) {
        if locked.stripes_open {
            locked.stripes_open = false;
            locked.catch_up(&self.plan, self.stripes.close());
        }
    }

    /// The word first: who finds a stripe open has seen the word that belongs to it.
    fn publish(&self, locked: &mut Locked) {
        let (word, ticket) = locked.published(&self.plan);
        // Where it says the same, the copies in other caches stay valid.
        if locked.word != word {
            locked.word = word;
            self.word.store(word.packed(), Ordering::Release);
        }
        if let Some(ticket) = ticket {
            locked.stripes_open = true;
            self.stripes.open(ticket);
        }
    }

    /// Looks at the machine, which knows of all that was counted without it.
    pub(super) fn look<A>(&self, look: impl FnOnce(&Locked, &Stripes) -> A) -> A {
        let mut locked = self.lock();
        self.catch_up(&mut locked);
        let answer = look(&locked, &self.stripes);
        self.publish(&mut locked);
        answer
    }

    /// Looks at what no success changes.
    pub(super) fn glance<A>(&self, look: impl FnOnce(&Breaker) -> A) -> A {
        look(&self.lock().breaker)
    }

    /// Changes what the machine does not know of.
    pub(super) fn outbox<A>(&self, change: impl FnOnce(&mut Outbox) -> A) -> A {
        change(&mut self.lock().outbox)
    }

    #[cold]
    fn deliver(&self) {
        let mut panicked = None;
        while let Some((made, listeners)) = self.outbox(Outbox::take) {
            for listener in listeners.iter() {
                // The first is not swallowed: it goes on when all have heard of all.
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| listener(made))) {
                    match panicked {
                        None => panicked = Some(panic),
                        Some(_) => discard(panic),
                    }
                }
            }
        }
        match panicked {
            // A guard that a panic drops may be what delivers: a second panic would end the process.
            Some(panic) if thread::panicking() => discard(panic),
            Some(panic) => resume_unwind(panic),
            None => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        lock(&self.locked.0)
    }
}

impl<C: Clock> Inner<C> {
    /// Closed and plain is known without the lock, and without the time.
    #[inline]
    pub(super) fn phase(&self) -> Phase {
        match self.word().closed() {
            Some(_) => Phase::Closed,
            None => self.phase_now(),
        }
    }

    #[cold]
    fn phase_now(&self) -> Phase {
        let now_ns = self.clock.now_ns();
        self.glance(|breaker| breaker.phase(now_ns))
    }
}
