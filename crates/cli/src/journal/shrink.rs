//! `evenkeel journal shrink`: a small journal that still shows a fact, and the test that keeps it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, anyhow};
use evenkeel_replay::journal::Loaded;
use evenkeel_replay::shrink::{
    EFFORT, Fact, NoProperty, Property, ShrinkError, Shrunk, facts, shrink,
};

use super::args::ShrinkArgs;
use super::roster::Roster;
use super::source::Source;
use crate::numbers;
use crate::progress::Progress;
use crate::text::printable;

/// What came of it.
pub(crate) enum Cut {
    Shrunk(Box<Shrunk>, Property),
    /// The journal does not show the fact; what is said of it.
    NotShown(String),
}

/// Cuts the journal.
pub(crate) fn cut(args: &ShrinkArgs, source: &Source, loaded: &Loaded) -> Result<Cut> {
    let property: Property = args.property.parse().map_err(|error: NoProperty| {
        anyhow!(
            "{}\n{}",
            printable(&error.to_string()),
            known(source, loaded)
        )
    })?;
    if let Some(machine) = &property.machine {
        Roster::of(loaded).check(&source.name, std::slice::from_ref(machine))?;
    }
    let busy = Progress::busy("cutting");
    let shrunk = shrink(loaded, &property, args.effort.unwrap_or(EFFORT));
    drop(busy);
    match shrunk {
        Ok(shrunk) => Ok(Cut::Shrunk(Box::new(shrunk), property)),
        Err(ShrinkError::NotShown(_)) if property.fact == Fact::Differs => Ok(Cut::NotShown(
            format!("{}: each answer comes out as recorded", source.name),
        )),
        Err(ShrinkError::NotShown(_)) => Ok(Cut::NotShown(format!(
            "{}: found nothing that is {}\n{}",
            source.name,
            printable(&property.to_string()),
            known(source, loaded)
        ))),
        Err(error) => Err(anyhow!(
            "{}: {}",
            source.name,
            printable(&error.to_string())
        )),
    }
}

/// The facts that can be asked for.
fn known(source: &Source, loaded: &Loaded) -> String {
    let facts = facts(loaded);
    if facts.is_empty() {
        return format!(
            "{} shows no fact: no change, no refusal, no end",
            source.name
        );
    }
    let rows: Vec<(String, String)> = facts
        .iter()
        .map(|(fact, count)| (fact.to_string(), numbers::count(*count)))
        .collect();
    let wide =
        |of: fn(&(String, String)) -> &str| rows.iter().map(|row| of(row).len()).max().unwrap_or(0);
    let (facts, counts) = (wide(|row| &row.0), wide(|row| &row.1));
    let mut text = format!("{} shows:", source.name);
    for (fact, count) in &rows {
        let _ = write!(text, "\n  {fact:facts$}  {count:>counts$}");
    }
    text
}

/// What was done, and the test to paste.
pub(crate) fn told(source: &Source, shrunk: &Shrunk, property: &Property, out: &Path) -> String {
    let calls = |calls: usize| numbers::counted(calls as u64, "call");
    let machines = |machines: usize| numbers::counted(machines as u64, "machine");
    let mut text = format!(
        "{}: {} of {} cut to {} of {}, which still show {}\n",
        source.name,
        calls(shrunk.ops_before),
        machines(shrunk.machines_before),
        calls(shrunk.ops),
        machines(shrunk.machines),
        printable(&property.to_string())
    );
    let tried = numbers::counted(shrunk.tried, "smaller journal");
    let applied = numbers::counted(shrunk.applied, "call");
    let _ = writeln!(text, "{tried} tried, which took {applied}.");
    text += match shrunk.is_minimal {
        true => "Without any single one of its calls the fact is lost.\n",
        false => "The effort ran out: with a larger --effort it may get smaller.\n",
    };
    let out = out.display().to_string();
    let test = match property.fact {
        Fact::Differs => format!("assert!(evenkeel_replay::verify_file({out:?}).is_err());"),
        _ => format!("evenkeel_replay::verify_file({out:?}).unwrap();"),
    };
    text + &format!("\nThe test that keeps it:\n  {test}\n")
}
