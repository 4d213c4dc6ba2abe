//! Spans of a policy that stand there as bare numbers so small that seconds are probably meant.

use crate::outline::Node;
use crate::policy::{Format, Policies, read};

/// From a microsecond on a bare number is taken for what it says.
const SUSPECT: std::ops::Range<u64> = 1..1_000;

/// A sentence for each of them, with its line.
pub(crate) fn bare_spans(text: &str, format: Format, policies: &Policies) -> Vec<String> {
    let outline = match format {
        Format::Toml => Node::of_toml(text).ok(),
        Format::Json => Node::of_json(text).ok(),
    };
    let Some(outline) = outline else {
        return Vec::new();
    };
    let notes = outline.values().into_iter().filter_map(|(path, value)| {
        let (before, after) = (text.get(..value.span.start)?, text.get(value.span.end..)?);
        let written = text.get(value.span.clone())?;
        let number: u64 = written.parse().ok()?;
        // A number that means the same with its unit is a span; a count would be refused.
        let spelt = format!("{before}\"{number}ns\"{after}");
        let is_span =
            SUSPECT.contains(&number) && read(&spelt, format).is_ok_and(|same| same == *policies);
        let line = before.matches('\n').count() + 1;
        is_span.then(|| {
            format!("line {line}: {path} = {number} is {number} ns: did you mean \"{number}s\"?")
        })
    });
    notes.collect()
}
