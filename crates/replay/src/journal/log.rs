//! What stands behind a journal's lock: it decides which call is taken down, which is lost, and when a snapshot is due.

use std::io;

use super::load::{Entry, Header};
use super::note::Note;
use super::store::{Store, copy};
use crate::any::Journaled;
use crate::digest;

/// What a journal remembers of a machine.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) id: u64,
    name: Option<Box<str>>,
    /// The epoch in which its last header stands; 0 before the first.
    epoch: u64,
    /// Its state is no longer what the journal's lines make of it. It is so during each call, too: one that panics
    /// leaves a machine that nobody can replay.
    is_behind: bool,
    /// How many of its calls no line tells of.
    lost: u64,
}

/// A machine of which a header can be made.
pub(crate) trait Snapshot {
    /// Its first header, without a name.
    fn header(&self, id: u64) -> serde_json::Result<Header>;
}

impl<M: Journaled> Snapshot for M {
    fn header(&self, id: u64) -> serde_json::Result<Header> {
        let policy = serde_json::to_string(self.policy())?;
        let state = serde_json::to_string(&self.state())?;
        Ok(Header {
            line: 0,
            kind: M::KIND,
            id,
            name: None,
            digest: Some(digest::of_machine(&policy, &state)),
            policy,
            state,
            dropped: None,
        })
    }
}

/// What stands behind the lock.
#[derive(Debug)]
pub(crate) struct Log {
    store: Store,
    /// A machine has one header at least in each epoch in which it is called. Counts from 1.
    epoch: u64,
    /// So many calls make an epoch.
    epoch_ops: u64,
    ops_in_epoch: u64,
    machines: u64,
    ops: u64,
    dropped: u64,
    /// Those of `dropped` that no header tells of yet.
    untold: u64,
    /// What there was when it was finished: calls may come, and be lost, before the trailer is written.
    at_end: Option<AtEnd>,
    /// The trailer is written.
    is_done: bool,
    /// A state that cannot be written as JSON.
    unwritable: Option<serde_json::Error>,
}

impl Log {
    pub(crate) fn new(store: Store, epoch_ops: Option<u64>) -> Self {
        Self {
            store,
            epoch: 1,
            epoch_ops: epoch_ops.unwrap_or(u64::MAX).max(1),
            ops_in_epoch: 0,
            machines: 0,
            ops: 0,
            dropped: 0,
            untold: 0,
            at_end: None,
            is_done: false,
            unwritable: None,
        }
    }

    pub(crate) fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Without those that were taken down but could not be written.
    pub(crate) fn ops(&self) -> u64 {
        self.ops - self.unwritten()
    }

