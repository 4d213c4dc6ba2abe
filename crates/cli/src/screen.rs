//! What is known of the terminal: its width, and whether it is to be coloured.

use std::io;

use anstream::{AutoStream, ColorChoice};
use console::Term;

use crate::wrap::wrap;

/// How the terminal shows things.
#[derive(Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: usize,
    /// As `--color`, NO_COLOR, CLICOLOR and CLICOLOR_FORCE say; on a terminal without them.
    pub(crate) colour: bool,
    /// Whether it is a terminal at all.
    pub(crate) is_terminal: bool,
}

impl Screen {
    /// That of stdout; 80 columns where it is no terminal.
    pub(crate) fn of_stdout() -> Self {
        Self::of(&Term::stdout(), AutoStream::choice(&io::stdout()))
    }

    /// That of stderr.
    pub(crate) fn of_stderr() -> Self {
        Self::of(&Term::stderr(), AutoStream::choice(&io::stderr()))
    }

    fn of(terminal: &Term, colour: ColorChoice) -> Self {
        let width = terminal
            .size_checked()
            .map_or(80, |(_, columns)| usize::from(columns));
        Self {
            width: width.clamp(40, 160),
            is_terminal: terminal.is_term(),
            colour: colour != ColorChoice::Never,
        }
    }

    /// The text in a colour or style, by its number.
    pub(crate) fn painted(self, text: &str, code: &str) -> String {
        match self.colour && !code.is_empty() && !text.trim().is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    /// A line as several where a terminal is too narrow for it, all but the first set in a little more.
    pub(crate) fn fitted(self, line: &str) -> String {
        if !self.is_terminal || line.chars().count() <= self.width {
            return line.to_owned();
        }
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        let lines = wrap(text, self.width.saturating_sub(indent.len() + 2));
        format!("{indent}{}", lines.join(&format!("\n{indent}  ")))
    }
}
