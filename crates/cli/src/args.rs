//! The command line: its commands, and the arguments of those that do not bring their own.

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand};
use clap_complete::Shell;

use crate::journal::args::{JournalArgs, VerifyArgs, WhatIfArgs};
use crate::record;
use crate::simulate::args::{MergeArgs, SimulateArgs};
use crate::starter::PolicyArgs;

/// Lines of help are easy to read up to here.
const WIDEST: usize = 100;

/// Where options stand in a help that all commands have.
const LAST: usize = 900;

const EXAMPLES: &str = r#"Try it, in a clone of evenkeel:
  # What would this breaker have done during that outage? With a picture.
  evenkeel replay docs/traces/outage.csv --per-key \
    --policy docs/policies/http-client.toml --report report.html

  # A policy of your own: a commented start, what it comes to, what it does.
  evenkeel policy new --out policy.toml
  evenkeel explain policy.toml
  evenkeel replay docs/traces/outage.csv --policy policy.toml

  # That night in a journal, and what another policy would have done.
  evenkeel journal show docs/journals/checkout.jsonl --changes
  evenkeel what-if docs/journals/checkout.jsonl \
    --policy docs/policies/checkout-better.toml

  # What does a crowd of clients do to a server?
  evenkeel simulate metastable --runs 10 --sweep budget=false,true

A trace is CSV, sorted by time, with one call a row:
  t_ns,key,latency_ns,outcome
  0,checkout,12000000,ok
  4000000,checkout,250000000,timeout

A policy is TOML (or JSON) with a table for each machine:
  [breaker]
  window    = { count = 50 }
  triggers  = [{ kind = "failure-rate", at_least = "50%", min_calls = 20 }]
  open      = { base = "1s", cap = "30s" }
  half_open = { probe_timeout = "2s" }

Exit codes: 0 done, 1 a difference or a failed check, 2 bad usage or bad input.
docs/cli.md has all commands, colours, completions and man pages."#;

#[derive(Parser)]
#[command(
    name = "evenkeel",
    bin_name = "evenkeel",
    version,
    about = "What would this resilience policy have done to that traffic?",
    long_about = None,
    after_help = EXAMPLES,
    max_term_width = WIDEST
)]
pub(crate) struct Cli {
    /// Colours: auto is on a terminal, and as NO_COLOR, CLICOLOR and CLICOLOR_FORCE say
    #[arg(
        long,
        alias = "colour",
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        display_order = LAST
    )]
    pub(crate) color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    // Only `about`: a doc comment here would hide the longer text of the arguments, which --help shows.
    #[command(about = "What would this policy have done to the recorded calls?")]
    Replay(ReplayArgs),
    #[command(about = "Exact percentiles and failure rates over the last N rows, as CSV")]
    Percentiles(PercentilesArgs),
    #[command(about = "Check a policy and draw it: phases, schedules of waits, worst load")]
    Explain(ExplainArgs),
    #[command(about = "Begin a policy: a file with every key, its unit, range and default")]
    Policy(PolicyArgs),
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
    #[command(about = "The script that completes commands and options in your shell")]
    Completions(CompletionsArgs),
    #[command(about = "The manual as man pages")]
    Man(ManArgs),
}

/// Runs a breaker over recorded calls and says what it would have kept away, and at what price.
///
/// Each row asks the breaker at its t_ns and, if admitted, reports its recorded result latency_ns later.
/// Recorded outcomes are taken as independent of what was admitted. To compare policies on a trace, replay it once for
/// each: a journal does not have the outcomes of calls that its policy refused. Memory: the calls in flight, the
/// transitions, and a breaker with its window (for each key, with --per-key); not the trace.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # One breaker for all calls.
  evenkeel replay docs/traces/outage.csv --policy docs/policies/http-client.toml

  # One for each key, with a picture.
  evenkeel replay docs/traces/outage.csv --per-key \\
    --policy docs/policies/http-client.toml --report report.html

  # The answer to each call, for other programs.
  evenkeel replay docs/traces/outage.csv --decisions decisions.jsonl \\
    --policy docs/policies/http-client.toml --json

  # From a pipe, into a journal that verify, what-if and journal read.
  cat docs/traces/outage.csv | evenkeel replay - --journal outage.jsonl \\
    --policy docs/policies/http-client.toml")]
pub(crate) struct ReplayArgs {
    /// CSV with the columns t_ns,key,latency_ns,outcome, sorted by t_ns; - is standard input
    pub(crate) trace: PathBuf,
    /// Policy file (.toml or .json) with a table `breaker`
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// A breaker of its own for each key, instead of one for all
    #[arg(long)]
    pub(crate) per_key: bool,
    /// Seed of the random words (jitter, ramp); the same seed gives the same answers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the answer to each row as JSON lines; - is stdout, and the summary goes to stderr (not with --json)
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) decisions: Option<PathBuf>,
    /// Write the picture: one self-contained HTML file
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Write each call of the breakers as a journal, to be verified, shown and replayed under other policies
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) journal: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints rows_seen,n,p50_ns,p95_ns,p99_ns,max_ns,failures,failure_rate every K rows and for the last row.
///
/// Percentiles are exact, nearest rank, over the last N rows whatever their outcome or key; a failure is any row
/// that is not ok. What the whole trace is, over how long and with how many keys, goes to stderr.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel percentiles docs/traces/outage.csv --window 1000 --every 100

  # What would a limit on the p99 have to be?
  evenkeel percentiles docs/traces/outage.csv --window 1000 | cut -d , -f 1,5")]
pub(crate) struct PercentilesArgs {
    /// CSV with the columns t_ns,key,latency_ns,outcome, sorted by t_ns; - is standard input
    pub(crate) trace: PathBuf,
    /// How many rows to look back
    #[arg(long, value_name = "N")]
    pub(crate) window: u32,
    /// A line every K rows [default: N]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,
}

/// Checks a policy file, and prints what its tables come to: the diagram of each machine, the schedule of its waits,
/// and the worst load that retries can make of an outage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel explain docs/policies/http-client.toml

  # Only whether it is good: exit code 2 if not, with the line at fault.
  evenkeel explain docs/policies/http-client.toml > /dev/null")]
pub(crate) struct ExplainArgs {
    /// Policy file (.toml or .json)
    pub(crate) policy: PathBuf,
}

/// Prints the script that completes commands, options and file names, for a shell to read when it starts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # bash (with bash-completion)
  mkdir -p ~/.local/share/bash-completion/completions
  evenkeel completions bash \\
    > ~/.local/share/bash-completion/completions/evenkeel

  # fish
  mkdir -p ~/.config/fish/completions
  evenkeel completions fish > ~/.config/fish/completions/evenkeel.fish

  # zsh: a folder of your own, which $fpath names before compinit is called
  mkdir -p ~/.zfunc
  evenkeel completions zsh > ~/.zfunc/_evenkeel

  # PowerShell: put the script into a file, which your $PROFILE reads
  evenkeel completions powershell > evenkeel.ps1

  # elvish: put the script into a file, which your rc.elv reads
  evenkeel completions elvish > evenkeel.elv")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// Prints the man page of a command, or writes the pages of all commands into a folder.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # Read a page.
  evenkeel man replay > replay.1
  evenkeel man journal show > show.1
  man ./show.1

  # Install all of them for yourself: then `man evenkeel-replay` finds its page.
  mkdir -p ~/.local/share/man/man1
  evenkeel man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command [default: evenkeel itself, with the list of all]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub(crate) out: Option<PathBuf>,
}
