//! `evenkeel what-if`: what another policy would have done, beside what was recorded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use evenkeel_replay::Assumed;
use evenkeel_replay::any::Kind;
use evenkeel_replay::journal::Loaded;
use evenkeel_replay::what_if::{Compared, First, Policies, Start, Tally, WhatIf};

use super::blocks::{Block, blocks};
use super::clock::Clock;
use super::phrase;
use super::roster::Roster;
use super::source::Source;
use super::tree::Tree;
use crate::numbers;
use crate::policy::PolicyFile;

/// What is said of outcomes, in every result.
pub(crate) const NOTE: &str = "Recorded outcomes are taken as independent of what was admitted: a call ends as it was \
                               recorded, whatever else was let through.";

/// The tables of the policy file, for the machines that are meant.
pub(crate) fn policies(
    source: &Source,
    loaded: &Loaded,
    file: &PolicyFile,
    machines: &[String],
) -> Result<Policies> {
    let roster = Roster::of(loaded);
    roster.check(&source.name, machines)?;
    let mut policies = Policies::new();
    let mut concerned = 0;
    let tables = file.policies.tables()?;
    for member in roster.iter() {
        if !machines.is_empty() && !machines.iter().any(|name| member.is_called(name)) {
            continue;
        }
        let table = tables
            .iter()
            .find(|(name, _)| Kind::named(name) == Some(member.kind));
        if let Some((_, policy)) = table {
            policies = policies.of_machine(member.id, policy.as_str());
            concerned += 1;
        }
    }
    if concerned > 0 {
        return Ok(policies);
    }
    let listed = |names: Vec<&str>| match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    let tables = listed(tables.iter().map(|(name, _)| *name).collect());
    let whose = if machines.is_empty() {
        ""
    } else {
        " of the machines that --machine names"
    };
    Err(anyhow!(
        "{}: found tables for {tables}, expected one for a kind of machine in {}{whose}: it has {}",
        file.name,
        source.name,
        listed(roster.kinds())
    ))
}

/// For people.
pub(crate) fn text(source: &Source, file: &PolicyFile, found: &WhatIf) -> String {
    let clock = Clock::since(found.from_ns);
    let of = numbers::counted(found.machines.len() as u64, "machine");
    let calls = numbers::counted(found.ops, "call");
    let span = numbers::rounded(found.to_ns.saturating_sub(found.from_ns));
    let mut text = format!(
        "{} under {}: {calls} of {of} in {span}\n",
        source.name, file.name
    );
    let blocks = blocks(found);
    let mut untouched = Vec::new();
    for block in &blocks {
        if block.is_untouched {
            untouched.push(block.title());
        } else {
            text += &of_block(block, clock);
        }
    }
    if !untouched.is_empty() {
        const MOST: usize = 6;
        let more = match untouched.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = untouched
            .iter()
            .take(MOST)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let _ = match untouched.len() == blocks.len() {
            true => writeln!(text, "\nNo decision parts: each machine does as recorded."),
            false => writeln!(text, "\nAs recorded: {named}{more}"),
        };
    }
    let _ = write!(text, "\n{NOTE}\n{}", limits(found));
    text
}

/// What the second run could not know, in sentences.
pub(crate) fn limits(found: &WhatIf) -> String {
    let sum = |of: fn(&Compared) -> u64| found.machines.iter().map(of).sum::<u64>();
    let mut text = String::new();
    let mut say = |count: u64, what: &str, rest: &str| {
        if count > 0 {
            let _ = writeln!(text, "{} {rest}", numbers::counted(count, what));
        }
    };
    say(
        sum(|of| of.skipped),
        "recorded report",
        "skipped: of calls that the new policy refuses, or does not begin.",
    );
    say(sum(|of| of.unknown), "outcome", assumed(found.assumed));
    say(
        sum(|of| of.pending),
        "report",
        "would come after the end of the journal.",
    );
    say(
        sum(|of| of.dropped),
        "recorded call",
        "lost in gaps: the new policy goes on there with what it has.",
    );
    text
}

/// What is said of unknown outcomes.
fn assumed(assumed: Assumed) -> &'static str {
    match assumed {
        Assumed::Ignored => {
            "unknown: of calls that only the new policy lets through; they are taken to count for nothing."
        }
        Assumed::Success => {
            "unknown: of calls that only the new policy lets through; they are taken as successes, the best case."
        }
        Assumed::Failure => {
            "unknown: of calls that only the new policy lets through; they are taken as failures, the worst case."
        }
    }
}

