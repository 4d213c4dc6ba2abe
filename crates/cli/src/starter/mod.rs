//! `evenkeel policy new`: a commented policy to begin with, put together from one starter for each table.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::output::{self, there_already};
use crate::policy::Policies;
use crate::{Ended, numbers};

/// Begins policies.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel policy new --out policy.toml
  evenkeel policy new --help

`evenkeel explain` checks a policy and shows what it comes to.")]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Subcommand)]
enum PolicyCommand {
    // Only `about`, as in `Command`.
    #[command(about = "Print a commented policy: every key, its unit, range, default and why")]
    New(NewArgs),
}

/// Prints a policy to begin with. It asks nothing, and works as it is.
///
/// Each key stands there with what it is, its values, its default and why; a default, or a key that need not be there,
/// behind #:, which is to be taken away to set it. `evenkeel explain` checks what you make of it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # For a client of one service: a breaker, retries, and a limit on all retries.
  evenkeel policy new --out policy.toml
  evenkeel explain policy.toml
  evenkeel replay docs/traces/outage.csv --policy policy.toml

  # For a link that is to stay up.
  evenkeel policy new reconnect health_probe > link.toml
  evenkeel explain link.toml")]
struct NewArgs {
    /// The tables that it is to have
    #[arg(
        value_name = "TABLE",
        value_parser = PossibleValuesParser::new(Policies::NAMES),
        default_values_t = USUAL.map(str::to_owned)
    )]
    tables: Vec<String>,
    /// Write it here [default: stdout]
    #[arg(long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
    /// Replace a file that is there already
    #[arg(long, requires = "out")]
    force: bool,
}

/// What a client of one service needs.
const USUAL: [&str; 3] = ["breaker", "retry", "retry_ratio"];

const HEAD: &str = r#"# A policy for evenkeel: each key with what it is, its values, its default and why.
# Behind #: stands a default, or a key that need not be there: take #: away to set it.
# Spans are "250ms", "1.5s", "1m 30s", or whole nanoseconds; ratios "50%", "1/2" or "0.5"; counts whole numbers.
# What it comes to: `evenkeel explain FILE`. What it would have done: `evenkeel replay TRACE --policy FILE`.
"#;

macro_rules! starters {
    ($($table:literal),* $(,)?) => {
        /// The starter of each table.
        const STARTERS: &[(&str, &str)] =
            &[$(($table, include_str!(concat!($table, ".toml")))),*];
    };
}

starters![
    "breaker",
    "backoff",
    "retry",
    "retry_ratio",
    "retry_tokens",
    "adaptive_throttle",
    "reconnect",
    "restart",
    "health_probe",
    "backoff_table",
    "breaker_table",
    "recovery_budget",
];

/// A policy with these tables, in the order in which all policies have them.
fn text(tables: &[String]) -> String {
    let wanted = STARTERS
        .iter()
        .filter(|(table, _)| tables.iter().any(|name| name == table));
    wanted.fold(HEAD.to_owned(), |text, (_, starter)| text + "\n" + starter)
}

pub(crate) fn policy(args: &PolicyArgs) -> Result<Ended> {
    let PolicyCommand::New(args) = &args.command;
    let text = text(&args.tables);
    let mut out = io::stdout().lock();
    match &args.out {
        Some(path) => {
            if !args.force && path.symlink_metadata().is_ok() {
                return Err(there_already(path));
            }
            output::check(&[path], &[])?;
            output::write(path, &text)?;
            let lines = numbers::counted(text.lines().count() as u64, "line");
            let name = path.display();
            writeln!(
                out,
                "{name}: {lines}; `evenkeel explain {name}` shows what it comes to"
            )?;
        }
        None => out.write_all(text.as_bytes())?,
    }
    out.flush()?;
    Ok(Ended::Well)
}
