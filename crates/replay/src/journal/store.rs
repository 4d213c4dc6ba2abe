//! Where a journal's notes go under its lock: into memory, through a buffer to a writer, or to a thread that writes.

use std::io;

use super::memory::Memory;
use super::note::Note;
use super::output::Output;

/// After so many lost calls a writer that has failed is tried again.
const PATIENCE: u64 = 1_024;

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
            Self::Queue(queue) => queue.notes.len() + notes <= queue.room,
        }
    }

    /// Takes a note, for which there is room. Whether a waiting writer should be woken.
    pub(crate) fn push(&mut self, note: Note, epoch: u64) -> bool {
        match self {
            Self::Memory(memory) => memory.push(note, epoch),
            Self::Direct(direct) => direct.push(&note),
            Self::Queue(queue) => {
                queue.notes.push(note);
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
}

impl Queue {
    pub(crate) fn new(room: usize) -> Self {
        // A call may need a header for each machine that it has to do with.
        let room = room.max(16);
        Self {
            notes: Vec::new(),
            room,
            wake_at: (room / 2).min(1_024),
            error: None,
        }
    }
}

/// Written in the thread of the call.
#[derive(Debug)]
pub(crate) struct Direct {
    pub(crate) output: Output,
    error: Option<io::Error>,
    is_stuck: bool,
    asked: u64,
}

impl Direct {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            error: None,
            is_stuck: false,
            asked: 0,
        }
    }

    fn is_well(&mut self) -> bool {
        if self.is_stuck {
            self.asked += 1;
            if self.asked % PATIENCE == 0 {
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
        self.error = driven.err().or(self.error.take());
    }

    /// Writes the trailer, and how many files there are.
    pub(crate) fn finish(&mut self, lost: u64) -> io::Result<u64> {
        self.output.end(lost)?;
        self.output.drive()?;
        Ok(self.output.files())
    }
}
