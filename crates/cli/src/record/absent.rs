//! `record` in a build without the feature `record`: says what it takes.

use std::ffi::OsString;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::Ended;

/// In the list of commands.
pub(crate) const ABOUT: &str =
    "Record real HTTP clients while their server gets into trouble (not in this build)";

/// Records real HTTP clients while their server gets into trouble.
///
/// Not in this build: it needs the cargo feature `record`, which brings tokio and hyper.
#[derive(Args)]
#[command(after_help = "\
Examples:
  cargo run --release -p evenkeel-cli --features record -- \\
    record --out night.jsonl --seconds 30
  cargo install --path crates/cli --features record")]
pub(crate) struct RecordArgs {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _args: Vec<OsString>,
}

pub(crate) fn record(_: &RecordArgs) -> Result<Ended> {
    Err(anyhow!(
        "record is not in this build, it needs the feature `record`: \
         cargo install --path crates/cli --features record"
    ))
}
