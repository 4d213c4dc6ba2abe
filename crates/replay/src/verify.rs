//! Replays a journal and compares every answer, bit for bit.

use core::fmt;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::difference::{CallDifference, Difference, What, unwritable};
use crate::extra_key;
use crate::group::Group;
use crate::journal::{Damage, End, HeaderLine, Line, OpLine, Reader};
use crate::past::Past;
use crate::words::Replaying;

/// What agrees in a journal.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many calls.
    pub ops: u64,
    /// How many machines.
    pub machines: u64,
    /// How many snapshots on the way, with which the replay agreed.
    pub checkpoints: u64,
    /// How often the replay began afresh with a snapshot, or lost calls are told at the end alone.
    pub gaps: u64,
    /// How many calls were lost in these gaps.
    pub dropped: u64,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ops, machines) = (Counted(self.ops, "call"), Counted(self.machines, "machine"));
        write!(f, "{ops} of {machines} verified")?;
        if self.checkpoints > 0 {
            write!(f, ", {}", Counted(self.checkpoints, "checkpoint"))?;
        }
        if self.gaps > 0 {
            let lost = Counted(self.dropped, "lost call");
            write!(f, ", {} with {lost}", Counted(self.gaps, "gap"))?;
        }
        Ok(())
    }
}

/// A journal that is not verified, and how far it is.
#[derive(thiserror::Error)]
#[error("{failed}\n({verified} before it)")]
pub struct Unverified {
    /// Why it is not.
    pub failed: Failed,
    /// What was verified before that.
    pub verified: Verified,
}

/// Reads as the message does: this is what a failing test shows.
impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a journal is not verified.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The replay differs.
    #[error("{0}")]
    Differs(Difference),
    /// It is no journal from there on.
    #[error("{0}")]
    Damaged(Damage),
    /// There is no such file, or none that can be read.
    #[error("{path}: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl From<Difference> for Failed {
    fn from(difference: Difference) -> Self {
        Self::Differs(difference)
    }
}

impl From<Damage> for Failed {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// Replays a journal, up to the first line that does not agree.
///
/// Each machine begins as its first header says and is called as the lines say, with their words. Its answers must be
/// the recorded ones, as values: order of keys and white space do not matter. After a gap it begins afresh; at any
/// other header of a machine that it knows, the machine must be the one of that header.
///
/// # Errors
///
/// Where it differs, or is no journal.
///
/// ```
/// use evenkeel_replay::{Failed, journal::Reader, verify};
///
/// let cut_off = "{\"evenkeel\":\"journal\",\"vers";
/// let unverified = verify(Reader::new(cut_off.as_bytes())).unwrap_err();
/// assert!(matches!(unverified.failed, Failed::Damaged(damage) if damage.line == 1));
/// ```
pub fn verify<R: BufRead>(mut reader: Reader<R>) -> Result<Verified, Box<Unverified>> {
    let mut replay = Replay::default();
    loop {
        let seen = match reader.next_line() {
            Ok(Some(line)) => replay.line(&line),
            Ok(None) => return Ok(replay.verified),
            Err(damage) => Err(damage.into()),
        };
        seen.map_err(|failed| {
            let verified = replay.verified;
            Box::new(Unverified { failed, verified })
        })?;
    }
}

/// [`verify`] for a file: a test in one line.
///
/// # Errors
///
/// Where it differs, or is no journal.
///
/// ```no_run
/// evenkeel_replay::verify_file("tests/incident.jsonl").unwrap();
/// ```
pub fn verify_file(path: impl AsRef<Path>) -> Result<Verified, Box<Unverified>> {
    let path = path.as_ref();
    match File::open(path) {
        Ok(file) => verify(Reader::new(BufReader::with_capacity(1 << 16, file))),
        Err(error) => Err(Box::new(Unverified {
            failed: Failed::Unreadable {
                path: path.into(),
                error,
            },
            verified: Verified::default(),
        })),
    }
}

/// The machines of a journal, as far as it has been read.
#[derive(Debug, Default)]
struct Replay {
    group: Group,
    names: BTreeMap<u64, Box<str>>,
    past: Past,
    answer: Vec<u8>,
    op: Vec<u8>,
    verified: Verified,
}

impl Replay {
    fn line(&mut self, line: &Line<'_>) -> Result<(), Failed> {
        match line {
            Line::Header(header) => self.header(header),
            Line::Op(op) => self.op(op),
            Line::End(end) => {
                self.end(end);
                Ok(())
            }
        }
    }

