//! How each metric is spread over the runs: a histogram for each side, on one axis, with the mean and its interval.

use super::Inputs;
use super::caption::Caption;
use super::scale::Scale;
use super::style::COLOURS;
use crate::numbers;
use crate::report::svg::{Path, Svg};
use crate::simulate::measured::measured;
use crate::simulate::study::{Measure, Study, YES_OR_NO, metrics};
use crate::simulate::tell::between;
use crate::text::label;

const WIDTH: f64 = 1000.0;
const RIGHT: f64 = 24.0;
const EDGE: f64 = 24.0;
const LANE: f64 = 46.0;
const GAP: f64 = 10.0;
const CAPTION: f64 = 34.0;
const FOOT: f64 = 34.0;
/// More of a label is not shown.
const LONGEST_LABEL: usize = 40;

/// All metrics.
pub(crate) fn section(inputs: &Inputs<'_>) -> String {
    let studies = inputs.studies;
    if studies.iter().all(|study| study.runs.len() < 2) {
        return String::new();
    }
    let head = "<section>\n<h2>Over the runs</h2>\n";
    if studies.len() > COLOURS {
        return format!(
            "{head}<p class=\"note\">Runs are drawn of at most {COLOURS} below each other: sweep fewer values for \
             them.</p>\n</section>\n"
        );
    }
    let left = margin(studies);
    let names = metrics(studies);
    let lanes = |name: &str| {
        studies
            .iter()
            .filter(|study| study.measure(name).is_some())
            .count()
    };
    let captions: Vec<Caption> = names
        .iter()
        .map(|of| Caption::of(of, WIDTH - EDGE - RIGHT))
        .collect();
    let height = |name: &str| CAPTION + lanes(name) as f64 * (LANE + GAP) + FOOT;
    let all = names.iter().zip(&captions);
    let all: f64 = all
        .map(|(of, caption)| caption.more() + height(of.metric.name))
        .sum();
    let mut svg = Svg::new(WIDTH, all, "How each metric is spread over the runs");
    let mut top = 0.0;
    for (of, caption) in names.into_iter().zip(captions) {
        top += caption.more();
        // From the edge: the longest of them would run out of the figure beside a wide margin.
        caption.draw(&mut svg, EDGE, top + CAPTION - 12.0);
        panel(&mut svg, of, inputs, (left, top));
        top += height(of.metric.name);
    }
    format!(
        "{head}<div class=\"figure\" tabindex=\"0\">\n{}</div>\n\
         <p class=\"note\">Each bar is as high as the number of runs in it; all bars of a metric have one scale. The \
         upright line is the mean, the bar at its foot its 99 % confidence interval, with an arrow where that goes on.</p>\n</section>\n",
        svg.finish()
    )
}

/// Room for the labels of the lanes.
fn margin(studies: &[Study]) -> f64 {
    if studies.len() < 2 {
        return EDGE;
    }
    let longest = studies
        .iter()
        .map(|study| study.plan.label.chars().count().min(LONGEST_LABEL))
        .max();
    EDGE + longest.unwrap_or(0) as f64 * 6.2
}

fn panel(svg: &mut Svg, of: &Measure, inputs: &Inputs<'_>, (left, top): (f64, f64)) {
    let studies = inputs.studies;
    let found: Vec<(usize, &Study, &Measure)> = studies
        .iter()
        .enumerate()
        .filter_map(|(at, study)| Some((at, study, study.measure(of.metric.name)?)))
        .collect();
    let values = found.iter().flat_map(|(.., of)| &of.values).copied();
    // What is 0 or 1 is shown between them, also where it is always the same.
    let ends: &[f64] = match of.metric.unit {
        YES_OR_NO => &[0.0, 1.0],
        _ => &[],
    };
    let runs = found.iter().map(|(.., of)| of.values.len()).max();
    let bins = Bins::of(values.chain(ends.iter().copied()), runs.unwrap_or(0));
    let (low, high) = with_intervals(&bins, &found);
    let scale = Scale::new(low, high, (left, WIDTH - RIGHT));
    let bottom = top + CAPTION + found.len() as f64 * (LANE + GAP);
    for (value, text) in scale.levels(8) {
        let x = scale.at(value);
        svg.line("grid", (x, top + CAPTION - 4.0), (x, bottom + 4.0));
        svg.label("tick middle", x, bottom + 18.0, &text);
    }
    let counts: Vec<Vec<u64>> = found
        .iter()
        .map(|(.., of)| bins.counts(&of.values))
        .collect();
    let most = counts.iter().flatten().max().copied().unwrap_or(1).max(1);
    for (lane, ((at, study, measure), counts)) in found.iter().zip(&counts).enumerate() {
        let base = top + CAPTION + lane as f64 * (LANE + GAP) + LANE;
        if studies.len() > 1 {
            let name = label(&study.plan.label, LONGEST_LABEL);
            svg.label("tick end", left - 10.0, base - 4.0, &name);
        }
        svg.line("lane", (left, base), (WIDTH - RIGHT, base));
        bars(
            svg,
            &bins,
            &scale,
            (counts, most),
            (inputs.colour(*at), base),
        );
        mean(svg, &scale, measure, base);
    }
}

