//! Where a journal's notes go under its lock: into memory, through a buffer to a writer, or to a thread that writes.

use std::io;
use std::path::PathBuf;

use super::memory::Memory;
use super::note::Note;
use super::output::Output;

/// After so many lost calls a writer that has failed is tried again.
const LOST_BEFORE_A_TRY: u64 = 1_024;

#[derive(Debug)]
pub(crate) enum Store {
    Memory(Memory),
    Direct(Direct),
    Queue(Queue),
}

impl Store {
    /// Whether there is room for so many notes.
    pub(crate) fn has_room(&mut self, notes: usize) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Direct(direct) => direct.is_well(),
            Self::Queue(queue) => !queue.is_over && queue.notes.len() + notes <= queue.room,
        }
    }

    /// Takes a note, for which there is room. Whether a waiting writer should be woken.
    // A call is large: a function that is not inlined moves it once more.
    #[inline]
    pub(crate) fn push(&mut self, note: Note, epoch: u64) -> bool {
        match self {
            Self::Memory(memory) => memory.push(note, epoch),
            Self::Direct(direct) => direct.push(&note),
            Self::Queue(queue) => {
                queue.notes.push(note);
                queue.pushed += 1;
                return queue.notes.len() == queue.wake_at;
            }
        }
        false
    }

    /// Machines begin afresh after this.
    pub(crate) fn end_epoch(&mut self, ended: u64) {
        match self {
            Self::Memory(memory) => memory.end_epoch(ended),
            _ => {
                self.push(Note::NewFile, ended);
            }
        }
    }

    /// The file that is being written.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Memory(_) => None,
            Self::Direct(direct) => direct.output.path(),
            Self::Queue(queue) => queue.path.clone(),
        }
    }

    /// How many calls are written, if no more will be unless the journal is finished again.
    pub(crate) fn final_ops(&self) -> Option<u64> {
        match self {
            Self::Memory(_) => None,
            Self::Direct(direct) => direct.final_ops(),
            Self::Queue(queue) => queue.final_ops,
        }
    }

    /// Why nothing is written at present, or was not for a time.
    pub(crate) fn error(&self) -> Option<&io::Error> {
        match self {
            Self::Memory(_) => None,
            Self::Direct(direct) => direct.error.as_ref(),
            Self::Queue(queue) => queue.error.as_ref(),
        }
    }
}

/// Notes that the writing thread takes all at once.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) notes: Vec<Note>,
    room: usize,
    pub(crate) wake_at: usize,
    pub(crate) error: Option<io::Error>,
    /// How often there was an error.
    pub(crate) errors: u64,
    /// How many notes there were in all.
    pub(crate) pushed: u64,
    /// How many of them the system has.
    pub(crate) written: u64,
    /// Somebody waits until so many are written.
    pub(crate) wanted: u64,
    /// The thread has ended, as it should or not.
    pub(crate) is_over: bool,
    /// How often somebody asked for the end, and of which of these times the thread gave up the last.
    pub(crate) asked_to_end: u64,
    pub(crate) given_up: u64,
    /// Nobody will ask again.
    pub(crate) is_abandoned: bool,
    /// How many calls are written, where the thread has given up.
    pub(crate) final_ops: Option<u64>,
    pub(crate) path: Option<PathBuf>,
}

impl Queue {
    pub(crate) fn new(room: usize, path: Option<PathBuf>) -> Self {
        // A call may need a header for each machine that it has to do with.
        let room = room.max(16);
        Self {
            notes: Vec::new(),
            room,
            wake_at: (room / 2).min(1_024),
            error: None,
            errors: 0,
            pushed: 0,
            written: 0,
            wanted: 0,
            is_over: false,
            asked_to_end: 0,
            given_up: 0,
            is_abandoned: false,
            final_ops: None,
            path,
        }
    }

    /// Whether the thread has nothing to do yet.
    pub(crate) fn is_idle(&self) -> bool {
        self.notes.len() < self.wake_at && self.wanted <= self.written
    }

    /// Which time this is.
    pub(crate) fn ask_to_end(&mut self) -> u64 {
        self.asked_to_end += 1;
        self.asked_to_end
    }

    /// Why it has ended, or has given up.
    pub(crate) fn why(&self) -> io::Error {
        let ended = || io::Error::other("the journal's writer has ended");
        self.error.as_ref().map_or_else(ended, copy)
    }

    pub(crate) fn fail(&mut self, error: io::Error) {
        self.errors += 1;
        self.error = Some(error);
    }
}

/// Written in the thread of the call.
#[derive(Debug)]
pub(crate) struct Direct {
    pub(crate) output: Output,
    error: Option<io::Error>,
    is_stuck: bool,
    asked: u64,
    /// The end could not be written.
    has_given_up: bool,
}

impl Direct {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            error: None,
            is_stuck: false,
            asked: 0,
            has_given_up: false,
        }
    }

    fn is_well(&mut self) -> bool {
        if self.is_stuck {
            self.asked += 1;
            if self.asked % LOST_BEFORE_A_TRY == 0 {
                self.drive();
            }
        }
        !self.is_stuck
    }

    fn push(&mut self, note: &Note) {
        match self.output.add(note) {
            Ok(true) => self.drive(),
            Ok(false) => {}
            Err(error) => self.error = Some(error),
        }
    }

    fn drive(&mut self) {
        let driven = self.output.drive();
        self.is_stuck = driven.is_err();
        self.error = driven.err().or_else(|| self.error.take());
    }

    /// Passes on all that there is.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.drive();
        match &self.error {
            Some(error) if self.is_stuck => Err(copy(error)),
            _ => Ok(()),
        }
    }

    /// Tries once to write what there is and the trailer. Says how many files there are.
    pub(crate) fn finish(&mut self, lost: u64) -> io::Result<u64> {
        let finished = self.output.finish(lost);
        self.has_given_up = finished.is_err();
        self.is_stuck = finished.is_err();
        if let Err(error) = &finished {
            self.error = Some(copy(error));
        }
        finished.map(|()| self.output.files())
    }

    fn final_ops(&self) -> Option<u64> {
        let is_final = self.has_given_up || self.output.is_broken();
        is_final.then(|| self.output.written_ops())
    }
}

/// An error has no copy, but its kind and what it says are enough here.
pub(crate) fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
