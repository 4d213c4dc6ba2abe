//! The incident of docs/incident.md: a failed probe opens the breaker again, in twelve calls cut from a recorded night.
#![cfg(feature = "std")]

use std::path::{Path, PathBuf};

use evenkeel_replay::verify_file;

fn journal(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/journals")
        .join(name)
}

#[test]
fn one_failed_probe_opens_it_again() {
    verify_file(journal("checkout-small.jsonl")).unwrap();
}

#[test]
fn the_whole_night_comes_out_again() {
    let verified = verify_file(journal("checkout.jsonl")).unwrap();
    assert!(verified.ops > 1_000);
}
