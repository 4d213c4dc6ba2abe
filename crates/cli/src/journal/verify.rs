//! `evenkeel verify`: whether each answer of a journal comes out as recorded, and the first that does not.

use std::fmt::Write as _;

use anyhow::Result;
use evenkeel_replay::journal::Damage;
use evenkeel_replay::{CallDifference, Difference, Failed, Verified, What, verify};
use serde::Serialize;
use serde_json::value::RawValue;

use super::clock::Clock;
use super::phrase;
use super::roster::title;
use super::source::Source;
use super::tree::{Marked, Tree};
use crate::Ended;
use crate::numbers;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::text::label;

/// Lines of the state that are shown without `--state`.
const STATE_LINES: usize = 24;

/// What became of one file.
pub(crate) enum Outcome {
    Agrees(Verified),
    Differs(Box<Difference>, Verified),
    Damaged(Damage, Verified),
    /// There is no such file, or none that can be read.
    Unreadable(String),
}

/// Replays one file.
pub(crate) fn check(source: &Source) -> Outcome {
    let reader = match source.reader(Progress::shown()) {
        Ok(reader) => reader,
        Err(error) => return Outcome::Unreadable(error.to_string()),
    };
    let unverified = match verify(reader) {
        Ok(verified) => return Outcome::Agrees(verified),
        Err(unverified) => *unverified,
    };
    let verified = unverified.verified;
    match unverified.failed {
        Failed::Differs(difference) => Outcome::Differs(Box::new(difference), verified),
        Failed::Damaged(damage) => Outcome::Damaged(damage, verified),
        other => Outcome::Unreadable(other.to_string()),
    }
}

impl Outcome {
    pub(crate) fn ended(&self) -> Ended {
        match self {
            Self::Agrees(_) => Ended::Well,
            Self::Differs(..) => Ended::Differs,
            Self::Damaged(..) | Self::Unreadable(_) => Ended::BadInput,
        }
    }

    /// For people: what goes to stdout, or what is an error.
    pub(crate) fn text(
        &self,
        source: &Source,
        screen: Screen,
        whole_state: bool,
    ) -> Result<String, String> {
        match self {
            Self::Agrees(verified) => Ok(format!("{}: agrees: {}", source.name, counts(verified))),
            Self::Differs(difference, verified) => {
                let mut text = differing(source, difference, screen, whole_state);
                let _ = write!(text, "\n{}", before(verified));
                Ok(text)
            }
            Self::Damaged(damage, verified) => Err(format!(
                "{}\n{}",
                source.complaint(damage),
                before(verified)
            )),
            Self::Unreadable(error) => Err(error.clone()),
        }
    }

    /// For programs.
    pub(crate) fn json(&self, source: &Source) -> serde_json::Result<String> {
        let (result, verified) = match self {
            Self::Agrees(verified) => ("agrees", *verified),
            Self::Differs(_, verified) => ("differs", *verified),
            Self::Damaged(_, verified) => ("damaged", *verified),
            Self::Unreadable(_) => ("unreadable", Verified::default()),
        };
        let (mut difference, mut damage, mut error) = (None, None, None);
        match self {
            Self::Agrees(_) => {}
            Self::Differs(found, _) => difference = Some(DifferenceJson::of(found)?),
            Self::Damaged(found, _) => damage = Some(DamageJson::of(found)),
            Self::Unreadable(found) => error = Some(found.as_str()),
        }
        serde_json::to_string(&OutcomeJson {
            journal: &source.name,
            result,
            ops: verified.ops,
            machines: verified.machines,
            checkpoints: verified.checkpoints,
            gaps: verified.gaps,
            dropped: verified.dropped,
            difference,
            damage,
            error,
        })
    }
}

/// What agrees before the place that does not.
fn before(verified: &Verified) -> String {
    let all = counts(verified);
    let counts = all.strip_suffix(", no gap").unwrap_or(&all);
    format!("Before it, {counts} agree.")
}

/// `1,234 calls of 3 machines, 2 checkpoints, 1 gap with 17 calls lost`
fn counts(verified: &Verified) -> String {
    let Verified {
        ops,
        machines,
        checkpoints,
        gaps,
        dropped,
        ..
    } = *verified;
    let mut text = format!(
        "{} of {}",
        numbers::counted(ops, "call"),
        numbers::counted(machines, "machine")
    );
    if checkpoints > 0 {
        let _ = write!(text, ", {}", numbers::counted(checkpoints, "checkpoint"));
    }
    let _ = match gaps {
        0 => write!(text, ", no gap"),
        _ => write!(
            text,
            ", {} with {} lost",
            numbers::counted(gaps, "gap"),
            numbers::counted(dropped, "call")
        ),
    };
    text
}

fn differing(
    source: &Source,
    difference: &Difference,
    screen: Screen,
    whole_state: bool,
) -> String {
    let Difference { place, what, .. } = difference;
    let whose = title(difference.kind, difference.id, difference.name.as_deref());
    let mut text = format!("{}:{}: {whose}: ", source.name, place.line);
    match what {
        What::HeaderDigest { recorded, computed } => {
            let _ = writeln!(
                text,
                "the policy or the state of this header has been changed: its digest is {computed:016x}, not {recorded:016x}"
            );
        }
        What::Checkpoint { recorded, replayed } => {
            text += "the machine is not the one of this checkpoint\n";
            for (name, at) in [("policy", 0), ("state", 1)] {
                let [recorded, replayed] =
                    [&recorded[at], &replayed[at]].map(|json| Tree::of(json));
                if recorded != replayed {
                    text += &format!("\n  {name}\n");
                    both(&mut text, SIDES, &recorded, &replayed, screen);
                }
            }
        }
        What::Call(call) => called(&mut text, call, screen, whole_state),
        _ => text += "the replay differs\n",
    }
    text
}

