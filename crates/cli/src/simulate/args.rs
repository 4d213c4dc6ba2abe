//! The arguments of `evenkeel simulate` and `evenkeel merge`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// More runs than this make no confidence interval worth their memory.
pub(crate) const MAX_RUNS: u64 = 1_000_000;

/// Runs a scenario many times on virtual time: a crowd of clients with evenkeel's machines, servers, faults.
///
/// The same seed gives the same bytes, whatever the number of threads, and however the runs are spread over machines.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # Which worlds are built in, and what can be set in them.
  evenkeel simulate --list

  # One of them, with another kind of backoff.
  evenkeel simulate contending-writers --set algorithm=exponential

  # Side by side, with a picture.
  evenkeel simulate congestive-collapse --report report.html \\
    --sweep client=no-backoff,backoff-and-jitter

  # From files: your clients, servers, load, faults, policies.
  evenkeel simulate docs/scenarios/service.toml --runs 10
  evenkeel simulate --runs 10 --compare \\
    docs/scenarios/metastable.toml docs/scenarios/metastable-budget.toml

  # Spread over machines: this is one of two.
  evenkeel simulate contending-writers --runs 1000 --shard 1/2 > part-1.json")]
pub(crate) struct SimulateArgs {
    /// A built-in scenario, or a scenario file (.toml)
    pub(crate) scenario: Option<String>,
    /// List the built-in scenarios with their parameters
    #[arg(long, conflicts_with_all = ["scenario", "set", "runs", "shard", "json", "report", "compare", "sweep"])]
    pub(crate) list: bool,
    /// Set a parameter; may be given many times, the last one counts
    #[arg(long, value_name = "K=V")]
    pub(crate) set: Vec<Assignment>,
    /// How many runs, up to 1000000 [default: the file's, or 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_RUNS))]
    pub(crate) runs: Option<u64>,
    /// Seed of all runs; run r draws from its own streams of it [default: the file's, or 1]
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// How many threads share the work; it changes no byte [default: one for each processor]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) threads: Option<u64>,
    /// Make only part I of N of the runs, I from 1, and print it for `evenkeel merge`
    #[arg(long, value_name = "I/N", conflicts_with = "report")]
    pub(crate) shard: Option<Shard>,
    /// Print one JSON object; one a line with --sweep and --compare
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the picture: FILE.html is one self-contained page, FILE.svg the curves alone
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Simulate these, too, and set them beside each other: scenarios or scenario files
    #[arg(long, value_name = "SCENARIO", num_args = 1.., conflicts_with = "sweep")]
    pub(crate) compare: Vec<String>,
    /// Simulate with each of these values; of several sweeps every combination, and the first is the x axis
    #[arg(long, value_name = "K=V1,V2,..")]
    pub(crate) sweep: Vec<Sweep>,
}

/// Joins the parts that `simulate --shard` printed to what the whole would have printed with --json.
#[derive(Args)]
#[command(after_help = "\
Examples:
  evenkeel simulate contending-writers --runs 10 --shard 1/2 > part-1.json
  evenkeel simulate contending-writers --runs 10 --shard 2/2 > part-2.json
  evenkeel merge part-1.json part-2.json > whole.json")]
pub(crate) struct MergeArgs {
    /// All parts, in any order; - is standard input
    #[arg(required = true)]
    pub(crate) parts: Vec<PathBuf>,
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or("expected name=value, such as clients=200")?;
        Ok(Self {
            name: name.trim().into(),
            value: value.trim().into(),
        })
    }
}

/// `name=value,value,..`.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Assignment { name, value } = text
            .parse()
            .map_err(|_| "expected name=value,value, such as clients=50,100,200")?;
        let values: Vec<String> = value.split(',').map(|value| value.trim().into()).collect();
        for (at, value) in values.iter().enumerate() {
            if value.is_empty() {
                return Err("found an empty value, expected name=value,value".into());
            }
            if values[..at].contains(value) {
                return Err(format!("found {value} twice, expected it once"));
            }
        }
        Ok(Self { name, values })
    }
}

/// Part `number` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shard {
    pub(crate) number: u64,
    pub(crate) of: u64,
}

impl Shard {
    /// The whole.
    pub(crate) const ALL: Self = Self { number: 1, of: 1 };

    /// The numbers of its runs, out of `runs`: every `of`-th, so that parts of an uneven scenario take about as long.
    pub(crate) fn runs(self, runs: u64) -> impl Iterator<Item = u64> + Clone {
        (self.number - 1..runs).step_by(usize::try_from(self.of).unwrap_or(usize::MAX))
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("expected I/N with I from 1 to N, such as 2/8".into()),
        }
    }
}
