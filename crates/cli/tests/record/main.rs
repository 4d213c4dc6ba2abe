//! `evenkeel record`: what it writes is what the other commands read, and it holds what its help promises.

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "record")]
mod early;
#[cfg(feature = "record")]
mod page;
#[cfg(feature = "record")]
mod support;
#[cfg(feature = "record")]
mod ten_seconds;
#[cfg(feature = "record")]
mod usage;

#[cfg(not(feature = "record"))]
#[test]
fn without_the_feature_it_says_what_it_takes() {
    let folder = common::Folder::new("record_absent");
    let run = common::evenkeel(["record", "--out", &folder.path("j.jsonl")]);
    let said = run.complaint();
    assert!(said.contains("--features record"), "{said}");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    let help = common::evenkeel(["record", "--help"]).good();
    assert!(help.contains("cargo feature `record`"), "{help}");
}
