//! The golden traces of docs/golden are what this build answers, to the byte.
//!
//! `EVENKEEL_BLESS=1` (`just bless`) writes them anew. A trace that changes is a breaking change: say so in CHANGELOG.
#![cfg(feature = "std")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::Reader;
use evenkeel_replay::{golden, verify};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/golden")
}

/// All traces by name: one for each kind, and retries that borrow.
fn traces() -> Vec<(&'static str, Vec<u8>)> {
    let of_kind = |kind: &Kind| (kind.name(), golden::trace(*kind).expect("a trace"));
    let mut traces: Vec<_> = Kind::ALL.iter().map(of_kind).collect();
    traces.push(("retry_lending", golden::lending().expect("a trace")));
    traces
}

fn file(name: &str) -> PathBuf {
    folder().join(format!("{name}.jsonl"))
}

/// The page of digests: a line for each trace.
fn digests() -> String {
    let mut page = String::new();
    for (name, trace) in traces() {
        let _ = writeln!(page, "{}  {name}.jsonl", golden::digest(&trace));
    }
    page
}

/// The first line in which two traces part.
fn first_difference(there: &str, now: &str) -> String {
    let lines = there.lines().zip(now.lines()).enumerate();
    match lines.into_iter().find(|(_, (there, now))| there != now) {
        Some((at, (there, now))) => format!("line {}:\n  there {there}\n  now   {now}", at + 1),
        None => format!(
            "{} lines there, {} now",
            there.lines().count(),
            now.lines().count()
        ),
    }
}

#[test]
fn every_answer_is_the_checked_in_one() {
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        return bless();
    }
    let mut changed = Vec::new();
    for (name, now) in traces() {
        let there = fs::read(file(name)).unwrap_or_default();
        if there != now {
            let [there, now] =
                [there, now].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            changed.push(format!("{name}, {}", first_difference(&there, &now)));
        }
    }
    assert!(
        changed.is_empty(),
        "answers changed, which breaks every journal: if it is meant, `just bless` and a line in CHANGELOG\n{}",
        changed.join("\n")
    );
    let page = fs::read_to_string(folder().join("digests.txt")).expect("docs/golden/digests.txt");
    assert_eq!(page, digests(), "docs/golden/digests.txt");
}

/// Writes the traces and digests anew, and says which changed.
fn bless() {
    fs::create_dir_all(folder()).expect("docs/golden");
    let mut changed = Vec::new();
    for (name, now) in traces() {
        if fs::read(file(name)).unwrap_or_default() != now {
            changed.push(name);
            fs::write(file(name), now).expect("a golden trace");
        }
    }
    fs::write(folder().join("digests.txt"), digests()).expect("the digests");
    match changed.as_slice() {
        [] => println!("golden traces: none changed"),
        changed => println!(
            "golden traces: {} changed. That is a breaking change: CHANGELOG needs a line that says why.",
            changed.join(", ")
        ),
    }
}

#[test]
fn there_is_a_trace_for_every_kind_and_nothing_else() {
    let there: BTreeSet<String> = fs::read_dir(folder())
        .expect("docs/golden")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let mut expected: BTreeSet<String> = traces()
        .iter()
        .map(|(name, _)| format!("{name}.jsonl"))
        .collect();
    expected.extend(["answers.txt", "digests.txt", "README.md"].map(str::to_owned));
    assert_eq!(there, expected);
}

#[test]
fn every_trace_verifies_and_is_long() {
    for (name, trace) in traces() {
        let verified = verify(Reader::new(&trace[..])).unwrap_or_else(|failed| panic!("{failed}"));
        assert!(verified.ops >= u64::from(golden::CALLS) * 9 / 10, "{name}");
    }
}
