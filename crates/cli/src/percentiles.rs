//! `evenkeel percentiles`: exact percentiles and failure rates over the last rows of a trace, as CSV.

use std::io::Write;

use anyhow::{Result, anyhow};
use evenkeel_core::Quantile;
use evenkeel_core::error::{ConfigError, Problem};
use evenkeel_core::estimator::{SampleWindow, SampleWindowPolicy};

use crate::trace::{RowOutcome, Trace};

const HEADER: &str = "rows_seen,n,p50_ns,p95_ns,p99_ns,max_ns,failures,failure_rate";

/// Prints one line every `every` rows and one for the last row; each looks back over `window` rows.
pub(crate) fn percentiles(
    trace: &mut Trace,
    window: u32,
    every: u64,
    out: &mut impl Write,
) -> Result<()> {
    let policy = SampleWindowPolicy::new(window).map_err(|error| out_of_range(window, &error))?;
    let mut latencies = SampleWindow::new(policy);
    let mut outcomes = Outcomes::new(window);
    let mut rows_seen = 0_u64;
    let mut now_ns = 0;
    writeln!(out, "{HEADER}")?;
    while let Some(row) = trace.next_row()? {
        now_ns = row.t_ns;
        latencies.record(now_ns, row.latency_ns);
        outcomes.record(row.outcome != RowOutcome::Ok);
        rows_seen += 1;
        if rows_seen.is_multiple_of(every) {
            line(out, rows_seen, now_ns, &latencies, &outcomes)?;
        }
    }
    if !rows_seen.is_multiple_of(every) {
        line(out, rows_seen, now_ns, &latencies, &outcomes)?;
    }
    Ok(())
}

fn out_of_range(window: u32, error: &ConfigError) -> anyhow::Error {
    let bound = match error.problem() {
        Problem::BelowMin { min, .. } => format!("it must be at least {min}"),
        Problem::AboveMax { max, .. } => format!("it must be at most {max}"),
        other => other.to_string(),
    };
    anyhow!("--window {window} is out of range: {bound}")
}

fn line(
    out: &mut impl Write,
    rows_seen: u64,
    now_ns: u64,
    latencies: &SampleWindow,
    outcomes: &Outcomes,
) -> Result<()> {
    write!(out, "{rows_seen},{}", outcomes.len)?;
    for q in [Quantile::P50, Quantile::P95, Quantile::P99, Quantile::MAX] {
        let value = latencies.quantile(now_ns, q).unwrap_or(0);
        write!(out, ",{value}")?;
    }
    let rate = nine_decimals(outcomes.failures, outcomes.len);
    writeln!(out, ",{},{rate}", outcomes.failures)?;
    Ok(())
}

/// Which of the last rows failed: a ring, one byte a row.
struct Outcomes {
    failed: Vec<bool>,
    next: usize,
    len: u32,
    failures: u32,
}

impl Outcomes {
    fn new(window: u32) -> Self {
        Self {
            failed: vec![false; window as usize],
            next: 0,
            len: 0,
            failures: 0,
        }
    }

    fn record(&mut self, failed: bool) {
        let place = &mut self.failed[self.next];
        // A place not used yet holds `false`: nothing to take away.
        self.failures -= u32::from(*place);
        self.failures += u32::from(failed);
        *place = failed;
        self.len = (self.len + 1).min(self.failed.len() as u32);
        self.next = (self.next + 1) % self.failed.len();
    }
}

/// `part / whole` with nine decimals, a tie to the even digit (as the reference and C's `printf` round).
fn nine_decimals(part: u32, whole: u32) -> String {
    const UNIT: u64 = 1_000_000_000;
    let whole = u64::from(whole);
    let scaled = u64::from(part) * UNIT;
    let (floor, rest) = (scaled / whole, scaled % whole);
    let up = match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => floor % 2,
        std::cmp::Ordering::Less => 0,
    };
    let rate = floor + up;
    format!("{}.{:09}", rate / UNIT, rate % UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_to_nine_decimals_ties_to_even() {
        let cases = [
            (0, 7, "0.000000000"),
            (7, 7, "1.000000000"),
            (1, 3, "0.333333333"),
            (2, 3, "0.666666667"),
            // 0.000976562|5 and 0.002929687|5
            (1, 1024, "0.000976562"),
            (3, 1024, "0.002929688"),
        ];
        for (part, whole, text) in cases {
            assert_eq!(nine_decimals(part, whole), text, "{part}/{whole}");
        }
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let mut outcomes = Outcomes::new(2);
        let mut seen = Vec::new();
        for failed in [true, true, false, false, true] {
            outcomes.record(failed);
            seen.push((outcomes.len, outcomes.failures));
        }
        assert_eq!(seen, [(1, 1), (2, 2), (2, 1), (2, 0), (2, 1)]);
    }
}
