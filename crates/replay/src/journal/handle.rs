//! The journal as a program that records holds it.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::log::Log;
use super::memory::Memory;
use super::note::Note;
use super::options::Options;
use super::output::Output;
use super::store::{Direct, Store};
use super::thread::{Shared, TRIES, pause};
use super::write::Writer;
use crate::any::Journaled;
use crate::recorder::{Feed, Recorder};

/// Where machines are recorded: a handle, of which clones mean the same journal.
///
/// A call of a recorder holds the journal's lock from before the machine is called until its line is handed over: the
/// order of lines is the order of effects. So a call must not call another recorder of the same journal, or the
/// journal: its generator must not, nor a key's `to_key`, `Serialize`, `Hash` or `Clone`, nor, where lines are written
/// in the call ([`to_writer`](Self::to_writer), [`Options::in_the_call`]), the writer. It would wait for itself for
/// ever.
///
/// What cannot be written is lost, counted, and told by the header after the gap; the recorded program goes on, and
/// waits for no disk but in [`flush`](Self::flush) and [`finish`](Self::finish), which the last handle calls when it is
/// dropped. A header has all of a machine's state, and is made in the call that needs it: for a table of 100 000 keys
/// that takes about a tenth of a second, in which all calls of the journal wait. It is so when a machine is first
/// recorded, at its first call after a gap, and at its first call in each file (see [`Options::rotate_after`]).
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, breaker::{Breaker, BreakerPolicy, Outcome, Trigger}};
/// use evenkeel_replay::journal::{Journal, Reader};
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
///
/// let open = BackoffPolicy::builder(Duration::from_secs(1));
/// let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 5 });
/// let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
///
/// let journal = Journal::in_memory();
/// let mut breaker = journal.record("db", Breaker::new(policy.build()?));
/// if let Ok(grant) = breaker.try_acquire(0, &mut rng) {
///     breaker.on_outcome(1_000, grant.permit, Outcome::Failure, 1_000, &mut rng);
/// }
///
/// let mut lines = Vec::new();
/// journal.dump(&mut lines)?;
/// let verified = evenkeel_replay::verify(Reader::new(&lines[..]))?;
/// assert_eq!(verified.ops, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Journal {
    owner: Arc<Owner>,
}

/// What has been recorded.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many calls were taken down.
    pub ops: u64,
    /// How many were lost.
    pub dropped: u64,
    /// How many files were begun, without those of former runs; with `keep`, not all of them are there.
    pub files: u64,
}

