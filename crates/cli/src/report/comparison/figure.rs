//! The picture of a block of a what-if: its phases and its answers over time, in both runs.

use evenkeel_replay::Change;
use evenkeel_replay::any::Kind;
use evenkeel_replay::what_if::{Bucket, Changed, Compared, WhatIf};

use crate::journal::blocks::Block;
use crate::numbers;
use crate::report::svg::{Path, Svg, escape};
use crate::timeline::axis::Axis;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = 14.0;
const LANE: f64 = 15.0;
const PITCH: f64 = 27.0;
const PANEL: f64 = 92.0;
const GAP: f64 = 32.0;
/// Stretches of time in which answers are counted: finer ones would be noise.
const STRETCHES: usize = 120;
/// Changes so close that their marks would lie on each other are one mark.
const MARKS: usize = 200;
/// Changes that one mark names.
const MAX_NAMED: usize = 4;

/// How many of something there were in a stretch of time, in both runs.
type Pair = fn(&Bucket) -> [u32; 2];

/// The panels: caption, class of the second run, and what is counted.
const PANELS: [(&str, &str, Pair); 2] = [
    ("Admitted", "after-admitted", |of| {
        [of.admitted_before, of.admitted_after]
    }),
    ("Refused", "after-refused", |of| {
        [of.refused_before, of.refused_after]
    }),
];

/// Draws it.
pub(super) fn draw(block: &Block, found: &WhatIf, axis: Axis) -> String {
    let machine = &block.sum;
    let has_phases = block.has_phases();
    let lanes_top = 30.0;
    let panels_top = lanes_top + 2.0 * PITCH + GAP;
    let panels: Vec<_> = PANELS
        .into_iter()
        .filter(|of| is_told(machine, of.2))
        .collect();
    let bottom = panels_top + (PANEL + GAP) * panels.len() as f64 - GAP;
    let title = "Changes and answers over time, recorded and with the other policy";
    let mut svg = Svg::new(WIDTH, bottom + 42.0, title);
    time_grid(&mut svg, axis, lanes_top, bottom);
    svg.label(
        "caption",
        LEFT,
        lanes_top - 11.0,
        caption(machine.kind, has_phases),
    );
    let sides = [
        ("recorded", &machine.changes_before),
        ("what-if", &machine.changes_after),
    ];
    for (place, (name, changed)) in sides.into_iter().enumerate() {
        let top = lanes_top + PITCH * place as f64 + (PITCH - LANE) / 2.0;
        svg.label("tick end", LEFT - 8.0, top + LANE - 3.0, name);
        lane(&mut svg, has_phases, changed, axis, top);
    }
    let series = Series::of(machine, found);
    for (place, panel) in panels.into_iter().enumerate() {
        let top = panels_top + (PANEL + GAP) * place as f64;
        series.draw(&mut svg, panel, axis, top);
    }
    svg.finish()
}

/// Whether there is any of it: drivers and estimators refuse nothing.
fn is_told(machine: &Compared, pair: Pair) -> bool {
    machine.series.iter().any(|of| pair(of) != [0, 0])
}

/// What the lines and colours mean.
pub(super) fn legend(block: &Block) -> String {
    let machine = &block.sum;
    let mut items = String::new();
    let mut item = |name: &str, draw: &dyn Fn(&mut Svg)| {
        let mut svg = Svg::new(26.0, 14.0, name);
        draw(&mut svg);
        items += &format!("<li>{}{}</li>\n", svg.finish(), escape(name));
    };
    if PANELS.iter().any(|of| is_told(machine, of.2)) {
        item("recorded", &|svg| {
            svg.line("before", (1.0, 7.0), (25.0, 7.0));
        });
    }
    for (caption, class, pair) in PANELS {
        if is_told(machine, pair) {
            let name = format!("what-if, {}", caption.to_lowercase());
            item(&name, &|svg| svg.line(class, (1.0, 7.0), (25.0, 7.0)));
        }
    }
    let phases: &[(&str, &str)] = match machine.kind {
        _ if !block.has_phases() => &[],
        Kind::Breaker => &[
            ("closed", "closed"),
            ("half", "half-open"),
            ("open", "open"),
        ],
        Kind::HealthProbe => &[("closed", "up"), ("open", "down")],
        _ => &[],
    };
    for (class, name) in phases {
        item(name, &|svg| svg.rect(class, 1.0, 2.0, 24.0, 10.0));
    }
    if items.is_empty() {
        return items;
    }
    format!("<ul class=\"legend\">\n{items}</ul>\n")
}

fn caption(kind: Kind, has_phases: bool) -> &'static str {
    match kind {
        _ if !has_phases => "Changes",
        Kind::Breaker => "Phase of the breaker",
        Kind::HealthProbe => "Health",
        _ => "Changes",
    }
}

fn width() -> f64 {
    WIDTH - LEFT - RIGHT
}

fn x(axis: Axis, t_ns: u64) -> f64 {
    // In hundredths of a unit, so that the division is exact and the same everywhere.
    let hundredths = axis.place(t_ns, (width() * 100.0) as u64);
    LEFT + hundredths as f64 / 100.0
}

