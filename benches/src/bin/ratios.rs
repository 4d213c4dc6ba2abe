//! How many times faster than its peers: rounds of ours and theirs in turn, CPU time of this thread, median ratios.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use evenkeel_benches::clock::timed;
use evenkeel_benches::{Case, Entrant, Run, cases};

/// Prints a table (Markdown) of each case against each peer.
#[derive(Parser)]
struct Args {
    /// Only cases whose name contains this.
    #[arg(default_value = "")]
    filter: String,
    /// How often each side is measured; they take turns.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(5..))]
    rounds: u32,
    /// How long one measurement takes, in milliseconds of CPU time.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    batch_ms: u64,
}

/// One side, warmed up, and its times so far.
struct Measured {
    run: Run,
    n: u64,
    ns: Vec<f64>,
}

impl Measured {
    /// Doubles `n` until that many operations take long enough; this also warms up.
    fn new(entrant: &Entrant, batch: Duration) -> Self {
        let mut run = entrant.prepare();
        let mut n = 1;
        while timed(&mut run, n) < batch {
            n *= 2;
        }
        let ns = Vec::new();
        Self { run, n, ns }
    }

    fn measure(&mut self) {
        let time = timed(&mut self.run, self.n);
        #[expect(clippy::cast_precision_loss, reason = "a count of operations")]
        self.ns.push(time.as_secs_f64() * 1e9 / self.n as f64);
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let cases = cases(&args.filter);
    ensure!(!cases.is_empty(), "no case contains {:?}", args.filter);
    println!("| case | ours, ns | peer | peer, ns | ratio | least to most | goal | |");
    println!("|---|---:|---|---:|---:|---:|---:|---|");
    for case in &cases {
        row(case, &args).with_context(|| case.name.clone())?;
    }
    Ok(())
}

fn row(case: &Case, args: &Args) -> anyhow::Result<()> {
    case.check();
    let batch = Duration::from_millis(args.batch_ms);
    let sides = case.entrants().map(|entrant| Measured::new(entrant, batch));
    let mut sides: Vec<_> = sides.collect();
    for _ in 0..args.rounds {
        sides.iter_mut().for_each(Measured::measure);
    }
    let (ours, peers) = sides.split_first().context("a case has our side")?;
    let ours_ns = number(median(&ours.ns));
    if peers.is_empty() {
        println!("| {} | {ours_ns} | | | | | | |", case.name);
    }
    for (peer, theirs) in case.peers.iter().zip(peers) {
        let ratios: Vec<f64> = theirs.ns.iter().zip(&ours.ns).map(|(a, b)| a / b).collect();
        let ratio = median(&ratios);
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        let (goal, verdict) = match peer.goal {
            Some(goal) if ratio < goal => (number(goal), "miss"),
            Some(goal) => (number(goal), "pass"),
            None => (String::new(), ""),
        };
        println!(
            "| {} | {ours_ns} | {} | {} | {} | {} to {} | {goal} | {verdict} |",
            case.name,
            peer.entrant.name,
            number(median(&theirs.ns)),
            number(ratio),
            number(least),
            number(most),
        );
    }
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Three digits that count; more would be noise.
fn number(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("{value:.0}"),
        _ if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
