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
    /// The writing thread waits here.
    pub(crate) wake: Condvar,
    /// And here whoever waits for it.
    written: Condvar,
}

impl Shared {
    pub(crate) fn new(log: Log) -> Self {
        Self {
            log: Mutex::new(log),
            wake: Condvar::new(),
            written: Condvar::new(),
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

    /// Waits until all that was taken down before is written, or there is an error.
    pub(crate) fn flush(&self) -> io::Result<()> {
        let mut log = self.lock();
        let (target, errors) = match log.store() {
            Store::Memory(_) => return Ok(()),
            Store::Direct(direct) => return direct.flush(),
            Store::Queue(queue) => {
                queue.wanted = queue.pushed;
                (queue.pushed, queue.errors)
            }
        };
        self.wake.notify_one();
        loop {
            let Some(queue) = queue(&mut log) else {
                return Ok(());
            };
            if queue.written >= target {
                return Ok(());
            }
            if let Some(error) = queue.error.as_ref().filter(|_| queue.errors != errors) {
                return Err(io::Error::new(error.kind(), error.to_string()));
            }
            if queue.is_over {
                return Err(io::Error::other("the journal's writer has ended"));
            }
            log = self
                .written
                .wait(log)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Tells, however the thread ends, that nobody writes any more.
struct Over<'a>(&'a Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut log = self.0.lock();
        if let Some(queue) = queue(&mut log) {
            queue.is_over = true;
            if thread::panicking() {
                queue.fail(io::Error::other("the journal's writer panicked"));
            }
        }
        drop(log);
        self.0.written.notify_all();
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
    let _over = Over(shared);
    let mut notes = Vec::new();
    loop {
        let (taken, finished) = take(shared, &mut notes);
        for note in notes.drain(..) {
            add(shared, &mut output, &note)?;
        }
        if let Some(lost) = finished {
            output.end(lost)?;
            insist(shared, &mut output)?;
            tell(shared, taken);
            return Ok(output.files());
        }
        insist(shared, &mut output)?;
        tell(shared, taken);
    }
}

/// Waits for notes and takes them. Says how many there were in all, and after the last ones, how many calls were lost
/// of which no header tells.
fn take(shared: &Shared, notes: &mut Vec<Note>) -> (u64, Option<u64>) {
    let mut log = shared.lock();
    let is_idle = |log: &mut Log| {
        let is_idle = queue(log).is_some_and(|queue| queue.is_idle());
        is_idle && !log.is_finished()
    };
    if is_idle(&mut log) {
        log = shared.wait(log);
    }
    let mut taken = 0;
    if let Some(queue) = queue(&mut log) {
        core::mem::swap(&mut queue.notes, notes);
        taken = queue.pushed;
    }
    (taken, log.untold_at_end())
}

/// Tells that so many notes are written.
fn tell(shared: &Shared, taken: u64) {
    let mut log = shared.lock();
    if let Some(queue) = queue(&mut log) {
        queue.written = taken;
    }
    drop(log);
    shared.written.notify_all();
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
        let is_turning = output.is_turning();
        let Err(error) = output.drive() else {
            if is_turning {
                let mut log = shared.lock();
                if let Some(queue) = queue(&mut log) {
                    queue.path = output.path();
                }
            }
            return Ok(());
        };
        let mut log = shared.lock();
        if log.is_finished() {
            return Err(error);
        }
        if let Some(queue) = queue(&mut log) {
            queue.fail(error);
        }
        shared.written.notify_all();
        drop(shared.wait(log));
    }
}

fn queue(log: &mut Log) -> Option<&mut Queue> {
    match log.store() {
        Store::Queue(queue) => Some(queue),
        _ => None,
    }
}
