//! Text for a terminal: headings, wrapped paragraphs, tables.

use crate::wrap::wrap;

/// Narrower than this the diagrams would not fit; wider than that lines are hard to read.
const MIN_WIDTH: usize = 72;
const MAX_WIDTH: usize = 110;

/// A page under construction.
pub(crate) struct Page {
    text: String,
    pub(crate) width: usize,
    colour: bool,
}

impl Page {
    pub(crate) fn new(width: usize, colour: bool) -> Self {
        Self {
            text: String::new(),
            width: width.clamp(MIN_WIDTH, MAX_WIDTH),
            colour,
        }
    }

    /// A machine's name, which begins a part.
    pub(crate) fn part(&mut self, name: &str) {
        let rule = "═".repeat(self.width.saturating_sub(name.chars().count() + 1));
        let line = format!("\n{name} {rule}");
        self.styled("1", &line);
    }

    /// The heading of a section.
    pub(crate) fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.styled("1", text);
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// The rule of a gate: what it decides, by which formula, of what span or amount; on one line where that fits.
    pub(crate) fn rule(&mut self, decides: &str, formula: &str, of: &str) {
        let start = format!("  {decides}   ");
        let column = start.chars().count();
        let room = self.width.saturating_sub(column);
        let whole = format!("{formula}   ({of})");
        let lines = if whole.chars().count() <= room {
            vec![whole]
        } else {
            let mut lines = wrap(formula, room);
            lines.push(format!("({of})"));
            lines
        };
        for (i, line) in lines.iter().enumerate() {
            let start = if i == 0 { start.as_str() } else { "" };
            self.line(&format!("{start:column$}{line}"));
        }
    }

    /// A wrapped paragraph with a bullet.
    pub(crate) fn bullet(&mut self, text: &str) {
        for (i, line) in wrap(text, self.width.saturating_sub(4)).iter().enumerate() {
            let start = if i == 0 { "  - " } else { "    " };
            self.line(&format!("{start}{line}"));
        }
    }

    /// A wrapped paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        for line in wrap(text, self.width.saturating_sub(2)) {
            self.line(&format!("  {line}"));
        }
    }

    /// A table whose first row is its head. Columns are aligned right, the last one left.
    pub(crate) fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| Self::column_width(rows, column))
            .collect();
        for (i, row) in rows.iter().enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line.push_str("  ");
                let padding = " ".repeat(width - cell.chars().count());
                if column + 1 < columns {
                    line.push_str(&padding);
                }
                line.push_str(cell);
            }
            if i == 0 {
                self.styled("2", line.trim_end());
            } else {
                self.line(&line);
            }
        }
    }

    /// The characters of the longest cell in a column.
    pub(crate) fn column_width(rows: &[Vec<String>], column: usize) -> usize {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    /// Names of phases in their colours.
    pub(crate) fn diagram(&mut self, lines: &[String]) {
        for line in lines {
            let mut line = line.clone();
            if self.colour {
                for (name, code) in [
                    ("│  closed   │", "32"),
                    ("│   open    │", "31"),
                    ("│ half-open │", "33"),
                ] {
                    let inner = name.trim_matches('│');
                    line = line.replace(name, &format!("│\x1b[1;{code}m{inner}\x1b[0m│"));
                }
            }
            self.line(&line);
        }
    }

    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    fn styled(&mut self, code: &str, text: &str) {
        if self.colour {
            self.text.push_str(&format!("\x1b[{code}m{text}\x1b[0m\n"));
        } else {
            self.line(text);
        }
    }
}
