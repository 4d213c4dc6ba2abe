//! Errors that point at a place in a file: `file:line:column: what is wrong`, then the line with carets.

use std::ops::Range;

/// How much of a long line is shown, and how much of it before the carets.
const SHOWN: usize = 120;
const SHOWN_BEFORE: usize = 60;

/// The text of an error at `span`, bytes of `line`, which is line number `number` (from 1) of `file`. Columns
/// count characters from 1.
pub(crate) fn complaint(
    file: &str,
    number: u64,
    line: &[u8],
    span: Range<usize>,
    what: &str,
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

    let skipped = before.len().saturating_sub(SHOWN_BEFORE);
    let mut excerpt = String::new();
    let mut indent = before.len() - skipped;
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
    excerpt.extend(rest.iter().take(SHOWN));
    if rest.len() > SHOWN {
        excerpt.push('…');
    }
    let carets = marked.len().clamp(1, SHOWN - SHOWN_BEFORE);

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

/// The candidate that `word` most resembles, if it resembles one: for "did you mean".
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carets_stand_under_the_marked_bytes() {
        let text = complaint("a.csv", 12, "é,-5,ok".as_bytes(), 3..5, "no");
        assert_eq!(text, "a.csv:12:3: no\n    |\n 12 | é,-5,ok\n    |   ^^");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let line = "x".repeat(1_000);
        let text = complaint("a", 1, line.as_bytes(), 500..503, "no");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "a:1:501: no");
        assert_eq!(lines[2], format!(" 1 | …{}…", "x".repeat(SHOWN)));
        assert_eq!(
            lines[3],
            format!("   | {}^^^", " ".repeat(SHOWN_BEFORE + 1))
        );
    }

    #[test]
    fn a_place_in_a_text_is_found_by_its_offset() {
        let text = complaint_in("p", b"one\ntwo = 2\n", 10..11, "no");
        assert_eq!(text, "p:2:7: no\n   |\n 2 | two = 2\n   |       ^");
        assert!(complaint_in("p", b"one\n", 4..4, "no").starts_with("p:2:1: no"));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("braeker", ["breaker", "backoff"]), Some("breaker"));
        assert_eq!(nearest("metrics", ["breaker", "backoff"]), None);
    }
}
