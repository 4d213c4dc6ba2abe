//! The table as it stands in docs/side-by-side.md, and whether it still does.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::scenes::rows;
use crate::{layers, ours, peers};

const PAGE: &str = "../docs/side-by-side.md";
const SOURCES: [&str; 3] = [
    include_str!("ours.rs"),
    include_str!("layers.rs"),
    include_str!("peers.rs"),
];

/// Rows as Markdown: what happens, ours at the call and as a layer, theirs.
pub(crate) fn table() -> String {
    let lines = SOURCES.map(lines_of_the_task);
    let mut text = String::from(
        "| | evenkeel-tokio | evenkeel-tower | tower + tower-resilience |\n|---|---|---|---|\n",
    );
    let [at_the_call, as_a_layer, theirs] = lines;
    let _ = writeln!(
        text,
        "| lines of code | {at_the_call} | {as_a_layer} | {theirs} |"
    );
    let all = rows::<ours::Client>()
        .into_iter()
        .zip(rows::<layers::Client>())
        .zip(rows::<peers::Client>());
    for (((what, at_the_call), (_, as_a_layer)), (_, theirs)) in all {
        let _ = writeln!(text, "| {what} | {at_the_call} | {as_a_layer} | {theirs} |");
    }
    text
}

/// Lines between the markers that are neither empty, nor a comment, nor only there for the table.
fn lines_of_the_task(source: &str) -> usize {
    let task = source.split("// --- the task ---").nth(1).unwrap_or("");
    let task = task
        .split("// --- the end of the task ---")
        .next()
        .unwrap_or("");
    let lines = task.lines().map(str::trim);
    let counts = |line: &&str| {
        !line.is_empty() && !line.starts_with("//") && !line.ends_with("// for the table")
    };
    lines.filter(counts).count()
}

/// What is wrong with the page, if anything is: the table, or a piece of code that is not what runs.
pub(crate) fn differs(table: &str) -> Option<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let text = match fs::read_to_string(&page) {
        Ok(text) => text,
        Err(error) => return Some(format!("{}: {error}", page.display())),
    };
    if !text.contains(table) {
        return Some(format!(
            "{} does not hold this table:\n{table}",
            page.display()
        ));
    }
    let mut blocks = text.split("```rust\n").skip(1);
    let foreign = blocks.find(|block| {
        let block = block.split("```").next().unwrap_or("");
        !SOURCES.iter().any(|source| source.contains(block))
    })?;
    Some(format!(
        "{} shows code that does not run:\n{foreign}",
        page.display()
    ))
}
