//! What the tests of our scenarios share: runs with one seed, and statements at 99 % confidence.
#![allow(dead_code, reason = "each test file uses a part of it")]

use evenkeel_sim::{Metric, Report, Run, Scenario, Streams, Summary, Watch, scenarios};

/// Written down before the first run of these tests, and not changed since.
const SEED: u64 = 7_000_003;
pub(crate) const RUNS: u64 = 20;
/// Two-sided 99 % of Student's t with 19 degrees of freedom.
const T99: f64 = 2.861;

fn scenario(name: &str, params: &str) -> Box<dyn Scenario> {
    let mut scenario = scenarios::by_name(name).expect("it is built in");
    for pair in params.split_whitespace() {
        let (param, text) = pair.split_once('=').expect("k=v");
        scenario.set(param, text).expect("it is a parameter");
    }
    scenario.check().expect("they fit together");
    scenario
}

pub(crate) fn report(name: &str, params: &str) -> Report {
    report_of(&mut *scenario(name, params), RUNS)
}

/// The same runs with these parameters and with those: what differs between runs, such as how long an outage is, is the
/// same for both.
pub(crate) struct Pairs {
    metrics: &'static [Metric],
    runs: [Vec<Run>; 2],
}

/// Outages differ more than what happens in them.
const PAIRS: u64 = 60;
/// With 59 degrees of freedom.
const PAIRS_T99: f64 = 2.662;

impl Pairs {
    pub(crate) fn of(name: &str, these: &str, those: &str) -> Self {
        let of = |params| {
            let scenario = scenario(name, params);
            let run = |run| scenario.run(Streams::of_run(SEED, run), &mut Watch::off());
            (0..PAIRS).map(run).collect()
        };
        Self {
            metrics: scenario(name, these).metrics(),
            runs: [these, those].map(of),
        }
    }

    /// Those and these.
    pub(crate) fn swapped(mut self) -> Self {
        self.runs.swap(0, 1);
        self
    }

    /// Whether the true mean with these is below `factor` times that with those, at 99 %.
    pub(crate) fn is_less(&self, name: &str, factor: f64) -> bool {
        let at = self.metrics.iter().position(|metric| metric.name == name);
        let at = at.expect("it is a metric");
        let [these, those] = &self.runs;
        let pairs = these.iter().zip(those);
        let difference =
            Summary::of(pairs.map(|(this, that)| this.values[at] - factor * that.values[at]));
        difference.mean + difference.margin(PAIRS_T99, PAIRS) < 0.0
    }
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