    fn header(&mut self, header: &HeaderLine<'_>) -> Result<(), Failed> {
        let computed = header.computed();
        if let Some(recorded) = header.digest.filter(|recorded| *recorded != computed) {
            let what = What::HeaderDigest { recorded, computed };
            return Err(Difference::at_header(header, what).into());
        }
        if header.is_known && header.dropped.is_none() {
            self.checkpoint(header)?;
            self.verified.checkpoints += 1;
            return Ok(());
        }
        let machine = header.machine()?;
        let state = machine
            .state()
            .map_err(|error| unwritable(header.place, &error))?;
        refuse_extra(header, &state)?;
        if let Some(name) = &header.name {
            self.names.insert(header.id, name.as_ref().into());
        }
        let length = header.policy.len() + header.state.len();
        self.group.insert(header.id, machine);
        self.past.put(header.id, length, &self.group);
        self.verified.machines += u64::from(!header.is_known);
        if let Some(dropped) = header.dropped {
            self.verified.gaps += 1;
            self.verified.dropped = self.verified.dropped.saturating_add(dropped);
        }
        Ok(())
    }

    fn checkpoint(&self, header: &HeaderLine<'_>) -> Result<(), Failed> {
        let unwritable = |error: serde_json::Error| unwritable(header.place, &error);
        let unknown = || Damage::at(header.place, "there is no such machine");
        let machine = self.group.get(header.id).ok_or_else(unknown)?;
        let replayed = [
            machine.policy().map_err(unwritable)?,
            machine.state().map_err(unwritable)?,
        ];
        if replayed == [header.policy, header.state] {
            return Ok(());
        }
        // The same values may be written otherwise.
        let machine = header.machine()?;
        let recorded = [
            machine.policy().map_err(unwritable)?,
            machine.state().map_err(unwritable)?,
        ];
        if replayed == recorded {
            return Ok(refuse_extra(header, &recorded[1])?);
        }
        let what = What::Checkpoint {
            recorded: recorded.into(),
            replayed: replayed.into(),
        };
        Err(Difference::at_header(header, what).into())
    }

    fn op(&mut self, line: &OpLine<'_>) -> Result<(), Failed> {
        let op = line.op()?;
        self.op.clear();
        serde_json::to_writer(&mut self.op, &op).map_err(|error| unwritable(line.place, &error))?;
        if self.op != line.op.as_bytes() {
            extra_key::refuse(line.place, "call", line.op, &op, true)?;
        }
        let mut words = Replaying::new(&line.words);
        let answer = self.group.apply(line.id, line.t_ns, &op, &mut words);
        let answer = answer.ok_or_else(|| {
            let reason = "the call borrows from a machine that is not there, or is of another kind";
            Damage::at(line.place, reason)
        })?;
        let drawn = (line.words.len() - words.left()) as u64 + words.missing();
        self.answer.clear();
        serde_json::to_writer(&mut self.answer, &answer)
            .map_err(|error| unwritable(line.place, &error))?;
        let mut is_same = self.answer == line.answer.as_bytes();
        if !is_same {
            let recorded = line.answer()?;
            extra_key::refuse(line.place, "answer", line.answer, &recorded, false)?;
            is_same = recorded == answer;
        }
        if !is_same || drawn != line.words.len() as u64 {
            let recorded = if is_same {
                String::from_utf8_lossy(&self.answer).into_owned()
            } else {
                line.answer.into()
            };
            return Err(self.difference(line, drawn, recorded)?.into());
        }
        let (words, length) = (line.words.clone(), line.op.len());
        self.past
            .called(line.id, line.t_ns, op, words, length, &self.group);
        self.verified.ops += 1;
        Ok(())
    }

    fn difference(
        &self,
        line: &OpLine<'_>,
        drawn: u64,
        recorded: String,
    ) -> Result<Difference, Damage> {
        let before = self.past.machines();
        let state = before.get(line.id).map(|machine| machine.state());
        let state = state
            .transpose()
            .map_err(|error| unwritable(line.place, &error))?;
        let call = CallDifference {
            t_ns: line.t_ns,
            op: line.op.into(),
            words: line.words.clone(),
            drawn,
            recorded,
            replayed: String::from_utf8_lossy(&self.answer).into_owned(),
            state: state.unwrap_or_default(),
        };
        let name = self.names.get(&line.id).map(AsRef::as_ref);
        Ok(Difference::at_call(line, name, call))
    }

    /// Losses that no header tells are a gap at the end.
    const fn end(&mut self, end: &End) {
        if end.dropped > self.verified.dropped {
            self.verified.gaps += 1;
            self.verified.dropped = end.dropped;
        }
    }
}

/// No policy is read with a key that it does not have; `state` is the header's as this crate writes it.
fn refuse_extra(header: &HeaderLine<'_>, state: &str) -> Result<(), Damage> {
    if state == header.state {
        return Ok(());
    }
    let state: serde_json::Value =
        serde_json::from_str(state).map_err(|error| unwritable(header.place, &error))?;
    extra_key::refuse(header.place, "state", header.state, &state, false)
}

/// So many of something.
struct Counted(u64, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}
