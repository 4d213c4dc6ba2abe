//! The answers of a breaker table as values.

use alloc::vec::Vec;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{
    BreakerStats, Grant, PermitId, Phase, Receipt, Refused, RefusedBy, Transitions,
};
#[cfg(doc)]
use evenkeel_core::table::BreakerTable;
use evenkeel_core::table::{self, Answered, AnsweredBy, TableFull};
use serde::{Deserialize, Serialize};

use crate::machines::either;

/// What a [`BreakerTable`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer<K> {
    /// The call may be made.
    Granted {
        /// What to report with.
        permit: PermitId,
        /// The refusal that the observing mode passed over.
        would_refuse: Option<Refusal<RefusedBy>>,
        /// What had fallen due.
        transitions: Transitions,
        /// Whose breaker says so.
        by: AnsweredBy,
    },
    /// The call may not be made now.
    Refused(Answered<Refused>),
    /// What became of a report.
    Receipt(Answered<Receipt>),
    /// What a probe's finding changed.
    Health(Answered<Transitions>),
    /// What changed, in the key's own breaker.
    Transitions(Transitions),
    /// There is no room for a key whose mode was to be set.
    Full(TableFull),
    /// Whether the key was tracked.
    Forgotten(bool),
    /// What fell due first, if anything did.
    Due(Option<Due<K>>),
    /// A phase.
    Phase(Phase),
    /// What an ask would be answered.
    Peek(#[serde(with = "either")] Result<(), Answered<Refusal<RefusedBy>>>),
    /// Whether the key has a breaker of its own.
    Tracks(bool),
    /// The counters of one key, if it is tracked.
    StatsOf(Option<BreakerStats>),
    /// The counters of all keys together.
    Stats(BreakerStats),
    /// All keys that are tracked, with their phases.
    Phases(Vec<(K, Phase)>),
}

/// Transitions that fell due in one breaker of a table: [`table::Due`] with a key of its own.
///
/// ```
/// use evenkeel_core::breaker::Transitions;
/// use evenkeel_replay::breaker_table::Due;
///
/// let due = Due { key: Some(7), transitions: Transitions::NONE };
/// assert_eq!(due.key, Some(7));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Due<K> {
    /// Whose; `None` for the breaker of all keys that are not tracked.
    pub key: Option<K>,
    /// What it did, in order.
    pub transitions: Transitions,
}

impl<K: Clone> From<table::Due<'_, K>> for Due<K> {
    fn from(due: table::Due<'_, K>) -> Self {
        Self {
            key: due.key.cloned(),
            transitions: due.transitions,
        }
    }
}

impl<K> Answer<K> {
    pub(super) fn asked(asked: &Result<Answered<Grant>, Answered<Refused>>) -> Self {
        match asked {
            Ok(Answered { answer: grant, by }) => Self::Granted {
                permit: grant.permit.id(),
                would_refuse: grant.would_refuse,
                transitions: grant.transitions,
                by: *by,
            },
            Err(refused) => Self::Refused(*refused),
        }
    }

    pub(super) const fn mode(set: &Result<Transitions, TableFull>) -> Self {
        match set {
            Ok(made) => Self::Transitions(*made),
            Err(full) => Self::Full(*full),
        }
    }

    /// What changed, by whichever call and in whosever breaker.
    ///
    /// ```
    /// use evenkeel_core::breaker::Transitions;
    /// use evenkeel_replay::breaker_table::Answer;
    ///
    /// assert_eq!(Answer::<u64>::Tracks(true).transitions(), Transitions::NONE);
    /// ```
    pub const fn transitions(&self) -> Transitions {
        match self {
            Self::Granted { transitions, .. }
            | Self::Transitions(transitions)
            | Self::Due(Some(Due { transitions, .. })) => *transitions,
            Self::Refused(refused) => refused.answer.transitions,
            Self::Receipt(told) => told.answer.transitions(),
            Self::Health(told) => told.answer,
            _ => Transitions::NONE,
        }
    }

    /// The same answer with another kind of key.
    ///
    /// ```
    /// use evenkeel_core::breaker::Phase;
    /// use evenkeel_replay::{Key, ToKey, breaker_table::Answer};
    ///
    /// let answer = Answer::Phases(vec![(7_u64, Phase::Open)]).map_keys(|key| key.to_key());
    /// assert_eq!(answer, Answer::Phases(vec![(Key::Number(7), Phase::Open)]));
    /// ```
    pub fn map_keys<L>(self, mut to: impl FnMut(K) -> L) -> Answer<L> {
        match self {
            Self::Granted {
                permit,
                would_refuse,
                transitions,
                by,
            } => Answer::Granted {
                permit,
                would_refuse,
                transitions,
                by,
            },
            Self::Refused(refused) => Answer::Refused(refused),
            Self::Receipt(told) => Answer::Receipt(told),
            Self::Health(told) => Answer::Health(told),
            Self::Transitions(made) => Answer::Transitions(made),
            Self::Full(full) => Answer::Full(full),
            Self::Forgotten(tracked) => Answer::Forgotten(tracked),
            Self::Due(due) => Answer::Due(due.map(|due| Due {
                key: due.key.map(to),
                transitions: due.transitions,
            })),
            Self::Phase(phase) => Answer::Phase(phase),
            Self::Peek(peeked) => Answer::Peek(peeked),
            Self::Tracks(tracked) => Answer::Tracks(tracked),
            Self::StatsOf(stats) => Answer::StatsOf(stats),
            Self::Stats(stats) => Answer::Stats(stats),
            Self::Phases(phases) => {
                let phases = phases.into_iter();
                Answer::Phases(phases.map(|(key, phase)| (to(key), phase)).collect())
            }
        }
    }
}
