//! Traces and summaries for the tests of the pictures.

use evenkeel_core::breaker::{Cause, Phase, Transition};

use super::Timeline;
use crate::extent::Extent;
use crate::keys::KeyCount;
use crate::summary::{KeyedTransition, Summary, Tally};
use crate::trace::{Row, RowOutcome};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1000 * MS;

/// A call of key 0.
pub(crate) fn row(t_ns: u64, latency_ns: u64, outcome: RowOutcome) -> Row<'static> {
    Row {
        t_ns,
        key: "a",
        key_id: 0,
        latency_ns,
        outcome,
    }
}

/// `calls` calls, one every 10 ms; latencies vary, every tenth call fails, those of the second half are refused.
pub(crate) fn timeline(calls: u64, detailed: bool) -> Timeline {
    let mut timeline = Timeline::new(Some(20 * MS), detailed);
    for i in 0..calls {
        let outcome = if i % 10 == 9 {
            RowOutcome::Error
        } else {
            RowOutcome::Ok
        };
        timeline.row(
            &row(i * 10 * MS, (1 + i * 7 % 30) * MS, outcome),
            i * 2 < calls,
        );
    }
    timeline
}

/// From closed to open, half-open and closed again, once for each key.
pub(crate) fn round_trip(key: Option<u32>, opens_ns: u64, step_ns: u64) -> Vec<KeyedTransition> {
    let steps = [
        (Phase::Closed, Phase::Open, Cause::FailureRate),
        (Phase::Open, Phase::HalfOpen, Cause::WaitOver),
        (Phase::HalfOpen, Phase::Closed, Cause::TrialsPassed),
    ];
    (0..)
        .zip(steps)
        .map(|(i, (from, to, cause))| KeyedTransition {
            key,
            transition: Transition {
                at_ns: opens_ns + i * step_ns,
                from,
                to,
                cause,
                generation: i + 1,
            },
        })
        .collect()
}

/// A summary of `span_ns` from 0 on.
pub(crate) fn summary(
    span_ns: u64,
    keys: &[&str],
    mut transitions: Vec<KeyedTransition>,
) -> Summary {
    transitions.sort_by_key(|change| (change.transition.at_ns, change.key));
    Summary {
        rows: 900,
        admitted: 600,
        refused: 300,
        failures: Tally {
            seen: 100,
            avoided: 81,
        },
        slow: Some(Tally {
            seen: 50,
            avoided: 20,
        }),
        good: Tally {
            seen: 760,
            avoided: 41,
        },
        transitions,
        most_results: 600,
        latency_before: None,
        latency_after: None,
        end_ns: span_ns,
        start_ns: 0,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        key_count: KeyCount::default(),
        extent: Extent::default(),
    }
}
