//! The lines of a journal as they stand in a file: headers, calls, and the trailer.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::damage::{Damage, Place};
use crate::any::{AnyAnswer, AnyMachine, AnyOp, Kind, Unusable};
use crate::digest;
use crate::words::Words;

/// The version of the format that this crate writes, and the last that it reads.
pub const VERSION: u64 = 1;

/// A line of a journal.
#[derive(Clone, Debug)]
pub enum Line<'a> {
    /// A machine's policy and state: its first line, or a snapshot on the way.
    Header(HeaderLine<'a>),
    /// A call and what it was answered.
    Op(OpLine<'a>),
    /// The trailer, always the last line.
    End(End),
}

/// A machine's policy and state at some point of the journal.
#[derive(Clone, Debug)]
pub struct HeaderLine<'a> {
    /// Where it stands.
    pub place: Place,
    /// Which kind of machine.
    pub kind: Kind,
    /// Which machine of the journal; 0 where the line names none.
    pub id: u64,
    /// What the user calls it.
    pub name: Option<Cow<'a, str>>,
    /// The policy, as it stands there.
    pub policy: &'a str,
    /// The state, as it stands there.
    pub state: &'a str,
    /// What the line says that the digest of policy and state is.
    pub digest: Option<u64>,
    /// After a gap: how many calls of this machine were lost.
    pub dropped: Option<u64>,
    /// Whether this machine has a header already.
    pub is_known: bool,
    text: &'a str,
}

impl HeaderLine<'_> {
    /// The digest of policy and state as they stand there.
    #[must_use]
    pub fn computed(&self) -> u64 {
        digest::of_machine(self.policy, self.state)
    }

    /// The machine.
    ///
    /// # Errors
    ///
    /// A policy or a state that is none.
    pub fn machine(&self) -> Result<AnyMachine, Damage> {
        AnyMachine::restore(self.kind, self.policy, self.state).map_err(|error| match &error {
            Unusable::Policy(inner) => self.unread(self.policy, "policy", inner),
            Unusable::State(inner) => self.unread(self.state, "state", inner),
            Unusable::Restore(_) => Damage::at(self.place, error.to_string()),
        })
    }

    fn unread(&self, part: &str, what: &str, error: &serde_json::Error) -> Damage {
        let before = format!("no {what} of a {}: ", self.kind.name());
        Damage::unread(self.place, self.text, part, &before, error)
    }
}

/// A call and what it was answered.
#[derive(Clone, Debug)]
pub struct OpLine<'a> {
    /// Where it stands.
    pub place: Place,
    /// Which machine of the journal; 0 where the line names none.
    pub id: u64,
    /// Which kind of machine that is.
    pub kind: Kind,
    /// When the call was made.
    pub t_ns: u64,
    /// The call, as it stands there.
    pub op: &'a str,
    /// The words that it drew.
    pub words: Words,
    /// The answer, as it stands there.
    pub answer: &'a str,
    text: &'a str,
}

impl OpLine<'_> {
    /// The call.
    ///
    /// # Errors
    ///
    /// No call of this kind of machine.
    pub fn op(&self) -> Result<AnyOp, Damage> {
        AnyOp::read(self.kind, self.op).map_err(|error| self.unread(self.op, "call", &error))
    }

    /// The answer.
    ///
    /// # Errors
    ///
    /// No answer of this kind of machine.
    pub fn answer(&self) -> Result<AnyAnswer, Damage> {
        AnyAnswer::read(self.kind, self.answer)
            .map_err(|error| self.unread(self.answer, "answer", &error))
    }

    fn unread(&self, part: &str, what: &str, error: &serde_json::Error) -> Damage {
        let before = format!("no {what} of a {}: ", self.kind.name());
        Damage::unread(self.place, self.text, part, &before, error)
    }
}

/// The trailer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// How many calls stand in this file.
    pub ops: u64,
    /// How many were lost: those that its headers tell, and those after which no header came.
    pub dropped: u64,
    /// The digest of all bytes before the trailer, and of the two counts in it.
    pub digest: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    evenkeel: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    version: Option<u64>,
    #[serde(borrow, default, deserialize_with = "present")]
    machine: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    id: Option<u64>,
    #[serde(borrow, default, deserialize_with = "present")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "as_it_stands")]
    policy: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "as_it_stands")]
    state: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    digest: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    dropped: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    t: Option<u64>,
    #[serde(borrow, default, deserialize_with = "as_it_stands")]
    op: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    words: Option<Words>,
    #[serde(borrow, default, deserialize_with = "as_it_stands")]
    answer: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    end: Option<EndFields<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndFields<'a> {
    ops: u64,
    dropped: u64,
    #[serde(borrow, default, deserialize_with = "present")]
    digest: Option<Cow<'a, str>>,
}

