//! A sweep as curves: each metric over the values of the first sweep, one line for each combination of the others.

use std::time::Duration;

use evenkeel_core::span;

use super::Inputs;
use super::caption::Caption;
use super::legend::Legend;
use super::scale::Scale;
use super::style::COLOURS;
use crate::report::svg::{Path, Svg, escape};
use crate::simulate::args::Sweep;
use crate::simulate::measured::measured;
use crate::simulate::study::{Measure, Study, metrics};
use crate::simulate::tell::{between, ends};
use crate::text::label;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 26.0;
const HEIGHT: f64 = 220.0;
const CAPTION: f64 = 36.0;
const FOOT: f64 = 52.0;
/// A range that spans so many times its least value is drawn on a log scale.
const WIDE: f64 = 30.0;
/// More of a value is not shown.
const LONGEST_VALUE: usize = 24;

/// Where the values of the first sweep lie, from 0 to 1.
struct Axis {
    places: Vec<f64>,
    is_log: bool,
}

impl Axis {
    /// Numbers and spans lie where they belong, names side by side.
    fn of(values: &[String]) -> Self {
        // A span without a unit is nanoseconds, beside one that has a unit.
        let are_spans = values.iter().any(|value| is_span(value));
        let numbers: Option<Vec<f64>> = values
            .iter()
            .map(|value| number(value, are_spans))
            .collect();
        let side_by_side = |at: usize| (at as f64 + 0.5) / values.len() as f64;
        let Some(numbers) = numbers.filter(|_| values.len() > 1) else {
            return Self {
                places: (0..values.len()).map(side_by_side).collect(),
                is_log: false,
            };
        };
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_log = low > 0.0 && high / low >= WIDE;
        let scaled = |value: f64| if is_log { value.ln() } else { value };
        let scale = Scale::new(scaled(low), scaled(high), (0.03, 0.97));
        Self {
            places: numbers
                .into_iter()
                .map(|value| scale.at(scaled(value)))
                .collect(),
            is_log,
        }
    }
}

/// A number, a percentage, or a span in seconds.
fn number(text: &str, is_span: bool) -> Option<f64> {
    let unit = if is_span { 1e-9 } else { 1.0 };
    let plain = text.parse().ok().filter(|value: &f64| value.is_finite());
    let percent = || {
        let percent: f64 = text.strip_suffix('%')?.trim().parse().ok()?;
        Some(percent / 100.0)
    };
    let seconds = || {
        span::parse(text)
            .ok()
            .map(|span: Duration| span.as_secs_f64())
    };
    plain
        .map(|value| value * unit)
        .or_else(percent)
        .or_else(seconds)
}

/// Whether this has the unit of a span.
fn is_span(text: &str) -> bool {
    text.parse::<f64>().is_err() && span::parse(text).is_ok()
}

/// One combination of the other sweeps: a line through the values of the first.
struct Line<'a> {
    label: String,
    studies: Vec<&'a Study>,
}

/// The lines, in the order of the points: the first sweep is outermost.
fn lines<'a>(inputs: &Inputs<'a>) -> Vec<Line<'a>> {
    let lines = inputs.lines();
    (0..lines)
        .map(|line| {
            let studies: Vec<&Study> = inputs.studies.iter().skip(line).step_by(lines).collect();
            let others = inputs.sweeps.iter().skip(1);
            let point = studies.first().map_or(&[][..], |study| &study.plan.point);
            let said = others
                .zip(point.iter().skip(1))
                .map(|(sweep, value)| format!("{}={value}", sweep.name));
            Line {
                label: said.collect::<Vec<_>>().join(" "),
                studies,
            }
        })
        .collect()
}

