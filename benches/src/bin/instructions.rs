//! How many instructions an operation of ours takes: each case under callgrind at two counts, and the difference, so that
//! what comes before the first operation cancels.

use std::env;
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::Parser;
use evenkeel_benches::{Entrant, breaker, cases};

/// Operations in the shorter and the longer run.
const COUNTS: [u64; 2] = [1 << 12, 1 << 13];

/// Prints a table (Markdown) of instructions for each operation of ours.
#[derive(Parser)]
struct Args {
    /// Only cases whose name contains this.
    #[arg(default_value = "")]
    filter: String,
    /// Run one case this often and count nothing: what callgrind is started with.
    #[arg(long, hide = true)]
    only_run: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let chosen = entrants(&args.filter);
    if let Some(n) = args.only_run {
        let (_, entrant) = chosen.first().context("no such case")?;
        entrant.prepare()(n);
        return Ok(());
    }
    ensure!(!chosen.is_empty(), "no case contains {:?}", args.filter);
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!(
            "valgrind is missing: install it to count instructions (nothing else here needs it)"
        );
        return Ok(());
    }
    println!("| case | instructions |");
    println!("|---|---:|");
    for (name, _) in chosen {
        let [few, many] = COUNTS.map(|n| collected(&name, n));
        let each = difference(few?, many?).with_context(|| name.clone())?;
        println!("| {name} | {each} |");
    }
    Ok(())
}

/// Our side of every case, and the harness for comparison.
fn entrants(filter: &str) -> Vec<(String, Entrant)> {
    let harness = breaker::harness();
    let ours = cases("").into_iter().map(|case| (case.name, case.ours));
    std::iter::once((harness.name.to_owned(), harness))
        .chain(ours)
        .filter(|(name, _)| name.contains(filter))
        .collect()
}

/// The instructions of a whole run of this program that does `n` operations of the case.
fn collected(name: &str, n: u64) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["--only-run", &n.to_string(), name])
        .output()?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "callgrind: {log}");
    let line = log.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.context("callgrind did not say what it collected")?;
    Ok(count.trim().parse()?)
}

/// Instructions an operation, to a tenth.
fn difference(few: u64, many: u64) -> anyhow::Result<String> {
    let more = many.checked_sub(few).context("more runs took less")?;
    let tenths = more * 10 / (COUNTS[1] - COUNTS[0]);
    Ok(format!("{}.{}", tenths / 10, tenths % 10))
}
