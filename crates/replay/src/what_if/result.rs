//! What a what-if found: both runs, machine by machine, as plain data.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::any::{AnyAnswer, AnyOp, Kind};
use crate::machine::{Assumed, Change};

/// No more changes of a machine are listed than these; the others are counted.
pub const MAX_CHANGES: usize = 10_000;

/// Two runs over one journal: with the recorded policies, and with others in their place.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// Where the words came from that were not recorded.
    pub seed: u64,
    /// How calls are taken to have ended that only the second run lets through.
    pub assumed: Assumed,
    /// How many calls were recorded.
    pub ops: u64,
    /// The first instant of the journal.
    pub from_ns: u64,
    /// The last one.
    pub to_ns: u64,
    /// How long a [`Bucket`] is.
    pub bucket_ns: u64,
    /// Why the journal ends here, if there is more of it that cannot be read.
    pub damage: Option<String>,
    /// Every machine of the journal, by id.
    pub machines: Vec<Compared>,
}

/// One machine in both runs.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Which machine of the journal.
    pub id: u64,
    /// Its kind.
    #[serde(serialize_with = "name_of")]
    pub kind: Kind,
    /// What the user calls it.
    pub name: Option<String>,
    /// Where the machine of the second run began.
    pub start: Start,
    /// With the recorded policy.
    pub before: Tally,
    /// With the other one.
    pub after: Tally,
    /// Where the two part.
    pub parted: Option<First>,
    /// How many recorded calls were answered by another decision: another verdict, reason or wait.
    pub differing: u64,
    /// Recorded reports that the second run cannot hear: what they report it has refused, or never begun.
    pub skipped: u64,
    /// What only the second run admitted or began: how it would have ended nobody knows, see [`WhatIf::assumed`].
    pub unknown: u64,
    /// Reports that the second run would hear after the end of the journal.
    pub pending: u64,
    /// Polls that only the second run needed.
    pub added_polls: u64,
    /// From where on the second run says nothing of this machine: it had begun something whose end nobody knows, and no
    /// report of its kind counts for nothing; or it needed more polls than make sense.
    pub known_until_ns: Option<u64>,
    /// How many times calls were lost; the second run goes on there with what it has.
    pub gaps: u64,
    /// How many calls were lost.
    pub dropped: u64,
    /// What changed, with the recorded policy.
    pub changes_before: Changed,
    /// What changed, with the other one.
    pub changes_after: Changed,
    /// Both runs over time.
    pub series: Vec<Bucket>,
}

/// Where a machine of the second run began.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Nothing is changed: with the recorded policy and state.
    Recorded,
    /// Fresh, as it was recorded.
    Fresh,
    /// With the recorded state, under the new policy.
    Restored,
    /// Fresh, although the recorded one was not: the new policy cannot have that state.
    Afresh,
}

/// What a machine did with one policy.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many answers decided something.
    pub asked: u64,
    /// How many of them were a yes, or began something.
    pub admitted: u64,
    /// How many were a no, by reason.
    pub refused: BTreeMap<&'static str, u64>,
    /// How often it came to an end, by reason.
    pub ended: BTreeMap<&'static str, u64>,
    /// How many waits there were.
    pub waits: u64,
    /// Their sum.
    pub waited_ns: u64,
    /// How many changes there were, by cause.
    pub changes: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// How many answers were a no, whatever the reason.
    ///
    /// ```
    /// assert_eq!(evenkeel_replay::what_if::Tally::default().refusals(), 0);
    /// ```
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }
}

/// What changed, in the order in which it was told.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The first of them, at most [`MAX_CHANGES`].
    pub list: Vec<Change>,
    /// How many more there were.
    pub left_out: u64,
}

/// Where two runs part.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct First {
    /// The line of the journal: of the call, or before which the call falls that is in no line.
    pub line: u64,
    /// When.
    pub t_ns: u64,
    /// The call, as it was recorded, or as only the second run makes it.
    pub op: AnyOp,
    /// The recorded answer; `None` if only the second run makes this call.
    pub before: Option<AnyAnswer>,
    /// The other one; `None` if the second run does not make this call, or not then.
    pub after: Option<AnyAnswer>,
}

/// A part of the journal's time: what both runs answered in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// How many yes, with the recorded policy.
    pub admitted_before: u32,
    /// How many no, with the recorded policy.
    pub refused_before: u32,
    /// How many yes, with the other one.
    pub admitted_after: u32,
    /// How many no, with the other one.
    pub refused_after: u32,
}

fn name_of<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name())
}
