//! Leave to make a call, from the ask to the report: mostly that is two looks at one word.
//!
//! What is in line here stays small and takes no address, so that a call that has nothing to tell keeps all that it knows
//! in registers; the rest is out of line.

use std::thread;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{Outcome, PermitId, Receipt, Refused, RefusedBy};

use super::inner::Inner;
use super::plain::PlainLeave;
use super::word::Word;
use crate::clock::Clock;

/// What a guard is made of.
#[derive(Debug)]
pub(super) struct Leave {
    pub(super) permit: PermitId,
    pub(super) would_refuse: Option<Refusal<RefusedBy>>,
    /// When the call began, where its latency matters.
    pub(super) began_ns: u64,
}

/// Leave that everybody is given, for a call that is made at once. Dropped without a word the call has panicked.
#[derive(Debug)]
pub(super) struct PlainCall<'a, C: Clock> {
    inner: &'a Inner<C>,
    /// Until it is told.
    leave: Option<PlainLeave>,
}

impl<'a, C: Clock> PlainCall<'a, C> {
    #[inline]
    pub(super) const fn new(inner: &'a Inner<C>, leave: PlainLeave) -> Self {
        Self {
            inner,
            leave: Some(leave),
        }
    }

    /// The call ended.
    #[inline]
    pub(super) fn tell(mut self, outcome: Outcome) {
        if let Some(leave) = self.leave.take() {
            self.inner.tell_plain(leave, outcome);
        }
    }
}

impl<C: Clock> Drop for PlainCall<'_, C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            self.inner.tell_plain(leave, Outcome::Failure);
        }
    }
}

/// Asks.
impl<C: Clock> Inner<C> {
    /// Leave where everybody is given it: a load, and the clock where the call's latency matters.
    #[inline(always)]
    pub(super) fn plain(&self) -> Option<PlainLeave> {
        let word = self.word();
        let generation = word.closed()?;
        // Where a success changes nothing, nobody looks at its latency.
        let is_calm = matches!(word, Word::Calm { .. });
        let began_ns = if is_calm || !self.measures() {
            0
        } else {
            self.now_ns()
        };
        Some(PlainLeave {
            generation,
            began_ns,
        })
    }

    /// Leave for a guard.
    #[inline(always)]
    pub(super) fn leave(&self) -> Result<Leave, Refused> {
        match self.plain() {
            Some(PlainLeave {
                generation,
                began_ns,
            }) => Ok(Leave {
                permit: self.closed_permit(generation),
                would_refuse: None,
                began_ns,
            }),
            None => self.ask(),
        }
    }

    #[inline(never)]
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// May a call be made, where not everybody may?
    #[cold]
    fn ask(&self) -> Result<Leave, Refused> {
        match self.refusal(|| self.clock.now_ns()) {
            Some(refused) => Err(refused),
            None => self.ask_locked(),
        }
    }

    /// Where that needs the lock.
    pub(super) fn ask_locked(&self) -> Result<Leave, Refused> {
        let now_ns = self.clock.now_ns();
        let pass = self.acquire_locked(now_ns, None)?;
        Ok(Leave {
            permit: pass.permit,
            would_refuse: pass.would_refuse,
            began_ns: now_ns,
        })
    }
}

/// Reports.
impl<C: Clock> Inner<C> {
    /// Whether a success of a call of this generation changes nothing: a load.
    #[inline]
    fn is_calm(&self, generation: u64) -> bool {
        self.word() == Word::Calm { generation }
    }

    /// Whether this report changes nothing.
    #[inline]
    pub(super) fn is_idle(&self, permit: PermitId, outcome: Outcome) -> bool {
        let generation = permit.generation();
        matches!(outcome, Outcome::Success)
            && self.is_calm(generation)
            && permit == self.closed_permit(generation)
    }

    /// A call of plain leave ended.
    #[inline(always)]
    pub(super) fn tell_plain(&self, leave: PlainLeave, outcome: Outcome) {
        let is_success = matches!(outcome, Outcome::Success);
        if !(is_success && self.is_calm(leave.generation)) {
            self.tell_more(leave, outcome);
        }
    }

    /// A count, or all there is to tell.
    #[inline(never)]
    fn tell_more(&self, leave: PlainLeave, outcome: Outcome) {
        let is_success = matches!(outcome, Outcome::Success);
        if !(is_success && self.is_counted(leave.generation)) {
            let permit = self.closed_permit(leave.generation);
            self.tell(permit, outcome, leave.began_ns);
        }
    }

    /// A call ended; nobody wants to know what became of that.
    #[inline(never)]
    pub(super) fn tell(&self, permit: PermitId, outcome: Outcome, began_ns: u64) {
        let _ = self.report(permit, outcome, began_ns, None);
    }

    /// A guard was dropped without a word: by a panic that was not under way when it was given, or because the call was
    /// given up.
    #[cold]
    pub(super) fn tell_dropped(&self, permit: PermitId, began_ns: u64, was_panicking: bool) {
        let outcome = if thread::panicking() && !was_panicking {
            Outcome::Failure
        } else {
            Outcome::Ignored
        };
        self.tell(permit, outcome, began_ns);
    }

    /// A call ended that began at `began_ns`; for another latency than that makes, `latency_ns`.
    pub(super) fn report(
        &self,
        permit: PermitId,
        outcome: Outcome,
        began_ns: u64,
        latency_ns: Option<u64>,
    ) -> Receipt {
        if !self.measures() {
            return self.on_outcome(|| self.clock.now_ns(), permit, outcome, 0, None);
        }
        let now_ns = self.clock.now_ns();
        let latency_ns = latency_ns.unwrap_or_else(|| now_ns.saturating_sub(began_ns));
        self.on_outcome(|| now_ns, permit, outcome, latency_ns, None)
    }
}
