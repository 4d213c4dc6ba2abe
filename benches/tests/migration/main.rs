//! The code of docs/migration.md, before and after: both are compiled, and both do what the page says of them.

mod backoff;
mod backon;
mod failsafe;
mod recloser;
mod tower;

use std::cell::Cell;
use std::io::{Error, ErrorKind, Result};

/// A server that fails so often before it answers.
struct Server {
    calls: Cell<u32>,
    failures: u32,
    with: ErrorKind,
}

impl Server {
    fn failing(failures: u32) -> Self {
        Self {
            calls: Cell::new(0),
            failures,
            with: ErrorKind::ConnectionReset,
        }
    }

    /// There is no such page, now or later.
    fn without_the_page() -> Self {
        Self {
            with: ErrorKind::NotFound,
            ..Self::failing(u32::MAX)
        }
    }

    fn fetch_blocking(&self) -> Result<String> {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get() <= self.failures {
            return Err(Error::from(self.with));
        }
        Ok("page".into())
    }

    async fn fetch(&self) -> Result<String> {
        self.fetch_blocking()
    }
}
