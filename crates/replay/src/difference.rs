//! Where a journal and its replay part.

use core::fmt;

use crate::any::Kind;
use crate::journal::{Damage, HeaderLine, OpLine, Place};
use crate::words::Words;

/// The first line of a journal with which the replay does not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line.
    pub place: Place,
    /// Which kind of machine.
    pub kind: Kind,
    /// Which machine of the journal.
    pub id: u64,
    /// What the user calls it.
    pub name: Option<String>,
    /// What differs.
    pub what: What,
}

/// What differs. Calls, answers, policies and states are JSON.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Policy and state are not those that were written: somebody has changed them.
    HeaderDigest {
        /// What the header says.
        recorded: u64,
        /// What it is.
        computed: u64,
    },
    /// The policy or the state at a snapshot on the way.
    Checkpoint {
        /// Policy and state in the journal.
        recorded: Box<[String; 2]>,
        /// Policy and state of the machine that was replayed.
        replayed: Box<[String; 2]>,
    },
    /// A call.
    Call(Box<CallDifference>),
}

/// A call that was answered otherwise, or drew another number of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallDifference {
    /// When it was made.
    pub t_ns: u64,
    /// The call.
    pub op: String,
    /// The words in the journal.
    pub words: Words,
    /// How many words it drew when it was replayed.
    pub drawn: u64,
    /// The answer in the journal.
    pub recorded: String,
    /// The answer when it was replayed.
    pub replayed: String,
    /// The state of the machine before the call.
    pub state: String,
}

impl Difference {
    pub(crate) fn at_header(header: &HeaderLine<'_>, what: What) -> Self {
        Self {
            place: header.place,
            kind: header.kind,
            id: header.id,
            name: header.name.as_deref().map(Into::into),
            what,
        }
    }

    pub(crate) fn at_call(line: &OpLine<'_>, name: Option<&str>, call: CallDifference) -> Self {
        Self {
            place: line.place,
            kind: line.kind,
            id: line.id,
            name: name.map(Into::into),
            what: What::Call(Box::new(call)),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, byte } = self.place;
        let (kind, id) = (self.kind.name(), self.id);
        write!(f, "line {line} (byte {byte}), machine {id}, a {kind}")?;
        if let Some(name) = &self.name {
            write!(f, " called {name:?}")?;
        }
        match &self.what {
            What::HeaderDigest { recorded, computed } => write!(
                f,
                ": the header's policy or state has been changed: its digest is {computed:016x}, not {recorded:016x}"
            ),
            What::Checkpoint { recorded, replayed } => {
                writeln!(f, ": the replayed machine is not the one of this snapshot")?;
                for (name, at) in [("policy", 0), ("state", 1)] {
                    if recorded[at] == replayed[at] {
                        continue;
                    }
                    writeln!(f, "  recorded {name}: {}", Short(&recorded[at]))?;
                    writeln!(f, "  replayed {name}: {}", Short(&replayed[at]))?;
                }
                Ok(())
            }
            What::Call(call) => call.fmt(f),
        }
    }
}

impl fmt::Display for CallDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.recorded == self.replayed {
            writeln!(f, ": other words were drawn")?;
        } else {
            writeln!(f, ": the answer differs")?;
        }
        writeln!(f, "  at:           {} ns", self.t_ns)?;
        writeln!(f, "  call:         {}", Short(&self.op))?;
        writeln!(f, "  recorded:     {}", Short(&self.recorded))?;
        writeln!(f, "  replayed:     {}", Short(&self.replayed))?;
        write!(f, "  words:        {:?}", self.words.as_slice())?;
        if self.drawn != self.words.len() as u64 {
            write!(f, ", but the replay drew {}", self.drawn)?;
        }
        write!(f, "\n  state before: {}", Short(&self.state))
    }
}

/// A text of which a person wants to see the begin, not all of a large table.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4_096;
        match self.0.char_indices().nth(SHOWN) {
            None => f.write_str(self.0),
            Some((end, _)) => write!(f, "{}.. ({} bytes)", &self.0[..end], self.0.len()),
        }
    }
}

/// A machine that can be read but not written: no machine of this crate is one.
pub(crate) fn unwritable(place: Place, error: &serde_json::Error) -> Damage {
    Damage::at(place, format!("the replayed machine has no JSON: {error}"))
}
