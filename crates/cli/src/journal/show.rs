//! `evenkeel journal show`: each call on a line, to follow what happened.

use std::io::{self, Write};

use anyhow::{Result, anyhow};
use evenkeel_replay::journal::{HeaderLine, Line, OpLine};
use evenkeel_replay::{Change, Verdict};
use serde::Serialize;
use serde_json::value::RawValue;

use super::clock::{self, Clock};
use super::columns::{self, Part};
use super::filter::Filter;
use super::phrase;
use super::roster::{Member, Roster};
use super::source::Source;
use super::tree::Tree;
use crate::numbers;
use crate::progress::Progress;
use crate::screen::Screen;

/// How wide calls and answers are before they push the columns apart, and where they are cut.
const CALL: usize = 44;
const LONGEST_CALL: usize = 72;
const ANSWER: usize = 24;
const LONGEST_ANSWER: usize = 96;

/// What to show, and how.
pub(crate) struct Show<'a> {
    pub(crate) filter: Filter<'a>,
    pub(crate) only_changes: bool,
    pub(crate) words: bool,
    pub(crate) json: bool,
    pub(crate) screen: Screen,
}

/// Prints the lines as they are read.
pub(crate) fn show(source: &Source, show: &Show<'_>, out: &mut impl Write) -> Result<()> {
    let mut reader = source.reader(Progress::beside_output())?;
    let mut printer = Printer {
        show,
        out,
        clock: Clock::default(),
        roster: Roster::default(),
        latest_ns: None,
        told_origin: false,
    };
    loop {
        let line = match reader.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(damage) => {
                printer.out.flush()?;
                return Err(anyhow!(source.complaint(&damage)));
            }
        };
        match line {
            Line::Header(header) => printer.header(&header)?,
            Line::Op(op) => {
                if let Err(damage) = printer.op(&op)? {
                    printer.out.flush()?;
                    return Err(anyhow!(source.complaint(&damage)));
                }
            }
            Line::End(end) => {
                printer.roster.check(&source.name, show.filter.machines)?;
                let lost = match end.dropped {
                    0 => "none lost".to_owned(),
                    lost => format!("{} lost", numbers::count(lost)),
                };
                let told = format!("the end: {}, {lost}", numbers::counted(end.ops, "call"));
                let json = End {
                    end: Counts {
                        ops: end.ops,
                        dropped: end.dropped,
                    },
                };
                printer.note(&told, &json)?;
            }
        }
    }
    // A journal that is still being written has no end.
    printer.roster.check(&source.name, show.filter.machines)
}

struct Printer<'a, W> {
    show: &'a Show<'a>,
    out: &'a mut W,
    clock: Clock,
    roster: Roster,
    latest_ns: Option<u64>,
    /// Whether it has said where the time begins.
    told_origin: bool,
}

