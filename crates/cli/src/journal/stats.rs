//! `evenkeel journal stats`: which machines there are, and what they did.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use anyhow::{Result, anyhow};
use evenkeel_replay::any::{AnyAnswer, AnyOp};
use evenkeel_replay::journal::{Damage, End, Line, OpLine};
use serde::Serialize;

use super::clock::Clock;
use super::roster::{Member, Roster, titled};
use super::source::Source;
use super::tally::{Counts, Tally, add, listed, one_more};
use super::tree::Tree;
use crate::numbers;
use crate::progress::Progress;

/// What a journal amounts to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Stats {
    pub(crate) ops: u64,
    pub(crate) bytes: u64,
    pub(crate) words: u64,
    pub(crate) first_ns: Option<u64>,
    pub(crate) last_ns: Option<u64>,
    pub(crate) dropped: u64,
    pub(crate) gaps: u64,
    pub(crate) checkpoints: u64,
    pub(crate) machines: Vec<OfMachine>,
}

/// What one machine did.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct OfMachine {
    pub(crate) id: u64,
    pub(crate) machine: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) ops: u64,
    pub(crate) first_ns: Option<u64>,
    pub(crate) last_ns: Option<u64>,
    pub(crate) words: u64,
    pub(crate) dropped: u64,
    pub(crate) gaps: u64,
    pub(crate) checkpoints: u64,
    /// By method.
    pub(crate) calls: Counts,
    #[serde(flatten)]
    pub(crate) tally: Tally,
    #[serde(skip)]
    member: Option<Member>,
    /// Machines of this kind and name: more than one in what people read.
    #[serde(skip)]
    machines: u64,
    /// Calls of others that borrowed it.
    #[serde(skip)]
    lent: u64,
}

/// Reads a journal to its end.
pub(crate) fn stats(source: &Source) -> Result<Stats> {
    let bytes = Rc::default();
    let mut reader = source.counted(Progress::shown(), &bytes)?;
    let mut stats = Stats::default();
    let mut roster = Roster::default();
    let mut machines: BTreeMap<u64, OfMachine> = BTreeMap::new();
    let damaged = |damage: Damage| anyhow!(source.complaint(&damage));
    while let Some(line) = reader.next_line().map_err(damaged)? {
        match line {
            Line::Header(header) => {
                let member = roster.meet(header.kind, header.id, header.name.as_deref());
                let of = machines.entry(header.id).or_insert_with(|| OfMachine {
                    id: member.id,
                    machine: member.kind.name(),
                    name: member.name.clone(),
                    member: Some(member.clone()),
                    machines: 1,
                    ..OfMachine::default()
                });
                of.dropped = of.dropped.saturating_add(header.dropped.unwrap_or(0));
                of.gaps += u64::from(header.dropped.is_some());
                let is_checkpoint = header.is_known && header.dropped.is_none();
                of.checkpoints += u64::from(is_checkpoint);
            }
            Line::Op(op) => {
                let (call, answer) = (op.op().map_err(damaged)?, op.answer().map_err(damaged)?);
                if let Some(of) = machines.get_mut(&op.id) {
                    of.count(&op, &call, &answer);
                }
                let whose = call.changes_whose(op.id);
                if let Some(of) = machines.get_mut(&whose) {
                    of.lent += u64::from(whose != op.id);
                    of.tally.count_changes(&call, &answer);
                }
                spread(&mut stats.first_ns, &mut stats.last_ns, op.t_ns);
            }
            Line::End(End { ops, dropped, .. }) => {
                stats.ops = ops;
                stats.dropped = dropped;
            }
        }
    }
    stats.bytes = bytes.get();
    stats.machines = machines.into_values().collect();
    for of in &stats.machines {
        stats.words += of.words;
        stats.gaps += of.gaps;
        stats.checkpoints += of.checkpoints;
    }
    Ok(stats)
}

impl OfMachine {
    fn count(&mut self, line: &OpLine<'_>, op: &AnyOp, answer: &AnyAnswer) {
        self.ops += 1;
        self.words += line.words.len() as u64;
        spread(&mut self.first_ns, &mut self.last_ns, line.t_ns);
        match Tree::of(line.op) {
            Tree::Text(method) => one_more(&mut self.calls, &method),
            other => {
                if let Some((method, _)) = other.variant() {
                    one_more(&mut self.calls, method);
                }
            }
        }
        self.tally.count(op, answer);
    }

    /// Another of the same kind and name.
    fn add(&mut self, of: &Self) {
        self.machines += of.machines;
        self.ops += of.ops;
        self.words += of.words;
        self.lent += of.lent;
        self.dropped = self.dropped.saturating_add(of.dropped);
        self.gaps += of.gaps;
        self.checkpoints += of.checkpoints;
        for t_ns in [of.first_ns, of.last_ns].into_iter().flatten() {
            spread(&mut self.first_ns, &mut self.last_ns, t_ns);
        }
        add(&mut self.calls, &of.calls);
        self.tally.add(&of.tally);
    }

