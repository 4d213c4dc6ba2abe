//! The thread that writes a journal: it takes all notes at once under the lock and writes them outside.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::log::Log;
use super::note::Note;
use super::output::Output;
use super::store::{Queue, Store};

/// So long a call may wait to be written, and a failing disk to be tried again.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the recording threads and the writing one share.
#[derive(Debug)]
pub(crate) struct Shared {
    log: Mutex<Log>,
    pub(crate) wake: Condvar,
}

impl Shared {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log: Mutex::new(log),
            wake: Condvar::new(),
        }
    }

    /// A call that panicked leaves the log as it was before it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, log: MutexGuard<'a, Log>) -> MutexGuard<'a, Log> {
        let waited = self.wake.wait_timeout(log, PATIENCE);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Starts it. It ends when the log is finished, and says how many files there are.
pub(crate) fn start(
    shared: Arc<Shared>,
    output: Output,
) -> io::Result<JoinHandle<io::Result<u64>>> {
    thread::Builder::new()
        .name("evenkeel-journal".into())
        .spawn(move || write(&shared, output))
}

fn write(shared: &Shared, mut output: Output) -> io::Result<u64> {
    let mut notes = Vec::new();
    loop {
        let finished = take(shared, &mut notes);
        for note in notes.drain(..) {
            add(shared, &mut output, &note)?;
        }
        if let Some(lost) = finished {
            output.end(lost)?;
            insist(shared, &mut output)?;
            return Ok(output.files());
        }
        insist(shared, &mut output)?;
    }
}

/// Waits for notes and takes them. After the last ones, how many calls were lost without a header that tells.
fn take(shared: &Shared, notes: &mut Vec<Note>) -> Option<u64> {
    let mut log = shared.lock();
    let is_idle = |log: &mut Log| {
        let is_short = queue(log).is_some_and(|queue| queue.notes.len() < queue.wake_at);
        is_short && !log.is_finished()
    };
    if is_idle(&mut log) {
        log = shared.wait(log);
    }
    if let Some(queue) = queue(&mut log) {
        core::mem::swap(&mut queue.notes, notes);
    }
    log.is_finished().then(|| log.untold())
}

fn add(shared: &Shared, output: &mut Output, note: &Note) -> io::Result<()> {
    if output.add(note)? {
        insist(shared, output)?;
    }
    Ok(())
}

/// Writes until it is written, or until nobody records any more and the disk still does not take it.
fn insist(shared: &Shared, output: &mut Output) -> io::Result<()> {
    loop {
        let Err(error) = output.drive() else {
            return Ok(());
        };
        let mut log = shared.lock();
        if log.is_finished() {
            return Err(error);
        }
        if let Some(queue) = queue(&mut log) {
            queue.error = Some(error);
        }
        drop(shared.wait(log));
    }
}

fn queue(log: &mut Log) -> Option<&mut Queue> {
    match log.store() {
        Store::Queue(queue) => Some(queue),
        _ => None,
    }
}