impl<W: Write> Printer<'_, W> {
    fn header(&mut self, header: &HeaderLine<'_>) -> io::Result<()> {
        let member = self
            .roster
            .meet(header.kind, header.id, header.name.as_deref())
            .clone();
        let show = self.show;
        let in_time = self
            .latest_ns
            .is_none_or(|t_ns| show.filter.wants_instant(t_ns, self.clock));
        let is_gap = header.dropped.is_some();
        // Losses matter to whoever looks for changes or for a key; where machines begin does not.
        let wanted = is_gap || (!show.only_changes && show.filter.key.is_none());
        if !in_time || !wanted || !show.filter.wants_machine(&member) {
            return Ok(());
        }
        let (is, what) = match (header.dropped, header.is_known) {
            (Some(lost), _) => {
                let lost = numbers::counted(lost, "call");
                ("gap", format!("gap, {lost} lost; goes on from a snapshot"))
            }
            (None, true) => ("checkpoint", "checkpoint".to_owned()),
            (None, false) => ("begins", "begins".to_owned()),
        };
        let json = Header {
            line: header.place.line,
            header: is,
            id: header.id,
            machine: header.kind.name(),
            name: member.name.as_deref(),
            dropped: header.dropped,
        };
        self.note(&format!("{}: {what}", member.title()), &json)
    }

    /// A line that is no call.
    fn note(&mut self, text: &str, json: &impl Serialize) -> io::Result<()> {
        if self.show.json {
            return self.object(json);
        }
        let rule = "\u{2500}".repeat(clock::WIDTH);
        let text = format!("{rule}  {text}");
        writeln!(self.out, "{}", self.show.screen.painted(&text, "2"))
    }

    fn op(
        &mut self,
        line: &OpLine<'_>,
    ) -> io::Result<Result<(), evenkeel_replay::journal::Damage>> {
        self.clock.begin(line.t_ns);
        self.latest_ns = Some(line.t_ns);
        let filter = &self.show.filter;
        let Some(member) = self.roster.get(line.id) else {
            return Ok(Ok(()));
        };
        if !filter.wants_instant(line.t_ns, self.clock) {
            return Ok(Ok(()));
        }
        let (op, answer) = match (line.op(), line.answer()) {
            (Ok(op), Ok(answer)) => (op, answer),
            (Err(damage), _) | (_, Err(damage)) => return Ok(Err(damage)),
        };
        let mut changes = Vec::new();
        answer.changes(line.t_ns, &op, &mut |change| changes.push(change));
        // What changes is the breaker that was lent: the call is one of its own, too.
        let changed = self.roster.get(op.changes_whose(line.id));
        let changed = changed.filter(|changed| changed.id != line.id);
        let whose = changed.unwrap_or(member);
        let is_of_machine = filter.wants_machine(whose)
            || (!self.show.only_changes && filter.wants_machine(member));
        let is_change = !self.show.only_changes || !changes.is_empty();
        if !is_of_machine || !is_change || !filter.wants_key(&op, &answer) {
            return Ok(Ok(()));
        }
        let verdict = answer.verdict(&op);
        if self.show.json {
            let (member, whose) = (member.clone(), changed.map(|changed| changed.id));
            self.json(line, &member, verdict, &changes, whose)?;
        } else {
            if !self.told_origin {
                let origin = self.clock.origin_ns();
                let told = format!("seconds since the first call, at {origin} ns");
                let told = self.show.screen.painted(&told, "2");
                writeln!(self.out, "{told}")?;
                self.told_origin = true;
            }
            let text = self.text(line, member, verdict, &changes, changed);
            writeln!(self.out, "{text}")?;
        }
        Ok(Ok(()))
    }

    fn text(
        &self,
        line: &OpLine<'_>,
        member: &Member,
        verdict: Option<Verdict>,
        changes: &[Change],
        changed: Option<&Member>,
    ) -> String {
        let clock = self.clock;
        let time = clock.aligned(line.t_ns);
        let call = cut(phrase::call(&Tree::of(line.op), clock), LONGEST_CALL);
        let answer = cut(
            phrase::answer(&Tree::of(line.answer), clock),
            LONGEST_ANSWER,
        );
        let mut after: Vec<Part> = changes
            .iter()
            .map(|change| {
                let told = phrase::change(change, line.t_ns, clock);
                match changed {
                    Some(changed) => (format!("{}: {told}", changed.label), "1"),
                    None => (told, "1"),
                }
            })
            .collect();
        if self.show.words && !line.words.is_empty() {
            after.push((phrase::words(&line.words), "2"));
        }
        let width = self.roster.width();
        let answer_in = match verdict {
            Some(Verdict::Admitted) => "32",
            Some(Verdict::Refused { .. } | Verdict::Ended { .. }) => "31",
            Some(Verdict::Waits { .. }) => "33",
            _ => "",
        };
        let parts = [
            (time, "2"),
            (format!("{:width$}", member.label), ""),
            (format!("{call:CALL$}"), ""),
            (format!("{answer:ANSWER$}"), answer_in),
        ];
        columns::line(&parts, &after, self.show.screen)
    }

    fn json(
        &mut self,
        line: &OpLine<'_>,
        member: &Member,
        verdict: Option<Verdict>,
        changes: &[Change],
        changed: Option<u64>,
    ) -> io::Result<()> {
        let raw = |text| serde_json::from_str::<&RawValue>(text).map_err(io::Error::from);
        let call = Call {
            line: line.place.line,
            t_ns: line.t_ns,
            since_first_ns: self.clock.offset_ns(line.t_ns),
            id: line.id,
            machine: member.kind.name(),
            name: member.name.as_deref(),
            op: raw(line.op)?,
            words: &line.words,
            answer: raw(line.answer)?,
            verdict: verdict.map(VerdictJson::from),
            changes: changes.iter().map(ChangeJson::from).collect(),
            changed_id: changed,
        };
        self.object(&call)
    }

    fn object(&mut self, json: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, json)?;
        self.out.write_all(b"\n")
    }
}

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}\u{2026}", &text[..at]),
        None => text,
    }
}

/// A call, for programs.
#[derive(Serialize)]
struct Call<'a> {
    line: u64,
    t_ns: u64,
    since_first_ns: i128,
    id: u64,
    machine: &'static str,
    name: Option<&'a str>,
    op: &'a RawValue,
    words: &'a [u64],
    answer: &'a RawValue,
    verdict: Option<VerdictJson>,
    changes: Vec<ChangeJson>,
    /// The machine that changes, if it is another: a breaker that was lent.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_id: Option<u64>,
}

/// A header, for programs.
#[derive(Serialize)]
struct Header<'a> {
    line: u64,
    header: &'static str,
    id: u64,
    machine: &'static str,
    name: Option<&'a str>,
    dropped: Option<u64>,
}

/// The trailer, for programs.
#[derive(Serialize)]
struct End {
    end: Counts,
}

#[derive(Serialize)]
struct Counts {
    ops: u64,
    dropped: u64,
}

/// A verdict, for programs.
#[derive(Serialize)]
pub(crate) struct VerdictJson {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ns: Option<u64>,
}

impl From<Verdict> for VerdictJson {
    fn from(verdict: Verdict) -> Self {
        let (verdict, reason, at_ns) = match verdict {
            Verdict::Admitted => ("admitted", None, None),
            Verdict::Refused {
                reason,
                retry_at_ns,
            } => ("refused", Some(reason), retry_at_ns),
            Verdict::Waits { until_ns } => ("waits", None, Some(until_ns)),
            Verdict::Ended { reason } => ("ended", Some(reason), None),
            _ => ("other", None, None),
        };
        Self {
            verdict,
            reason,
            at_ns,
        }
    }
}

/// A change, for programs.
#[derive(Serialize)]
pub(crate) struct ChangeJson {
    at_ns: u64,
    from: &'static str,
    to: &'static str,
    cause: &'static str,
}

impl From<&Change> for ChangeJson {
    fn from(change: &Change) -> Self {
        Self {
            at_ns: change.at_ns,
            from: change.from,
            to: change.to,
            cause: change.cause,
        }
    }
}