impl Journal {
    /// Keeps all in memory, to be dumped.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::of(Log::new(Store::Memory(Memory::default()), None))
    }

    /// A flight recorder: keeps the last `ops` calls in memory, and up to as many more, to be dumped when something
    /// has happened.
    #[must_use]
    pub fn last(ops: u64) -> Self {
        Self::of(Log::new(Store::Memory(Memory::default()), Some(ops)))
    }

    /// Writes lines in the thread of the call, many at a time: a slow writer holds up the calls. (See
    /// [`Options::spawn`] for a thread that does not.)
    #[must_use]
    pub fn to_writer(writer: impl Write + Send + 'static) -> Self {
        let output = Output::new(Box::new(writer), None);
        Self::of(Log::new(Store::Direct(Direct::new(output)), None))
    }

    /// Writes a new file, in a thread of its own. If it is there already, it stays, and the next free one of
    /// `name.1.jsonl`, `name.2.jsonl`, and so on is begun: a service that is restarted after a crash never destroys the
    /// journal that tells of it. [`path`](Self::path) says which it is. (See [`Options::create`] for the details.)
    ///
    /// ```no_run
    /// use evenkeel_replay::journal::Journal;
    ///
    /// let journal = Journal::create("orders.jsonl")?; // as for the second time
    /// assert_eq!(journal.path(), Some("orders.1.jsonl".into()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The file cannot be made, or the thread.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        Options::new().create(path)
    }

    /// How to write otherwise: rotated files, a larger buffer.
    #[must_use]
    pub const fn options() -> Options {
        Options::new()
    }

    pub(crate) fn of(log: Log) -> Self {
        Self::with_thread(Arc::new(Shared::new(log)), None)
    }

    pub(crate) fn with_thread(shared: Arc<Shared>, thread: Option<Thread>) -> Self {
        let thread = Mutex::new(thread);
        Self {
            owner: Arc::new(Owner { shared, thread }),
        }
    }

    /// The machine, recorded from here on. The name is for people; it may be empty.
    #[must_use]
    pub fn record<M: Journaled>(&self, name: &str, machine: M) -> Recorder<M> {
        let feed = self.feed(name, &machine);
        Recorder { machine, feed }
    }

    /// For a machine that lives elsewhere, say in an adapter: calls are recorded from here on, if they are made through
    /// [`Feed::call`].
    #[must_use]
    pub fn feed<M: Journaled>(&self, name: &str, machine: &M) -> Feed<M> {
        let mut log = self.lock();
        let mut mark = log.add_machine(name);
        log.begin(&mut mark, machine);
        drop(log);
        Feed::new(self.clone(), mark)
    }

    /// How many calls were taken down so far.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.lock().ops()
    }

    /// How many calls were lost so far: one that panicked, too, and those that a writer did not take that panicked or
    /// failed to the end.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.lock().dropped()
    }

    /// Why calls were lost, if the disk was the last reason, and not a full buffer.
    #[must_use]
    pub fn error(&self) -> Option<io::Error> {
        self.lock().error()
    }

    /// The file that is being written, or was last; `None` if there is none, or only a writer.
    #[must_use]
    pub fn path(&self) -> Option<PathBuf> {
        self.lock().store().path()
    }

    /// Hands to the system what was taken down so far, so that it is there even if this process is killed (not if the
    /// machine loses power). Calls of other threads go on meanwhile, unless they are written in the calls.
    ///
    /// This waits for the writer, however long that blocks: a thread that must not wait does not flush, and the writer
    /// itself must not. In memory there is nothing to hand over.
    ///
    /// ```
    /// use evenkeel_replay::journal::Journal;
    ///
    /// let journal = Journal::options().spawn(std::io::sink())?;
    /// // Record.
    /// journal.flush()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the writer says. It is tried again all the same, and nothing is lost by that alone.
    pub fn flush(&self) -> io::Result<()> {
        self.owner.shared.flush()
    }

    /// Whether it is the same journal, and not only one like it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.owner, &other.owner)
    }

    /// Writes what is in memory as a complete journal. Recording goes on meanwhile.
    ///
    /// # Errors
    ///
    /// What the writer says; and a journal that is not kept in memory has nothing to dump.
    pub fn dump(&self, writer: impl Write) -> io::Result<Summary> {
        let mut log = self.lock();
        let (epoch, untold) = (log.epoch(), log.untold());
        let Store::Memory(memory) = log.store() else {
            let reason = "this journal is written, not kept in memory";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        };
        let chunks = memory.chunks(epoch);
        drop(log);
        let mut lines = Writer::new(io::BufWriter::new(writer));
        for note in chunks.iter().flat_map(|chunk| chunk.iter()) {
            match note {
                Note::Header(header) => lines.header(header)?,
                Note::Entry(entry) => lines.entry(entry)?,
                Note::NewFile => {}
            }
        }
        let (_, end) = lines.end(untold)?;
        Ok(Summary {
            ops: end.ops,
            dropped: end.dropped,
            files: 1,
        })
    }

    /// Writes what there is to write, and the trailer. Calls from now on are lost.
    ///
    /// A writer that fails is tried a few times more, for a quarter of a second. After an error this may be called
    /// again, and goes on where it stopped; meanwhile the calls that are not written count as
    /// [`dropped`](Self::dropped).
    ///
    /// # Errors
    ///
    /// What the disk says, if the trailer could not be written; and it was finished before.
    pub fn finish(&self) -> io::Result<Summary> {
        self.owner.finish()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Log> {
        self.owner.shared.lock()
    }

    pub(crate) fn wake(&self) {
        self.owner.shared.wake.notify_one();
    }
}

pub(crate) type Thread = JoinHandle<io::Result<u64>>;

/// Ends the journal when the last handle goes.
struct Owner {
    shared: Arc<Shared>,
    thread: Mutex<Option<Thread>>,
}

impl Owner {
    fn finish(&self) -> io::Result<Summary> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let mut log = self.shared.lock();
        if log.is_done() {
            return Err(io::Error::other("this journal is finished already"));
        }
        let at_end = log.finish();
        let (is_direct, is_memory) = match log.store() {
            Store::Memory(_) => (false, true),
            Store::Direct(_) => (true, false),
            Store::Queue(_) => (false, false),
        };
        drop(log);
        let files = if is_memory {
            0
        } else if is_direct {
            self.finish_direct(at_end.untold)?
        } else {
            self.shared.end()?;
            let ended = || Err(io::Error::other("the journal's writer has ended"));
            thread.take().map_or_else(ended, join)?
        };
        self.shared.lock().set_done();
        Ok(Summary {
            ops: at_end.ops,
            dropped: at_end.dropped,
            files,
        })
    }

    /// Tries a few times. Between these, calls find the journal finished and do not wait.
    fn finish_direct(&self, untold: u64) -> io::Result<u64> {
        for tries in 1.. {
            let mut log = self.shared.lock();
            let Store::Direct(direct) = log.store() else {
                break;
            };
            match direct.finish(untold) {
                Err(_) if tries < TRIES && !direct.output.is_broken() => {}
                finished => return finished,
            }
            drop(log);
            thread::sleep(pause(tries));
        }
        Ok(0)
    }
}

fn join(thread: Thread) -> io::Result<u64> {
    let panicked = |_| Err(io::Error::other("the journal's writer panicked"));
    thread.join().unwrap_or_else(panicked)
}

impl Drop for Owner {
    fn drop(&mut self) {
        // Nobody is left to be told; a finished one is finished.
        let _ = self.finish();
        self.shared.abandon();
        let thread = self
            .thread
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let _ = thread.take().map(join);
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.shared.lock();
        f.debug_struct("Journal")
            .field("ops", &log.ops())
            .field("dropped", &log.dropped())
            .field("error", &log.error())
            .finish_non_exhaustive()
    }
}
