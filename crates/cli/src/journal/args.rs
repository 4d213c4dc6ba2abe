//! The arguments of the commands about journals.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use evenkeel_replay::Assumed;

use super::clock::Moment;

/// Replays journals and says whether each answer comes out as recorded, bit for bit.
///
/// Each file is checked to its first difference: the call, both answers and the state before are shown. Exit code: 0
/// when all agree, 1 for a difference, 2 for damage; the worst of several files.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel verify docs/journals/checkout.jsonl

  # Several at once, for a build that is to fail at the first difference.
  evenkeel verify docs/journals/*.jsonl --json")]
pub(crate) struct VerifyArgs {
    /// Journals; - is standard input
    #[arg(required = true, value_name = "JOURNAL")]
    pub(crate) journals: Vec<PathBuf>,
    /// Show the whole state before the first difference, however long it is
    #[arg(long)]
    pub(crate) state: bool,
    /// Print an object for each file
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs a journal again under another policy, beside the recorded one: where do decisions part, and what comes of it?
///
/// Each table of the policy file is for the machines of that kind. Reports of calls that the new policy refuses are
/// skipped and counted; calls that only it admits have unknown outcomes, which count for nothing unless --unknown says
/// otherwise. To compare policies on a trace, replay it once for each: a journal does not have the outcomes of calls
/// that its policy refused.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel what-if docs/journals/checkout.jsonl \\
    --policy docs/policies/checkout-better.toml --report what-if.html

  # At worst: calls that only the new policy makes all fail.
  evenkeel what-if docs/journals/checkout.jsonl --unknown failure \\
    --policy docs/policies/checkout-better.toml")]
pub(crate) struct WhatIfArgs {
    /// Journal; - is standard input
    pub(crate) journal: PathBuf,
    /// Policy file (.toml or .json) with a table for each kind of machine that changes
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Change only this machine (its name or id); may be given several times
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) machine: Vec<String>,
    /// Seed of the random words beyond the recorded ones
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// How calls end that only the new policy lets through: success and failure give the best and the worst case
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub(crate) unknown: Unknown,
    /// Write the picture: one self-contained HTML file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// As [`Assumed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unknown {
    #[default]
    Ignored,
    Success,
    Failure,
}

impl From<Unknown> for Assumed {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Ignored => Self::Ignored,
            Unknown::Success => Self::Success,
            Unknown::Failure => Self::Failure,
        }
    }
}

/// Looks into journals.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel journal stats docs/journals/checkout.jsonl
  evenkeel journal show docs/journals/checkout.jsonl --changes

Each command has its own --help.")]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) command: JournalCommand,
}

#[derive(Subcommand)]
pub(crate) enum JournalCommand {
    // Only `about`, as in `Command`.
    #[command(about = "Print each call on a line: time, machine, call, answer, what changed")]
    Show(ShowArgs),
    #[command(about = "Which machines there are, and what they did")]
    Stats(StatsArgs),
    #[command(about = "Cut a journal to a small one that still shows a fact")]
    Shrink(ShrinkArgs),
    #[command(about = "Where two journals part")]
    Diff(DiffArgs),
}

/// Prints each call on a line: seconds since the first call, machine, call, answer, what changed.
///
/// With --words also the random words drawn, each as the fraction of its range that it stands for; --json has all as it is
/// recorded.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # Only what changed: the story of the night.
  evenkeel journal show docs/journals/checkout.jsonl --changes

  # All calls of one breaker in a moment of it.
  evenkeel journal show docs/journals/checkout.jsonl --machine breaker \\
    --from 27.45s --to 27.47s --words")]
pub(crate) struct ShowArgs {
    /// Journal; - is standard input
    pub(crate) journal: PathBuf,
    /// Only this machine, by name, id or kind; may be given several times
    #[arg(long, value_name = "NAME|ID|KIND")]
    pub(crate) machine: Vec<String>,
    /// Only calls about this key of a table
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Only from here on: seconds since the first call (12.5s), or the journal's own clock (12500000000ns)
    #[arg(long, value_name = "T", value_parser = Moment::parse)]
    pub(crate) from: Option<Moment>,
    /// Only up to here
    #[arg(long, value_name = "T", value_parser = Moment::parse)]
    pub(crate) to: Option<Moment>,
    /// Only calls whose answers tell of a change, and gaps
    #[arg(long)]
    pub(crate) changes: bool,
    /// Show the random words that calls drew, too
    #[arg(long)]
    pub(crate) words: bool,
    /// Print an object for each line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Says which machines there are, and what they did: calls, admitted, refused and ended by reason, changes by cause.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel journal stats docs/journals/checkout.jsonl")]
pub(crate) struct StatsArgs {
    /// Journal; - is standard input
    pub(crate) journal: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Cuts a journal to a small one that still shows a fact, to be checked in with a test of one line.
///
/// A property is `change:CAUSE`, `refused:REASON`, `ended:REASON` or `differs`, of any machine or of one: `change:latency@db`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # The smallest journal in which probes still fail.
  evenkeel journal shrink docs/journals/checkout.jsonl \\
    --property change:trials-failed --out small.jsonl
  evenkeel journal show small.jsonl")]
pub(crate) struct ShrinkArgs {
    /// Journal; - is standard input
    pub(crate) journal: PathBuf,
    /// The fact that must stay
    #[arg(long, value_name = "P")]
    pub(crate) property: String,
    /// Where to write the small journal [default: stdout, and what was done goes to stderr]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// How many calls may be made in all tries together
    #[arg(long, value_name = "N")]
    pub(crate) effort: Option<u64>,
}

/// Says where two journals part: the first call that is not the same in both. Exit code 1 if they do.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # The same trace under two seeds of the jitter: exit code 1, they part.
  evenkeel replay docs/traces/outage.csv --journal one.jsonl \\
    --policy docs/policies/http-client.toml
  evenkeel replay docs/traces/outage.csv --journal other.jsonl --seed 2 \\
    --policy docs/policies/http-client.toml
  evenkeel journal diff one.jsonl other.jsonl || true")]
pub(crate) struct DiffArgs {
    /// A journal; - is standard input
    pub(crate) one: PathBuf,
    /// Another
    pub(crate) other: PathBuf,
}
