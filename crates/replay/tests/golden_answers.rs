//! The answers of docs/golden as numbers, which every build gives: also one without std, or without alloc.
//!
//! `EVENKEEL_BLESS=1` (`just bless`) writes those of this build anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evenkeel_replay::golden;

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/golden/answers.txt")
}

/// `digest  name` in each line, by name.
fn read() -> BTreeMap<String, String> {
    let text = fs::read_to_string(page()).unwrap_or_default();
    let lines = text.lines().map(|line| {
        let (digest, name) = line.split_once("  ").expect("digest  name");
        (name.to_owned(), digest.to_owned())
    });
    lines.collect()
}

#[test]
fn every_machine_of_this_build_answers_as_the_page_says() {
    let there = read();
    let mut now = there.clone();
    let mut machines = 0;
    golden::all_answers(&mut |name, digest| {
        machines += 1;
        println!("{digest:016x}  {name}");
        now.insert(name.to_owned(), format!("{digest:016x}"));
    });
    assert_eq!(machines, if cfg!(feature = "alloc") { 17 } else { 11 });
    if std::env::var_os("EVENKEEL_BLESS").is_some() {
        let lines = now
            .iter()
            .map(|(name, digest)| format!("{digest}  {name}\n"));
        return fs::write(page(), lines.collect::<String>()).expect("docs/golden/answers.txt");
    }
    assert_eq!(there, now, "docs/golden/answers.txt (there, now)");
    assert_eq!(there.len(), 18);
}
