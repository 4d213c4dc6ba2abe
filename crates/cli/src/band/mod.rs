//! The picture in the shell: breaker phases, p99 and shares over time, a column for each stretch of time.

#[cfg(test)]
mod tests;

use evenkeel_core::Quantile;
use evenkeel_core::breaker::Phase;

use crate::numbers;
use crate::screen::Screen;
use crate::summary::Summary;
use crate::text::label;
use crate::timeline::axis::Axis;
use crate::timeline::phases::{self, History};
use crate::timeline::{Bin, Latencies, Part, Timeline};

/// With a breaker for each key, so many of them get a row.
const MAX_KEYS: usize = 8;
/// Of the keys whose breakers stay closed so many are named, each so far.
const MAX_CALM: usize = 4;
const LONGEST_CALM: usize = 24;
/// More columns than this would be finer than the timeline's bins.
const MAX_COLUMNS: usize = 240;
const MIN_COLUMNS: usize = 20;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const CLOSED: char = '─';
const HALF_OPEN: char = '▒';
const OPEN: char = '█';
/// A share of exactly nothing, where there were calls.
const NONE: char = '·';

/// Whose latencies of a column.
type Whose = fn(&Bin) -> &Latencies;

/// One row: its label, and its columns with the colour of each.
struct Line {
    label: String,
    cells: Vec<(char, Paint)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paint {
    Plain,
    Green,
    Yellow,
    Red,
    Cyan,
}

impl Paint {
    /// The terminal's code for it.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Cyan => "36",
        }
    }
}

/// Draws the band, as wide as the screen at most (but never so narrow that nothing can be seen).
pub(crate) fn draw(timeline: &Timeline, summary: &Summary, keyed: bool, screen: Screen) -> String {
    let width = screen.width;
    let histories = phases::histories(summary, keyed);
    let shown = &histories[..histories.len().min(MAX_KEYS)];
    let labels: Vec<String> = shown
        .iter()
        .map(|history| {
            let name = if keyed {
                history.name(summary)
            } else {
                "phase"
            };
            label(name, width / 3)
        })
        .collect();
    let margin = labels.iter().map(|label| label.chars().count()).max();
    let margin = margin.unwrap_or(0).max("refused".len());
    // One column at the left, two between label and picture.
    let columns = width
        .saturating_sub(margin + 3)
        .clamp(MIN_COLUMNS, MAX_COLUMNS);
    let axis = Axis::of(summary);

    let mut lines: Vec<Line> = shown
        .iter()
        .zip(labels)
        .map(|(history, label)| phase_line(label, history, &axis, columns))
        .collect();
    let bins = columns_of(timeline, &axis, columns);
    let (p99s, p99_range) = latency_lines(&bins, summary.refused > 0);
    lines.extend(p99s);
    let mut most_shares = Vec::new();
    for (label, part) in shares(timeline.slow_limit_ns().is_some()) {
        let (line, most) = share_line(label, &bins, part);
        lines.push(line);
        most_shares.push(format!("{most} {label}"));
    }

    let mut text = String::new();
    for line in &lines {
        line.print(margin, screen.colour, &mut text);
    }
    text += &axis_line(&axis, margin, columns);
    text += &legend(&histories, shown.len(), keyed);
    if let Some(closed) = keyed.then(|| calm_keys(&histories, summary)).flatten() {
        text += &screen.fitted(&format!(" {closed}"));
        text.push('\n');
    }
    if let Some(p99) = p99_range {
        text += &screen.fitted(&format!(" {p99}"));
        text.push('\n');
    }
    let shares = format!(
        " shares: {NONE} none, {} the row's most: {}",
        BARS[7],
        most_shares.join(", ")
    );
    text + &screen.fitted(&shares) + "\n"
}

impl Line {
    fn print(&self, margin: usize, colour: bool, text: &mut String) {
        let padding = margin - self.label.chars().count();
        text.push_str(&format!(" {}{}  ", self.label, " ".repeat(padding)));
        let mut current = Paint::Plain;
        let filled = self.cells.iter().rposition(|(c, _)| *c != ' ');
        for (c, paint) in &self.cells[..filled.map_or(0, |last| last + 1)] {
            if colour && *paint != current {
                text.push_str(&format!("\x1b[{}m", paint.code()));
                current = *paint;
            }
            text.push(*c);
        }
        if current != Paint::Plain {
            text.push_str("\x1b[0m");
        }
        text.push('\n');
    }
}

fn phase_line(label: String, history: &History, axis: &Axis, columns: usize) -> Line {
    let cells = history
        .raster(axis, columns)
        .into_iter()
        .map(|phase| match phase {
            Phase::Closed => (CLOSED, Paint::Green),
            Phase::HalfOpen => (HALF_OPEN, Paint::Yellow),
            Phase::Open => (OPEN, Paint::Red),
        })
        .collect();
    Line { label, cells }
}

/// The calls of each column, by the middle of their bins; `None` where there were none.
fn columns_of(timeline: &Timeline, axis: &Axis, columns: usize) -> Vec<Option<Bin>> {
    let bins = timeline.bins();
    let mut next = 0;
    (0..columns)
        .map(|column| {
            let first = next;
            while next < bins.len() && axis.cell(timeline.bin_middle_ns(next), columns) <= column {
                next += 1;
            }
            if next > first {
                return Some(Bin::merged(&bins[first..next]));
            }
            let over = timeline.bin_at(axis.cell_start_ns(column, columns));
            bins.get(over).cloned()
        })
        .map(|bin| bin.filter(|bin| bin.total() > 0))
        .collect()
}

