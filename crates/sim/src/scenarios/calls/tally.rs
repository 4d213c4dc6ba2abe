//! What happened in a world of calls, by tenths of a second: what metrics are made of.

use evenkeel_core::Quantile;
use evenkeel_core::estimator::{LogHistogram, LogHistogramPolicy};

pub(in crate::scenarios) const SECOND_NS: u64 = 1_000_000_000;
const CELL_NS: u64 = SECOND_NS / 10;

/// What happened in a tenth of a second.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::scenarios) struct Cell {
    /// Calls that began.
    pub(in crate::scenarios) calls: u64,
    /// Calls that succeeded.
    pub(in crate::scenarios) good: u64,
    /// Calls that ended without an attempt: the client's own breaker or throttle refused.
    pub(in crate::scenarios) refused: u64,
    /// Attempts that were sent.
    pub(in crate::scenarios) attempts: u64,
    /// Those of them that were probes of a half-open breaker.
    pub(in crate::scenarios) probes: u64,
}

/// All that happened.
pub(in crate::scenarios) struct Tally {
    cells: Vec<Cell>,
    /// Of the calls that succeeded, from their beginning to their end.
    latencies: LogHistogram,
    /// Requests that the server has worked on to the end.
    pub(super) worked: u64,
    /// Those of them whose client had given up by then.
    pub(super) for_nobody: u64,
    pub(super) events: u64,
}

impl Tally {
    pub(super) fn new(end_ns: u64) -> Self {
        let policy = LogHistogramPolicy::new(7).expect("it is a precision");
        Self {
            cells: vec![Cell::default(); (end_ns / CELL_NS + 1) as usize],
            latencies: LogHistogram::new(policy),
            worked: 0,
            for_nobody: 0,
            events: 0,
        }
    }

    pub(super) fn at(&mut self, now_ns: u64) -> &mut Cell {
        let last = self.cells.len() - 1;
        &mut self.cells[last.min((now_ns / CELL_NS) as usize)]
    }

    pub(super) fn took(&mut self, now_ns: u64, latency_ns: u64) {
        self.latencies.record(now_ns, latency_ns);
    }

    /// The sum over `from_ns..until_ns`, both to a tenth of a second.
    pub(in crate::scenarios) fn sum(&self, from_ns: u64, until_ns: u64) -> Cell {
        let cells = self.cells.len();
        let [from, until] = [from_ns, until_ns].map(|at_ns| cells.min((at_ns / CELL_NS) as usize));
        let cells = self.cells.get(from..until).unwrap_or(&[]);
        cells.iter().fold(Cell::default(), |sum, cell| Cell {
            calls: sum.calls + cell.calls,
            good: sum.good + cell.good,
            refused: sum.refused + cell.refused,
            attempts: sum.attempts + cell.attempts,
            probes: sum.probes + cell.probes,
        })
    }

    /// The most probes of any tenth of a second from `from_ns` on, as a rate.
    pub(in crate::scenarios) fn peak_probes(&self, from_ns: u64) -> f64 {
        let from = (from_ns / CELL_NS) as usize;
        let cells = self.cells.get(from..).unwrap_or(&[]);
        let most = cells.iter().map(|cell| cell.probes).max();
        10.0 * most.unwrap_or(0) as f64
    }

    /// What happened, second by second, from `from_ns` on, as long as whole seconds last.
    pub(in crate::scenarios) fn seconds(&self, from_ns: u64) -> impl Iterator<Item = Cell> + '_ {
        let end_ns = (self.cells.len() as u64 - 1) * CELL_NS;
        let seconds = end_ns.saturating_sub(from_ns) / SECOND_NS;
        (0..seconds).map(move |second| {
            let from_ns = from_ns + second * SECOND_NS;
            self.sum(from_ns, from_ns + SECOND_NS)
        })
    }

    /// This quantile of the latencies of the calls that succeeded, in milliseconds; 0 where none did.
    pub(in crate::scenarios) fn latency_ms(&self, quantile: Quantile) -> f64 {
        self.latencies.quantile(0, quantile).unwrap_or(0) as f64 / 1e6
    }

    /// The share of the server's work that nobody waited for any more.
    pub(in crate::scenarios) fn wasted(&self) -> f64 {
        self.for_nobody as f64 / self.worked.max(1) as f64
    }

    pub(in crate::scenarios) const fn events(&self) -> u64 {
        self.events
    }
}
