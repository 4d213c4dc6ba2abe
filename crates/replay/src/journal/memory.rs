//! Keeps the calls of a journal in memory: all, or at least the last so many.

use std::collections::VecDeque;
use std::sync::Arc;

use super::note::Note;

/// So many notes are kept together: growing moves none of them.
const CHUNK: usize = 1_024;

/// Notes in the order in which they came, in chunks of one epoch each.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    sealed: VecDeque<(u64, Arc<Vec<Note>>)>,
    current: Vec<Note>,
    /// Chunks of past epochs, emptied and used again one by one so that no call pays for all of them.
    stale: Vec<Arc<Vec<Note>>>,
}

impl Memory {
    #[inline]
    pub(crate) fn push(&mut self, note: Note, epoch: u64) {
        if self.current.len() >= CHUNK {
            self.seal(epoch);
        }
        if self.current.capacity() == 0 {
            self.current = self.room();
        }
        self.current.push(note);
    }

    /// What came before the epoch that ends now is forgotten.
    pub(crate) fn end_epoch(&mut self, ended: u64) {
        self.seal(ended);
        while self.sealed.front().is_some_and(|(epoch, _)| *epoch < ended) {
            self.stale
                .extend(self.sealed.pop_front().map(|(_, chunk)| chunk));
        }
    }

    /// All notes so far, without a copy.
    pub(crate) fn chunks(&mut self, epoch: u64) -> Vec<Arc<Vec<Note>>> {
        self.seal(epoch);
        self.sealed.iter().map(|(_, chunk)| chunk.clone()).collect()
    }

    #[cold]
    fn seal(&mut self, epoch: u64) {
        if !self.current.is_empty() {
            let chunk = core::mem::take(&mut self.current);
            self.sealed.push_back((epoch, Arc::new(chunk)));
        }
    }

    #[cold]
    fn room(&mut self) -> Vec<Note> {
        // A chunk that is being dumped is not ours alone.
        let unused = self
            .stale
            .pop()
            .and_then(|chunk| Arc::try_unwrap(chunk).ok());
        let mut unused = unused.unwrap_or_else(|| Vec::with_capacity(CHUNK));
        unused.clear();
        unused
    }
}
