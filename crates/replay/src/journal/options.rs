//! How a journal is written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::handle::Journal;
use super::log::Log;
use super::output::Output;
use super::series::Series;
use super::store::{Direct, Queue, Store};
use super::thread::{self, Shared};

/// How a journal is written: how much may wait, and when a new file is begun.
///
/// ```no_run
/// use evenkeel_replay::journal::Journal;
///
/// let journal = Journal::options().rotate_after(1_000_000).keep(10).create("orders.jsonl")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    buffer: usize,
    rotate_after: Option<u64>,
    keep: Option<u64>,
    replace: bool,
    in_the_call: bool,
}

impl Options {
    /// 65 536 calls may wait to be written; one file; a thread of its own.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffer: 65_536,
            rotate_after: None,
            keep: None,
            replace: false,
            in_the_call: false,
        }
    }

    /// How many calls may wait for the writing thread; further ones are lost. At least 16.
    #[must_use]
    pub const fn buffer(mut self, calls: usize) -> Self {
        self.buffer = calls;
        self
    }

    /// A new file after so many calls. For `name.jsonl` the next ones are `name.1.jsonl`, `name.2.jsonl`, and so on: no
    /// file is ever renamed. Each one is a complete journal and replays alone. A number that is taken is passed over.
    ///
    /// The first call of each machine in a file takes a snapshot of it, which holds up the calls of all: for a table of
    /// 100 000 keys, about a tenth of a second. Rotate large tables rarely.
    #[must_use]
    pub const fn rotate_after(mut self, calls: u64) -> Self {
        self.rotate_after = Some(calls);
        self
    }

    /// Only the last so many files of the series stay, those of former runs counted too; at least 1. They are counted
    /// whenever a file is begun, and each start of a program begins one: of a program that crashes again and again,
    /// only the last so many starts stay.
    #[must_use]
    pub const fn keep(mut self, files: u64) -> Self {
        self.keep = Some(files);
        self
    }

    /// Overwrites: the files of former runs are removed, `name.jsonl` and all of `name.1.jsonl`, `name.2.jsonl`, and so
    /// on, before the first is begun. For a tool whose user names the file to be made; never for a service.
    #[must_use]
    pub const fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Writes in the thread of the call, not in one of its own: nothing waits but the call, and others that are made
    /// meanwhile. A writer must not call a machine of this journal, or the journal: it would wait for itself.
    #[must_use]
    pub const fn in_the_call(mut self) -> Self {
        self.in_the_call = true;
        self
    }

    /// Writes new files, and never touches one that is there: a service that crashed and was restarted has what led to
    /// it in the files of its last run. If there is `name.jsonl`, or any number of its series, this begins the one
    /// after the highest number; [`Journal::path`] tells which. (Only [`keep`](Self::keep) removes old files, and
    /// [`replace`](Self::replace).) The files of one name belong to one program at a time.
    ///
    /// A path that is no file and no directory, a pipe or a terminal, is written without a series or rotation.
    ///
    /// # Errors
    ///
    /// The file cannot be made, its folder not be listed, or the thread not be made. The path is a directory.
    pub fn create(self, path: impl AsRef<Path>) -> io::Result<Journal> {
        let path = path.as_ref();
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return self.spawn(File::options().write(true).open(path)?);
        }
        let (series, file) = Series::begin(path, self.keep, self.replace)?;
        self.start(Output::new(Box::new(file), Some(series)), self.rotate_after)
    }

    /// Passes lines on to `writer`, all to the same one whatever the rotation.
    ///
    /// # Errors
    ///
    /// The thread cannot be made.
    pub fn spawn(self, writer: impl Write + Send + 'static) -> io::Result<Journal> {
        self.start(Output::new(Box::new(writer), None), None)
    }

    fn start(self, output: Output, epoch_ops: Option<u64>) -> io::Result<Journal> {
        if self.in_the_call {
            let store = Store::Direct(Direct::new(output));
            return Ok(Journal::of(Log::new(store, epoch_ops)));
        }
        let store = Store::Queue(Queue::new(self.buffer, output.path()));
        let shared = Arc::new(Shared::new(Log::new(store, epoch_ops)));
        let thread = thread::start(shared.clone(), output)?;
        Ok(Journal::with_thread(shared, Some(thread)))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
