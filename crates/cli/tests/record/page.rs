//! docs/record.md says what the command does.

use serde_json::Value;

use crate::common::{Folder, evenkeel, of_repository};
use crate::support::{number, record};

/// docs/record.md has the script as it runs, the wiring as it is compiled, and the columns as they are printed.
#[test]
fn the_page_says_what_it_does() {
    let text = |path: &str| std::fs::read_to_string(of_repository(path)).expect("it is there");
    let page = text("docs/record.md");
    let folder = Folder::new("record_page");
    let (journal, trace) = (folder.path("j.jsonl"), folder.path("t.csv"));
    let args = [
        "--out",
        &journal,
        "--trace",
        &trace,
        "--seconds",
        "1",
        "--force",
    ];
    let summary = record(&args);
    let second = |value: &Value| (number(value) as f64 * 60.0 / 1e9).round();
    for phase in summary["phases"].as_array().expect("a list") {
        let [from, to] = ["from_ns", "to_ns"].map(|name| second(&phase[name]));
        let name = phase["name"].as_str().expect("a name");
        let row = format!("| {from}-{to} | {name} |");
        assert!(page.contains(&row), "{row}");
    }
    let said = evenkeel(["record"].iter().chain(&args)).good();
    let columns = said
        .lines()
        .find(|line| line.contains("attempts"))
        .expect("a table");
    assert!(page.contains(columns), "{columns}");

    let source = text("crates/cli/src/record/checkout.rs");
    let rust: Vec<&str> = page.split("```rust,ignore\n").skip(1).collect();
    assert!(!rust.is_empty());
    for block in rust {
        let (code, _) = block.split_once("```").expect("it ends");
        for line in code.lines().map(str::trim) {
            assert!(source.contains(line), "{line}");
        }
    }
    let policy = text("docs/policies/record.toml");
    assert_eq!(evenkeel(["record", "--print-policy"]).good(), policy);
}
