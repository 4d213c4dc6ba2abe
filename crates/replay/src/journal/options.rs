//! How a journal is written.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::handle::Journal;
use super::log::Log;
use super::output::{Output, Rotation};
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
    /// file is ever renamed. Each one is a complete journal and replays alone.
    #[must_use]
    pub const fn rotate_after(mut self, calls: u64) -> Self {
        self.rotate_after = Some(calls);
        self
    }

    /// Only the last so many files stay; at least 1.
    #[must_use]
    pub const fn keep(mut self, files: u64) -> Self {
        self.keep = Some(files);
        self
    }

    /// Writes in the thread of the call, not in one of its own: nothing waits but the call.
    #[must_use]
    pub const fn in_the_call(mut self) -> Self {
        self.in_the_call = true;
        self
    }

    /// Writes new files; one that is there is overwritten.
    ///
    /// # Errors
    ///
    /// The file cannot be made, or the thread.
    pub fn create(self, path: impl AsRef<Path>) -> io::Result<Journal> {
        let rotation = Rotation::new(path.as_ref(), self.keep);
        let output = Output::new(Box::new(rotation.open()?), Some(rotation));
        self.start(output, self.rotate_after)
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
        let store = Store::Queue(Queue::new(self.buffer));
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
