//! What happened over time in one run of each side: rates together, each level by itself, phases of breakers stacked;
//! all sides of a scenario on the same axes.

use evenkeel_sim::{Curve, Series, Watch};

use super::legend::Legend;
use super::scale::Scale;
use crate::report::svg::{Path, Svg};
use crate::simulate::measured::measured;
use crate::timeline::axis::Axis;

/// One run that was watched.
pub(crate) struct Side<'a> {
    pub(crate) label: &'a str,
    pub(crate) scenario: &'a str,
    pub(crate) end_ns: u64,
    pub(crate) watch: Watch,
}

const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 52.0;
const MARGIN_RIGHT: f64 = 14.0;
const RATES: f64 = 190.0;
const LEVEL: f64 = 84.0;
const PHASES: f64 = 54.0;
/// Above each panel, for its caption.
const CAPTION: f64 = 30.0;
/// Below the panels, for the time.
const FOOT: f64 = 48.0;
/// Levels with these names are breakers' phases, with their classes.
const STACKED: [(&str, &str); 3] = [
    ("closed", "closed"),
    ("half-open", "half"),
    ("open", "open"),
];
/// Classes of rates that have no colour of their own.
const OTHERS: [&str; 3] = ["other-0", "other-1", "other-2"];
const KNOWN: [(&str, &str); 5] = [
    ("arrivals", "arrivals"),
    ("goodput", "goodput"),
    ("load", "load"),
    ("refused", "refused"),
    ("given up", "given-up"),
];

/// What is drawn of a side. Sides of one scenario have one time axis and one scale for each panel; what another
/// scenario measures is neither as long nor as much.
struct Layout<'a> {
    axis: Axis,
    rates: Vec<&'a str>,
    levels: Vec<&'a str>,
    has_phases: bool,
    /// The sides of its scenario.
    peers: Vec<&'a Side<'a>>,
}

impl<'a> Layout<'a> {
    fn of(side: &'a Side<'a>, sides: &'a [Side<'a>]) -> Self {
        let is_peer = |other: &&Side<'_>| other.scenario == side.scenario;
        let peers: Vec<&Side<'_>> = sides.iter().filter(is_peer).collect();
        let end_ns = peers.iter().map(|side| side.end_ns).max().unwrap_or(0);
        let (mut rates, mut levels) = (Vec::new(), Vec::new());
        for series in side.watch.series() {
            let name = series.column.name;
            match series.column.curve {
                Curve::Rate => rates.push(name),
                Curve::Level if is_phase(name) => {}
                Curve::Level => levels.push(name),
            }
        }
        Self {
            axis: Axis::between(0, end_ns),
            rates,
            levels,
            has_phases: has_phases(side),
            peers,
        }
    }

    fn height(&self) -> f64 {
        let rates = if self.rates.is_empty() {
            0.0
        } else {
            CAPTION + RATES
        };
        let phases = if self.has_phases {
            CAPTION + PHASES
        } else {
            0.0
        };
        rates + self.levels.len() as f64 * (CAPTION + LEVEL) + phases + FOOT
    }

    /// The most that these curves come to, on all sides of the scenario.
    fn most(&self, names: &[&str]) -> f64 {
        self.peers
            .iter()
            .flat_map(|side| names.iter().filter_map(|name| series(side, name)))
            .flat_map(|series| &series.values)
            .fold(0.0, |most, value| most.max(*value))
    }
}

/// All rates, with how they are drawn: the same name the same way on every side.
struct Classes<'a>(Vec<(&'a str, &'static str)>);

impl<'a> Classes<'a> {
    fn of(sides: &'a [Side<'_>]) -> Self {
        let mut classes: Vec<(&str, &str)> = Vec::new();
        let mut others = OTHERS.iter().cycle();
        for series in sides.iter().flat_map(|side| side.watch.series()) {
            let name = series.column.name;
            if series.column.curve != Curve::Rate || classes.iter().any(|(of, _)| *of == name) {
                continue;
            }
            let known = KNOWN.iter().find(|(known, _)| *known == name);
            let class = known.map_or_else(|| others.next().copied(), |(_, class)| Some(*class));
            classes.push((name, class.unwrap_or_default()));
        }
        Self(classes)
    }

    fn class(&self, name: &str) -> &'static str {
        let found = self.0.iter().find(|(of, _)| *of == name);
        found.map_or("", |(_, class)| class)
    }
}

/// Without a breaker there are none in any phase.
fn has_phases(side: &Side<'_>) -> bool {
    let phases = STACKED.iter().filter_map(|(name, _)| series(side, name));
    phases
        .flat_map(|series| &series.values)
        .any(|value| *value > 0.0)
}

