//! The fact that a shrunk journal must still show.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use crate::any::{AnyAnswer, AnyOp};
use crate::journal::Loaded;
use crate::machine::Verdict;

/// A fact, of any machine or of one: `change:latency`, `refused:open@db`, `ended:budget-spent@7`, `differs`.
///
/// ```
/// use evenkeel_replay::shrink::{Fact, Property};
///
/// let property: Property = "change:probe-lost@db".parse()?;
/// assert_eq!(property.fact, Fact::Change("probe-lost".into()));
/// assert_eq!(property.machine.as_deref(), Some("db"));
/// assert_eq!(property.to_string(), "change:probe-lost@db");
/// assert!("changed:latency".parse::<Property>().is_err());
/// # Ok::<(), evenkeel_replay::shrink::NoProperty>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Property {
    /// What must be shown.
    pub fact: Fact,
    /// By which machine: its name or its id. `None`: by any.
    pub machine: Option<String>,
}

/// What a journal can show.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Something changed, with this cause.
    Change(String),
    /// A question was answered with no, for this reason.
    Refused(String),
    /// Something came to its end, for this reason.
    Ended(String),
    /// A call is answered otherwise than it was recorded.
    Differs,
}

/// A text that is no property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no property; say change:CAUSE, refused:REASON, ended:REASON or differs, and @MACHINE after it for one \
     machine"
)]
pub struct NoProperty(String);

impl FromStr for Property {
    type Err = NoProperty;

    fn from_str(text: &str) -> Result<Self, NoProperty> {
        let (fact, machine) = match text.split_once('@') {
            Some((fact, machine)) => (fact, Some(machine)),
            None => (text, None),
        };
        let fact = match fact.split_once(':') {
            Some(("change", cause)) if !cause.is_empty() => Fact::Change(cause.into()),
            Some(("refused", reason)) if !reason.is_empty() => Fact::Refused(reason.into()),
            Some(("ended", reason)) if !reason.is_empty() => Fact::Ended(reason.into()),
            None if fact == "differs" => Fact::Differs,
            _ => return Err(NoProperty(text.into())),
        };
        match machine {
            Some("") => Err(NoProperty(text.into())),
            machine => Ok(Self {
                fact,
                machine: machine.map(Into::into),
            }),
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fact, f)?;
        match &self.machine {
            Some(machine) => write!(f, "@{machine}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change(cause) => write!(f, "change:{cause}"),
            Self::Refused(reason) => write!(f, "refused:{reason}"),
            Self::Ended(reason) => write!(f, "ended:{reason}"),
            Self::Differs => f.write_str("differs"),
        }
    }
}

/// Shows each fact that an answer of the machine `id` shows, and of which machine it is.
pub(super) fn shown(id: u64, op: &AnyOp, answer: &AnyAnswer, show: &mut dyn FnMut(u64, Word<'_>)) {
    let changed = match op {
        AnyOp::Retry(op) => op.lent().breaker.as_ref().map_or(id, |lent| lent.id()),
        _ => id,
    };
    answer.changes(0, op, &mut |change| {
        show(changed, Word::Change(change.cause));
    });
    match answer.verdict(op) {
        Some(Verdict::Refused { reason, .. }) => show(id, Word::Refused(reason)),
        Some(Verdict::Ended { reason }) => show(id, Word::Ended(reason)),
        _ => {}
    }
}

/// A [`Fact`] that an answer shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word<'a> {
    Change(&'a str),
    Refused(&'a str),
    Ended(&'a str),
}

impl Word<'_> {
    pub(super) fn is(self, fact: &Fact) -> bool {
        match (self, fact) {
            (Self::Change(cause), Fact::Change(wanted)) => cause == wanted,
            (Self::Refused(reason), Fact::Refused(wanted))
            | (Self::Ended(reason), Fact::Ended(wanted)) => reason == wanted,
            _ => false,
        }
    }
}

impl From<Word<'_>> for Fact {
    fn from(word: Word<'_>) -> Self {
        match word {
            Word::Change(cause) => Self::Change(cause.into()),
            Word::Refused(reason) => Self::Refused(reason.into()),
            Word::Ended(reason) => Self::Ended(reason.into()),
        }
    }
}

/// All facts that a journal tells, and how often: what can be asked of [`shrink`](super::shrink()).
///
/// ```
/// let loaded = evenkeel_replay::journal::load(&b"{\"end\":{\"ops\":0,\"dropped\":0}}\n"[..]);
/// assert!(evenkeel_replay::shrink::facts(&loaded).is_empty());
/// ```
#[must_use]
pub fn facts(loaded: &Loaded) -> BTreeMap<Fact, u64> {
    let mut all = BTreeMap::new();
    for entry in &loaded.entries {
        shown(entry.id, &entry.op, &entry.answer, &mut |_, word| {
            *all.entry(word.into()).or_default() += 1;
        });
    }
    all
}
