//! `--decisions`: what the breaker answered to each row, as JSON lines in file order.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use evenkeel_core::Refusal;
use evenkeel_core::breaker::RefusedBy;
use serde::Serialize;

use crate::output::{Draft, cannot_write};
use crate::trace::Row;

/// The file being written.
pub(crate) struct DecisionLog {
    path: PathBuf,
    out: BufWriter<Draft>,
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
        Ok(Self {
            path: path.to_owned(),
            out: BufWriter::with_capacity(1 << 16, Draft::create(path)?),
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

    /// Writes what is still buffered and gives the file its name. Without this call there is none.
    pub(crate) fn finish(self) -> Result<()> {
        let path = self.path;
        self.out
            .into_inner()
            .map_err(|error| cannot_write(&path, error.error()))?
            .keep()
    }

    fn line(&mut self, decision: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, decision)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| cannot_write(&self.path, &error))
    }
}
