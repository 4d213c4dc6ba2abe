//! The thread that writes a journal: it takes all notes at once under the lock and writes them outside.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::log::Log;
use super::note::Note;
use super::output::Output;
use super::store::{Queue, Store, copy};

/// So long a call may wait to be written, and a failing disk to be tried again.
const PATIENCE: Duration = Duration::from_millis(100);

/// So often the end is tried to be written whenever somebody asks for it.
pub(crate) const TRIES: u32 = 9;

/// How long to wait after so many of these tries: a quarter of a second in all.
pub(crate) fn pause(tries: u32) -> Duration {
    Duration::from_millis(1 << tries.clamp(1, 10) >> 1)
}

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

    fn wait<'a>(&self, log: MutexGuard<'a, Log>, at_most: Duration) -> MutexGuard<'a, Log> {
        let waited = self.wake.wait_timeout(log, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Asks the writing thread to end. Returns when it has, or when it gives up and says why.
    pub(crate) fn end(&self) -> io::Result<()> {
        let mut log = self.lock();
        let Some(asked) = queue(&mut log).map(Queue::ask_to_end) else {
            return Ok(());
        };
        self.wake.notify_one();
        loop {
            let Some(queue) = queue(&mut log).filter(|queue| !queue.is_over) else {
                return Ok(());
            };
            if queue.given_up >= asked {
                return Err(queue.why());
            }
            log = self
                .written
                .wait(log)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives up, with so many calls written, until somebody asks for the end once more. False if nobody will.
    fn is_asked_again(&self, mut log: MutexGuard<'_, Log>, written: u64) -> bool {
        loop {
            let Some(queue) = queue(&mut log).filter(|queue| !queue.is_abandoned) else {
                return false;
            };
            if queue.final_ops.is_none() {
                queue.final_ops = Some(written);
                queue.given_up = queue.asked_to_end;
                self.written.notify_all();
            }
            if queue.asked_to_end > queue.given_up {
                queue.final_ops = None;
                return true;
            }
            log = self.wait(log, PATIENCE);
        }
    }

    /// Lets a thread go that has given up.
    pub(crate) fn abandon(&self) {
        let mut log = self.lock();
        if let Some(queue) = queue(&mut log) {
            queue.is_abandoned = true;
        }
        drop(log);
        self.wake.notify_one();
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
                return Err(copy(error));
            }
            if queue.is_over || queue.final_ops.is_some() {
                return Err(queue.why());
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
    let written = write_all(shared, &mut output);
    if let Err(error) = &written {
        let mut log = shared.lock();
        if let Some(queue) = queue(&mut log) {
            queue.fail(copy(error));
            queue.final_ops = Some(output.written_ops());
        }
    }
    written.map(|()| output.files())
}

fn write_all(shared: &Shared, output: &mut Output) -> io::Result<()> {
    let mut notes = Vec::new();
    loop {
        let (taken, finished) = take(shared, &mut notes);
        for note in notes.drain(..) {
            if output.add(&note)? {
                insist(shared, output, Output::drive)?;
            }
        }
        if let Some(lost) = finished {
            insist(shared, output, |output| output.finish(lost))?;
            tell(shared, taken);
            return Ok(());
        }
        insist(shared, output, Output::drive)?;
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
        log = shared.wait(log, PATIENCE);
    }
    let mut taken = 0;
    if let Some(queue) = queue(&mut log) {
        core::mem::swap(&mut queue.notes, notes);
        taken = queue.pushed;
    }
    (taken, log.at_end().map(|at_end| at_end.untold))
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

/// Writes until it is written, or until nobody records any more and the disk still does not take it: then it waits
/// until somebody asks once more, or nobody can.
fn insist(
    shared: &Shared,
    output: &mut Output,
    write: impl Fn(&mut Output) -> io::Result<()>,
) -> io::Result<()> {
    let mut tries = 0;
    loop {
        let is_turning = output.is_turning();
        let Err(error) = write(output) else {
            if is_turning {
                let mut log = shared.lock();
                if let Some(queue) = queue(&mut log) {
                    queue.path = output.path();
                }
            }
            return Ok(());
        };
        if output.is_broken() {
            return Err(error);
        }
        let mut log = shared.lock();
        let is_finished = log.is_finished();
        let Some(queue) = queue(&mut log) else {
            return Err(error);
        };
        queue.fail(copy(&error));
        shared.written.notify_all();
        if !is_finished {
            drop(shared.wait(log, PATIENCE));
            continue;
        }
        tries += 1;
        if tries < TRIES {
            drop(log);
            thread::sleep(pause(tries));
        } else if shared.is_asked_again(log, output.written_ops()) {
            tries = 0;
        } else {
            return Err(error);
        }
    }
}

fn queue(log: &mut Log) -> Option<&mut Queue> {
    match log.store() {
        Store::Queue(queue) => Some(queue),
        _ => None,
    }
}
