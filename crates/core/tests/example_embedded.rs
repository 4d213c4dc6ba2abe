//! The example `embedded`: its hour is the one of docs/embedded.md, and the code on that page is its code.

use std::fs;
use std::path::Path;

#[path = "../examples/embedded/board.rs"]
mod board;
#[path = "../examples/embedded/hour.rs"]
mod hour;
#[path = "../examples/embedded/node.rs"]
mod node;
#[path = "../examples/embedded/outbox.rs"]
mod outbox;
#[path = "../examples/embedded/ticks.rs"]
mod ticks;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("a file of the project")
}

/// The blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}\n");
    let blocks = page.split(&start).skip(1);
    let inner = blocks.map(|block| block.split("```").next().unwrap_or(""));
    inner.map(str::to_owned).collect()
}

/// The lines without their indentation.
fn flush(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.trim_start()))
        .collect()
}

#[test]
fn the_hour_is_the_one_of_the_page() {
    let (log, _) = hour::run().expect("policies that can be, states that were kept");
    let shown = blocks(&read("docs/embedded.md"), "text");
    assert_eq!(log, shown[0]);
}

#[test]
fn the_same_hour_twice_is_the_same() {
    assert_eq!(hour::run().ok(), hour::run().ok());
}

#[cfg(all(not(feature = "alloc"), target_pointer_width = "64"))]
#[test]
fn the_sizes_are_those_of_the_page() {
    let (_, sizes) = hour::run().expect("policies that can be, states that were kept");
    let lines: String = sizes
        .iter()
        .map(|(name, bytes)| format!("{bytes:>6}  {name}\n"))
        .collect();
    let shown = blocks(&read("docs/embedded.md"), "text");
    assert_eq!(format!("bytes of\n{lines}"), shown[1]);
}

#[test]
fn the_code_of_the_page_is_the_code_that_runs() {
    let source = flush(&read("crates/core/examples/embedded/node.rs"));
    let shown = blocks(&read("docs/embedded.md"), "rust");
    assert_eq!(shown.len(), 4);
    for block in shown {
        assert!(source.contains(&flush(&block)), "not in node.rs:\n{block}");
    }
}

#[test]
fn a_tick_and_its_instant_agree_for_ever() {
    for tick in (0..200).chain([1 << 40, (1 << 44) + 63, 604_462_909_807_313]) {
        let at_ns = ticks::to_ns(tick);
        assert!(ticks::to_ns(ticks::at_or_after(at_ns)) >= at_ns);
        // The alarm for an instant is never before it: the tick's true instant is at most a nanosecond after `to_ns`.
        assert_eq!(ticks::at_or_after(at_ns + 1), tick + 1, "{tick}");
    }
}
