//! How the parts of a line stand: in columns, or, where a terminal is too narrow for them, below each other.

use crate::screen::Screen;

/// A part, padded to its column, and the number of its colour or style.
pub(crate) type Part = (String, &'static str);

/// The first `FIXED` of these stay on one line: what they are about.
const FIXED: usize = 3;

/// A line of `columns`, and what is said after them.
pub(crate) fn line(columns: &[Part], after: &[Part], screen: Screen) -> String {
    let said = |parts: &[Part], between: &str| {
        let texts = parts.iter().map(|(text, _)| text.as_str());
        texts.collect::<Vec<_>>().join(between)
    };
    let whole = format!("{}  {}", said(columns, "  "), said(after, "; "));
    if screen.is_terminal && whole.trim_end().chars().count() > screen.width {
        return folded(columns, after, screen);
    }
    let painted = |parts: &[Part], between: &str| {
        let texts = parts.iter().map(|(text, code)| {
            let bare = text.trim_end();
            let padding = &text[bare.len()..];
            screen.painted(bare, code) + padding
        });
        texts.collect::<Vec<_>>().join(between)
    };
    let line = format!("{}  {}", painted(columns, "  "), painted(after, "; "));
    line.trim_end().to_owned()
}

fn folded(columns: &[Part], after: &[Part], screen: Screen) -> String {
    let about = columns.iter().take(FIXED - 1);
    let indent = about.map(|(text, _)| text.chars().count() + 2).sum();
    let mut folded = String::new();
    let mut used = 0;
    for (at, (text, code)) in columns.iter().chain(after).enumerate() {
        // The columns before the last fixed one keep their width; after it nothing stands below anything.
        let text = match at + 1 < FIXED {
            true => text,
            false => text.trim_end(),
        };
        let length = text.chars().count();
        if at >= FIXED && used + 2 + length > screen.width {
            folded += &format!("\n{:indent$}", "");
            used = indent + length;
        } else {
            let gap = if at == 0 { "" } else { "  " };
            folded += gap;
            used += gap.len() + length;
        }
        folded += &screen.painted(text, code);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (Vec<Part>, Vec<Part>) {
        let columns = [
            ("   1.5", "2"),
            ("db   ", ""),
            ("try_acquire   ", ""),
            ("admitted ", "32"),
        ];
        let columns = columns.map(|(text, code)| (text.to_owned(), code));
        let after = vec![("closed -> open (consecutive)".to_owned(), "1")];
        (columns.to_vec(), after)
    }

    fn screen(width: usize, is_terminal: bool) -> Screen {
        Screen {
            width,
            colour: false,
            is_terminal,
        }
    }

    #[test]
    fn a_pipe_and_a_wide_terminal_get_one_line() {
        let (columns, after) = parts();
        let expected = "   1.5  db     try_acquire     admitted   closed -> open (consecutive)";
        assert_eq!(line(&columns, &after, screen(40, false)), expected);
        assert_eq!(line(&columns, &after, screen(80, true)), expected);
        let bare = "   1.5  db     try_acquire     admitted";
        assert_eq!(line(&columns, &[], screen(40, true)), bare);
    }

    #[test]
    fn a_narrow_terminal_gets_what_does_not_fit_below() {
        let (columns, after) = parts();
        let expected =
            "   1.5  db     try_acquire  admitted\n               closed -> open (consecutive)";
        assert_eq!(line(&columns, &after, screen(45, true)), expected);
    }
}
