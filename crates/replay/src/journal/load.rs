//! A whole journal in memory.

use std::io::BufRead;

use super::damage::Damage;
use super::line::{End, HeaderLine, Line, OpLine};
use super::read::Reader;
use crate::any::{AnyAnswer, AnyOp, Kind};
use crate::digest;
use crate::words::Words;

/// A machine's policy and state at some point of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The line in which it stands, from 1; 0 where it stands in no file.
    pub line: u64,
    /// Which kind of machine.
    pub kind: Kind,
    /// Which machine of the journal.
    pub id: u64,
    /// What the user calls it.
    pub name: Option<String>,
    /// The policy, as JSON.
    pub policy: String,
    /// The state, as JSON.
    pub state: String,
    /// What the line said that the digest of policy and state is. What is written is always the right one.
    pub digest: Option<u64>,
    /// After a gap: how many calls of this machine were lost.
    pub dropped: Option<u64>,
}

impl Header {
    /// A machine's first header.
    #[must_use]
    pub fn new(kind: Kind, id: u64, policy: String, state: String) -> Self {
        Self {
            line: 0,
            kind,
            id,
            name: None,
            digest: Some(digest::of_machine(&policy, &state)),
            policy,
            state,
            dropped: None,
        }
    }
}

impl From<HeaderLine<'_>> for Header {
    fn from(header: HeaderLine<'_>) -> Self {
        Self {
            line: header.place.line,
            kind: header.kind,
            id: header.id,
            name: header.name.map(Into::into),
            policy: header.policy.into(),
            state: header.state.into(),
            digest: header.digest,
            dropped: header.dropped,
        }
    }
}

/// A call and what it was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The line in which it stands, from 1; 0 where it stands in no file.
    pub line: u64,
    /// Which machine of the journal.
    pub id: u64,
    /// When the call was made.
    pub t_ns: u64,
    /// The call.
    pub op: AnyOp,
    /// The words that it drew.
    pub words: Words,
    /// The answer.
    pub answer: AnyAnswer,
}

impl TryFrom<OpLine<'_>> for Entry {
    type Error = Damage;

    fn try_from(line: OpLine<'_>) -> Result<Self, Damage> {
        Ok(Self {
            line: line.place.line,
            id: line.id,
            t_ns: line.t_ns,
            op: line.op()?,
            answer: line.answer()?,
            words: line.words,
        })
    }
}

/// A journal, or what can be read of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// All headers, in order: the first of a machine's are where it begins, the others are snapshots on the way.
    pub headers: Vec<Header>,
    /// All calls, in order.
    pub entries: Vec<Entry>,
    /// The trailer; `None` if there is damage before it.
    pub end: Option<End>,
    /// What makes the rest no journal.
    pub damage: Option<Damage>,
}

impl Loaded {
    /// Headers and calls in the order of the file; of those of the same line, as where there is no file, headers first.
    pub fn lines(&self) -> impl Iterator<Item = LoadedLine<'_>> {
        let mut headers = self.headers.iter().peekable();
        let mut entries = self.entries.iter().peekable();
        core::iter::from_fn(move || {
            let is_header = match (headers.peek(), entries.peek()) {
                (Some(header), Some(entry)) => header.line <= entry.line,
                (header, _) => header.is_some(),
            };
            if is_header {
                headers.next().map(LoadedLine::Header)
            } else {
                entries.next().map(LoadedLine::Entry)
            }
        })
    }

    /// The header with which a machine begins.
    #[must_use]
    pub fn header(&self, id: u64) -> Option<&Header> {
        self.headers.iter().find(|header| header.id == id)
    }
}

/// A header or a call of a [`Loaded`] journal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadedLine<'a> {
    /// A machine's policy and state.
    Header(&'a Header),
    /// A call and its answer.
    Entry(&'a Entry),
}

/// Reads a journal as far as it can be read.
///
/// ```
/// use evenkeel_replay::journal;
///
/// let text = "{\"end\":{\"ops\":0,\"dropped\":0}}\n";
/// let loaded = journal::load(text.as_bytes());
/// assert_eq!((loaded.entries.len(), loaded.damage), (0, None));
/// assert!(journal::load(&text.as_bytes()[..20]).damage.is_some());
/// ```
pub fn load(input: impl BufRead) -> Loaded {
    let mut loaded = Loaded::default();
    let mut reader = Reader::new(input);
    loop {
        match loaded.add(reader.next_line()) {
            Ok(true) => {}
            Ok(false) => return loaded,
            Err(damage) => {
                loaded.damage = Some(damage);
                return loaded;
            }
        }
    }
}

impl Loaded {
    /// Whether there may be another line.
    fn add(&mut self, line: Result<Option<Line<'_>>, Damage>) -> Result<bool, Damage> {
        match line? {
            Some(Line::Header(header)) => self.headers.push(header.into()),
            Some(Line::Op(op)) => self.entries.push(op.try_into()?),
            Some(Line::End(end)) => self.end = Some(end),
            None => return Ok(false),
        }
        Ok(true)
    }
}