/// The plot with what is said of it.
pub(crate) fn section(inputs: &Inputs<'_>) -> String {
    let Some(sweep) = inputs.sweeps.first() else {
        return String::new();
    };
    let (legend, svg) = draw(inputs, sweep);
    let hidden = match inputs.lines().saturating_sub(COLOURS) {
        0 => String::new(),
        more => format!(" {more} more lines are left out: the table has all."),
    };
    format!(
        "<section>\n<h2>Over {}</h2>\n{}<div class=\"figure\" tabindex=\"0\">\n{}</div>\n\
         <p class=\"note\">Means with their 99 % confidence intervals.{hidden}</p>\n</section>\n",
        escape(&sweep.name),
        legend.html(),
        svg.finish()
    )
}

/// Every metric over the values of the first sweep, two in a row.
pub(crate) fn draw(inputs: &Inputs<'_>, sweep: &Sweep) -> (Legend, Svg) {
    let all = lines(inputs);
    let drawn = &all[..all.len().min(COLOURS)];
    let axis = Axis::of(&sweep.values);
    let names = metrics(inputs.studies);
    let columns = if names.len() == 1 { 1 } else { 2 };
    let width = WIDTH / columns as f64;
    let of_row = |row: &[&Measure]| -> Vec<Caption> {
        let captions = row.iter().map(|of| Caption::of(of, width - LEFT - RIGHT));
        captions.collect()
    };
    let captions: Vec<Vec<Caption>> = names.chunks(columns).map(of_row).collect();
    // As high as the highest caption of the row: its panels begin at one height.
    let highest = |row: &[Caption]| {
        row.iter()
            .map(Caption::more)
            .fold(CAPTION, |most, more| most.max(CAPTION + more))
    };
    let height: f64 = captions
        .iter()
        .map(|row| highest(row) + HEIGHT + FOOT)
        .sum();
    let title = format!("Each metric over {}", sweep.name);
    let mut svg = Svg::new(WIDTH, height, &title);
    let mut top = 0.0;
    for (row, captions) in names.chunks(columns).zip(&captions) {
        top += highest(captions);
        for (column, (of, caption)) in row.iter().zip(captions).enumerate() {
            let frame = Frame {
                left: column as f64 * width + LEFT,
                top,
                width: width - LEFT - RIGHT,
                axis: &axis,
            };
            caption.draw(&mut svg, frame.left, top - 12.0);
            frame.draw(&mut svg, of, drawn);
            frame.foot(&mut svg, sweep);
        }
        top += HEIGHT + FOOT;
    }
    (legend(drawn), svg)
}

fn legend(lines: &[Line<'_>]) -> Legend {
    let mut legend = Legend::default();
    if lines.len() > 1 {
        for (at, line) in lines.iter().enumerate() {
            legend.line(&line.label, format!("trend s{at}"));
        }
    }
    legend
}

/// Where one metric is drawn.
struct Frame<'a> {
    left: f64,
    top: f64,
    width: f64,
    axis: &'a Axis,
}

