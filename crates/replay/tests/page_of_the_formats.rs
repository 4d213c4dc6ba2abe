//! The table of docs/formats.md says what comes out of each journal that is checked in, and forgets none.
#![cfg(feature = "std")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use evenkeel_replay::verify_file;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// What a row `| [file](file) | number | ..` says.
fn row(line: &str) -> Option<(&str, Vec<u64>)> {
    let (file, rest) = line.strip_prefix("| [")?.split_once("](")?;
    let numbers = rest.split(" | ").skip(1);
    let numbers = numbers.map_while(|cell| cell.trim_matches([' ', '|']).parse().ok());
    file.ends_with(".jsonl").then(|| (file, numbers.collect()))
}

#[test]
fn every_checked_in_journal_comes_out_as_the_page_says() {
    let page = fs::read_to_string(docs().join("formats.md")).expect("the page");
    let mut told = BTreeSet::new();
    for (file, numbers) in page.lines().filter_map(row) {
        let verified = verify_file(docs().join(file)).expect("it verifies");
        let counts = [verified.ops, verified.machines, verified.checkpoints];
        let lost = [verified.gaps, verified.dropped];
        assert_eq!(numbers, [&counts[..], &lost].concat(), "{file}");
        told.insert(file.to_owned());
    }
    let folders = ["golden", "journals"];
    let there = folders.iter().flat_map(|folder| {
        let entries = fs::read_dir(docs().join(folder)).expect("a folder of docs");
        entries.map(move |entry| (folder, entry.expect("an entry").file_name()))
    });
    let names = there.map(|(folder, name)| format!("{folder}/{}", name.to_string_lossy()));
    let journals: BTreeSet<String> = names.filter(|name| name.ends_with(".jsonl")).collect();
    assert_eq!(told, journals);
}