    /// With them.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped + self.unwritten()
    }

    fn unwritten(&self) -> u64 {
        let written = self.store.final_ops();
        written.map_or(0, |written| self.ops.saturating_sub(written))
    }

    pub(crate) const fn untold(&self) -> u64 {
        self.untold
    }

    pub(crate) const fn is_finished(&self) -> bool {
        self.at_end.is_some()
    }

    /// What the trailer has to tell, once it is due.
    pub(crate) const fn at_end(&self) -> Option<AtEnd> {
        self.at_end
    }

    /// Takes nothing down any more.
    pub(crate) fn finish(&mut self) -> AtEnd {
        *self.at_end.get_or_insert(AtEnd {
            ops: self.ops,
            dropped: self.dropped,
            untold: self.untold,
        })
    }

    pub(crate) const fn is_done(&self) -> bool {
        self.is_done
    }

    /// The trailer is written.
    pub(crate) const fn set_done(&mut self) {
        self.is_done = true;
    }

    pub(crate) fn error(&self) -> Option<io::Error> {
        let unwritable = |error: &serde_json::Error| io::Error::other(error.to_string());
        let error = self.store.error().map(copy);
        error.or_else(|| self.unwritable.as_ref().map(unwritable))
    }

    pub(crate) fn add_machine(&mut self, name: &str) -> Mark {
        let id = self.machines;
        self.machines += 1;
        Mark {
            id,
            name: (!name.is_empty()).then(|| name.into()),
            epoch: 0,
            is_behind: true,
            lost: 0,
        }
    }

    /// Before a call: writes the headers that are due. Whether the call can be taken down, too.
    #[inline]
    pub(crate) fn prepare(&mut self, machines: &mut [(&mut Mark, &dyn Snapshot)]) -> Prepared {
        let is_ready = self.make_ready(machines);
        self.lose(machines);
        Prepared { is_ready }
    }

    /// Before a call of which no line of this journal could tell, since it borrows from another: it will be lost.
    pub(crate) fn prepare_to_lose(
        &mut self,
        machines: &mut [(&mut Mark, &dyn Snapshot)],
    ) -> Prepared {
        self.lose(machines);
        Prepared { is_ready: false }
    }

    /// A call counts as lost until it is taken down: one that panics never is.
    fn lose(&mut self, machines: &mut [(&mut Mark, &dyn Snapshot)]) {
        for (mark, _) in machines.iter_mut() {
            mark.is_behind = true;
        }
        if let Some((mark, _)) = machines.first_mut() {
            mark.lost += 1;
            self.dropped += 1;
            self.untold += 1;
        }
    }

    fn make_ready(&mut self, machines: &mut [(&mut Mark, &dyn Snapshot)]) -> bool {
        if self.is_finished() {
            return false;
        }
        if self.ops_in_epoch >= self.epoch_ops && self.store.has_room(2 + machines.len()) {
            self.store.end_epoch(self.epoch);
            self.epoch += 1;
            self.ops_in_epoch = 0;
        }
        let is_due = |mark: &Mark| mark.is_behind || mark.epoch != self.epoch;
        let due = machines.iter().filter(|(mark, _)| is_due(mark)).count();
        if !self.store.has_room(1 + due) {
            return false;
        }
        if due == 0 {
            return true;
        }
        for (mark, machine) in machines {
            if !mark.is_behind && mark.epoch == self.epoch {
                continue;
            }
            match machine.header(mark.id) {
                Ok(header) => self.add_header(mark, header),
                Err(error) => {
                    self.unwritable = Some(error);
                    return false;
                }
            }
        }
        true
    }

    fn add_header(&mut self, mark: &mut Mark, mut header: Header) {
        let is_gap = mark.is_behind && mark.epoch != 0 || mark.lost > 0;
        header.name = mark.name.as_deref().map(Into::into);
        header.dropped = is_gap.then_some(mark.lost);
        self.untold -= mark.lost;
        mark.lost = 0;
        mark.epoch = self.epoch;
        mark.is_behind = false;
        self.store.push(Note::Header(Box::new(header)), self.epoch);
    }

    /// After a call: takes it down, if it is not lost. The first mark is that of the machine that was called, the
    /// others are of machines that it was lent. Whether a writer should be woken.
    // A call is large: a function that is not inlined moves it once more.
    #[inline]
    pub(crate) fn take_down(
        &mut self,
        prepared: Prepared,
        marks: &mut [&mut Mark],
        entry: impl FnOnce(u64) -> Entry,
    ) -> bool {
        let Some(mark) = marks.first_mut() else {
            return false;
        };
        if !prepared.is_ready {
            return false;
        }
        let entry = Note::Entry(entry(mark.id));
        mark.lost -= 1;
        self.dropped -= 1;
        self.untold -= 1;
        for mark in marks {
            mark.is_behind = false;
        }
        self.ops += 1;
        self.ops_in_epoch += 1;
        self.store.push(entry, self.epoch)
    }

    /// The first header of a machine, as soon as it is known.
    pub(crate) fn begin(&mut self, mark: &mut Mark, machine: &dyn Snapshot) {
        mark.is_behind = !self.make_ready(&mut [(&mut *mark, machine)]);
    }
}

/// What there was when a journal was finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtEnd {
    pub(crate) ops: u64,
    pub(crate) dropped: u64,
    pub(crate) untold: u64,
}

/// Whether a call can be taken down after it is made.
#[derive(Debug)]
#[must_use]
pub(crate) struct Prepared {
    is_ready: bool,
}
