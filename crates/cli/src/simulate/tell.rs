//! What `simulate` prints for people: a table for one scenario; for several, each metric with its interval as a plot.

use std::fmt::Write;
use std::slice;

use super::interval::Interval;
use super::measured::measured;
use super::study::{Measure, Study, metrics, runs_told};
use crate::numbers;
use crate::text::{aligned, label};

/// More of a label is not shown.
const LONGEST_LABEL: usize = 40;
/// How wide a plot is at most, and when it is left out.
const WIDEST_PLOT: usize = 48;
const NARROWEST_PLOT: usize = 10;

/// All that is said of these; `swept` names the parameters in which they differ.
pub(crate) fn text(studies: &[Study], swept: &[&str], width: usize) -> String {
    let mut text = heads(studies);
    match studies {
        [only] => {
            text += &settings(only);
            text += &table(only);
        }
        _ => {
            for measure in metrics(studies) {
                text += &plot(measure, studies, swept, width);
            }
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// What was simulated.
fn heads(studies: &[Study]) -> String {
    let mut text = String::new();
    let mut seen = Vec::new();
    for study in studies {
        let scenario = &study.plan.scenario;
        if !seen.contains(&scenario.name()) {
            seen.push(scenario.name());
            let _ = writeln!(text, "{}: {}", scenario.name(), scenario.about());
        }
    }
    let events: u64 = studies
        .iter()
        .flat_map(|study| &study.runs)
        .map(|run| run.events)
        .sum();
    let events = numbers::counted(events, "event");
    let _ = writeln!(text, "{}, {events} in all\n", runs_told(studies));
    text
}

/// The parameters that are not as built in.
fn settings(study: &Study) -> String {
    let rows: Vec<Vec<String>> = study
        .params
        .iter()
        .filter(|setting| setting.differs())
        .map(|setting| {
            let default = setting.default.as_ref();
            let instead = default.map(|value| format!("instead of {value}"));
            vec![
                setting.name.into(),
                label(&setting.value.to_string(), LONGEST_LABEL),
                instead.unwrap_or_default(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    aligned(&rows, &[false, true, false]) + "\n"
}

/// Every metric of one scenario.
fn table(study: &Study) -> String {
    let heads = ["", "mean", "99 % confidence", "sd", "min", "max"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for Measure {
        metric,
        summary,
        interval,
        ..
    } in &study.measures
    {
        rows.push(vec![
            metric.name.into(),
            measured(summary.mean),
            between(*interval),
            measured(summary.sd),
            measured(summary.min),
            measured(summary.max),
        ]);
    }
    let mut text = aligned(&rows, &[false, true, true, true, true, true]);
    text.push('\n');
    for measure in &study.measures {
        let _ = writeln!(text, "  {}: {}", measure.metric.name, measure.about());
    }
    for words in study.measures.iter().filter_map(Measure::in_words) {
        let _ = write!(text, "\n{words}.\n");
    }
    text
}

pub(crate) fn between(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "-".into(),
        |Interval { low, high }| format!("{} to {}", measured(low), measured(high)),
    )
}

/// One metric of all of these.
fn plot(of: &Measure, studies: &[Study], swept: &[&str], width: usize) -> String {
    let name = of.metric.name;
    let found: Vec<(&Study, &Measure)> = studies
        .iter()
        .filter_map(|study| Some((study, study.measure(name)?)))
        .collect();
    let names = if swept.is_empty() { &[""] } else { swept };
    let words = names.iter().chain(&["mean", "99 % confidence"]);
    let mut rows = vec![words.map(|word| (*word).to_owned()).collect::<Vec<_>>()];
    rows.extend(found.iter().map(|(study, measure)| {
        let plan = &study.plan;
        let names = match swept {
            [] => slice::from_ref(&plan.label),
            _ => &plan.point[..],
        };
        let numbers = [measured(measure.summary.mean), between(measure.interval)];
        let names = names.iter().map(|name| label(name, LONGEST_LABEL));
        names.chain(numbers).collect()
    }));
    let mut right = vec![false; names.len()];
    right.extend([true, true]);
    let table = aligned(&rows, &right);
    let widest = table.lines().map(|line| line.chars().count()).max();
    let widest = widest.unwrap_or(0);
    let room = width.saturating_sub(widest + 2).min(WIDEST_PLOT);
    let mut text = format!("{name}: {}\n", of.about());
    if room < NARROWEST_PLOT {
        return text + &table + "\n";
    }
    let axis = Axis::of(&found, room);
    let plots = [axis.ends()]
        .into_iter()
        .chain(found.iter().map(|(_, measure)| axis.mark(measure)));
    for (line, plot) in table.lines().zip(plots) {
        let _ = writeln!(text, "{}", format!("{line:widest$}  {plot}").trim_end());
    }
    text + "\n"
}

/// The ends of a metric, in so many columns.
struct Axis {
    low: f64,
    high: f64,
    columns: usize,
}

impl Axis {
    fn of(found: &[(&Study, &Measure)], columns: usize) -> Self {
        let ends = found.iter().map(|(_, measure)| ends(measure));
        let low = ends.clone().map(|(low, _)| low);
        let high = ends.map(|(_, high)| high);
        Self {
            low: low.fold(f64::INFINITY, f64::min),
            high: high.fold(f64::NEG_INFINITY, f64::max),
            columns,
        }
    }

    fn column(&self, value: f64) -> usize {
        let span = self.high - self.low;
        let share = if span > 0.0 {
            (value - self.low) / span
        } else {
            0.5
        };
        (share * (self.columns - 1) as f64).round() as usize
    }

    /// What the first and the last column are; nothing where they are one.
    fn ends(&self) -> String {
        let (low, high) = (measured(self.low), measured(self.high));
        let room = self.columns.saturating_sub(low.chars().count());
        if self.high > self.low && room > high.chars().count() {
            format!("{low}{high:>room$}")
        } else {
            String::new()
        }
    }

    /// `├──●──┤`.
    fn mark(&self, measure: &Measure) -> String {
        let (low, high) = ends(measure);
        let (low, high) = (self.column(low), self.column(high));
        let mean = self.column(measure.summary.mean);
        (0..=high)
            .map(|column| match column {
                _ if column == mean => '●',
                _ if column < low => ' ',
                _ if column == low => '├',
                _ if column == high => '┤',
                _ => '─',
            })
            .collect()
    }
}

/// What a plot must hold of a metric.
pub(crate) fn ends(measure: &Measure) -> (f64, f64) {
    let mean = measure.summary.mean;
    measure
        .interval
        .map_or((mean, mean), |of| (of.low, of.high))
}
