//! Runs a recording and reads what it wrote.

use std::fs::File;
use std::io::BufReader;

use evenkeel_replay::journal::{Loaded, load};
use serde_json::Value;

use crate::common::evenkeel;

/// Records; its summary, from a run that says nothing else.
#[track_caller]
pub(crate) fn record(args: &[&str]) -> Value {
    let said = evenkeel(["record", "--json"].iter().chain(args)).good();
    serde_json::from_str(&said).expect("one JSON object")
}

pub(crate) fn read(path: &str) -> Loaded {
    let file = File::open(path).expect("the journal is there");
    load(BufReader::new(file))
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().expect("a whole number")
}

/// Of all phases together.
pub(crate) fn sum(summary: &Value, name: &str) -> u64 {
    let phases = summary["phases"].as_array().expect("a list");
    phases.iter().map(|phase| number(&phase[name])).sum()
}
