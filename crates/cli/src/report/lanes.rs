//! The middle panel: the phases of each breaker as a lane, its transitions as marks that say more when hovered.

use evenkeel_core::breaker::Phase;

use super::figure::{Frame, raster};
use super::svg::{Path, Svg};
use super::{Inputs, arrow};
use crate::explain::words;
use crate::summary::{KeyedTransition, Summary};
use crate::timeline::phases::History;

/// Breakers that get a lane.
pub(crate) const MAX_LANES: usize = 24;
/// Marks on all lanes together, about: it bounds the size of the file.
const MAX_MARKS: usize = 600;
/// Transitions that one mark names.
const MAX_NAMED: usize = 4;

const LANE: f64 = 13.0;
const PITCH: f64 = 25.0;
const LABEL_CHARS: usize = 28;

/// How high the panel is, with room for a line below the lanes if there are `more`.
pub(crate) fn height(lanes: usize, more: bool) -> f64 {
    PITCH * lanes.max(1) as f64 + if more { 16.0 } else { 0.0 }
}

/// Room for the names at the left.
pub(crate) fn margin(histories: &[History], summary: &Summary) -> f64 {
    let longest = histories
        .iter()
        .map(|history| label(history.name(summary)).chars().count())
        .max()
        .unwrap_or(0);
    longest as f64 * 6.4 + 12.0
}

/// Draws the panel.
pub(crate) fn draw(svg: &mut Svg, frame: &Frame, inputs: &Inputs<'_>, shown: &[History], top: f64) {
    let caption = match (inputs.per_key, shown.is_empty()) {
        (false, _) => "Phase of the breaker",
        (true, false) => {
            "Phase of each key's breaker that had a transition, the longest open first"
        }
        (true, true) => "Phase of each key's breaker: none had a transition",
    };
    frame.caption(svg, top - 2.0, caption);
    for (place, history) in shown.iter().enumerate() {
        let lane_top = top + PITCH * place as f64 + (PITCH - LANE) / 2.0;
        lane(svg, frame, history, lane_top);
        if inputs.per_key {
            let name = history.name(inputs.summary);
            svg.titled("name", name, |svg| {
                svg.label(
                    "tick end",
                    frame.left - 8.0,
                    lane_top + LANE - 3.0,
                    &label(name),
                );
            });
        }
        let marks = (MAX_MARKS / shown.len()).clamp(24, 250);
        for group in groups(frame, history, marks) {
            mark(svg, frame, inputs, group, lane_top);
        }
    }
}

fn lane(svg: &mut Svg, frame: &Frame, history: &History, top: f64) {
    svg.rect("closed", frame.left, top, frame.width, LANE);
    let raster = raster(history, frame);
    for (phase, class) in [(Phase::Open, "open"), (Phase::HalfOpen, "half")] {
        svg.path(class, &frame.phase_boxes(&raster, phase, top, LANE));
    }
}

/// The transitions of a lane, those that lie too close to be told apart together.
fn groups<'a>(
    frame: &Frame,
    history: &'a History,
    marks: usize,
) -> impl Iterator<Item = &'a [KeyedTransition]> {
    let axis = frame.axis;
    history.transitions.chunk_by(move |a, b| {
        axis.cell(a.transition.at_ns, marks) == axis.cell(b.transition.at_ns, marks)
    })
}

/// One mark: a triangle down for a breaker that opened, up for one that closed, a diamond between.
fn mark(svg: &mut Svg, frame: &Frame, inputs: &Inputs<'_>, group: &[KeyedTransition], top: f64) {
    let Some(first) = group.first() else { return };
    let to = |phase| group.iter().find(|change| change.transition.to == phase);
    let (chosen, class, shape) = if let Some(change) = to(Phase::Open) {
        (change, "mark opened", "m-4-7h8l-4 6z")
    } else if let Some(change) = to(Phase::Closed) {
        (change, "mark ended", "m-4-1h8l-4-6z")
    } else {
        (first, "mark tried", "m0-7l3 3-3 3-3-3z")
    };
    let x = frame.x(chosen.transition.at_ns);
    let mut glyph = Path::default();
    glyph.shape(x, top, shape);
    svg.titled(class, &hover(frame, inputs, group), |svg| {
        // The lane below a mark belongs to it, so that it is easy to hit.
        svg.rect("hit", x - 4.0, top - 7.0, 8.0, LANE + 7.0);
        svg.path("glyph", &glyph);
    });
}

/// What a mark says: each transition's time, phases and cause.
fn hover(frame: &Frame, inputs: &Inputs<'_>, group: &[KeyedTransition]) -> String {
    let mut lines = Vec::new();
    if let Some(name) = group
        .first()
        .and_then(|change| inputs.summary.key_name(change))
    {
        lines.push(name.to_owned());
    }
    for KeyedTransition { transition, .. } in group.iter().take(MAX_NAMED) {
        let cause = transition.cause;
        let why = if group.len() == 1 {
            format!("\n{cause}: {}", words::cause(cause, inputs.policy))
        } else {
            format!(", {cause}")
        };
        lines.push(format!(
            "{}: {}{why}",
            frame.axis.text(transition.at_ns),
            arrow(transition)
        ));
    }
    if group.len() > MAX_NAMED {
        lines.push(format!(
            "and {} more at about that time",
            group.len() - MAX_NAMED
        ));
    }
    lines.join("\n")
}

fn label(name: &str) -> String {
    if name.chars().count() <= LABEL_CHARS {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(LABEL_CHARS - 1).collect();
    short.push('…');
    short
}