/// The phases of one run; of what is in many at once (a table, several machines), only the changes.
fn lane(svg: &mut Svg, has_phases: bool, changed: &Changed, axis: Axis, top: f64) {
    let class = if has_phases { "closed" } else { "other" };
    let height = if has_phases { LANE } else { 3.0 };
    svg.rect(class, LEFT, top + (LANE - height) / 2.0, width(), height);
    let changes = &changed.list;
    if has_phases {
        for (class, wanted) in [("open", ["open", "down"]), ("half", ["half-open", ""])] {
            let mut boxes = Path::default();
            // What the first change ends has lasted from the begin.
            if let Some(first) = changes.first().filter(|first| wanted.contains(&first.from)) {
                boxes.area(LEFT, top, (x(axis, first.at_ns) - LEFT).max(1.0), LANE);
            }
            for (at, change) in changes.iter().enumerate() {
                if wanted.contains(&change.to) {
                    let end = changes
                        .get(at + 1)
                        .map_or_else(|| axis.end_ns(), |next| next.at_ns);
                    let left = x(axis, change.at_ns);
                    boxes.area(left, top, (x(axis, end) - left).max(1.0), LANE);
                }
            }
            svg.path(class, &boxes);
        }
    }
    let groups = changes.chunk_by(|a, b| axis.cell(a.at_ns, MARKS) == axis.cell(b.at_ns, MARKS));
    for group in groups {
        mark(svg, group, axis, top);
    }
}

/// One mark, which says what changed when hovered.
fn mark(svg: &mut Svg, group: &[Change], axis: Axis, top: f64) {
    let Some(first) = group.first() else { return };
    let to = |names: &[&str]| group.iter().find(|change| names.contains(&change.to));
    let (chosen, class, shape) = if let Some(change) = to(&["open", "down", "lost"]) {
        (change, "mark opened", "m-4-7h8l-4 6z")
    } else if let Some(change) = to(&["closed", "up"]) {
        (change, "mark ended", "m-4-1h8l-4-6z")
    } else {
        (first, "mark tried", "m0-7l3 3-3 3-3-3z")
    };
    let mut lines: Vec<String> = group
        .iter()
        .take(MAX_NAMED)
        .map(|change| {
            let when = axis.text(change.at_ns);
            format!("{when}: {} → {}, {}", change.from, change.to, change.cause)
        })
        .collect();
    if group.len() > MAX_NAMED {
        lines.push(format!(
            "and {} more at about that time",
            group.len() - MAX_NAMED
        ));
    }
    let at = x(axis, chosen.at_ns);
    let mut glyph = Path::default();
    glyph.shape(at, top, shape);
    svg.titled(class, &lines.join("\n"), |svg| {
        svg.rect("hit", at - 4.0, top - 7.0, 8.0, LANE + 7.0);
        svg.path("glyph", &glyph);
    });
}

/// How many there were in each stretch of time, in both runs.
struct Series {
    from_ns: u64,
    stretch_ns: u64,
    stretches: Vec<Bucket>,
}

impl Series {
    fn of(machine: &Compared, found: &WhatIf) -> Self {
        let together = machine.series.len().div_ceil(STRETCHES).max(1);
        let stretches = machine.series.chunks(together).map(|buckets| {
            let mut sum = Bucket::default();
            for of in buckets {
                sum.admitted_before = sum.admitted_before.saturating_add(of.admitted_before);
                sum.refused_before = sum.refused_before.saturating_add(of.refused_before);
                sum.admitted_after = sum.admitted_after.saturating_add(of.admitted_after);
                sum.refused_after = sum.refused_after.saturating_add(of.refused_after);
            }
            sum
        });
        Self {
            from_ns: found.from_ns,
            stretch_ns: found.bucket_ns.saturating_mul(together as u64),
            stretches: stretches.collect(),
        }
    }

    fn draw(
        &self,
        svg: &mut Svg,
        (caption, class, pair): (&str, &str, Pair),
        axis: Axis,
        top: f64,
    ) {
        let stretch = numbers::rounded(self.stretch_ns);
        svg.label(
            "caption",
            LEFT,
            top - 9.0,
            &format!("{caption} in each {stretch}"),
        );
        let most = self
            .stretches
            .iter()
            .flat_map(pair)
            .max()
            .unwrap_or(0)
            .max(1);
        let y = |count: u32| top + PANEL * (1.0 - f64::from(count) / f64::from(most));
        for level in [0, most] {
            svg.line("grid", (LEFT, y(level)), (WIDTH - RIGHT, y(level)));
            let label = numbers::count(u64::from(level));
            svg.label("tick end", LEFT - 6.0, y(level) + 4.0, &label);
        }
        for (side, class) in [(1, class), (0, "before")] {
            let mut path = Path::default();
            for (at, counts) in self.stretches.iter().enumerate() {
                let offset = self.stretch_ns.saturating_mul(at as u64);
                let begin = self.from_ns.saturating_add(offset);
                let end = begin.saturating_add(self.stretch_ns);
                let height = y(pair(counts)[side]);
                match at {
                    0 => path.move_to(x(axis, begin), height),
                    _ => path.line_to(x(axis, begin), height),
                }
                path.line_to(x(axis, end), height);
            }
            let totals = self.stretches.iter().map(|of| u64::from(pair(of)[side]));
            let total = numbers::count(totals.sum());
            let name = if side == 0 { "recorded" } else { "what-if" };
            let title = format!("{caption}, {name}: {total} in all");
            svg.titled("line", &title, |svg| svg.path(class, &path));
        }
    }
}

/// Vertical lines at round times, with labels below.
fn time_grid(svg: &mut Svg, axis: Axis, top: f64, bottom: f64) {
    let mut grid = Path::default();
    for tick in axis.ticks(9) {
        let at = x(axis, tick.t_ns);
        grid.move_to(at, top);
        grid.line_to(at, bottom + 5.0);
        let class = if at > WIDTH - RIGHT - 8.0 {
            "tick end"
        } else {
            "tick middle"
        };
        svg.label(class, at, bottom + 20.0, &tick.label);
    }
    svg.path("grid", &grid);
    let middle = LEFT + width() / 2.0;
    svg.label(
        "tick middle",
        middle,
        bottom + 37.0,
        "time since the first call",
    );
}
