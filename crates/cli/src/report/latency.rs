//! The upper panel: each call's latency on a log scale, the slow limit, and the rolling median and p99s.

use evenkeel_core::Quantile;

use super::Inputs;
use super::figure::Frame;
use super::svg::{Path, Svg};
use crate::numbers;
use crate::timeline::{Bin, Kind, Timeline};

/// What a line shows of a bin.
type Height = fn(&Bin) -> Option<u64>;

/// A log scale from one latency to another.
struct Scale {
    top: f64,
    height: f64,
    /// Logarithms of the least and the most shown.
    low: f64,
    high: f64,
}

impl Scale {
    /// Holds all of `values`, with a little room; latencies of zero lie at the bottom edge.
    fn new(values: impl Iterator<Item = u64>, (top, height): (f64, f64)) -> Self {
        let (mut least, mut most) = (u64::MAX, 0);
        for value in values.filter(|value| *value > 0) {
            least = least.min(value);
            most = most.max(value);
        }
        let (low, high) = if least > most {
            (log(1_000_000), log(1_000_000_000))
        } else {
            (log(least), log(most))
        };
        // At least a factor of ten, so that a steady latency does not look like noise; and a quarter of one at
        // either end, so that a row of timeouts does not lie on the edge.
        let room = ((1.0 - (high - low)) / 2.0).max(0.25);
        Self {
            top,
            height,
            low: low - room,
            high: high + room,
        }
    }

    fn y(&self, latency_ns: u64) -> f64 {
        let share = (log(latency_ns) - self.low) / (self.high - self.low);
        self.top + self.height * (1.0 - share.clamp(0.0, 1.0))
    }

    /// Round latencies within: powers of ten, with 2 and 5 times these where there is room for them; else only the
    /// outermost of those, so that no point lies far outside of all labels.
    fn levels(&self) -> Vec<u64> {
        let decades = self.high - self.low;
        let within: Vec<u64> = (0..20)
            .filter_map(|power| 10_u64.checked_pow(power))
            .flat_map(|power| [1, 2, 5].map(|digit| power.checked_mul(digit)))
            .flatten()
            .filter(|level| (self.low..=self.high).contains(&log(*level)))
            .collect();
        let ends =
            [within.first(), within.last()].map(|end| end.copied().filter(|_| decades < 6.0));
        let is_shown = |level: &u64| {
            let is_power = *level == 10_u64.pow(level.ilog10());
            decades < 2.5 || is_power || ends.contains(&Some(*level))
        };
        within.iter().copied().filter(is_shown).collect()
    }
}

/// A round latency, short: also the longest ones in seconds.
fn level_label(ns: u64) -> String {
    let (name, unit) = numbers::unit_below(ns.into());
    let value = u128::from(ns) / unit;
    if value < 100_000 {
        format!("{value} {name}")
    } else {
        // A level is a power of ten, or 2 or 5 times one.
        let power = value.ilog10();
        format!("{}e{power} {name}", value / 10_u128.pow(power))
    }
}

fn log(latency_ns: u64) -> f64 {
    (latency_ns.max(1) as f64).log10()
}

/// Draws the panel.
pub(crate) fn draw(svg: &mut Svg, frame: &Frame, inputs: &Inputs<'_>, panel: (f64, f64)) {
    let timeline = inputs.timeline;
    let points = timeline.points();
    let limit = timeline.slow_limit_ns();
    let scale = Scale::new(
        points.iter().map(|point| point.latency_ns).chain(limit),
        panel,
    );
    frame.caption(
        svg,
        panel.0,
        "Latency of each call, at its start (log scale)",
    );
    for level in scale.levels() {
        frame.level(svg, scale.y(level), &level_label(level));
    }

    let mut shapes: [Path; Kind::ALL.len()] = Default::default();
    for point in &points {
        let (x, y) = (frame.x(point.t_ns), scale.y(point.latency_ns));
        shapes[point.kind as usize].shape(x, y, look(point.kind).1);
    }
    for kind in Kind::ALL {
        svg.path(look(kind).0, &shapes[kind as usize]);
    }

    if let Some(limit) = limit {
        let y = scale.y(limit);
        svg.line("limit", (frame.left, y), (frame.right(), y));
        let text = format!("slow above {}", numbers::rounded(limit));
        svg.label("limit-label end", frame.right() - 4.0, y - 5.0, &text);
    }
    let mut lines: Vec<(&str, Height)> = vec![
        ("p50", |bin| bin.latencies.quantile(Quantile::P50)),
        ("p99", |bin| bin.latencies.quantile(Quantile::P99)),
    ];
    if inputs.summary.refused > 0 {
        // Below the others: it shows only where it is not the p99 of all calls.
        lines.insert(
            0,
            ("p99-admitted", |bin| bin.admitted.quantile(Quantile::P99)),
        );
    }
    for (class, height) in lines {
        let line = rolling(frame, timeline, |bin| height(bin).map(|ns| scale.y(ns)));
        // The same line in the colour of the page below it keeps it apart from the points.
        svg.path("halo", &line);
        svg.path(class, &line);
    }
}

/// How a call is drawn: its class, and its shape around its place.
pub(crate) fn look(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        // No length but round ends: a dot.
        Kind::AdmittedOk => ("dot", "h0"),
        Kind::RefusedOk => ("square", "m-2-2h4v4h-4z"),
        Kind::AdmittedFailed => ("diamond", "m0-3.8l3.8 3.8-3.8 3.8-3.8-3.8z"),
        Kind::RefusedFailed => ("cross", "m-2.6-2.6l5.2 5.2m0-5.2l-5.2 5.2"),
    }
}

/// A line through what `height` makes of the rolling bins, broken where it makes nothing.
pub(crate) fn rolling(
    frame: &Frame,
    timeline: &Timeline,
    height: impl Fn(&Bin) -> Option<f64>,
) -> Path {
    let mut path = Path::default();
    let mut drawing = false;
    for (index, bin) in frame.rolling.iter().enumerate() {
        let Some(y) = height(bin) else {
            drawing = false;
            continue;
        };
        let x = frame.x(timeline.bin_middle_ns(index));
        if drawing {
            path.line_to(x, y);
        } else {
            // A stretch of a single bin is seen as a dot.
            path.shape(x, y, "h0");
        }
        drawing = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_are_off_the_edge_and_the_outermost_near_a_label() {
        let (ms, s) = (1_000_000, 1_000_000_000);
        let scale = Scale::new([3 * ms, 30 * s].into_iter(), (100.0, 260.0));
        let levels = [2 * ms, 10 * ms, 100 * ms, s, 10 * s, 50 * s];
        assert_eq!(scale.levels(), levels);
        assert!(scale.y(30 * s) > 110.0, "{}", scale.y(30 * s));
        assert!(scale.y(3 * ms) < 350.0, "{}", scale.y(3 * ms));
    }
}
