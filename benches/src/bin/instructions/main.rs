//! How many instructions an operation of ours takes, and whether that is within its budget: each case under callgrind at two
//! counts, and the difference, so that what comes before the first operation cancels.

mod budgets;
mod callgrind;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Parser;
use evenkeel_benches::page::Page;
use evenkeel_benches::{Entrant, breaker, cases};

use budgets::Budgets;

/// Prints a table (Markdown) of instructions for each operation of ours, and of the budgets that there are.
#[derive(Parser)]
struct Args {
    /// Only cases whose name contains this.
    #[arg(default_value = "")]
    filter: String,
    /// Count those that have a budget, and end with an error where one is over it.
    #[arg(long)]
    check: bool,
    /// Count those that can have a budget, and lower it to 5 % above the count where it is higher; a case without one gets
    /// one. To raise one is left to a person, with a reason.
    #[arg(long, conflicts_with = "check")]
    bless: bool,
    /// The budgets.
    #[arg(long, default_value = "benches/budgets.txt")]
    budgets: PathBuf,
    /// Write the table into this page, too, where its mark is.
    #[arg(long, conflicts_with_all = ["filter", "check"])]
    page: Option<PathBuf>,
    /// Run one case this often and count nothing: what callgrind is started with.
    #[arg(long, hide = true)]
    only_run: Option<u64>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let entrants = entrants(&args.filter);
    if let Some(n) = args.only_run {
        let (_, entrant) = entrants.first().context("no such case")?;
        entrant.prepare()(n);
        return Ok(ExitCode::SUCCESS);
    }
    if !callgrind::is_there() {
        println!("valgrind is missing: left out (install it to count instructions)");
        return Ok(ExitCode::SUCCESS);
    }
    let mut budgets = Budgets::read(&args.budgets)?;
    let names = entrants.into_iter().map(|(name, _)| name);
    let names: Vec<_> = names
        .filter(|name| !args.check || budgets.of(name).is_some())
        .filter(|name| !args.bless || budgets::can_have_one(name))
        .collect();
    ensure!(!names.is_empty(), "no case contains {:?}", args.filter);
    if args.check && args.filter.is_empty() {
        budgets.all_are_cases(&names)?;
    }

    let counted: Vec<_> = names.iter().zip(callgrind::of_all(&names)?).collect();
    if args.bless {
        for (name, tenths) in &counted {
            budgets.bless(name, *tenths);
        }
        budgets.write(&args.budgets)?;
    }
    let (table, over) = table(&counted, &budgets);
    print!("{table}");
    if let Some(hint) = budgets.hint(&counted) {
        println!("\n{hint}");
    }
    if let Some(path) = &args.page {
        let mut page = Page::read(path)?;
        page.fill("instructions", &table)?;
        page.write(path)?;
    }
    Ok(if args.check && over {
        eprintln!(
            "over budget: make it cheaper, or raise its number in {} and say why in the commit. Another compiler than \
             the file names may count a little more.",
            args.budgets.display()
        );
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The table, and whether a case is over its budget.
fn table(counted: &[(&String, u64)], budgets: &Budgets) -> (String, bool) {
    let mut table = "| case | instructions | budget | |\n|---|---:|---:|---|\n".to_owned();
    let mut over = false;
    for &(name, tenths) in counted {
        let budget = budgets.of(name);
        let is_over = budget.is_some_and(|most| tenths > 10 * most);
        over |= is_over;
        let verdict = match budget {
            None => "",
            Some(_) if is_over => "over",
            Some(_) => "within",
        };
        let budget = budget.map(|most| most.to_string()).unwrap_or_default();
        let (whole, tenth) = (tenths / 10, tenths % 10);
        table += &format!("| {name} | {whole}.{tenth} | {budget} | {verdict} |\n");
    }
    (table, over)
}

/// Our side of every case, and the harness for comparison; without what callgrind takes too long for, or counts otherwise
/// each time.
fn entrants(filter: &str) -> Vec<(String, Entrant)> {
    let harness = breaker::harness();
    let ours = cases("").into_iter().map(|case| (case.name, case.ours));
    std::iter::once((harness.name.to_owned(), harness))
        .chain(ours)
        .filter(|(name, _)| name.contains(filter))
        .filter(|(name, _)| !name.contains("000000") && !name.contains("2 threads"))
        .collect()
}