impl Frame<'_> {
    fn x(&self, at: usize) -> f64 {
        let share = self.axis.places.get(at).copied().unwrap_or(0.5);
        self.left + share * self.width
    }

    fn draw(&self, svg: &mut Svg, of: &Measure, lines: &[Line<'_>]) {
        let found = |study: &&Study| study.measure(of.metric.name).map(ends);
        let all: Vec<(f64, f64)> = lines
            .iter()
            .flat_map(|line| line.studies.iter().filter_map(found))
            .collect();
        let low = all
            .iter()
            .fold(f64::INFINITY, |low, (end, _)| low.min(*end));
        let high = all
            .iter()
            .fold(f64::NEG_INFINITY, |high, (_, end)| high.max(*end));
        // From zero, unless the values would then all look alike.
        let low = if low > 0.0 && low < 0.8 * high {
            0.0
        } else {
            low
        };
        let scale = Scale::new(low, high, (self.top + HEIGHT, self.top));
        for (value, text) in scale.levels(5) {
            let y = scale.at(value);
            svg.line("grid", (self.left, y), (self.left + self.width, y));
            svg.label("tick end", self.left - 6.0, y + 4.0, &text);
        }
        for (at, line) in lines.iter().enumerate() {
            self.line(svg, of.metric.name, &scale, (at, line));
        }
    }

    fn line(&self, svg: &mut Svg, metric: &str, scale: &Scale, (colour, line): (usize, &Line<'_>)) {
        let measures = || {
            let found = line.studies.iter().enumerate();
            found.filter_map(|(at, study)| Some((at, *study, study.measure(metric)?)))
        };
        let mut order: Vec<(f64, f64)> = measures()
            .map(|(at, _, measure)| (self.x(at), scale.at(measure.summary.mean)))
            .collect();
        // In the order of the axis, however the values were given.
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut path = Path::default();
        for (at, (x, y)) in order.into_iter().enumerate() {
            match at {
                0 => path.move_to(x, y),
                _ => path.line_to(x, y),
            }
        }
        svg.path(&format!("trend s{colour}"), &path);
        for (at, study, measure) in measures() {
            let (x, y) = (self.x(at), scale.at(measure.summary.mean));
            let (low, high) = ends(measure);
            let title = format!(
                "{}\nmean {}, 99 % confidence {}",
                study.plan.label,
                measured(measure.summary.mean),
                between(measure.interval)
            );
            let mut whisker = Path::default();
            for end in [scale.at(low), scale.at(high)] {
                whisker.move_to(x - 3.5, end);
                whisker.line_to(x + 3.5, end);
            }
            whisker.move_to(x, scale.at(low));
            whisker.line_to(x, scale.at(high));
            let mut dot = Path::default();
            dot.shape(x, y, "m-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z");
            svg.titled("value", &title, |svg| {
                svg.path(&format!("interval s{colour}"), &whisker);
                svg.path(&format!("point f{colour}"), &dot);
            });
        }
    }

    /// What was swept.
    fn foot(&self, svg: &mut Svg, sweep: &Sweep) {
        let log = if self.axis.is_log { " (log scale)" } else { "" };
        let middle = self.left + self.width / 2.0;
        let name = format!("{}{log}", sweep.name);
        svg.label("tick middle", middle, self.top + HEIGHT + 38.0, &name);
        self.values(svg, &sweep.values);
    }

    /// The values of the sweep below, as they were given; one that has no room is left out.
    fn values(&self, svg: &mut Svg, values: &[String]) {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| self.x(*a).total_cmp(&self.x(*b)));
        let mut free = f64::NEG_INFINITY;
        let y = self.top + HEIGHT;
        for at in order {
            let x = self.x(at);
            let text = label(&values[at], LONGEST_VALUE);
            let half = text.chars().count() as f64 * 3.1 + 2.0;
            svg.line("grid", (x, y), (x, y + 5.0));
            if x - half >= free {
                svg.label("tick middle", x, y + 20.0, &text);
                free = x + half;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, number};

    #[test]
    fn numbers_and_spans_lie_where_they_belong() {
        assert_eq!(
            [
                ("50%", false),
                ("2", false),
                ("1.5s", true),
                ("500000000", true)
            ]
            .map(|(text, is_span)| number(text, is_span)),
            [Some(0.5), Some(2.0), Some(1.5), Some(0.5)]
        );
        assert_eq!(number("full", false), None);
        let places = |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|value| (*value).into()).collect();
            Axis::of(&values)
        };
        let names = places(&["none", "full"]);
        assert_eq!((names.places, names.is_log), (vec![0.25, 0.75], false));
        let linear = places(&["10", "20", "40"]);
        assert!((linear.places[1] - (0.03 + 0.94 / 3.0)).abs() < 1e-9 && !linear.is_log);
        // The same number, however it is written.
        let mixed = places(&["0", "10%", "0.2"]);
        assert!((mixed.places[1] - 0.5).abs() < 1e-9);
        let mixed = places(&["0", "5000000000", "10s"]);
        assert!((mixed.places[1] - 0.5).abs() < 1e-9);
        let log = places(&["1ms", "10ms", "100ms"]);
        assert!((log.places[1] - 0.5).abs() < 1e-9 && log.is_log);
    }
}
