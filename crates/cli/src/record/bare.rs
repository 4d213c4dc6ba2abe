//! Clients without any of our machines: their calls are the trace, and what checkout's fared without.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use evenkeel_tokio::Clock;
use serde::Serialize;
use tokio::time::timeout;

use super::script::{CHECKOUT, ENDPOINTS};
use super::tally::Tally;
use super::wire::Wire;
use crate::output::{Draft, cannot_write};
use crate::trace::COLUMNS;

/// How long such a client waits for a whole answer.
const PATIENCE: Duration = Duration::from_millis(800);

/// A row of the trace, its columns in their order.
#[derive(Serialize)]
struct Row {
    t_ns: u64,
    key: &'static str,
    latency_ns: u64,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// Answered with something else than 2xx, or the connection broke.
    Error,
    /// No whole answer in time.
    Timeout,
}

/// A clone writes into the same trace.
#[derive(Clone)]
pub(crate) struct Bare {
    wire: Wire,
    tally: Arc<Tally>,
    rows: Arc<Mutex<Vec<Row>>>,
}

impl Bare {
    pub(crate) fn new(wire: Wire, tally: Arc<Tally>) -> Self {
        let rows = Arc::default();
        Self { wire, tally, rows }
    }

    /// One call, measured from before the request is sent (or its connection made) to the last byte of the answer, or
    /// until the client has waited long enough.
    pub(crate) async fn call(self, endpoint: usize) {
        let clock = self.tally.clock;
        let t_ns = clock.now_ns();
        let answer = timeout(PATIENCE, self.wire.get(endpoint)).await;
        let latency_ns = clock.now_ns().saturating_sub(t_ns);
        let outcome = match answer {
            Ok(Ok(())) => Outcome::Ok,
            Ok(Err(_)) => Outcome::Error,
            Err(_) => Outcome::Timeout,
        };
        if endpoint == CHECKOUT {
            self.tally.bare(t_ns, outcome == Outcome::Ok);
        }
        let row = Row {
            t_ns,
            key: ENDPOINTS[endpoint].key,
            latency_ns,
            outcome,
        };
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push(row);
    }

    /// Writes the calls, sorted by their beginning; how many there are.
    pub(crate) fn write(&self, path: &Path, draft: Draft) -> Result<u64> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.sort_by_key(|row| row.t_ns);
        let mut csv = csv::WriterBuilder::new()
            .has_headers(false)
            .from_writer(draft);
        let mut fill = || {
            csv.write_record(COLUMNS)?;
            rows.iter().try_for_each(|row| csv.serialize(row))
        };
        fill().map_err(|error: csv::Error| cannot_write(path, &error.into()))?;
        let draft = csv
            .into_inner()
            .map_err(|error| cannot_write(path, error.error()))?;
        draft.keep()?;
        Ok(rows.len() as u64)
    }
}
