//! The binary `evenkeel`: runs resilience policies over recorded traffic, explains them, and replays journals.

mod band;
mod commands;
mod decisions;
mod explain;
mod journal;
mod keys;
mod numbers;
mod outline;
mod output;
mod percentiles;
mod place;
mod policy;
mod progress;
#[cfg(feature = "record")]
mod record;
#[cfg(not(feature = "record"))]
#[path = "record/absent.rs"]
mod record;
mod recorded;
mod replay;
mod report;
mod simulate;
mod summary;
mod terminal;
mod timeline;
mod trace;
mod trace_error;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use journal::args::{JournalArgs, VerifyArgs, WhatIfArgs};
use simulate::args::{MergeArgs, SimulateArgs};

/// Bad usage or bad input.
const BAD_INPUT: u8 = 2;

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Well = 0,
    /// A difference or a failed check.
    Differs = 1,
    /// Bad input, of which all has been said.
    BadInput = BAD_INPUT as isize,
}

const EXAMPLE: &str = "\
Try it:
  evenkeel replay docs/traces/outage.csv --policy docs/policies/http-client.toml --per-key --report report.html
  evenkeel replay docs/traces/outage.csv --policy docs/policies/http-client.toml --per-key --journal outage.jsonl
  evenkeel verify outage.jsonl
  evenkeel journal show outage.jsonl --changes
  evenkeel simulate metastable --sweep budget=false,true --report crowd.html

A trace is CSV, sorted by time, with one call a row:
  t_ns,key,latency_ns,outcome
  0,checkout,12000000,ok
  4000000,checkout,250000000,timeout

A policy is TOML (or JSON) with a table for each machine:
  [breaker]
  window    = { count = 50 }
  triggers  = [{ kind = \"failure-rate\", at_least = \"50%\", min_calls = 20 }]
  open      = { base = \"1s\", cap = \"30s\" }
  half_open = { probe_timeout = \"2s\" }

Exit codes: 0 done, 1 a difference or a failed check, 2 bad usage or bad input.";

#[derive(Parser)]
#[command(name = "evenkeel", version, about, long_about = None, after_help = EXAMPLE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    // Only `about`: a doc comment here would hide the longer text of the arguments, which --help shows.
    #[command(about = "What would this policy have done to the recorded calls?")]
    Replay(ReplayArgs),
    #[command(about = "Exact percentiles and failure rates over the last N rows, as CSV")]
    Percentiles(PercentilesArgs),
    #[command(about = "Draw a policy: the breaker's phases and the schedule of its waits")]
    Explain(ExplainArgs),
    #[command(about = "Does each answer of a journal come out as recorded?")]
    Verify(VerifyArgs),
    #[command(about = "What would another policy have done on that night?")]
    WhatIf(WhatIfArgs),
    #[command(about = "Look into a journal, cut it down, compare two")]
    Journal(JournalArgs),
    #[command(about = record::ABOUT)]
    Record(record::RecordArgs),
    #[command(about = "What does a crowd of clients with this policy do to a server?")]
    Simulate(SimulateArgs),
    #[command(about = "Join the parts of a simulation that ran on many machines")]
    Merge(MergeArgs),
}

/// Runs a breaker over recorded calls and says what it would have kept away, and at what price.
///
/// Each row asks the breaker at its t_ns and, if admitted, reports its recorded result latency_ns later.
/// Recorded outcomes are taken as independent of what was admitted. Memory: the calls in flight, the transitions,
/// and a breaker with its window (for each key, with --per-key); not the trace.
#[derive(Args)]
#[command(after_help = "Example:
  evenkeel replay docs/traces/outage.csv --policy docs/policies/http-client.toml --per-key --report report.html")]
struct ReplayArgs {
    /// CSV with the columns t_ns,key,latency_ns,outcome, sorted by t_ns; - is standard input
    trace: PathBuf,
    /// Policy file (.toml or .json) with a table `breaker`
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// A breaker of its own for each key, instead of one for all
    #[arg(long)]
    per_key: bool,
    /// Seed of the random words (jitter, ramp); the same seed gives the same answers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Write the answer to each row as JSON lines; - is stdout, and the summary goes to stderr (not with --json)
    #[arg(long, value_name = "FILE.jsonl")]
    decisions: Option<PathBuf>,
    /// Write the picture: one self-contained HTML file
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Write each call of the breakers as a journal, to be verified, shown and replayed under other policies
    #[arg(long, value_name = "FILE.jsonl")]
    journal: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints rows_seen,n,p50_ns,p95_ns,p99_ns,max_ns,failures,failure_rate every K rows and for the last row.
///
/// Percentiles are exact, nearest rank, over the last N rows whatever their outcome or key; a failure is any row
/// that is not ok.
#[derive(Args)]
#[command(after_help = "Example:
  evenkeel percentiles docs/traces/outage.csv --window 1000 --every 100")]
struct PercentilesArgs {
    /// CSV with the columns t_ns,key,latency_ns,outcome, sorted by t_ns; - is standard input
    trace: PathBuf,
    /// How many rows to look back
    #[arg(long, value_name = "N")]
    window: u32,
    /// A line every K rows [default: N]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
}

/// Prints the schedule of waits, and the diagram of each machine in a policy file.
#[derive(Args)]
#[command(after_help = "Example:
  evenkeel explain docs/policies/http-client.toml")]
struct ExplainArgs {
    /// Policy file (.toml or .json)
    policy: PathBuf,
}

fn main() -> ExitCode {
    // Bad usage ends in clap, with exit code 2.
    let result = match Cli::parse().command {
        Command::Replay(args) => commands::replay(&args),
        Command::Percentiles(args) => commands::percentiles(&args),
        Command::Explain(args) => commands::explain(&args),
        Command::Verify(args) => journal::verify(&args),
        Command::WhatIf(args) => journal::what_if(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::Record(args) => record::record(&args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Merge(args) => simulate::merge(&args),
    };
    let error = match result {
        Ok(ended) => return ExitCode::from(ended as u8),
        Err(error) => error,
    };
    match error.downcast_ref::<io::Error>() {
        // `evenkeel .. | head` is no error.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        // Only the errors of stdout come as they are; those of files have been put into words.
        Some(error) => eprintln!("error: stdout: cannot be written: {error}"),
        None => eprintln!("error: {error}"),
    }
    ExitCode::from(BAD_INPUT)
}