/// The ends of the axis: those of the bins, and of the intervals as far as they leave the bins room.
fn with_intervals(bins: &Bins, found: &[(usize, &Study, &Measure)]) -> (f64, f64) {
    let room = (bins.end() - bins.from) / 2.0;
    let intervals = found.iter().filter_map(|(.., of)| of.interval);
    intervals.fold((bins.from, bins.end()), |(low, high), of| {
        (
            low.min(of.low.max(bins.from - room)),
            high.max(of.high.min(bins.end() + room)),
        )
    })
}

/// The stretches of a metric's axis in which runs are counted.
#[derive(Debug, PartialEq)]
struct Bins {
    from: f64,
    width: f64,
    bins: usize,
}

impl Bins {
    /// For these values: about twice as many as the root of so many runs, and of whole numbers as many in each.
    fn of(values: impl Iterator<Item = f64> + Clone, runs: usize) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let bins = (2.0 * (runs as f64).sqrt()).clamp(10.0, 60.0).ceil();
        let range = high - low;
        let are_whole = values.into_iter().all(|value| value.fract() == 0.0);
        if are_whole && range >= 2.0 {
            let width = (range / bins).ceil();
            return Self {
                from: low - 0.5,
                width,
                bins: (range / width) as usize + 1,
            };
        }
        // One value alone stands in the middle of a range around it, in the middle bar.
        let bins = if range > 0.0 { bins } else { 11.0 };
        let scale = Scale::new(low, high, (0.0, bins));
        Self {
            from: scale.start(),
            width: scale.span() / bins,
            bins: bins as usize,
        }
    }

    fn start(&self, at: usize) -> f64 {
        self.from + self.width * at as f64
    }

    fn end(&self) -> f64 {
        self.start(self.bins)
    }

    /// How many of these are in each.
    fn counts(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.bins];
        for value in values {
            let at = ((value - self.from) / self.width) as usize;
            counts[at.min(self.bins - 1)] += 1;
        }
        counts
    }
}

fn bars(
    svg: &mut Svg,
    bins: &Bins,
    scale: &Scale,
    (counts, most): (&[u64], u64),
    (colour, base): (usize, f64),
) {
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (from, to) = (bins.start(at), bins.start(at + 1));
        let height = ((LANE - 4.0) * *count as f64 / most as f64).max(1.5);
        let runs = numbers::counted(*count, "run");
        let title = format!("{runs} from {} to {}", measured(from), measured(to));
        let (left, right) = (scale.at(from), scale.at(to));
        svg.titled("hist", &title, |svg| {
            svg.rect(
                &format!("bar f{colour}"),
                left + 0.5,
                base - height,
                right - left - 1.0,
                height,
            );
        });
    }
}

fn mean(svg: &mut Svg, scale: &Scale, measure: &Measure, base: f64) {
    let at = scale.at(measure.summary.mean);
    let title = format!(
        "mean {}, 99 % confidence {}, sd {}",
        measured(measure.summary.mean),
        between(measure.interval),
        measured(measure.summary.sd)
    );
    svg.titled("mark", &title, |svg| {
        if let Some(interval) = measure.interval {
            let (low, high) = (scale.at(interval.low), scale.at(interval.high));
            svg.line("whisker", (low, base), (high, base));
            let goes_on = [(interval.low, low, 6.0), (interval.high, high, -6.0)];
            for (end, place, inward) in goes_on {
                if !scale.holds(end) {
                    let mut arrow = Path::default();
                    arrow.move_to(place + inward, base - 5.0);
                    arrow.line_to(place, base);
                    arrow.line_to(place + inward, base + 5.0);
                    svg.path("goes-on", &arrow);
                }
            }
        }
        svg.line("mean", (at, base - LANE + 2.0), (at, base));
    });
}

#[cfg(test)]
mod tests {
    use super::Bins;

    #[test]
    fn each_bar_has_as_many_whole_numbers() {
        let bins = Bins::of((100..=160).map(f64::from), 100);
        assert_eq!((bins.from, bins.width, bins.bins), (99.5, 3.0, 21));
        let all: Vec<f64> = (100..=160).map(f64::from).collect();
        let counts = bins.counts(&all);
        assert_eq!(counts.iter().sum::<u64>(), 61);
        assert!(counts[..20].iter().all(|count| *count == 3));
    }

    /// Counts from 2 to 4 have a bar each, around them.
    #[test]
    fn few_whole_numbers_have_a_bar_each() {
        let bins = Bins::of([2.0, 3.0, 4.0].into_iter(), 5);
        assert_eq!((bins.from, bins.width, bins.bins), (1.5, 1.0, 3));
        assert_eq!(bins.counts(&[2.0, 3.0, 3.0, 4.0]), [1, 2, 1]);
    }

    #[test]
    fn the_ends_are_counted() {
        for values in [&[0.0, 1.0][..], &[0.25, 0.5, 0.75], &[7.0]] {
            let bins = Bins::of(values.iter().copied(), 100);
            let counts = bins.counts(values);
            assert_eq!(counts.iter().sum::<u64>(), values.len() as u64);
            assert!(bins.from <= values[0] && bins.end() >= values[values.len() - 1]);
        }
    }
}
