//! The lower panel: which share of the calls was refused, failed or was slow, rolling over time.

use super::figure::Frame;
use super::latency::rolling;
use super::svg::{Path, Svg};
use crate::timeline::{Bin, Part, Timeline};

/// The top of the scale is the first of these (in per mille) that holds everything.
const TOPS: [u64; 8] = [10, 20, 50, 100, 200, 400, 600, 1000];

/// Draws the panel.
pub(crate) fn draw(svg: &mut Svg, frame: &Frame, timeline: &Timeline, (top, height): (f64, f64)) {
    let mut lines: Vec<(&str, Part)> = vec![("failed", Bin::failed)];
    if timeline.slow_limit_ns().is_some() {
        lines.push(("slow", |bin| bin.slow));
    }
    let most = frame
        .rolling
        .iter()
        .filter_map(|bin| {
            let drawn = lines.iter().map(|(_, part)| part(bin));
            per_mille(bin, drawn.chain([bin.refused()]).max()?)
        })
        .max()
        .unwrap_or(0);
    let scale = TOPS.into_iter().find(|top| *top >= most).unwrap_or(1000);
    let y = |per_mille: u64| top + height * (1.0 - per_mille as f64 / scale as f64);

    frame.caption(svg, top, "Share of the calls");
    for part in 0..=2 {
        let level = scale * part / 2;
        let text = match (level / 10, level % 10) {
            (percent, 0) => format!("{percent} %"),
            (percent, tenth) => format!("{percent}.{tenth} %"),
        };
        frame.level(svg, y(level), &text);
    }
    svg.path("refused-area", &refused_area(frame, timeline, &y));
    let refused = rolling(frame, timeline, |bin| per_mille(bin, bin.refused()).map(y));
    svg.path("refused-line", &refused);
    for (class, part) in lines.into_iter().rev() {
        let line = rolling(frame, timeline, |bin| per_mille(bin, part(bin)).map(y));
        svg.path("halo", &line);
        svg.path(class, &line);
    }
}

/// A part of a bin's calls; `None` without calls.
fn per_mille(bin: &Bin, part: u64) -> Option<u64> {
    let whole = u128::from(bin.total());
    u64::try_from((u128::from(part) * 1000).checked_div(whole)?).ok()
}

/// The refused share as areas that stand on the floor of the panel.
fn refused_area(frame: &Frame, timeline: &Timeline, y: &impl Fn(u64) -> f64) -> Path {
    let x = |index| frame.x(timeline.bin_middle_ns(index));
    let mut path = Path::default();
    let bins: Vec<Option<u64>> = frame
        .rolling
        .iter()
        .map(|bin| per_mille(bin, bin.refused()))
        .collect();
    let mut from = 0;
    for run in bins.chunk_by(|a, b| a.is_some() == b.is_some()) {
        let to = from + run.len();
        if run.iter().any(|share| share.is_some_and(|share| share > 0)) {
            path.move_to(x(from), y(0));
            for (index, share) in (from..to).zip(run.iter().flatten()) {
                path.line_to(x(index), y(*share));
            }
            path.line_to(x(to - 1), y(0));
            path.close();
        }
        from = to;
    }
    path
}