    fn title(&self) -> String {
        match (&self.member, self.machines) {
            (Some(of), 2..) => titled(of.kind, self.machines, of.name.as_deref()),
            (Some(of), _) => of.title(),
            (None, _) => String::new(),
        }
    }

    fn text(&self, clock: Clock, width: usize) -> String {
        let mut text = format!("{}: {}", self.title(), numbers::counted(self.ops, "call"));
        if let (Some(first_ns), Some(last_ns)) = (self.first_ns, self.last_ns) {
            let (first, last) = (clock.text(first_ns), clock.text(last_ns));
            let _ = write!(
                text,
                " from {first} to {last}{}",
                rate(self.ops, last_ns - first_ns)
            );
        }
        text.push('\n');
        let mut line = |name: &str, said: String| {
            text += &wrapped(&format!("  {name:9} "), &said, width);
        };
        if self.ops > 0 {
            line("calls", listed(&self.calls));
        }
        if self.lent > 0 {
            line(
                "lent",
                format!("for {}", numbers::counted(self.lent, "call")),
            );
        }
        if let Some(answers) = self.tally.answers() {
            line("asked", answers);
        }
        if !self.tally.changes.is_empty() {
            line("changes", listed(&self.tally.changes));
        }
        if self.words > 0 {
            line("words", numbers::count(self.words));
        }
        if self.checkpoints > 0 {
            line(
                "snapshots",
                numbers::counted(self.checkpoints, "checkpoint"),
            );
        }
        if self.gaps > 0 {
            let gaps = numbers::counted(self.gaps, "gap");
            line(
                "lost",
                format!("{} in {gaps}", numbers::counted(self.dropped, "call")),
            );
        }
        text
    }
}

impl Stats {
    /// For people.
    pub(crate) fn text(&self, name: &str, width: usize) -> String {
        let calls = numbers::counted(self.ops, "call");
        let machines = numbers::counted(self.machines.len() as u64, "machine");
        let mut text = format!("{name}: {calls} of {machines}");
        if let (Some(first_ns), Some(last_ns)) = (self.first_ns, self.last_ns) {
            let span_ns = last_ns - first_ns;
            text += &format!(
                " in {}{}",
                numbers::rounded(span_ns),
                rate(self.ops, span_ns)
            );
        }
        let words = numbers::counted(self.words, "word");
        text += &format!("\n{} bytes, {words} drawn, ", numbers::count(self.bytes));
        text += &match (self.gaps, self.dropped) {
            (0, 0) => "no gap\n".to_owned(),
            (gaps, lost) => {
                let (gaps, lost) = (
                    numbers::counted(gaps, "gap"),
                    numbers::counted(lost, "call"),
                );
                format!("{gaps} with {lost} lost\n")
            }
        };
        let clock = Clock::since(self.first_ns.unwrap_or(0));
        for of in self.blocks() {
            text.push('\n');
            text += &of.text(clock, width);
        }
        text
    }

    /// Machines of the same kind and name are one block, where the first of them stands.
    fn blocks(&self) -> Vec<OfMachine> {
        let mut blocks: Vec<OfMachine> = Vec::new();
        let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for of in &self.machines {
            let place = of.name.as_deref().map(|name| (of.machine, name));
            match place.and_then(|place| places.get(&place)) {
                Some(&at) => blocks[at].add(of),
                None => {
                    if let Some(place) = place {
                        places.insert(place, blocks.len());
                    }
                    blocks.push(of.clone());
                }
            }
        }
        blocks
    }
}

/// `, 61.7 a second`; nothing where no time went by.
fn rate(ops: u64, span_ns: u64) -> String {
    match (u128::from(ops) * 10_000_000_000).checked_div(u128::from(span_ns)) {
        None => String::new(),
        Some(tenths) => match u64::try_from(tenths / 10) {
            Ok(whole @ 100..) => format!(", {} a second", numbers::count(whole)),
            _ => format!(", {} a second", numbers::decimal(tenths, 10)),
        },
    }
}

/// `said` behind `before`, broken between parts where it is longer than the screen.
fn wrapped(before: &str, said: &str, width: usize) -> String {
    let indent = before.chars().count();
    let mut text = before.to_owned();
    let mut used = indent;
    for (at, part) in said.split(", ").enumerate() {
        let length = part.chars().count();
        if at > 0 {
            if used + 2 + length > width {
                text += &format!(",\n{:indent$}", "");
                used = indent;
            } else {
                text += ", ";
                used += 2;
            }
        }
        text += part;
        used += length;
    }
    text.push('\n');
    text
}

/// Widens a span of time.
fn spread(first_ns: &mut Option<u64>, last_ns: &mut Option<u64>, t_ns: u64) {
    *first_ns = Some(first_ns.map_or(t_ns, |first| first.min(t_ns)));
    *last_ns = Some(last_ns.map_or(t_ns, |last| last.max(t_ns)));
}
