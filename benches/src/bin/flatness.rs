//! Whether a call costs more after a long idle time, after many calls, with many keys, or with a long window: all sizes in
//! turn, CPU time of this thread, medians.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use evenkeel_benches::flatness::{Series, series};
use evenkeel_benches::measure::{Effort, in_turn, median, number};
use evenkeel_benches::page::Page;

/// Prints a table (Markdown): nanoseconds a call from small to large, and the largest over the smallest.
#[derive(Parser)]
struct Args {
    /// Only operations that contain this, or whatever grows.
    #[arg(default_value = "")]
    filter: String,
    /// How often each size is measured; they take turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(5..))]
    rounds: u32,
    /// Write the table into this page, too, where its mark is.
    #[arg(long, conflicts_with = "filter")]
    page: Option<PathBuf>,
}

const HEAD: &str = "| operation | what grows | ns a call, from small to large | last over first |
|---|---|---|---:|
";

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let chosen = series(&args.filter);
    ensure!(!chosen.is_empty(), "nothing contains {:?}", args.filter);
    let effort = Effort {
        batch: Duration::from_millis(20),
        rounds: args.rounds,
    };
    print!("{HEAD}");
    let mut table = HEAD.to_owned();
    for series in &chosen {
        let line = line(series, effort);
        print!("{line}");
        table += &line;
    }
    if let Some(path) = &args.page {
        let mut page = Page::read(path)?;
        page.fill("flatness", &table)?;
        page.write(path)?;
    }
    Ok(())
}

fn line(series: &Series, effort: Effort) -> String {
    let times = in_turn(series.sides.iter(), effort);
    let medians: Vec<_> = times.iter().map(|ns| median(ns)).collect();
    let sizes = series.sides.iter().zip(&medians);
    let sizes = sizes.map(|(side, &ns)| format!("{}: {}", side.name, number(ns)));
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    let last_over_first = match (medians.first(), medians.last()) {
        (Some(first), Some(last)) => number(last / first),
        _ => String::new(),
    };
    let (operation, grows) = (&series.operation, series.grows);
    format!("| {operation} | {grows} | {sizes} | {last_over_first} |\n")
}
