//! Each test that docs/origins.md, docs/defects.md, docs/semantics.md and SECURITY.md name is a test of this project.

use std::collections::BTreeSet;
use std::fs;

use crate::{root, sources};

fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let rest = line.strip_prefix("async ").unwrap_or(line);
    let rest = rest.strip_prefix("fn ")?;
    let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric())?;
    rest.get(..end)
}

/// What stands in backticks in the `column`-th cell of the page's table rows.
fn named(page: &str, column: usize) -> Vec<String> {
    let text = fs::read_to_string(root().join("docs").join(page)).expect("a page of the project");
    let mut names = Vec::new();
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let cell = row.split('|').nth(column).unwrap_or("");
        names.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let sources = sources(&["crates"]);
    let lines = sources.iter().flat_map(|text| text.lines());
    let there: BTreeSet<&str> = lines.filter_map(function).collect();
    for (page, column, least) in [
        ("origins.md", 3, 30),
        ("defects.md", 4, 40),
        ("semantics.md", 4, 90),
        ("../SECURITY.md", 4, 40),
    ] {
        let names = named(page, column);
        assert!(names.len() >= least, "{page} names {} tests", names.len());
        for name in names {
            assert!(
                there.contains(name.as_str()),
                "{page} names {name}, which is no test"
            );
        }
    }
}
