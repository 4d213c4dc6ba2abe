//! `--decisions`: what the breaker answered to each row, as JSON lines in file order.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use evenkeel_core::Refusal;
use evenkeel_core::breaker::RefusedBy;
use serde::Serialize;

use crate::output::{Draft, cannot_write};
use crate::trace::Row;

/// The lines being written.
pub(crate) struct DecisionLog {
    out: BufWriter<Sink>,
}

/// Where they go.
enum Sink {
    File(PathBuf, Draft),
    Stdout(StdoutLock<'static>),
}

#[derive(Serialize)]
struct Admitted<'a> {
    t_ns: u64,
    key: &'a str,
    admitted: bool,
}

#[derive(Serialize)]
struct Rejected<'a> {
    t_ns: u64,
    key: &'a str,
    admitted: bool,
    reason: RefusedBy,
    retry_at_ns: Option<u64>,
}

impl DecisionLog {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let draft = Draft::create(path)?;
        Ok(Self::into_sink(Sink::File(path.to_owned(), draft)))
    }

    /// Lines on stdout come as they are made: a run that fails has written some of them.
    pub(crate) fn on_stdout() -> Self {
        Self::into_sink(Sink::Stdout(io::stdout().lock()))
    }

    fn into_sink(sink: Sink) -> Self {
        Self {
            out: BufWriter::with_capacity(1 << 16, sink),
        }
    }

    pub(crate) fn row(&mut self, row: &Row<'_>, refusal: Option<Refusal<RefusedBy>>) -> Result<()> {
        let (t_ns, key) = (row.t_ns, row.key);
        match refusal {
            None => self.line(&Admitted {
                t_ns,
                key,
                admitted: true,
            }),
            Some(refusal) => self.line(&Rejected {
                t_ns,
                key,
                admitted: false,
                reason: refusal.reason,
                retry_at_ns: refusal.retry_at_ns,
            }),
        }
    }

    /// Writes what is still buffered and gives the file its name. Without this call there is none.
    pub(crate) fn finish(mut self) -> Result<()> {
        let flushed = self.out.flush();
        flushed.map_err(|error| self.out.get_ref().failed(error))?;
        // Nothing is left in the buffer.
        match self.out.into_parts().0 {
            Sink::File(_, draft) => draft.keep(),
            Sink::Stdout(_) => Ok(()),
        }
    }

    fn line(&mut self, decision: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, decision)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| self.out.get_ref().failed(error))
    }
}

impl Sink {
    /// The errors of stdout go on as they are: a closed pipe is none.
    fn failed(&self, error: io::Error) -> anyhow::Error {
        match self {
            Self::File(path, _) => cannot_write(path, &error),
            Self::Stdout(_) => error.into(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(_, draft) => draft.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(_, draft) => draft.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}
