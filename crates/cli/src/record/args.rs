//! What `record` can be told.

use std::path::PathBuf;

use clap::Args;

/// In the list of commands.
pub(crate) const ABOUT: &str = "Record real HTTP clients while their server gets into trouble";

/// Records real HTTP clients while their server gets into trouble, with all that their machines decide.
///
/// Server and clients are in this process and talk over loopback. The server's trouble follows a script that is
/// stretched to --seconds: healthy, rate limited (429 with Retry-After), slowing, failing (503), resetting connections,
/// a black hole, a restart, half recovered, recovered. checkout's clients call it through evenkeel-tokio: a retry for
/// each call, and one breaker, one retry budget and one adaptive throttle for all. With the built-in policy, 10 seconds
/// or more, and the default rate, a journal has at least one trip, one probation that closes, and one wait that
/// Retry-After asked for.
///
/// A policy of your own is a file with any of the tables retry, breaker, retry_tokens and adaptive_throttle; a table
/// that it does not have is the built-in one. The seed fixes when calls come, the jitter and the server's dice;
/// latencies are measured, so two recordings tell the same story in different digits. Ctrl-C ends a recording early,
/// and what it wrote is whole.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel record --out night.jsonl --trace night.csv --seconds 30
  evenkeel verify night.jsonl
  evenkeel journal show night.jsonl --changes
  evenkeel record --print-policy > mine.toml
  evenkeel replay night.csv --policy mine.toml --per-key")]
pub(crate) struct RecordArgs {
    /// The journal to write: JSON lines, for verify, journal and what-if
    #[arg(
        long,
        value_name = "FILE.jsonl",
        required_unless_present = "print_policy"
    )]
    pub(crate) out: Option<PathBuf>,
    /// Also write a trace for replay. It is of other clients, which call all three endpoints at the same time without
    /// retry, breaker or throttle: what a breaker keeps away is not in the trace of its own clients
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) trace: Option<PathBuf>,
    /// Length of the script
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
    /// Policy file (.toml or .json) of checkout's clients [default: built in, see --print-policy]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Seed of the arrivals, the jitter and the server's dice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Mean calls a second over all endpoints, of which 40 % are checkout's
    #[arg(long, value_name = "R", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: u32,
    /// Replace files that are there already
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the built-in policy and do nothing else
    #[arg(long, exclusive = true)]
    pub(crate) print_policy: bool,
}