fn called(text: &mut String, call: &CallDifference, screen: Screen, whole_state: bool) {
    let is_same = call.recorded == call.replayed;
    *text += match is_same {
        true => "the same answer, but other words are drawn\n",
        false => "another answer\n",
    };
    let op = Tree::of(&call.op);
    let clock = Clock::since(0);
    let _ = writeln!(text, "\n  at        {} ns", call.t_ns);
    let _ = writeln!(text, "  call      {}", phrase::call(&op, clock));
    block(text, "", &op.lines(&op, room(screen)));
    let drawn = match call.drawn == call.words.len() as u64 {
        true => String::new(),
        false => format!(", but the replay drew {}", numbers::count(call.drawn)),
    };
    if !call.words.is_empty() || !drawn.is_empty() {
        let _ = writeln!(text, "  words     {:?}{drawn}", call.words.as_slice());
    }
    let [recorded, replayed] = [&call.recorded, &call.replayed].map(|json| Tree::of(json));
    both(text, SIDES, &recorded, &replayed, screen);
    if call.state.is_empty() {
        return;
    }
    *text += "\n  The state before:\n";
    let state = Tree::of(&call.state);
    let lines = state.lines(&state, screen.width.saturating_sub(2));
    let shown = if whole_state {
        lines.len()
    } else {
        STATE_LINES
    };
    for line in lines.iter().take(shown) {
        let line = if whole_state {
            line.text.clone()
        } else {
            label(&line.text, screen.width.max(40))
        };
        let _ = writeln!(text, "  {line}");
    }
    if let more @ 1.. = lines.len().saturating_sub(shown) {
        let more = numbers::counted(more as u64, "more line");
        let _ = writeln!(text, "  ({more}: --state shows all)");
    }
}

/// What the two values of a difference are called.
const SIDES: [&str; 2] = ["recorded", "replayed"];

/// Both values, the parts that differ marked.
pub(crate) fn both(text: &mut String, names: [&str; 2], one: &Tree, other: &Tree, screen: Screen) {
    block(text, names[0], &one.lines(other, room(screen)));
    block(text, names[1], &other.lines(one, room(screen)));
}

fn room(screen: Screen) -> usize {
    screen.width.saturating_sub(12)
}

/// Lines behind a name; of several, those that differ have a mark.
fn block(text: &mut String, name: &str, lines: &[Marked]) {
    for (at, line) in lines.iter().enumerate() {
        let name = if at == 0 { name } else { "" };
        let mark = if line.differs && lines.len() > 1 {
            '>'
        } else {
            ' '
        };
        let _ = writeln!(text, "  {name:8} {mark}{}", line.text);
    }
}

/// A file, for programs.
#[derive(Serialize)]
struct OutcomeJson<'a> {
    journal: &'a str,
    result: &'static str,
    ops: u64,
    machines: u64,
    checkpoints: u64,
    gaps: u64,
    dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<DifferenceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<DamageJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct DifferenceJson<'a> {
    line: u64,
    byte: u64,
    machine: &'static str,
    id: u64,
    name: Option<&'a str>,
    what: &'static str,
    #[serde(flatten)]
    call: Option<CallJson<'a>>,
}

#[derive(Serialize)]
struct CallJson<'a> {
    t_ns: u64,
    op: Box<RawValue>,
    words: &'a [u64],
    drawn: u64,
    recorded: Box<RawValue>,
    replayed: Box<RawValue>,
    state: Option<Box<RawValue>>,
}

#[derive(Serialize)]
pub(crate) struct DamageJson<'a> {
    line: u64,
    column: Option<u64>,
    byte: u64,
    reason: &'a str,
}

impl<'a> DamageJson<'a> {
    pub(crate) fn of(damage: &'a Damage) -> Self {
        Self {
            line: damage.line,
            column: damage.column,
            byte: damage.byte,
            reason: &damage.reason,
        }
    }
}

impl<'a> DifferenceJson<'a> {
    fn of(difference: &'a Difference) -> serde_json::Result<Self> {
        let raw = |json: &str| RawValue::from_string(json.to_owned());
        let (what, call) = match &difference.what {
            What::HeaderDigest { .. } => ("header-digest", None),
            What::Checkpoint { .. } => ("checkpoint", None),
            What::Call(call) => {
                let is_same = call.recorded == call.replayed;
                let state = (!call.state.is_empty()).then(|| raw(&call.state));
                let json = CallJson {
                    t_ns: call.t_ns,
                    op: raw(&call.op)?,
                    words: &call.words,
                    drawn: call.drawn,
                    recorded: raw(&call.recorded)?,
                    replayed: raw(&call.replayed)?,
                    state: state.transpose()?,
                };
                (if is_same { "words" } else { "answer" }, Some(json))
            }
            _ => ("other", None),
        };
        Ok(Self {
            line: difference.place.line,
            byte: difference.place.byte,
            machine: difference.kind.name(),
            id: difference.id,
            name: difference.name.as_deref(),
            what,
            call,
        })
    }
}
