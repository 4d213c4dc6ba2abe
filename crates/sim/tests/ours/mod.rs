//! What the tests of our scenarios share: runs with one seed, and statements at 99 % confidence.
#![allow(dead_code, reason = "each test file uses a part of it")]

use evenkeel_sim::{Report, Scenario, Streams, Summary, Watch, scenarios};

/// Written down before the first run of these tests, and not changed since.
const SEED: u64 = 7_000_003;
pub(crate) const RUNS: u64 = 20;
/// Two-sided 99 % of Student's t with 19 degrees of freedom.
const T99: f64 = 2.861;

pub(crate) fn report(name: &str, params: &str) -> Report {
    let mut scenario = scenarios::by_name(name).expect("it is built in");
    for pair in params.split_whitespace() {
        let (param, text) = pair.split_once('=').expect("k=v");
        scenario.set(param, text).expect("it is a parameter");
    }
    report_of(&mut *scenario, RUNS)
}

pub(crate) fn report_of(scenario: &mut dyn Scenario, runs: u64) -> Report {
    let run = |run| scenario.run(Streams::of_run(SEED, run), &mut Watch::off());
    let all: Vec<_> = (0..runs).map(run).collect();
    Report::of(scenario, SEED, &all)
}

/// A metric of a report of [`RUNS`] runs.
pub(crate) fn metric(report: &Report, name: &str) -> Summary {
    report.metric(name).expect("it is a metric")
}

/// Whether the true mean of `less` is below `factor` times that of `more`, at 99 %.
pub(crate) fn is_below(less: Summary, factor: f64, more: Summary) -> bool {
    let error = less
        .margin(1.0, RUNS)
        .hypot(factor * more.margin(1.0, RUNS));
    less.mean + T99 * error < factor * more.mean
}

/// Whether the true mean is within these limits, at 99 %.
pub(crate) fn is_within(summary: Summary, low: f64, high: f64) -> bool {
    let margin = summary.margin(T99, RUNS);
    low <= summary.mean - margin && summary.mean + margin <= high
}
