//! A diagram as SVG: in the colour of the text around it, and on its own in one that follows the reader's scheme.

use std::fmt::Write as _;

use crate::layout::{Drawn, FONT, LINE, Layout, Line, Rect};

const STYLE: &str =
    "svg:root{color:#1f2328}@media (prefers-color-scheme:dark){svg:root{color:#d1d5db}}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// No empty line: in Markdown it would end the picture.
pub(crate) fn svg(name: &str, layout: &Layout) -> String {
    let Layout {
        width,
        height,
        states,
        arrows,
    } = layout;
    let title = format!("States of {}", name.replace('_', " "));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         role=\"img\" style=\"max-width:100%;height:auto\" font-family=\"system-ui,sans-serif\" \
         font-size=\"{FONT}\" fill=\"currentColor\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n"
    );
    for (at, (name, place)) in states.iter().enumerate() {
        state(&mut svg, name, place);
        if at == 0 {
            begin(&mut svg, place);
        }
    }
    for arrow in arrows {
        line(&mut svg, arrow);
        text(&mut svg, arrow);
    }
    svg + "</svg>\n"
}

fn state(svg: &mut String, name: &str, place: &Rect) {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = *place;
    let (x, y) = ((left + right) / 2, (top + bottom) / 2 + 5);
    let _ = writeln!(
        svg,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"currentColor\" fill-opacity=\".08\" \
         stroke=\"currentColor\" stroke-width=\"1.5\"/>\n<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" font-size=\"14\" \
         font-weight=\"600\">{}</text>",
        right - left,
        bottom - top,
        escaped(name)
    );
}

/// A dot, and an arrow to the state that a new machine is in.
fn begin(svg: &mut String, place: &Rect) {
    let y = (place.top + place.bottom) / 2;
    let _ = writeln!(
        svg,
        "<circle cx=\"{}\" cy=\"{y}\" r=\"4\"/>",
        place.left - 22
    );
    path(svg, &[(place.left - 18, y), (place.left, y)]);
}

fn line(svg: &mut String, arrow: &Drawn) {
    path(svg, &arrow.points);
}

/// A line with round corners that ends before its head.
fn path(svg: &mut String, points: &[(i32, i32)]) {
    const ROUND: i32 = 7;
    const HEAD: i32 = 8;
    let towards = |from: (i32, i32), to: (i32, i32), by: i32| {
        (
            from.0 + (to.0 - from.0).signum() * by,
            from.1 + (to.1 - from.1).signum() * by,
        )
    };
    let (first, rest) = points.split_first().expect("points");
    let mut d = format!("M{} {}", first.0, first.1);
    for corner in points.windows(3) {
        let (before, after) = (
            towards(corner[1], corner[0], ROUND),
            towards(corner[1], corner[2], ROUND),
        );
        let _ = write!(
            d,
            "L{} {}Q{} {} {} {}",
            before.0, before.1, corner[1].0, corner[1].1, after.0, after.1
        );
    }
    let last = *rest.last().expect("an end");
    let previous = points[points.len() - 2];
    let neck = towards(last, previous, HEAD);
    let _ = write!(d, "L{} {}", neck.0, neck.1);
    // The head lies across the last stretch, which is level or upright.
    let across = if neck.0 == last.0 { (4, 0) } else { (0, 4) };
    let _ = writeln!(
        svg,
        "<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".6\" stroke-width=\"1.3\"/>\n\
         <path d=\"M{} {}L{} {}L{} {}Z\"/>",
        last.0,
        last.1,
        neck.0 - across.0,
        neck.1 - across.1,
        neck.0 + across.0,
        neck.1 + across.1
    );
}

fn text(svg: &mut String, arrow: &Drawn) {
    let mut y = arrow.text.top + LINE - 4;
    for Line { event, condition } in &arrow.text.lines {
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{y}\" text-anchor=\"middle\">",
            arrow.text.middle
        );
        if !event.is_empty() {
            let _ = write!(svg, "<tspan font-weight=\"600\">{}</tspan>", escaped(event));
        }
        let blank = if event.is_empty() || condition.is_empty() {
            ""
        } else {
            " "
        };
        let _ = writeln!(svg, "{blank}{}</text>", escaped(condition));
        y += LINE;
    }
}
