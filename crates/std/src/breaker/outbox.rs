//! Transitions on their way to listeners: put in under the lock, delivered outside of it, in order, each once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use evenkeel_core::breaker::{Transition, Transitions};

pub(super) type Listener = Arc<dyn Fn(Transition) + Send + Sync>;

/// A transition, and who listened when it was made.
pub(super) type Letter = (Transition, Arc<[Listener]>);

#[derive(Default)]
pub(super) struct Outbox {
    listeners: Arc<[Listener]>,
    letters: VecDeque<Letter>,
    /// A thread is delivering; what is put in meanwhile it will find.
    delivering: bool,
}

impl Outbox {
    pub(super) fn listen(&mut self, listener: Listener) {
        self.listeners = self.listeners.iter().cloned().chain([listener]).collect();
    }

    pub(super) fn put(&mut self, made: Transitions) {
        if self.listeners.is_empty() {
            return;
        }
        let letters = made
            .into_iter()
            .map(|made| (made, Arc::clone(&self.listeners)));
        self.letters.extend(letters);
    }

    /// Whether the caller is to deliver, which it then must: nobody else will.
    pub(super) fn claim(&mut self) -> bool {
        let claimed = !self.delivering && !self.letters.is_empty();
        self.delivering |= claimed;
        claimed
    }

    /// The next one for the thread that delivers; after the last it delivers no more.
    pub(super) fn take(&mut self) -> Option<Letter> {
        let letter = self.letters.pop_front();
        self.delivering = letter.is_some();
        letter
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("listeners", &self.listeners.len())
            .field("letters", &self.letters.len())
            .finish_non_exhaustive()
    }
}