/// How a machine of the second run began, in words.
pub(crate) fn begun(start: Start) -> &'static str {
    match start {
        Start::Recorded => "with the recorded policy",
        Start::Fresh => "with the new policy",
        Start::Restored => "with the new policy, from the recorded state",
        Start::Afresh => "with the new policy, fresh: it cannot have the recorded state",
        _ => "",
    }
}

fn of_block(block: &Block, clock: Clock) -> String {
    let machine = &block.sum;
    let mut text = format!("\n{}, {}\n", block.title(), block.begun());
    let rows = rows(&machine.before, &machine.after);
    let wide =
        |of: fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let first = wide(|row| row.name.chars().count() + row.depth * 2, 10);
    let (before, after) = (
        wide(|row| row.before.len(), "recorded".len()),
        wide(|row| row.after.len(), "what-if".len()),
    );
    let _ = writeln!(
        text,
        "  {:first$}  {:>before$}  {:>after$}",
        "", "recorded", "what-if"
    );
    for row in &rows {
        let name = format!("{:1$}{2}", "", row.depth * 2, row.name);
        let _ = writeln!(
            text,
            "  {name:first$}  {:>before$}  {:>after$}",
            row.before, row.after
        );
    }
    match &machine.parted {
        None if block.is_only_lent() => text += &format!("  {LENT}\n"),
        None => text += "  no decision parts\n",
        Some(first) => text += &parted(machine, first, clock),
    }
    if let Some(until_ns) = machine.known_until_ns {
        let until = clock.text(until_ns);
        let _ = writeln!(
            text,
            "  from {until} on nothing is known of it under the new policy"
        );
    }
    text
}

/// What is said of a breaker that nobody asked itself.
pub(crate) const LENT: &str =
    "not asked itself, but lent: the calls are those of the machines that borrow it";

/// A line of a table: a count in both runs; deeper ones are parts of the one above.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) depth: usize,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// What both runs did.
pub(crate) fn rows(before: &Tally, after: &Tally) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut row = |name: &str, depth, before: u64, after: u64| {
        if before > 0 || after > 0 {
            rows.push(Row {
                name: name.to_owned(),
                depth,
                before: numbers::count(before),
                after: numbers::count(after),
            });
        }
    };
    type Counts = BTreeMap<&'static str, u64>;
    row("asked", 0, before.asked, after.asked);
    row("admitted", 0, before.admitted, after.admitted);
    let mut by = |name: &str, before: &Counts, after: &Counts| {
        row(name, 0, before.values().sum(), after.values().sum());
        let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let of = |counts: &Counts| counts.get(name).copied().unwrap_or(0);
            row(name, 1, of(before), of(after));
        }
    };
    by("refused", &before.refused, &after.refused);
    by("ended", &before.ended, &after.ended);
    by("changes", &before.changes, &after.changes);
    row("waits", 0, before.waits, after.waits);
    if before.waited_ns > 0 || after.waited_ns > 0 {
        let span = numbers::rounded;
        rows.push(Row {
            name: "waited".to_owned(),
            depth: 0,
            before: span(before.waited_ns),
            after: span(after.waited_ns),
        });
    }
    rows
}

fn parted(machine: &Compared, first: &First, clock: Clock) -> String {
    let differing = match machine.differing {
        0 => "no decision differs".to_owned(),
        n => format!(
            "{} get another decision",
            numbers::counted(n, "recorded call")
        ),
    };
    let Told {
        when,
        call,
        before,
        after,
    } = told(first, clock);
    format!(
        "  {differing}; the first difference {when}: {call}\n    recorded  {before}\n    what-if   {after}\n"
    )
}

/// Where two runs part, in words.
pub(crate) struct Told {
    pub(crate) when: String,
    pub(crate) call: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Says where two runs part.
pub(crate) fn told(first: &First, clock: Clock) -> Told {
    let answer = |answer: &Option<evenkeel_replay::any::AnyAnswer>| match answer {
        None => "no such call".to_owned(),
        Some(answer) => {
            let mut said = phrase::answer(&Tree::of_value(answer), clock);
            answer.changes(first.t_ns, &first.op, &mut |change| {
                let _ = write!(said, ", {}", phrase::change(&change, first.t_ns, clock));
            });
            said
        }
    };
    Told {
        when: format!(
            "is in line {}, at {}",
            numbers::count(first.line),
            clock.text(first.t_ns)
        ),
        call: phrase::call(&Tree::of_value(&first.op), clock),
        before: answer(&first.before),
        after: answer(&first.after),
    }
}
