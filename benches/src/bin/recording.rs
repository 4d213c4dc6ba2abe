//! How many calls a second a journal takes to disk: at a steady rate, which must lose none, and as fast as it goes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use evenkeel_benches::recording::recorded_breaker;
use evenkeel_replay::journal::{Journal, Summary};
use evenkeel_replay::verify_file;

/// Records a breaker's asks and reports into a file, in the default buffer, by a thread of its own, and verifies it.
#[derive(Parser)]
struct Args {
    /// The file; it is removed at the end.
    #[arg(long, default_value = "recording.jsonl")]
    out: PathBuf,
    /// Calls a second of the steady run.
    #[arg(long, default_value_t = 1_000_000)]
    rate: u32,
    /// How long the steady run takes.
    #[arg(long, default_value_t = 5)]
    seconds: u32,
}

fn main() -> Result<()> {
    let args = Args::parse();
    println!("| run | calls a second | taken down | lost | bytes a call |");
    println!("|---|---:|---:|---:|---:|");
    steady(&args)?;
    flat_out(&args)
}

fn create(args: &Args) -> Result<Journal> {
    let options = Journal::options().replace(true);
    options.create(&args.out).context("the journal's file")
}

/// A slice of calls each millisecond.
fn steady(args: &Args) -> Result<()> {
    let journal = create(args)?;
    let mut pair = recorded_breaker(&journal);
    let start = Instant::now();
    for slice in 1..=args.seconds * 1_000 {
        for _ in 0..args.rate / 2_000 {
            pair();
        }
        let due = start + Duration::from_millis(slice.into());
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let took = start.elapsed();
    drop(pair);
    row("steady", took, journal.finish().context("the disk")?, args)
}

fn flat_out(args: &Args) -> Result<()> {
    let journal = create(args)?;
    let mut pair = recorded_breaker(&journal);
    let start = Instant::now();
    for _ in 0..2_500_000 {
        pair();
    }
    let took = start.elapsed();
    drop(pair);
    row(
        "as fast as it goes",
        took,
        journal.finish().context("the disk")?,
        args,
    )
}

fn row(run: &str, took: Duration, summary: Summary, args: &Args) -> Result<()> {
    let bytes = std::fs::metadata(&args.out)?.len();
    let verified = verify_file(&args.out).map_err(|failed| anyhow::anyhow!("{failed}"))?;
    std::fs::remove_file(&args.out)?;
    anyhow::ensure!(verified.ops == summary.ops, "the file holds other calls");
    let calls = summary.ops + summary.dropped;
    println!(
        "| {run} | {:.0} | {} | {} | {} |",
        calls as f64 / took.as_secs_f64(),
        summary.ops,
        summary.dropped,
        bytes / summary.ops.max(1)
    );
    Ok(())
}
