//! `evenkeel simulate` and `evenkeel merge`: crowds of clients on virtual time, on as many machines as it takes.

pub(crate) mod args;
mod batch;
mod figure;
mod interval;
mod list;
mod merge;
mod meter;
mod plan;
mod report;
mod shard;
mod source;
mod study;
mod tell;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Result, anyhow};
use evenkeel_sim::Run;

use crate::terminal::Screen;
use crate::{Ended, output};
use args::{Assignment, Shard, SimulateArgs, Sweep};
use batch::Batch;
pub(crate) use merge::merge;
use plan::Plan;
use shard::Part;
use source::Source;
use study::Study;

/// Runs scenarios and says what came of them.
pub(crate) fn simulate(args: &SimulateArgs) -> Result<Ended> {
    if args.list {
        return print(&list::text(Screen::of_stdout().width));
    }
    let sources = plan::sources(args)?;
    let plans = plan::plans(args, &sources)?;
    let outputs: Vec<&Path> = args.report.as_deref().into_iter().collect();
    let inputs: Vec<&Path> = sources.iter().filter_map(|source| source.path()).collect();
    output::check(&outputs, &inputs)?;
    check_picture(args, &plans)?;
    let shard = args.shard.unwrap_or(Shard::ALL);
    let runs = run(&plans, shard, args.threads)?;
    if let Some(shard) = args.shard {
        return print_parts(plans, shard, runs);
    }
    let mut studies: Vec<Study> = plans
        .into_iter()
        .zip(runs)
        .map(|(plan, runs)| Study::of(plan, runs))
        .collect();
    if let Some(path) = &args.report {
        let inputs = report::Inputs {
            studies: &studies,
            sweeps: &args.sweep,
            command: &command(args, &sources),
        };
        let text = if is_picture(path) {
            report::picture(&inputs)
        } else {
            Some(report::html(&inputs))
        };
        output::write(path, &text.unwrap_or_default())?;
    }
    if args.json {
        let mut text = String::new();
        for study in &mut studies {
            text += &study.json()?;
            text.push('\n');
        }
        return print(&text);
    }
    let swept: Vec<&str> = args.sweep.iter().map(|sweep| sweep.name.as_str()).collect();
    let mut text = tell::text(&studies, &swept, Screen::of_stdout().width);
    if let Some(path) = &args.report {
        text += &format!("\nReport: {}\n", path.display());
    }
    print(&text)
}

/// Whether the report is to be a picture alone.
fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "svg")
}

/// Refuses a picture of more than can be drawn before all the work.
fn check_picture(args: &SimulateArgs, plans: &[Plan]) -> Result<()> {
    let path = args.report.as_deref().filter(|path| is_picture(path));
    match path {
        Some(path) if args.sweep.is_empty() && plans.len() > report::MAX_CURVES => Err(anyhow!(
            "{}: found {} scenarios to compare, expected at most {} for a picture: leave out some, or write .html",
            path.display(),
            plans.len(),
            report::MAX_CURVES
        )),
        _ => Ok(()),
    }
}

/// What makes the same again, but for the number of threads, which changes nothing.
fn command(args: &SimulateArgs, sources: &[Source]) -> String {
    let mut words = vec!["evenkeel".to_owned(), "simulate".into()];
    if !args.compare.is_empty() {
        words.push("--compare".into());
    }
    words.extend(sources.iter().map(|source| source.name.clone()));
    for Assignment { name, value } in &args.set {
        words.extend(["--set".into(), format!("{name}={value}")]);
    }
    for Sweep { name, values } in &args.sweep {
        words.extend(["--sweep".into(), format!("{name}={}", values.join(","))]);
    }
    for (option, value) in [("--runs", args.runs), ("--seed", args.seed)] {
        if let Some(value) = value {
            words.extend([option.into(), value.to_string()]);
        }
    }
    words.join(" ")
}

/// The runs of each plan that are this shard's.
fn run(plans: &[Plan], shard: Shard, threads: Option<u64>) -> Result<Vec<Vec<Run>>> {
    let batches: Vec<Batch<'_>> = plans
        .iter()
        .map(|plan| Batch {
            scenario: &*plan.scenario,
            seed: plan.seed,
            numbers: shard.runs(plan.runs).collect(),
        })
        .collect();
    batch::run(&batches, threads)
}

fn print_parts(plans: Vec<Plan>, shard: Shard, runs: Vec<Vec<Run>>) -> Result<Ended> {
    let mut text = String::new();
    for (mut plan, runs) in plans.into_iter().zip(runs) {
        text += &serde_json::to_string(&Part::of(&mut plan, shard, runs)?)?;
        text.push('\n');
    }
    print(&text)
}

fn print(text: &str) -> Result<Ended> {
    let mut out = BufWriter::new(io::stdout().lock());
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Ended::Well)
}
