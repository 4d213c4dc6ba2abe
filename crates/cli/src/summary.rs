//! What a replay comes to: counts, transitions, latencies before and after; and all of it as JSON.

use evenkeel_core::breaker::{Cause, Phase, Transition};
use evenkeel_core::estimator::{LatencySummary, LogHistogram, LogHistogramPolicy};
use serde::Serialize;

use crate::extent::Extent;
use crate::keys::KeyCount;
use crate::replay::Done;
use crate::trace::{Row, RowOutcome, Trace};

/// Quantiles are at most 1/128 too high.
const PRECISION_BITS: u8 = 7;
/// The same in words, below every table of them.
pub(crate) const PRECISION: &str = "Percentiles are the upper ends of intervals, at most 1/128 (0.8 %) too high; max and mean are exact.";

/// A transition and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyedTransition {
    /// The key's number; `None` without `--per-key`.
    pub(crate) key: Option<u32>,
    pub(crate) transition: Transition,
}

/// How many of a kind of call were in the trace, and how many of them the policy would not have made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) seen: u64,
    pub(crate) avoided: u64,
}

impl Tally {
    fn count(&mut self, admitted: bool) {
        self.seen += 1;
        self.avoided += u64::from(!admitted);
    }
}

/// The result of a replay.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) rows: u64,
    pub(crate) admitted: u64,
    pub(crate) refused: u64,
    /// Calls that ended in an error or a timeout.
    pub(crate) failures: Tally,
    /// Calls above the slow limit; `None` when the policy has none.
    pub(crate) slow: Option<Tally>,
    /// Calls that were ok and not slow: those that it would have refused are the price.
    pub(crate) good: Tally,
    /// By instant, then by first appearance of the key.
    pub(crate) transitions: Vec<KeyedTransition>,
    pub(crate) latency_before: Option<LatencySummary>,
    pub(crate) latency_after: Option<LatencySummary>,
    /// The most results that came to one breaker.
    pub(crate) most_results: u64,
    /// The last ask or report.
    pub(crate) end_ns: u64,
    /// The first ask.
    pub(crate) start_ns: u64,
    /// The names of the keys by number; empty without `--per-key`.
    pub(crate) keys: Vec<String>,
    pub(crate) key_count: KeyCount,
    pub(crate) extent: Extent,
}

/// A summary in the making.
pub(crate) struct Tallies {
    slow_limit_ns: Option<u64>,
    start_ns: Option<u64>,
    admitted: u64,
    refused: u64,
    failures: Tally,
    slow: Tally,
    good: Tally,
    before: LogHistogram,
    after: LogHistogram,
}

impl Tallies {
    pub(crate) fn new(slow_limit_ns: Option<u64>) -> Self {
        let precision = LogHistogramPolicy::new(PRECISION_BITS)
            .unwrap_or_else(|error| unreachable!("a constant in range: {error}"));
        Self {
            slow_limit_ns,
            start_ns: None,
            admitted: 0,
            refused: 0,
            failures: Tally::default(),
            slow: Tally::default(),
            good: Tally::default(),
            before: LogHistogram::new(precision),
            after: LogHistogram::new(precision),
        }
    }

    pub(crate) fn row(&mut self, row: &Row<'_>, admitted: bool) {
        self.start_ns.get_or_insert(row.t_ns);
        let failed = row.outcome != RowOutcome::Ok;
        let slow = self
            .slow_limit_ns
            .is_some_and(|limit| row.latency_ns > limit);
        if failed {
            self.failures.count(admitted);
        }
        if slow {
            self.slow.count(admitted);
        }
        if !failed && !slow {
            self.good.count(admitted);
        }
        self.before.record(row.t_ns, row.latency_ns);
        if admitted {
            self.admitted += 1;
            self.after.record(row.t_ns, row.latency_ns);
        } else {
            self.refused += 1;
        }
    }

    pub(crate) fn summary(self, done: Done, trace: Trace) -> Summary {
        let end_ns = done.end_ns;
        Summary {
            rows: self.admitted + self.refused,
            admitted: self.admitted,
            refused: self.refused,
            failures: self.failures,
            slow: self.slow_limit_ns.map(|_| self.slow),
            good: self.good,
            transitions: done.transitions,
            most_results: done.most_results,
            latency_before: self.before.summary(end_ns),
            latency_after: self.after.summary(end_ns),
            end_ns,
            start_ns: self.start_ns.unwrap_or(end_ns),
            key_count: trace.key_count(),
            extent: trace.extent(),
            keys: trace.into_keys(),
        }
    }
}

impl Summary {
    /// The name of a transition's key; `None` without `--per-key`.
    pub(crate) fn key_name(&self, noted: &KeyedTransition) -> Option<&str> {
        self.keys.get(noted.key? as usize).map(String::as_str)
    }

    /// One JSON object on one line.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&SummaryJson {
            rows: self.rows,
            admitted: self.admitted,
            refused: self.refused,
            failures: self.failures,
            slow: self.slow,
            good_refused: self.good.avoided,
            transitions: self
                .transitions
                .iter()
                .map(|noted| TransitionJson {
                    at_ns: noted.transition.at_ns,
                    key: self.key_name(noted),
                    from: noted.transition.from,
                    to: noted.transition.to,
                    cause: noted.transition.cause,
                })
                .collect(),
            latency_before: self.latency_before.map(LatencyJson::from),
            latency_after: self.latency_after.map(LatencyJson::from),
        })
    }
}

/// The object of `--json`: other programs rely on these names and their order.
#[derive(Serialize)]
struct SummaryJson<'a> {
    rows: u64,
    admitted: u64,
    refused: u64,
    failures: Tally,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow: Option<Tally>,
    good_refused: u64,
    transitions: Vec<TransitionJson<'a>>,
    latency_before: Option<LatencyJson>,
    latency_after: Option<LatencyJson>,
}

#[derive(Serialize)]
struct TransitionJson<'a> {
    at_ns: u64,
    key: Option<&'a str>,
    from: Phase,
    to: Phase,
    cause: Cause,
}

#[derive(Serialize)]
struct LatencyJson {
    count: u64,
    mean_ns: u64,
    min_ns: u64,
    p50_ns: u64,
    p90_ns: u64,
    p95_ns: u64,
    p99_ns: u64,
    p999_ns: u64,
    max_ns: u64,
}

impl From<LatencySummary> for LatencyJson {
    fn from(summary: LatencySummary) -> Self {
        Self {
            count: summary.count,
            mean_ns: summary.mean,
            min_ns: summary.min,
            p50_ns: summary.p50,
            p90_ns: summary.p90,
            p95_ns: summary.p95,
            p99_ns: summary.p99,
            p999_ns: summary.p999,
            max_ns: summary.max,
        }
    }
}
