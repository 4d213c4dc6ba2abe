//! A scenario with what came of its runs.

use evenkeel_sim::{Metric, Report, Run, Scenario, Summary, Value, scenarios};

use super::interval::Interval;
use super::plan::Plan;
use crate::numbers;

/// The unit of a metric that says whether something happened.
pub(crate) const YES_OR_NO: &str = "0 or 1";

/// One scenario, simulated.
pub(crate) struct Study {
    pub(crate) plan: Plan,
    pub(crate) params: Vec<Setting>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) runs: Vec<Run>,
}

/// A parameter.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) value: Value,
    /// What it is in the built-in scenario of this name.
    pub(crate) default: Option<Value>,
}

/// A metric over the runs.
pub(crate) struct Measure {
    pub(crate) metric: Metric,
    pub(crate) summary: Summary,
    /// Where the mean lies, at 99 %.
    pub(crate) interval: Option<Interval>,
    /// One for each run.
    pub(crate) values: Vec<f64>,
}

impl Study {
    pub(crate) fn of(mut plan: Plan, runs: Vec<Run>) -> Self {
        let metrics = plan.scenario.metrics().iter().enumerate();
        let measures = metrics.map(|(at, metric)| Measure::of(*metric, at, &runs));
        Self {
            measures: measures.collect(),
            params: settings(&mut *plan.scenario),
            plan,
            runs,
        }
    }

    /// The metric of this name.
    pub(crate) fn measure(&self, name: &str) -> Option<&Measure> {
        self.measures
            .iter()
            .find(|measure| measure.metric.name == name)
    }

    /// As it is printed for other programs.
    pub(crate) fn json(&mut self) -> serde_json::Result<String> {
        let report = Report::of(&mut *self.plan.scenario, self.plan.seed, &self.runs);
        serde_json::to_string(&report)
    }
}

impl Setting {
    pub(crate) fn differs(&self) -> bool {
        self.default.as_ref() != Some(&self.value)
    }
}

impl Measure {
    fn of(metric: Metric, at: usize, runs: &[Run]) -> Self {
        let values: Vec<f64> = runs
            .iter()
            .filter_map(|run| run.values.get(at))
            .copied()
            .collect();
        let summary = Summary::of(values.iter().copied());
        let interval = match metric.unit {
            YES_OR_NO => Interval::of_share(summary.mean, values.len()),
            _ => Interval::of_mean(summary, values.len()),
        };
        Self {
            metric,
            summary,
            interval,
            values,
        }
    }

    /// What it is, with its unit.
    pub(crate) fn about(&self) -> String {
        let Metric { about, unit, .. } = self.metric;
        match unit {
            "" => about.into(),
            _ => format!("{about} ({unit})"),
        }
    }

    /// In words, if it says whether something happened: in how many runs it did.
    pub(crate) fn in_words(&self) -> Option<String> {
        if self.metric.unit != YES_OR_NO {
            return None;
        }
        let (name, runs) = (self.metric.name, self.values.len());
        let yes = self.values.iter().filter(|value| **value == 1.0).count();
        Some(format!("{name} in {yes} of {runs} runs"))
    }
}

/// How many runs there were, with which seed; "each" where there are several studies.
pub(crate) fn runs_told(studies: &[Study]) -> String {
    let mut runs: Vec<String> = Vec::new();
    for study in studies {
        let of = numbers::counted(study.plan.runs, "run");
        let said = format!("{of} with seed {}", study.plan.seed);
        if !runs.contains(&said) {
            runs.push(said);
        }
    }
    let each = if studies.len() > 1 { " each" } else { "" };
    format!("{}{each}", runs.join(", "))
}

/// The names of all metrics of these, each once.
pub(crate) fn metrics(studies: &[Study]) -> Vec<&Measure> {
    let mut all: Vec<&Measure> = Vec::new();
    for measure in studies.iter().flat_map(|study| &study.measures) {
        if all.iter().all(|of| of.metric.name != measure.metric.name) {
            all.push(measure);
        }
    }
    all
}

fn settings(scenario: &mut dyn Scenario) -> Vec<Setting> {
    let mut built_in = scenarios::by_name(scenario.name());
    let defaults = built_in.as_mut().map_or_else(Vec::new, |it| it.values());
    let params = scenario.params();
    params
        .iter()
        .map(|param| Setting {
            name: param.name(),
            about: param.about(),
            value: param.value(),
            default: defaults
                .iter()
                .find(|(name, _)| *name == param.name())
                .map(|(_, value)| value.clone()),
        })
        .collect()
}