fn is_phase(name: &str) -> bool {
    STACKED.iter().any(|(phase, _)| *phase == name)
}

fn series<'a>(side: &'a Side<'_>, name: &str) -> Option<&'a Series> {
    side.watch
        .series()
        .iter()
        .find(|series| series.column.name == name)
}

/// The whole figure: at most three sides in a row, two of four.
pub(crate) fn draw(sides: &[Side<'_>]) -> Svg {
    let layouts: Vec<Layout<'_>> = sides.iter().map(|side| Layout::of(side, sides)).collect();
    let classes = Classes::of(sides);
    let columns = match sides.len() {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let rows = sides.len().div_ceil(columns);
    let head = if sides.len() > 1 { 26.0 } else { 0.0 };
    let highest = layouts.iter().map(Layout::height).fold(0.0, f64::max);
    let height = head + highest;
    let title = "Rates, levels and phases over time";
    let mut svg = Svg::new(WIDTH, rows as f64 * height, title);
    let width = WIDTH / columns as f64;
    for (at, (side, layout)) in sides.iter().zip(&layouts).enumerate() {
        let left = (at % columns) as f64 * width + MARGIN;
        let cell = Cell {
            left,
            width: width - MARGIN - MARGIN_RIGHT,
            side,
            layout,
        };
        let top = (at / columns) as f64 * height + head;
        if sides.len() > 1 {
            let most = (cell.width / 7.0) as usize;
            let label = crate::text::label(side.label, most);
            svg.label("side", left, top, &label);
        }
        cell.draw(&mut svg, &classes, top);
    }
    svg
}

/// Where one side is drawn.
struct Cell<'a> {
    left: f64,
    width: f64,
    side: &'a Side<'a>,
    layout: &'a Layout<'a>,
}

impl Cell<'_> {
    fn draw(&self, svg: &mut Svg, classes: &Classes<'_>, top: f64) {
        let layout = self.layout;
        let mut y = top;
        let first = top + CAPTION;
        let bottom = top + layout.height() - FOOT;
        self.time_grid(svg, first, bottom);
        if !layout.rates.is_empty() {
            let most = layout.most(&layout.rates);
            let scale = self.panel(svg, y, RATES, most, "a second");
            // Goodput above the others: it is what counts.
            let is_below = |name: &&&str| **name != "goodput";
            let below = layout.rates.iter().filter(is_below);
            for name in below.chain(&["goodput"]) {
                let class = format!("curve {}", classes.class(name));
                svg.path(&class, &self.curve(name, &scale));
            }
            y += CAPTION + RATES;
        }
        for name in &layout.levels {
            let scale = self.panel(svg, y, LEVEL, layout.most(&[name]), name);
            let mut area = self.curve(name, &scale);
            svg.path("curve level", &area);
            let base = y + CAPTION + LEVEL;
            area.line_to(self.end(), base);
            area.line_to(self.left, base);
            area.close();
            svg.path("level-area", &area);
            y += CAPTION + LEVEL;
        }
        if layout.has_phases {
            self.phases(svg, y);
        }
        self.hits(svg, first, bottom);
    }

    fn x(&self, t_ns: u64) -> f64 {
        let hundredths = self.layout.axis.place(t_ns, (self.width * 100.0) as u64);
        self.left + hundredths as f64 / 100.0
    }

    fn end(&self) -> f64 {
        self.x(self.side.end_ns)
    }

    fn grid_ns(&self) -> u64 {
        let grid = self.side.watch.grid().unwrap_or_default();
        u64::try_from(grid.as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// The frame of a panel, from its caption down, and its scale from 0 on.
    fn panel(&self, svg: &mut Svg, top: f64, height: f64, most: f64, caption: &str) -> Scale {
        let (upper, lower) = (top + CAPTION, top + CAPTION + height);
        let most = if most > 0.0 { most * 1.04 } else { 1.0 };
        let scale = Scale::new(0.0, most, (lower, upper));
        svg.label("caption", self.left, upper - 8.0, caption);
        for (value, label) in scale.levels((height / 36.0) as usize) {
            let y = scale.at(value);
            svg.line("grid", (self.left, y), (self.left + self.width, y));
            svg.label("tick end", self.left - 6.0, y + 4.0, &label);
        }
        scale
    }

    /// Rates hold for their cell and are drawn as steps, levels as they are at its end.
    fn curve(&self, name: &str, scale: &Scale) -> Path {
        let mut path = Path::default();
        let Some(series) = series(self.side, name) else {
            return path;
        };
        let grid_ns = self.grid_ns();
        let instant = |cell: u64| grid_ns.saturating_mul(cell).min(self.side.end_ns);
        if let (Curve::Level, Some(_)) = (series.column.curve, series.values.first()) {
            path.move_to(self.left, scale.at(0.0));
        }
        for (cell, value) in series.values.iter().enumerate() {
            let (from, to) = (instant(cell as u64), instant(cell as u64 + 1));
            if from == to && cell > 0 {
                // What happened at the very end is not a rate.
                break;
            }
            let y = scale.at(*value);
            match (series.column.curve, cell) {
                (Curve::Level, _) => {}
                (Curve::Rate, 0) => path.move_to(self.x(from), y),
                (Curve::Rate, _) => path.line_to(self.x(from), y),
            }
            path.line_to(self.x(to), y);
        }
        path
    }

    /// How many breakers are in which phase, as shares of them all.
    fn phases(&self, svg: &mut Svg, top: f64) {
        let (upper, lower) = (top + CAPTION, top + CAPTION + PHASES);
        svg.label("caption", self.left, upper - 8.0, "phases of the breakers");
        let found = STACKED.map(|(name, _)| series(self.side, name));
        let value = |at: usize, cell: usize| {
            let series: Option<&Series> = found[at];
            series
                .and_then(|series| series.values.get(cell))
                .map_or(0.0, |value| value.max(0.0))
        };
        let cells = found
            .iter()
            .flatten()
            .map(|series| series.values.len())
            .max();
        let grid_ns = self.grid_ns();
        let mut boxes: [Path; 3] = Default::default();
        for cell in 0..cells.unwrap_or(0) {
            let total: f64 = (0..3).map(|at| value(at, cell)).sum();
            let from = self.x(grid_ns.saturating_mul(cell as u64));
            let to = self.x(grid_ns.saturating_mul(cell as u64 + 1));
            let mut y = lower;
            for (at, path) in boxes.iter_mut().enumerate() {
                let height = if total > 0.0 {
                    PHASES * value(at, cell) / total
                } else {
                    0.0
                };
                y -= height;
                if height > 0.0 {
                    path.area(from, y.max(upper), to - from, height);
                }
            }
        }
        for ((_, class), path) in STACKED.iter().zip(&boxes) {
            svg.path(class, path);
        }
    }

    /// Stretches that say all numbers when hovered.
    fn hits(&self, svg: &mut Svg, top: f64, bottom: f64) {
        let grid_ns = self.grid_ns();
        let all = self.side.watch.series();
        let cells = all.iter().map(|series| series.values.len()).max();
        for cell in 0..cells.unwrap_or(0) {
            let from_ns = grid_ns.saturating_mul(cell as u64);
            let to_ns = from_ns.saturating_add(grid_ns);
            let mut title = format!(
                "{} to {}",
                self.layout.axis.text(from_ns),
                self.layout.axis.text(to_ns)
            );
            for series in all {
                let per = match series.column.curve {
                    Curve::Rate => "/s",
                    Curve::Level => "",
                };
                if let Some(value) = series.values.get(cell) {
                    title += &format!("\n{}: {}{per}", series.column.name, measured(*value));
                }
            }
            let (from, to) = (self.x(from_ns), self.x(to_ns));
            if to > from {
                svg.titled("cell", &title, |svg| {
                    svg.rect("hit", from, top, to - from, bottom - top);
                });
            }
        }
    }

    fn time_grid(&self, svg: &mut Svg, top: f64, bottom: f64) {
        let mut grid = Path::default();
        for tick in self.layout.axis.ticks((self.width / 75.0) as usize) {
            let x = self.x(tick.t_ns);
            grid.move_to(x, top);
            grid.line_to(x, bottom + 5.0);
            let class = if x > self.left + self.width - 8.0 {
                "tick end"
            } else {
                "tick middle"
            };
            svg.label(class, x, bottom + 20.0, &tick.label);
        }
        svg.path("grid", &grid);
        let middle = self.left + self.width / 2.0;
        svg.label("tick middle", middle, bottom + 36.0, "time");
    }
}

/// What the colours mean.
pub(crate) fn legend(sides: &[Side<'_>]) -> Legend {
    let mut legend = Legend::default();
    for (name, class) in Classes::of(sides).0 {
        legend.line(name, format!("curve {class}"));
    }
    if sides.iter().any(has_phases) {
        for (name, class) in STACKED {
            legend.area(name, class);
        }
    }
    legend
}
