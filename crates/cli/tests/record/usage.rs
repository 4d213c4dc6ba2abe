//! What it refuses, what it replaces, and which policy it runs.

use std::collections::BTreeSet;
use std::path::Path;

use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::LoadedLine;
use serde_json::Value;

use crate::common::{Folder, evenkeel, of_repository};
use crate::support::{read, record};

#[test]
fn a_recording_is_not_overwritten_unless_told() {
    let folder = Folder::new("record_there");
    let journal = folder.file("j.jsonl", "of last night\n");
    let run = evenkeel(["record", "--out", &journal, "--seconds", "1"]);
    let expected =
        format!("{journal}: is there already: choose another name, or say --force to replace it");
    assert_eq!(run.complaint(), expected);
    let (other, trace) = (
        folder.path("other.jsonl"),
        folder.file("t.csv", "of last night\n"),
    );
    let run = evenkeel([
        "record",
        "--out",
        &other,
        "--trace",
        &trace,
        "--seconds",
        "1",
    ]);
    assert!(
        run.complaint()
            .starts_with(&format!("{trace}: is there already"))
    );
    assert_eq!(
        [folder.read("j.jsonl"), folder.read("t.csv")],
        ["of last night\n", "of last night\n"]
    );
    assert!(
        !Path::new(&other).exists(),
        "no empty journal is left behind"
    );
    record(&[
        "--out",
        &journal,
        "--trace",
        &trace,
        "--seconds",
        "1",
        "--force",
    ]);
    evenkeel_replay::verify_file(&journal).expect("it agrees");
    assert!(
        folder
            .read("t.csv")
            .starts_with("t_ns,key,latency_ns,outcome\n")
    );
}

#[test]
fn bad_input_is_named_before_anything_runs() {
    let folder = Folder::new("record_bad");
    let journal = folder.path("j.jsonl");
    let says = |args: &[&str], part: &str| {
        let run = evenkeel(["record", "--out", &journal].iter().chain(args));
        assert!(run.complaint().contains(part), "{part} in {}", run.stderr);
        assert!(!Path::new(&journal).exists());
    };
    let policy = folder.file(
        "p.toml",
        "[retry]\nbackoff = { base = \"1s\" }\nmax_attempts = 0\n",
    );
    says(&["--policy", &policy], "p.toml:3:16: ");
    says(
        &["--policy", &folder.path("none.toml")],
        "none.toml: cannot be opened",
    );
    says(&["--trace", &journal], "is named twice");
    says(
        &["--trace", &folder.path("no/such/t.csv")],
        "there is no folder",
    );
    let nowhere = evenkeel(["record", "--out", &folder.path("no/such/j.jsonl")]);
    assert!(nowhere.complaint().contains("there is no folder"));
    assert_eq!(evenkeel(["record"]).code, 2);
    assert_eq!(
        evenkeel(["record", "--out", &journal, "--seconds", "0"]).code,
        2
    );
    if Path::new("/dev/full").exists() {
        let run = evenkeel(["record", "--out", "/dev/full", "--seconds", "1"]);
        let said = run.complaint();
        assert!(said.starts_with("/dev/full: cannot be written: "), "{said}");
    }
}

/// A table that the file has is used, one that it does not have is the built-in one, and the summary says so.
#[test]
fn a_policy_of_ones_own_is_what_is_recorded() {
    let folder = Folder::new("record_policy");
    let journal = folder.path("j.jsonl");
    let policy = of_repository("docs/policies/checkout.toml");
    let args = [
        "--out",
        &journal,
        "--policy",
        &policy,
        "--seconds",
        "1",
        "--force",
    ];
    let summary = record(&args);
    let given = std::fs::read_to_string(&policy).expect("it is there");
    let missing = ["retry", "breaker", "retry_tokens", "adaptive_throttle"]
        .into_iter()
        .filter(|table| !given.contains(&format!("[{table}]")));
    assert_eq!(summary["built_in"], Value::from_iter(missing));
    assert_eq!(summary["policy"], Value::from(policy.as_str()));
    // Five in a row, as the file says.
    let loaded = read(&journal);
    let breaker = loaded
        .headers
        .iter()
        .find(|header| header.kind == Kind::Breaker);
    let breaker = &breaker.expect("it is recorded").policy;
    assert!(
        breaker.contains(r#""consecutive","failures":5"#),
        "{breaker}"
    );
    let said = evenkeel(["record"].iter().chain(&args)).good();
    assert!(said.contains("docs/policies/checkout.toml"), "{said}");
    assert!(!said.contains('\x1b'), "no colour in a pipe");
}

/// Nothing is called before its machine has a header.
#[test]
fn every_machine_has_a_header_before_its_first_call() {
    let folder = Folder::new("record_headers");
    let journal = folder.path("j.jsonl");
    record(&["--out", &journal, "--seconds", "1"]);
    let loaded = read(&journal);
    let mut known = BTreeSet::new();
    for line in loaded.lines() {
        match line {
            LoadedLine::Header(header) => {
                known.insert(header.id);
            }
            LoadedLine::Entry(entry) => assert!(known.contains(&entry.id), "{entry:?}"),
        }
    }
}
