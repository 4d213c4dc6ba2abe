//! Text: without rustdoc's links, broken into lines, and how wide it is.

/// `[text](target)` and `[text]` are the text, but for addresses of the web.
pub(crate) fn unlinked(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain += before;
        let Some((name, after)) = after.split_once(']') else {
            plain.push('[');
            rest = after;
            continue;
        };
        let target = after
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'));
        rest = match target {
            Some((target, after)) if target.contains("://") => {
                plain += &format!("[{name}]({target})");
                after
            }
            Some((_, after)) => {
                plain += name;
                after
            }
            None if name.starts_with('`') => {
                plain += name;
                after
            }
            // An interval, an index.
            None => {
                plain += &format!("[{name}]");
                after
            }
        };
    }
    plain + rest
}

/// Broken at blanks into lines of at most so many characters, where a word is not longer.
pub(crate) fn broken(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Tenths of a font's size that a text takes in a usual font without serifs, rather too many.
pub(crate) fn tenths(text: &str) -> i32 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | '\'' | '`' | '|' => 3,
        'f' | 'r' | 't' | ' ' | '-' | '(' | ')' => 4,
        'm' | 'w' | 'M' | 'W' => 9,
        'A'..='Z' => 7,
        _ => 6,
    };
    text.chars().map(width).sum()
}
