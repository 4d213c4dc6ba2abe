//! Text broken into lines.

/// Breaks text into lines of at most `width` characters, at blanks, but not between a number and its unit.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in glued(text).split(' ') {
        let word = word.replace('\u{A0}', " ");
        let Some(line) = lines.last_mut() else { break };
        let length = line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(&word);
        } else if length <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines
}

/// The text with a no-break space between each number and what it counts, so that no line breaks there.
pub(crate) fn glued(text: &str) -> String {
    let mut glued = String::with_capacity(text.len());
    let mut after_digit = false;
    for c in text.chars() {
        glued.push(if c == ' ' && after_digit { '\u{A0}' } else { c });
        after_digit = c.is_ascii_digit();
    }
    glued
}
