//! `--decisions`: what the breaker answered to each row, as JSON lines in file order.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use evenkeel_core::Refusal;
use evenkeel_core::breaker::RefusedBy;
use serde::Serialize;

use crate::trace::Row;

/// The file being written.
pub(crate) struct DecisionLog {
    name: String,
    out: BufWriter<File>,
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
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| cannot_write(&name, &error))?;
        Ok(Self {
            name,
            out: BufWriter::with_capacity(1 << 16, file),
        })
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

    /// Writes what is still buffered. Without this call an error of the disk would be lost.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.out
            .flush()
            .map_err(|error| cannot_write(&self.name, &error))
    }

    fn line(&mut self, decision: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, decision)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| cannot_write(&self.name, &error))
    }
}

/// The error of an output file: with its name, and as text only, so that it is not taken for a closed stdout.
pub(crate) fn cannot_write(name: &str, error: &io::Error) -> anyhow::Error {
    anyhow!(
        "{name}: cannot be written: {error}: check that the folder is there, is writable and has room"
    )
}
