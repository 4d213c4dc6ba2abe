//! What waits to be told by the observer's thread: bounded, and never waited for by who puts something in.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Tells one thing that happened: emits its event, and shows how things stand since.
pub(super) type Letter = Box<dyn FnOnce() + Send>;

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    letters: VecDeque<Letter>,
    /// Something else than letters is new: what falls due next.
    poked: bool,
    closed: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            capacity,
            dropped: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the caller's runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a letter in; where there is no room it is dropped, and counted. After the end it is dropped.
    pub(super) fn put(&self, letter: Letter) {
        let mut state = self.lock();
        if !state.closed && state.letters.len() < self.capacity {
            state.letters.push_back(letter);
            drop(state);
            return self.changed.notify_one();
        }
        if !state.closed {
            // Relaxed: a counter that decides nothing.
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        // What the letter holds is dropped without the lock.
        drop(state);
        drop(letter);
    }

    /// Wakes who waits, to look at everything anew.
    pub(super) fn poke(&self) {
        self.lock().poked = true;
        self.changed.notify_one();
    }

    /// Nothing is put in any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// What is in it now.
    pub(super) fn take(&self) -> VecDeque<Letter> {
        std::mem::take(&mut self.lock().letters)
    }

    /// Blocks until there is a letter, somebody pokes or closes, or until `until`.
    pub(super) fn wait(&self, until: Instant) {
        let mut state = self.lock();
        while state.letters.is_empty() && !state.poked && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.poked = false;
    }

    /// How many were dropped since the last time that this was asked.
    #[cfg(feature = "metrics")]
    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.lock().letters.len();
        let mut queue = f.debug_struct("Queue");
        queue.field("waiting", &waiting).finish_non_exhaustive()
    }
}
