//! How many times faster than its peers: rounds of ours and theirs in turn, CPU time of this thread, median ratios.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use evenkeel_benches::measure::{Effort, in_turn, median, number};
use evenkeel_benches::page::{self, Page};
use evenkeel_benches::{Case, Goal, Peer, cases};

/// Prints a table (Markdown) of each case against each peer, and which goals are missed.
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
    /// End with an error where a goal is missed.
    #[arg(long)]
    check: bool,
    /// Write the tables into this page, too, where its marks are.
    #[arg(long)]
    page: Option<PathBuf>,
}

const HEAD: &str = "| case | ours, ns | peer | peer, ns | ratio | least to most | goal | |
|---|---:|---|---:|---:|---:|---:|---|
";

/// The lines of one case.
struct Measured {
    name: String,
    lines: String,
}

/// The goals so far.
#[derive(Default)]
struct Goals {
    met: u32,
    missed: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let cases = cases(&args.filter);
    ensure!(!cases.is_empty(), "no case contains {:?}", args.filter);
    let effort = Effort {
        batch: Duration::from_millis(args.batch_ms),
        rounds: args.rounds,
    };
    let mut goals = Goals::default();
    let mut measured = Vec::new();
    print!("{HEAD}");
    for case in &cases {
        let lines = of_case(case, effort, &mut goals).with_context(|| case.name.clone())?;
        print!("{lines}");
        let name = case.name.clone();
        measured.push(Measured { name, lines });
    }
    println!("\n{}", goals.summary());
    if let Some(path) = &args.page {
        let mut page = Page::read(path)?;
        fill(&mut page, &args, &measured, &goals)?;
        page.write(path)?;
    }
    Ok(if args.check && !goals.missed.is_empty() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Measures a case; its lines of the table.
fn of_case(case: &Case, effort: Effort, goals: &mut Goals) -> anyhow::Result<String> {
    case.check();
    let sides = in_turn(case.entrants(), effort);
    let (ours, peers) = sides.split_first().context("a case has our side")?;
    let ours_ns = number(median(ours));
    let mut lines = String::new();
    for (peer, theirs) in case.peers.iter().zip(peers) {
        let first = if lines.is_empty() {
            format!("{} | {ours_ns}", case.name)
        } else {
            " | ".to_owned()
        };
        let goal = peer.goal.unwrap_or(Goal::Faster(0.0));
        let rounds = ours.iter().zip(theirs);
        let reached: Vec<_> = rounds.map(|(a, b)| goal.reached(*a, *b)).collect();
        let line = line(peer, median(theirs), &reached);
        lines += &format!("| {first} | {line} |\n");
        goals.judge(&case.name, peer, median(&reached));
    }
    if lines.is_empty() {
        lines = format!("| {} | {ours_ns} | | | | | | |\n", case.name);
    }
    Ok(lines)
}

/// A peer's part of the table: what was reached is how many times as long it takes or, of a part of ours, how much longer
/// ours does.
fn line(peer: &Peer, peer_ns: f64, reached: &[f64]) -> String {
    let least = reached.iter().copied().fold(f64::INFINITY, f64::min);
    let most = reached.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = median(reached);
    let (sign, goal) = match peer.goal {
        Some(Goal::Faster(times)) => ("", number(times)),
        Some(Goal::Adds(less_than_ns)) => ("+", format!("+{less_than_ns:.0}")),
        None => ("", String::new()),
    };
    let verdict = match peer.goal {
        Some(goal) if goal.is_met(middle) => "pass",
        Some(_) => "miss",
        None => "",
    };
    format!(
        "{} | {} | {sign}{} | {} to {} | {goal} | {verdict}",
        peer.entrant.name,
        number(peer_ns),
        number(middle),
        number(least),
        number(most),
    )
}

impl Goals {
    fn judge(&mut self, case: &str, peer: &Peer, reached: f64) {
        let Some(goal) = peer.goal else { return };
        if goal.is_met(reached) {
            self.met += 1;
            return;
        }
        let reached = number(reached);
        let reached = match goal {
            Goal::Faster(times) => format!("{reached} of {} times", number(times)),
            Goal::Adds(less_than_ns) => format!("{reached} ns more, not under {less_than_ns:.0}"),
        };
        let peer = peer.entrant.name;
        self.missed.push(format!("- {case}, {peer}: {reached}\n"));
    }

    /// How many, and the missed ones, a line each.
    fn summary(&self) -> String {
        let (met, missed) = (self.met, self.missed.len());
        let all = met as usize + missed;
        let list = self.missed.concat();
        let colon = if list.is_empty() { "" } else { ":\n\n" };
        format!("{all} goals, {met} pass, {missed} miss{colon}{list}")
    }
}

/// A mark `ratios MACHINE: MACHINE: ..` takes the cases whose names begin so; with a filter only if that takes in all of
/// them.
fn fill(page: &mut Page, args: &Args, measured: &[Measured], goals: &Goals) -> anyhow::Result<()> {
    let mut placed = 0;
    for mark in page.marks("ratios") {
        let machines: Vec<_> = mark.split_inclusive(':').map(str::trim).collect();
        let chosen = measured
            .iter()
            .filter(|case| machines.iter().any(|name| case.name.starts_with(name)));
        let lines: Vec<_> = chosen.map(|case| &*case.lines).collect();
        placed += lines.len();
        if machines.iter().all(|name| name.contains(&args.filter)) {
            page.fill(
                &format!("ratios {mark}"),
                &format!("{HEAD}{}", lines.concat()),
            )?;
        }
    }
    ensure!(placed == measured.len(), "a case has no place on the page");
    if args.filter.is_empty() {
        page.fill("goals", &format!("{}\n", goals.summary().trim_end()))?;
        page.fill("machine", &page::machine(args.rounds)?)?;
    }
    Ok(())
}
