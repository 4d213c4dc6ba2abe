//! A machine whose calls are taken down in a journal.

use core::marker::PhantomData;
use core::ops::Deref;

use evenkeel_core::random::Rng;

use crate::any::Journaled;
use crate::journal::{Entry, Journal, Mark};
use crate::words::{Recording, Replaying};

/// A machine behind the same methods, each of whose calls is taken down.
///
/// Queries (`&self`) are those of the machine itself, and are not recorded: they change nothing. A call holds the
/// journal's lock, so that the order of the journal is the order of effects, whatever threads there are.
#[derive(Debug)]
pub struct Recorder<M: Journaled> {
    pub(crate) machine: M,
    pub(crate) feed: Feed<M>,
}

/// Where the calls of one machine go that lives elsewhere.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::{backoff::{Backoff, BackoffPolicy}, random::Rng};
/// use evenkeel_replay::{backoff::{Answer, Op}, journal::Journal};
/// use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
///
/// let journal = Journal::in_memory();
/// let mut backoff = Backoff::new(BackoffPolicy::builder(Duration::from_secs(1)).build()?);
/// let mut feed = journal.feed("reconnects", &backoff);
/// let mut rng = SplitMix64::seed_from_u64(1);
/// let wait = feed.apply(&mut backoff, 0, Op::NextWait, &mut rng);
/// assert_eq!(journal.ops(), 1);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Feed<M> {
    pub(crate) journal: Journal,
    pub(crate) mark: Mark,
    machine: PhantomData<fn(&mut M)>,
}

impl<M: Journaled> Feed<M> {
    pub(crate) const fn new(journal: Journal, mark: Mark) -> Self {
        Self {
            journal,
            mark,
            machine: PhantomData,
        }
    }

    /// Which machine of the journal it is.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.mark.id
    }

    /// The journal.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Makes any call of the machine, a query too, and takes it down.
    pub fn apply<R: Rng + ?Sized>(
        &mut self,
        machine: &mut M,
        now_ns: u64,
        op: M::Op,
        rng: &mut R,
    ) -> M::Answer {
        let op = M::alone(op);
        let called = op.clone();
        let call =
            |machine: &mut M, rng: &mut Recording<'_, R>| machine.apply(now_ns, &called, rng);
        self.call(machine, now_ns, op, rng, call, M::Answer::clone)
    }

    /// Makes a call of the machine by its own method, `op` being that call, and takes it down with the words that it
    /// drew. It must always be the same machine, and all its calls must come this way.
    pub fn call<T, R: Rng + ?Sized>(
        &mut self,
        machine: &mut M,
        now_ns: u64,
        op: M::Op,
        rng: &mut R,
        call: impl FnOnce(&mut M, &mut Recording<'_, R>) -> T,
        answer: impl FnOnce(&T) -> M::Answer,
    ) -> T {
        let mut log = self.journal.lock();
        let prepared = log.prepare(&mut [(&mut self.mark, &*machine)]);
        let mut rng = Recording::new(rng);
        let out = call(machine, &mut rng);
        let is_due = log.take_down(prepared, &mut [&mut self.mark], |id| Entry {
            line: 0,
            id,
            t_ns: now_ns,
            op: M::any_op(op),
            words: rng.into_words(),
            answer: M::any_answer(answer(&out)),
        });
        drop(log);
        if is_due {
            self.journal.wake();
        }
        out
    }
}

impl<M: Journaled> Recorder<M> {
    /// The machine, no longer recorded.
    pub fn into_machine(self) -> M {
        self.machine
    }

    /// Which machine of the journal it is.
    pub const fn id(&self) -> u64 {
        self.feed.id()
    }

    /// The journal.
    pub const fn journal(&self) -> &Journal {
        self.feed.journal()
    }

    /// Makes any call, a query too, and takes it down.
    pub fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: M::Op, rng: &mut R) -> M::Answer {
        self.feed.apply(&mut self.machine, now_ns, op, rng)
    }

    /// Makes a call and takes it down with the words that it drew.
    pub(crate) fn record_drawn<T, R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        op: M::Op,
        rng: &mut R,
        call: impl FnOnce(&mut M, &mut Recording<'_, R>) -> T,
        answer: impl FnOnce(&T) -> M::Answer,
    ) -> T {
        self.feed
            .call(&mut self.machine, now_ns, op, rng, call, answer)
    }

    /// Makes a call that draws no word and takes it down.
    pub(crate) fn record_plain<T>(
        &mut self,
        now_ns: u64,
        op: M::Op,
        call: impl FnOnce(&mut M) -> T,
        answer: impl FnOnce(&T) -> M::Answer,
    ) -> T {
        self.record_drawn(
            now_ns,
            op,
            &mut Replaying::new(&[]),
            |machine, _| call(machine),
            answer,
        )
    }
}

impl<M: Journaled> Deref for Recorder<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.machine
    }
}
