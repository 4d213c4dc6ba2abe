//! What a check answers: how often the law was put to the test, or where it was broken.

use core::fmt::Debug;

/// Where a law was broken.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The step of the script, from 0.
    pub(crate) step: usize,
    pub(crate) what: String,
}

/// How often the law was put to the test, or where it was broken.
pub(crate) type Verdict = Result<u64, Fault>;

/// A fault at a step.
pub(crate) fn fault<T>(step: usize, what: impl Into<String>) -> Result<T, Fault> {
    let what = what.into();
    Err(Fault { step, what })
}

/// Both must be equal.
pub(crate) fn equal<T: PartialEq + Debug>(
    step: usize,
    what: &str,
    one: &T,
    other: &T,
) -> Result<(), Fault> {
    if one == other {
        Ok(())
    } else {
        let (one, other) = (format!("{one:?}"), format!("{other:?}"));
        let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b);
        let from = same.count().saturating_sub(300);
        let (one, other) = (part(&one, from), part(&other, from));
        fault(step, format!("{what} differ:\n      {one}\n      {other}"))
    }
}

/// Its text, cut where it would fill the screen.
pub(crate) fn short(value: &impl Debug) -> String {
    part(&format!("{value:?}"), 0)
}

/// At most 900 characters of a text.
fn part(text: &str, from: usize) -> String {
    let part: String = text.chars().skip(from).take(900).collect();
    let before = if from > 0 { ".. " } else { "" };
    let after = if part.len() + from < text.len() {
        " .."
    } else {
        ""
    };
    format!("{before}{part}{after}")
}

/// The text of a state without the time memory, which alone may change when nothing happens.
pub(crate) fn timeless(state: &impl Debug) -> String {
    let text = format!("{state:?}");
    let mut rest = text.as_str();
    let mut without = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once("Monotone {") {
        without.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    without.push_str(rest);
    without
}
