//! The figure of the report: panels one below the other over one time axis.

use evenkeel_core::breaker::Phase;

use super::svg::{Path, Svg};
use super::{Inputs, lanes, latency, shares};
use crate::timeline::Bin;
use crate::timeline::axis::Axis;
use crate::timeline::phases::{self, History};

/// The width of the drawing, in its own units; it is scaled to the page.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 58.0;
const MARGIN_RIGHT: f64 = 14.0;
const GAP: f64 = 34.0;
const LATENCY_HEIGHT: f64 = 290.0;
const SHARES_HEIGHT: f64 = 120.0;
/// Phases are drawn in so many columns: finer than anyone can see.
const COLUMNS: usize = 600;

/// Where things lie: what all panels share.
pub(crate) struct Frame {
    pub(crate) axis: Axis,
    /// What the rolling lines go through, merged once for all of them.
    pub(crate) rolling: Vec<Bin>,
    pub(crate) left: f64,
    pub(crate) width: f64,
}

impl Frame {
    /// The place of an instant.
    pub(crate) fn x(&self, t_ns: u64) -> f64 {
        // In hundredths of a unit, so that the division is exact and the same everywhere.
        let hundredths = self.axis.place(t_ns, (self.width * 100.0) as u64);
        self.left + hundredths as f64 / 100.0
    }

    /// The right edge.
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// A horizontal line through a panel with its label in the margin.
    pub(crate) fn level(&self, svg: &mut Svg, y: f64, label: &str) {
        svg.line("grid", (self.left, y), (self.right(), y));
        svg.label("tick end", self.left - 6.0, y + 4.0, label);
    }

    /// What a panel shows, above it.
    pub(crate) fn caption(&self, svg: &mut Svg, top: f64, text: &str) {
        svg.label("caption", self.left, top - 9.0, text);
    }

    /// The stretches of one phase as boxes from `top`, `height` high.
    pub(crate) fn phase_boxes(
        &self,
        raster: &[Phase],
        phase: Phase,
        top: f64,
        height: f64,
    ) -> Path {
        let column = self.width / raster.len().max(1) as f64;
        let mut path = Path::default();
        let mut from = 0;
        for run in raster.chunk_by(|a, b| a == b) {
            let to = from + run.len();
            if run[0] == phase {
                let left = self.left + from as f64 * column;
                path.area(left, top, run.len() as f64 * column, height);
            }
            from = to;
        }
        path
    }
}

/// A breaker's worst phases, as finely as the figure draws them.
pub(crate) fn raster(history: &History, frame: &Frame) -> Vec<Phase> {
    history.raster(&frame.axis, COLUMNS)
}

/// The whole figure.
pub(crate) fn draw(inputs: &Inputs<'_>) -> String {
    let histories = phases::histories(inputs.summary, inputs.per_key);
    let shown = &histories[..histories.len().min(lanes::MAX_LANES)];
    let left = if inputs.per_key {
        lanes::margin(shown, inputs.summary).max(MARGIN)
    } else {
        MARGIN
    };
    let frame = Frame {
        axis: Axis::of(inputs.summary),
        rolling: inputs.timeline.rolling().collect(),
        left,
        width: WIDTH - left - MARGIN_RIGHT,
    };

    let latency_top = 30.0;
    let lanes_top = latency_top + LATENCY_HEIGHT + GAP;
    let hidden = histories.len() - shown.len();
    let lanes_height = lanes::height(shown.len(), hidden > 0);
    let shares_top = lanes_top + lanes_height + GAP;
    let bottom = shares_top + SHARES_HEIGHT;
    let title = "Latency of the calls, phases of the breakers and shares of the calls over time";
    let mut svg = Svg::new(WIDTH, bottom + 42.0, title);

    if let ([only], false) = (shown, inputs.per_key) {
        let raster = raster(only, &frame);
        for (phase, class) in [(Phase::Open, "open tint"), (Phase::HalfOpen, "half tint")] {
            let boxes = frame.phase_boxes(&raster, phase, latency_top, LATENCY_HEIGHT);
            svg.path(class, &boxes);
        }
    }
    time_grid(&mut svg, &frame, latency_top, bottom);
    latency::draw(&mut svg, &frame, inputs, (latency_top, LATENCY_HEIGHT));
    lanes::draw(&mut svg, &frame, inputs, shown, lanes_top);
    if hidden > 0 {
        let text = format!("and {hidden} more keys with transitions: see the table");
        svg.label("tick", frame.left, lanes_top + lanes_height - 2.0, &text);
    }
    shares::draw(
        &mut svg,
        &frame,
        inputs.timeline,
        (shares_top, SHARES_HEIGHT),
    );
    svg.finish()
}

/// Vertical lines at round times through all panels, with labels below.
fn time_grid(svg: &mut Svg, frame: &Frame, top: f64, bottom: f64) {
    let mut grid = Path::default();
    for tick in frame.axis.ticks(9) {
        let x = frame.x(tick.t_ns);
        grid.move_to(x, top);
        grid.line_to(x, bottom + 5.0);
        // A label in the middle of the last stretch would be cut off at the edge.
        let class = if x > frame.right() - 8.0 {
            "tick end"
        } else {
            "tick middle"
        };
        svg.label(class, x, bottom + 20.0, &tick.label);
    }
    svg.path("grid", &grid);
    let middle = frame.left + frame.width / 2.0;
    svg.label(
        "tick middle",
        middle,
        bottom + 37.0,
        "time since the first call",
    );
}
