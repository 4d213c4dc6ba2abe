//! Text that cannot command a terminal, cut to a length, in columns.

use std::fmt::Write;

/// A key as a label: short, and unable to command the terminal.
pub(crate) fn label(name: &str, most: usize) -> String {
    let mut clean: Vec<char> = name
        .chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if clean.len() > most {
        clean.truncate(most.saturating_sub(1));
        clean.push('…');
    }
    clean.into_iter().collect()
}

/// A text of several lines that cannot command the terminal.
pub(crate) fn printable(text: &str) -> String {
    let clean = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{FFFD}'
        } else {
            c
        }
    };
    text.chars().map(clean).collect()
}

/// Columns side by side, each as wide as its widest cell; `right` says which are set to the right.
pub(crate) fn aligned(lines: &[Vec<String>], right: &[bool]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..right.len()).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for ((cell, &width), &right) in line.iter().zip(&widths).zip(right) {
            let _ = match right {
                true => write!(row, "  {cell:>width$}"),
                false => write!(row, "  {cell:width$}"),
            };
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}