/// The p99 of each column on a log scale, of all calls and, if `refused` any, of the admitted ones on the same scale;
/// and its range in words.
fn latency_lines(bins: &[Option<Bin>], refused: bool) -> (Vec<Line>, Option<String>) {
    let mut rows: Vec<(&str, Whose)> = vec![("p99 all", |bin| &bin.latencies)];
    if refused {
        rows.push(("p99 adm", |bin| &bin.admitted));
    }
    let values: Vec<Vec<Option<u64>>> = rows
        .iter()
        .map(|(_, of)| {
            let p99 = |bin: &Option<Bin>| of(bin.as_ref()?).quantile(Quantile::P99);
            bins.iter().map(p99).collect()
        })
        .collect();
    let known = || values.iter().flatten().flatten().copied();
    let range = known().min().zip(known().max());
    let (least, most) = range.unwrap_or((0, 0));
    let lines = rows
        .iter()
        .zip(&values)
        .map(|((label, _), values)| Line {
            label: (*label).to_owned(),
            cells: values
                .iter()
                .map(|value| value.map_or((' ', Paint::Plain), |ns| bar(ns, least, most)))
                .collect(),
        })
        .collect();
    let whose = if refused {
        "of all calls, and of the admitted ones alone"
    } else {
        "of all calls"
    };
    let words = range.map(|_| {
        let (least, most) = (numbers::rounded(least), numbers::rounded(most));
        if least == most {
            return format!("p99 {whose}: {most} in every column");
        }
        format!(
            "p99 {whose}: {} {least} to {} {most}, log scale",
            BARS[0], BARS[7]
        )
    });
    (lines, words)
}

/// A latency between the least and the most, on a log scale.
fn bar(ns: u64, least: u64, most: u64) -> (char, Paint) {
    let log = |ns: u64| (ns.max(1) as f64).log2();
    let (low, high) = (log(least), log(most));
    let height = if low < high {
        (log(ns) - low) / (high - low) * 7.0
    } else {
        0.0
    };
    (BARS[(height.round() as usize).min(7)], Paint::Cyan)
}

/// The rows of shares: label, and which calls of a bin are meant.
fn shares(slow: bool) -> Vec<(&'static str, Part)> {
    let mut shares: Vec<(_, Part)> = vec![("refused", Bin::refused), ("failed", Bin::failed)];
    if slow {
        shares.push(("slow", |bin| bin.slow));
    }
    shares
}

/// A share of the calls of each column, in eight steps up to the row's own most, as a few per cent can be the outage;
/// and that most in words.
fn share_line(label: &str, bins: &[Option<Bin>], part: Part) -> (Line, String) {
    let parts = |bin: &Bin| (part(bin), bin.total().max(1));
    let share = |(part, whole): (u64, u64)| part as f64 / whole as f64;
    let most = bins
        .iter()
        .flatten()
        .map(parts)
        .max_by(|a, b| share(*a).total_cmp(&share(*b)))
        .unwrap_or((0, 1));
    let cells = bins
        .iter()
        .map(|bin| match bin.as_ref().map(parts) {
            None => (' ', Paint::Plain),
            Some((0, _)) => (NONE, Paint::Plain),
            Some(parts) => {
                let step = (share(parts) / share(most) * 8.0).ceil() as usize;
                (BARS[step.clamp(1, 8) - 1], Paint::Red)
            }
        })
        .collect();
    let label = label.to_owned();
    (Line { label, cells }, numbers::percent(most.0, most.1))
}

/// Tick labels, each beginning under its instant.
fn axis_line(axis: &Axis, margin: usize, columns: usize) -> String {
    // A label of up to nine characters every twelve columns.
    let ticks = axis.ticks((columns / 12).max(1));
    let mut line = String::new();
    let mut used = 0;
    for tick in ticks {
        let at = axis.cell(tick.t_ns, columns);
        let length = tick.label.chars().count() + 1;
        if at >= used && at + length <= columns + 1 {
            line.push_str(&" ".repeat(at - used));
            line.push_str(&format!("╵{}", tick.label));
            used = at + length;
        }
    }
    format!("{}{line}\n", " ".repeat(margin + 3))
}

fn legend(histories: &[History], shown: usize, keyed: bool) -> String {
    let mut text = String::new();
    let hidden = histories.len() - shown;
    if hidden > 0 {
        let keys = if hidden == 1 { "key" } else { "keys" };
        text += &format!(
            " and {hidden} more {keys} with an open breaker; the longest open are shown\n"
        );
    } else if keyed && histories.is_empty() {
        text.push_str(" no breaker of any key opened\n");
    }
    text + &format!(
        " {CLOSED} closed  {HALF_OPEN} half-open  {OPEN} open: the worst phase in each column\n"
    )
}

/// Which keys have no row because their breakers stay closed; nothing if all or none do.
fn calm_keys(histories: &[History], summary: &Summary) -> Option<String> {
    let mut calm = vec![true; summary.keys.len()];
    for history in histories {
        if let Some(calm) = history.key.and_then(|key| calm.get_mut(key as usize)) {
            *calm = false;
        }
    }
    let mut names = calm.iter().zip(&summary.keys).filter(|(calm, _)| **calm);
    let count = names.clone().count();
    if count == 0 || histories.is_empty() {
        return None;
    }
    let first: Vec<String> = names
        .by_ref()
        .take(MAX_CALM)
        .map(|(_, name)| label(name, LONGEST_CALM))
        .collect();
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {} more", numbers::count(more as u64)),
    };
    let all = numbers::counted(summary.keys.len() as u64, "key");
    let stay = if count == 1 { "stays" } else { "stay" };
    let count = numbers::count(count as u64);
    Some(format!(
        "{count} of {all} {stay} closed: {}{more}",
        first.join(", ")
    ))
}
