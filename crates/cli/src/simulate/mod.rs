//! `evenkeel simulate` and `evenkeel merge`: crowds of clients on virtual time, on as many machines as it takes.

pub(crate) mod args;
mod batch;
mod interval;
mod list;
mod measured;
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

use crate::screen::Screen;
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
    check_report(args, &plans)?;
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
        let text = if ends_in(path, "svg") {
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

/// Which kind of report this is to be: HTML, or a picture alone.
fn ends_in(path: &Path, kind: &str) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case(kind))
}

/// Refuses what is no report, and a picture of more than can be drawn, before all the work.
fn check_report(args: &SimulateArgs, plans: &[Plan]) -> Result<()> {
    let Some(path) = args.report.as_deref() else {
        return Ok(());
    };
    let is_picture = ends_in(path, "svg");
    let name = path.display();
    if !is_picture && !ends_in(path, "html") {
        return Err(anyhow!(
            "{name}: found a report of an unknown kind, expected a name that ends in .html or .svg"
        ));
    }
    if is_picture && args.sweep.is_empty() && plans.len() > report::MAX_CURVES {
        return Err(anyhow!(
            "{name}: found {} scenarios to compare, expected at most {} for a picture: leave out some, or write .html",
            plans.len(),
            report::MAX_CURVES
        ));
    }
    Ok(())
}

/// What makes the same again, but for the number of threads, which changes nothing.
fn command(args: &SimulateArgs, sources: &[Source]) -> String {
    let mut words = vec!["evenkeel".to_owned(), "simulate".into()];
    if !args.compare.is_empty() {
        words.push("--compare".into());
    }
    words.extend(sources.iter().map(|source| quoted(&source.name)));
    for Assignment { name, value } in &args.set {
        words.extend(["--set".into(), quoted(&format!("{name}={value}"))]);
    }
    for Sweep { name, values } in &args.sweep {
        let swept = format!("{name}={}", values.join(","));
        words.extend(["--sweep".into(), quoted(&swept)]);
    }
    for (option, value) in [("--runs", args.runs), ("--seed", args.seed)] {
        if let Some(value) = value {
            words.extend([option.into(), value.to_string()]);
        }
    }
    words.join(" ")
}

/// As a word of a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
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