/// Unlike serde's own reading of an `Option`, `null` is a value here, not an absent key.
fn as_it_stands<'de: 'a, 'a, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// So that `null` is no value of a key that may be absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Reads a line; `kind_of` knows the machines that have a header already.
pub(crate) fn read(
    text: &str,
    place: Place,
    kind_of: impl Fn(u64) -> Option<Kind>,
) -> Result<Line<'_>, Damage> {
    let fields: Fields<'_> = serde_json::from_str(text)
        .map_err(|error| Damage::unread(place, text, text, "", &error))?;
    let damage = |reason: &str| Damage::at(place, reason);
    let is_header = fields.evenkeel.is_some();
    let of_header = fields.version.is_some()
        || fields.machine.is_some()
        || fields.name.is_some()
        || fields.policy.is_some()
        || fields.state.is_some()
        || fields.digest.is_some()
        || fields.dropped.is_some();
    let of_op = fields.t.is_some()
        || fields.op.is_some()
        || fields.words.is_some()
        || fields.answer.is_some();
    match (is_header, fields.op.is_some(), fields.end.is_some()) {
        (true, false, false) if !of_op => header(fields, text, place, kind_of).map(Line::Header),
        (false, true, false) if !of_header => op(fields, text, place, kind_of).map(Line::Op),
        (false, false, true) if !of_header && !of_op && fields.id.is_none() => {
            end(fields, place).map(Line::End)
        }
        (false, false, false) => Err(damage("this is neither a header nor a call nor a trailer")),
        _ => Err(damage(
            "this line has keys of more than one kind of line: header, call, trailer",
        )),
    }
}

fn header<'a>(
    fields: Fields<'a>,
    text: &'a str,
    place: Place,
    kind_of: impl Fn(u64) -> Option<Kind>,
) -> Result<HeaderLine<'a>, Damage> {
    let damage = |reason: String| Damage::at(place, reason);
    let missing = |key: &str| Damage::at(place, format!("the header has no `{key}`"));
    match fields.evenkeel.as_deref() {
        Some("journal") => {}
        other => {
            let other = other.unwrap_or_default();
            return Err(damage(format!("this is no journal but `{other}`")));
        }
    }
    match fields.version.ok_or_else(|| missing("version"))? {
        VERSION => {}
        version => {
            return Err(damage(format!(
                "version {version} of the format is not known here, but only {VERSION}"
            )));
        }
    }
    let machine = fields.machine.ok_or_else(|| missing("machine"))?;
    let kind = Kind::named(&machine)
        .ok_or_else(|| damage(format!("`{machine}` is no machine that is known here")))?;
    let id = fields.id.unwrap_or(0);
    let known = kind_of(id);
    if let Some(known) = known.filter(|known| *known != kind) {
        return Err(damage(format!(
            "machine {id} is a {}, not a {}",
            known.name(),
            kind.name()
        )));
    }
    Ok(HeaderLine {
        place,
        kind,
        id,
        name: fields.name,
        policy: fields.policy.ok_or_else(|| missing("policy"))?.get(),
        state: fields.state.ok_or_else(|| missing("state"))?.get(),
        digest: digest_of(fields.digest, place)?,
        dropped: fields.dropped,
        is_known: known.is_some(),
        text,
    })
}

fn op<'a>(
    fields: Fields<'a>,
    text: &'a str,
    place: Place,
    kind_of: impl Fn(u64) -> Option<Kind>,
) -> Result<OpLine<'a>, Damage> {
    let missing = |key: &str| Damage::at(place, format!("the call has no `{key}`"));
    let id = fields.id.unwrap_or(0);
    let kind = kind_of(id).ok_or_else(|| {
        Damage::at(
            place,
            format!("a call of machine {id}, which has no header before it"),
        )
    })?;
    Ok(OpLine {
        place,
        id,
        kind,
        t_ns: fields.t.ok_or_else(|| missing("t"))?,
        op: fields.op.ok_or_else(|| missing("op"))?.get(),
        words: fields.words.unwrap_or_default(),
        answer: fields.answer.ok_or_else(|| missing("answer"))?.get(),
        text,
    })
}

fn end(fields: Fields<'_>, place: Place) -> Result<End, Damage> {
    let end = fields
        .end
        .ok_or_else(|| Damage::at(place, "this is no trailer"))?;
    Ok(End {
        ops: end.ops,
        dropped: end.dropped,
        digest: digest_of(end.digest, place)?,
    })
}

fn digest_of(text: Option<Cow<'_, str>>, place: Place) -> Result<Option<u64>, Damage> {
    let wrong = "a digest is 16 hexadecimal digits, in small letters";
    text.map(|text| digest::read(&text).ok_or_else(|| Damage::at(place, wrong)))
        .transpose()
}
