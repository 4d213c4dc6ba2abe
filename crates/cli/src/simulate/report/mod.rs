//! The report of a simulation: one HTML file that needs nothing else.

mod caption;
mod curves;
mod legend;
mod scale;
mod spread;
mod style;
mod tables;
mod trend;

use evenkeel_sim::{Streams, Watch};
use std::time::Duration;

use style::COLOURS;

use super::args::Sweep;
use super::measured::measured;
use super::study::{Measure, Study, runs_told};
use super::tell::between;
use crate::numbers;
use crate::report::page::{self, Head};
use crate::report::style::CSS;
use crate::report::svg::{Svg, escape};
use crate::text::label;

/// So many sides get curves; more cannot be told apart.
pub(crate) const MAX_CURVES: usize = 6;
/// Curves have so many points.
const CELLS: u64 = 120;

/// What the report is about.
pub(crate) struct Inputs<'a> {
    pub(crate) studies: &'a [Study],
    /// What was swept; its points are the studies, the first sweep outermost.
    pub(crate) sweeps: &'a [Sweep],
    /// What makes the same again.
    pub(crate) command: &'a str,
}

impl Inputs<'_> {
    /// How many lines the points of a sweep make over the values of its first parameter.
    fn lines(&self) -> usize {
        let values = self.sweeps.first().map_or(1, |sweep| sweep.values.len());
        (self.studies.len() / values.max(1)).max(1)
    }

    /// The colour of a study: of a sweep that of its line.
    fn colour(&self, at: usize) -> usize {
        match self.sweeps {
            [] => at % COLOURS,
            _ => at % self.lines() % COLOURS,
        }
    }
}

/// The whole file.
pub(crate) fn html(inputs: &Inputs<'_>) -> String {
    let title = title(inputs.studies);
    let told = [about(inputs), runs_told(inputs.studies)].map(|line| escape(&line));
    let head = Head {
        command: "simulate",
        title: &title,
        heading: &title,
        about: &told,
        style: style::CSS,
    };
    let mut body = String::new();
    if let [only] = inputs.studies {
        body += &tiles(only);
    }
    body += &in_words(inputs.studies);
    if !inputs.sweeps.is_empty() {
        body += &trend::section(inputs);
    }
    body += &over_time(inputs.studies);
    body += &spread::section(inputs);
    body += &tables::metrics(inputs.studies);
    body += &tables::params(inputs);
    body += &format!(
        "<section>\n<h2>The same again</h2>\n<pre>{}</pre>\n</section>\n",
        escape(inputs.command)
    );
    page::html(&head, &body)
}

/// The scenarios, each once.
fn title(studies: &[Study]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for study in studies {
        if !names.contains(&study.plan.scenario.name()) {
            names.push(study.plan.scenario.name());
        }
    }
    names.join(" and ")
}

/// What is simulated.
fn about(inputs: &Inputs<'_>) -> String {
    match inputs.studies {
        [only] => format!("{}.", only.plan.scenario.about()),
        studies if inputs.sweeps.is_empty() => {
            let labels = studies.iter().map(|study| study.plan.label.as_str());
            labels.collect::<Vec<_>>().join(" beside ")
        }
        _ => {
            let swept = inputs.sweeps.iter().map(|sweep| {
                let values = sweep.values.join(", ");
                format!("{} = {values}", sweep.name)
            });
            swept.collect::<Vec<_>>().join("; ")
        }
    }
}

/// The metrics, large.
fn tiles(study: &Study) -> String {
    page::tiles(study.measures.iter().map(|measure| {
        let about = match measure.interval {
            Some(_) => format!("99 %: {}", between(measure.interval)),
            None => "one run".to_owned(),
        };
        (measure.metric.name, measured(measure.summary.mean), about)
    }))
}

/// How often something happened, side by side.
fn in_words(studies: &[Study]) -> String {
    let mut sentences = Vec::new();
    for study in studies.iter().take(COLOURS) {
        for words in study.measures.iter().filter_map(Measure::in_words) {
            sentences.push(match studies.len() {
                1 => format!("{words}."),
                _ => format!("{}: {words}.", study.plan.label),
            });
        }
    }
    if sentences.is_empty() {
        return String::new();
    }
    format!(
        "<section>\n<p class=\"words\">{}</p>\n</section>\n",
        escape(&sentences.join("\n")).replace('\n', "<br>\n")
    )
}

/// The curves of each one's first run.
fn over_time(studies: &[Study]) -> String {
    let head = "<section>\n<h2>Over time</h2>\n";
    let sides = match sides(studies) {
        Sides::None => return String::new(),
        Sides::Many => {
            return format!(
                "{head}<p class=\"note\">Curves are drawn of at most {MAX_CURVES} beside each other: sweep fewer \
                 values for them.</p>\n</section>\n"
            );
        }
        Sides::Few(sides) => sides,
    };
    let of = match studies {
        [only] => numbers::counted(only.plan.runs, "run"),
        _ => "each one's runs".to_owned(),
    };
    format!(
        "{head}{}<div class=\"figure\" tabindex=\"0\">\n{}</div>\n\
         <p class=\"note\">The first of {of}: rates a second over each of {CELLS} cells of its time, levels at their \
         end. Hover for numbers.</p>\n</section>\n",
        curves::legend(&sides).html(),
        curves::draw(&sides).finish()
    )
}

/// What there is to draw over time.
enum Sides<'a> {
    /// No scenario has curves.
    None,
    Few(Vec<curves::Side<'a>>),
    /// They cannot be told apart.
    Many,
}

fn sides(studies: &[Study]) -> Sides<'_> {
    let has_columns = |study: &&Study| !study.plan.scenario.columns().is_empty();
    let shown: Vec<&Study> = studies.iter().filter(has_columns).collect();
    match shown.len() {
        0 => Sides::None,
        1..=MAX_CURVES => Sides::Few(shown.into_iter().map(watched).collect()),
        _ => Sides::Many,
    }
}

/// The curves alone, or what a sweep comes to where they are too many: a picture that stands alone.
pub(crate) fn picture(inputs: &Inputs<'_>) -> Option<String> {
    const MARGIN: f64 = 14.0;
    const LONGEST_COMMAND: usize = 120;
    let (legend, figure) = match (sides(inputs.studies), inputs.sweeps.first()) {
        (Sides::Few(sides), _) => (curves::legend(&sides), curves::draw(&sides)),
        (_, Some(sweep)) => trend::draw(inputs, sweep),
        _ => return None,
    };
    let mut head = Svg::new(0.0, 0.0, "");
    let title = title(inputs.studies);
    head.label("side", MARGIN, 24.0, &title);
    let command = label(inputs.command, LONGEST_COMMAND);
    head.label("tick end", figure.width() - MARGIN, 24.0, &command);
    let legend_height = legend.draw(&mut head, MARGIN, 36.0, figure.width() - MARGIN);
    let css = format!("{CSS}{}", style::CSS);
    Some(head.file(42.0 + legend_height, &figure, &css, &title))
}

/// The first run once more, with somebody looking.
fn watched(study: &Study) -> curves::Side<'_> {
    let end_ns = study.runs.first().map_or(0, |run| run.end_ns);
    let grid = Duration::from_nanos(end_ns.div_ceil(CELLS).max(1));
    let mut watch = Watch::every(grid);
    let streams = Streams::of_run(study.plan.seed, 0);
    study.plan.scenario.run(streams, &mut watch);
    curves::Side {
        label: &study.plan.label,
        scenario: study.plan.scenario.name(),
        end_ns,
        watch,
    }
}
