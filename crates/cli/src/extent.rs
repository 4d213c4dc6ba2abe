//! How far a trace reaches: what a column in the wrong unit, a header taken for a call or a stray row shows in.

use std::time::{Duration, UNIX_EPOCH};

use crate::numbers;

/// A gap in fewer rows than this says little.
const FEW_ROWS: u64 = 10;

/// 2000-01-01 and 2100-01-01 as Unix time: what lies between is taken for one.
const UNIX_NS: std::ops::Range<u64> = 946_684_800_000_000_000..4_102_444_800_000_000_000;

/// What the rows of a trace come to. Its memory does not grow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    pub(crate) rows: u64,
    pub(crate) failures: u64,
    first_ns: u64,
    last_ns: u64,
    last_line: u64,
    gap: Gap,
}

/// The longest time between two rows.
#[derive(Clone, Copy, Debug, Default)]
struct Gap {
    ns: u64,
    /// The lines before and after it.
    lines: (u64, u64),
}

impl Extent {
    /// Takes in the row that stands in this line.
    #[inline]
    pub(crate) fn row(&mut self, t_ns: u64, failed: bool, line: u64) {
        if self.rows == 0 {
            self.first_ns = t_ns;
        } else if t_ns - self.last_ns > self.gap.ns {
            self.gap = Gap {
                ns: t_ns - self.last_ns,
                lines: (self.last_line, line),
            };
        }
        self.rows += 1;
        self.failures += u64::from(failed);
        (self.last_ns, self.last_line) = (t_ns, line);
    }

    fn span_ns(&self) -> u64 {
        self.last_ns - self.first_ns
    }

    /// `20,300 calls in 1 h, 3 keys, 743 failures; 2026-03-14 09:00:00 to 10:00:00 UTC`.
    pub(crate) fn words(&self, keys: &str) -> String {
        let calls = numbers::counted(self.rows, "call");
        let failures = numbers::counted(self.failures, "failure");
        let span = numbers::rounded(self.span_ns());
        let text = format!("{calls} in {span}, {keys}, {failures}");
        if !UNIX_NS.contains(&self.first_ns) || !UNIX_NS.contains(&self.last_ns) {
            return text;
        }
        let (first, last) = (utc(self.first_ns), utc(self.last_ns));
        let last = match first.0 == last.0 {
            true => last.1,
            false => format!("{} {}", last.0, last.1),
        };
        format!("{text}; {} {} to {last} UTC", first.0, first.1)
    }

    /// What is said of a gap that is more than half of the whole.
    pub(crate) fn gap_note(&self) -> Option<String> {
        let Gap { ns, lines } = self.gap;
        if self.rows < FEW_ROWS || ns <= self.span_ns() / 2 {
            return None;
        }
        let (gap, whole) = (numbers::rounded(ns), numbers::rounded(self.span_ns()));
        Some(format!(
            "no call for {gap} of {whole}, between the lines {} and {}: are both of this log?",
            lines.0, lines.1
        ))
    }
}

/// The day and the time of day of a Unix time.
fn utc(unix_ns: u64) -> (String, String) {
    let at = UNIX_EPOCH + Duration::from_nanos(unix_ns);
    let text = humantime::format_rfc3339_seconds(at).to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    (day.to_owned(), time.trim_end_matches('Z').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_times_are_dates() {
        let dates = [
            (946_684_800, "2000-01-01 00:00:00"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_773_478_800, "2026-03-14 09:00:00"),
            (1_798_761_599, "2026-12-31 23:59:59"),
            (4_102_444_799, "2099-12-31 23:59:59"),
        ];
        for (seconds, text) in dates {
            let (day, time) = utc(seconds * 1_000_000_000);
            assert_eq!(format!("{day} {time}"), text);
        }
    }

    #[test]
    fn a_gap_of_more_than_half_is_told_with_its_lines() {
        let mut extent = Extent::default();
        for row in 0..20 {
            extent.row(row * 10 + if row > 0 { 1_000 } else { 0 }, false, row + 2);
        }
        assert_eq!(
            extent.gap_note().as_deref(),
            Some(
                "no call for 1.01 µs of 1.19 µs, between the lines 2 and 3: are both of this log?"
            )
        );
        let mut even = Extent::default();
        (0..20).for_each(|row| even.row(row * 10, false, row + 2));
        assert_eq!(even.gap_note(), None);
    }
}
