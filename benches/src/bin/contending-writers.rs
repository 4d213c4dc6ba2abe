//! The scenario contending-writers on one thread, and how long it took: our side of benches/simpy.

use anyhow::Result;
use clap::Parser;
use evenkeel_benches::clock::thread_time;
use evenkeel_sim::{Report, Run, Scenario, Streams, Watch, scenarios::ContendingWriters};

/// Prints one JSON object: the CPU seconds of the runs, and the mean and standard deviation of each metric.
#[derive(Parser)]
struct Args {
    /// How many want to write.
    #[arg(long, default_value = "100")]
    clients: String,
    /// How they wait after a failed write.
    #[arg(long, default_value = "full")]
    algorithm: String,
    /// How many runs.
    #[arg(long, default_value_t = 100)]
    runs: u64,
    /// The seed of them all.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut scenario = ContendingWriters::default();
    let named: &mut dyn Scenario = &mut scenario;
    named.set("clients", &args.clients)?;
    named.set("algorithm", &args.algorithm)?;

    let start = thread_time();
    let run = |run| scenario.run(Streams::of_run(args.seed, run), &mut Watch::off());
    let runs: Vec<Run> = (0..args.runs).map(run).collect();
    let seconds = (thread_time() - start).as_secs_f64();

    let report = Report::of(&mut scenario, args.seed, &runs);
    let metrics = report.metrics.iter().map(|(name, summary)| {
        let (mean, sd) = (summary.mean, summary.sd);
        format!(r#""{name}":{{"mean":{mean},"sd":{sd}}}"#)
    });
    let metrics: Vec<_> = metrics.collect();
    println!(
        r#"{{"seconds":{seconds},"metrics":{{{}}}}}"#,
        metrics.join(",")
    );
    Ok(())
}
