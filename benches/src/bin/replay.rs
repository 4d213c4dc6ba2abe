//! How many rows a second the command `evenkeel replay` takes: the program itself, on a trace of a million rows.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, ensure};
use clap::Parser;
use evenkeel_benches::inputs::{LATENCIES, latencies_us, rng};
use evenkeel_benches::measure::{median, number};
use evenkeel_benches::page::Page;
use rand_distr::{Bernoulli, Distribution as _};

/// Prints a table (Markdown): rows a second of CPU time, the program's start and end included.
#[derive(Parser)]
struct Args {
    /// How many rows the trace has.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// How often the command is run each way; they take turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..))]
    rounds: u32,
    /// The policy.
    #[arg(long, default_value = "docs/policies/http-client.toml")]
    policy: PathBuf,
    /// End with an error where it is under 3 million rows a second.
    #[arg(long)]
    check: bool,
    /// Write the table into this page, too, where its mark is.
    #[arg(long)]
    page: Option<PathBuf>,
}

/// Rows a second on one core.
const GOAL: f64 = 3e6;

const WAYS: [(&str, &[&str]); 2] = [
    ("one breaker for all", &[]),
    ("a breaker for each of 8 keys", &["--per-key"]),
];

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let trace = env::temp_dir().join(format!("evenkeel-replay-{}.csv", std::process::id()));
    write_trace(&trace, args.rows)?;
    let measured = measure(&args, &trace);
    fs::remove_file(&trace)?;
    let rates = measured?;

    let mut table =
        "| evenkeel replay | rows a second | goal | |\n|---|---:|---:|---|\n".to_owned();
    let goal = number(GOAL / 1e6);
    for ((what, _), rate) in WAYS.iter().zip(&rates) {
        let verdict = if *rate >= GOAL { "pass" } else { "miss" };
        let rate = number(rate / 1e6);
        table += &format!("| {what} | {rate} million | {goal} million | {verdict} |\n");
    }
    print!("{table}");
    if let Some(path) = &args.page {
        let mut page = Page::read(path)?;
        page.fill("replay", &table)?;
        page.write(path)?;
    }
    let is_missed = rates.iter().any(|rate| *rate < GOAL);
    Ok(if args.check && is_missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// A call a millisecond or so, one in fifty fails.
fn write_trace(path: &Path, rows: u32) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut rng, fails) = (rng(1), Bernoulli::new(0.02)?);
    let keys = [
        "checkout",
        "search",
        "inventory",
        "payment",
        "profile",
        "mail",
        "images",
        "reviews",
    ];
    writeln!(file, "t_ns,key,latency_ns,outcome")?;
    let mut t_ns = 0;
    for row in 0..rows as usize {
        let latency_us = latencies_us()[row % LATENCIES];
        t_ns += 40 * latency_us + 7;
        let outcome = if fails.sample(&mut rng) {
            "error"
        } else {
            "ok"
        };
        let key = keys[(latency_us % 8) as usize];
        writeln!(file, "{t_ns},{key},{},{outcome}", latency_us * 1_000)?;
    }
    Ok(file.flush()?)
}

/// Rows a second of CPU time, medians.
fn measure(args: &Args, trace: &Path) -> anyhow::Result<Vec<f64>> {
    let mut rates = vec![Vec::new(); WAYS.len()];
    for _ in 0..args.rounds {
        for ((_, flags), rates) in WAYS.iter().zip(&mut rates) {
            let before = children_seconds()?;
            replay(args, trace, flags)?;
            let seconds = children_seconds()? - before;
            rates.push(f64::from(args.rows) / seconds);
        }
    }
    Ok(rates.iter().map(|rates| median(rates)).collect())
}

fn replay(args: &Args, trace: &Path, flags: &[&str]) -> anyhow::Result<()> {
    let program = env::current_exe()?.with_file_name("evenkeel");
    let mut command = Command::new(&program);
    command.arg("replay").arg(trace).arg("--policy");
    command.arg(&args.policy).args(flags);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command
        .status()
        .with_context(|| format!("{}: `just bench-replay` builds it", program.display()))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// CPU time that children have used, all their threads, user and system; in steps of a hundredth of a second.
fn children_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name, which may hold spaces, ends with the last parenthesis; the two are the 14th and 15th field after it.
    let (_, fields) = stat
        .rsplit_once(") ")
        .context("no name in /proc/self/stat")?;
    let ticks = fields.split(' ').skip(13).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<_, _>>()?;
    #[expect(clippy::cast_precision_loss, reason = "some hundred a second")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok(f64::from(ticks) / per_second)
}
