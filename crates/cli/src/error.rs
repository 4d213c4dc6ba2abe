//! How an error is told: on stderr, after `error: `; on a terminal wrapped to its width and in colour.

use std::fmt::Display;
use std::io::{self, Write};

use crate::screen::Screen;

const RED: &str = "1;31";
const DIM: &str = "2";
const BOLD: &str = "1";

/// Tells it. Who does not read stderr has been told nonetheless.
pub(crate) fn tell(error: impl Display) {
    let text = shown(&error.to_string(), Screen::of_stderr());
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The text as the screen shows it. Lines of a file, which [`crate::place`] marks, stay as long as they are.
fn shown(error: &str, screen: Screen) -> String {
    let mut text = String::new();
    for (at, line) in error.lines().enumerate() {
        let start = if at == 0 { "error: " } else { "" };
        if let Some((gutter, rest)) = of_file(line) {
            let carets = rest.trim_start().starts_with('^');
            let rest = screen.painted(rest, if carets { RED } else { "" });
            text += &format!("{}{rest}\n", screen.painted(gutter, DIM));
            continue;
        }
        let whole = format!("{start}{line}");
        let lines = screen.fitted(&whole);
        let rest = lines.strip_prefix(start).unwrap_or(&lines);
        let rest = match at {
            0 => screen.painted(rest, BOLD),
            _ => rest.to_owned(),
        };
        text += &format!("{}{rest}\n", screen.painted(start, RED));
    }
    text
}

/// The gutter of a line that shows a place in a file, up to its bar, and what is behind it.
fn of_file(line: &str) -> Option<(&str, &str)> {
    let (gutter, _) = line.split_once('|')?;
    let is_gutter = gutter.starts_with(' ') && gutter.ends_with(' ');
    let digits = gutter.trim().bytes().all(|byte| byte.is_ascii_digit());
    (is_gutter && digits).then(|| line.split_at(gutter.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &str = "p.toml:6:1: found the unknown key `window2`\n   |\n 6 | window2 = 1\n   | ^^^^^^^\nBefore it, all is well.";

    fn screen(width: usize, colour: bool, is_terminal: bool) -> Screen {
        Screen {
            width,
            colour,
            is_terminal,
        }
    }

    #[test]
    fn a_pipe_gets_the_text_as_it_is() {
        let text = shown(ERROR, screen(40, false, false));
        assert_eq!(text, format!("error: {ERROR}\n"));
    }

    #[test]
    fn a_terminal_gets_lines_that_fit_and_the_line_of_the_file_whole() {
        let text = shown(ERROR, screen(40, false, true));
        let expected = "\
error: p.toml:6:1: found the unknown
  key `window2`
   |
 6 | window2 = 1
   | ^^^^^^^
Before it, all is well.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_colours_end_where_they_should() {
        let text = shown(ERROR, screen(80, true, true));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("\x1b[1;31merror: \x1b[0m\x1b[1mp.toml:6:1: "));
        assert!(lines[0].ends_with("`window2`\x1b[0m"));
        assert_eq!(lines[2], "\x1b[2m 6 |\x1b[0m window2 = 1");
        assert_eq!(lines[3], "\x1b[2m   |\x1b[0m\x1b[1;31m ^^^^^^^\x1b[0m");
        assert_eq!(lines[4], "Before it, all is well.");
    }
}
