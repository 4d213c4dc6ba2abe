//! Errors that point at a place in a file: `file:line:column: what is wrong`, then the line with carets.

use std::ops::Range;

use crate::screen::Screen;

/// How much of a long line is shown where the width of the screen does not say; half of it before the carets.
const SHOWN: usize = 120;

/// The text of an error at `span`, bytes of `line`, which is line number `number` (from 1) of `file`. Columns
/// count characters from 1.
pub(crate) fn complaint(
    file: &str,
    number: u64,
    line: &[u8],
    span: Range<usize>,
    what: &str,
) -> String {
    excerpt(file, number, line, span, what, room(number))
}

/// How much of line `number` fits on the screen, beside its number and between two ellipses.
fn room(number: u64) -> usize {
    let screen = Screen::of_stderr();
    match screen.is_terminal {
        true => screen.width - number.to_string().len() - 6,
        false => SHOWN,
    }
}

fn excerpt(
    file: &str,
    number: u64,
    line: &[u8],
    span: Range<usize>,
    what: &str,
    most: usize,
) -> String {
    let shown = |bytes: &[u8]| -> Vec<char> {
        let printable = |c: char| if c.is_control() { ' ' } else { c };
        String::from_utf8_lossy(bytes)
            .chars()
            .map(printable)
            .collect()
    };
    let start = span.start.min(line.len());
    let end = span.end.clamp(start, line.len());
    let before = shown(&line[..start]);
    let marked = shown(&line[start..end]);
    let after = shown(&line[end..]);
    let column = before.len() + 1;

    // Half of the room before the carets, more where nothing comes after them.
    let whole = before.len() + marked.len() + after.len();
    let skipped = before
        .len()
        .saturating_sub(most / 2)
        .min(whole.saturating_sub(most));
    let mut excerpt = String::new();
    let mut indent = before.len() - skipped;
    let carets = marked.len().min(most - indent).max(1);
    if skipped > 0 {
        excerpt.push('…');
        indent += 1;
    }
    let rest: Vec<char> = before[skipped..]
        .iter()
        .chain(&marked)
        .chain(&after)
        .copied()
        .collect();
    excerpt.extend(rest.iter().take(most));
    if rest.len() > most {
        excerpt.push('…');
    }
    let what: String = shown(what.as_bytes()).into_iter().collect();
    let gutter = number.to_string();
    let blank = " ".repeat(gutter.len());
    format!(
        "{file}:{number}:{column}: {what}\n {blank} |\n {gutter} | {}\n {blank} | {}{}",
        excerpt.trim_end(),
        " ".repeat(indent),
        "^".repeat(carets),
    )
}

/// Like [`complaint`], for `span` of a whole `text`; a span over several lines is marked in its first one.
pub(crate) fn complaint_in(file: &str, text: &[u8], span: Range<usize>, what: &str) -> String {
    let start = span.start.min(text.len());
    let line_start = text[..start]
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let line_end = text[start..]
        .iter()
        .position(|&b| b == b'\n')
        .map_or(text.len(), |at| start + at);
    let number = 1 + text[..start].iter().filter(|&&b| b == b'\n').count() as u64;
    let line = &text[line_start..line_end];
    let marked = start - line_start..span.end.saturating_sub(line_start);
    complaint(file, number, line, marked, what)
}

/// What was found, quoted; shortened where it is long.
pub(crate) fn quoted(found: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text = String::from_utf8_lossy(found);
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("\"{}…\"", text[..cut].escape_debug()),
        None => format!("\"{}\"", text.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carets_stand_under_the_marked_bytes() {
        let text = excerpt("a.csv", 12, "é,-5,ok".as_bytes(), 3..5, "no", SHOWN);
        assert_eq!(text, "a.csv:12:3: no\n    |\n 12 | é,-5,ok\n    |   ^^");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let line = "x".repeat(1_000);
        for most in [33, SHOWN] {
            let text = excerpt("a", 1, line.as_bytes(), 500..503, "no", most);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines[0], "a:1:501: no");
            assert_eq!(lines[2], format!(" 1 | …{}…", "x".repeat(most)));
            assert_eq!(lines[3], format!("   | {}^^^", " ".repeat(most / 2 + 1)));
        }
    }

    #[test]
    fn a_place_in_a_text_is_found_by_its_offset() {
        let text = complaint_in("p", b"one\ntwo = 2\n", 10..11, "no");
        assert_eq!(text, "p:2:7: no\n   |\n 2 | two = 2\n   |       ^");
        assert!(complaint_in("p", b"one\n", 4..4, "no").starts_with("p:2:1: no"));
    }
}
