//! What can happen to a [`BackoffTable`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use alloc::vec::Vec;
use core::hash::BuildHasher;

use evenkeel_core::Refusal;
use evenkeel_core::advice::Advice;
use evenkeel_core::random::Rng;
use evenkeel_core::table::{
    BackoffTable, BackoffTablePolicy, BackoffTableState, HeldBy, Hold, TableFull,
};
use serde::{Deserialize, Serialize};

use crate::any::{AnyAnswer, AnyOp, Journaled, Kind};
use crate::key::Key;
use crate::machine::{Machine, NoId, Verdict};
use crate::machines::either;
use crate::machines::own::own;
use crate::table_key::TableKey;

/// A call of a [`BackoffTable`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op<K> {
    /// [`BackoffTable::try_acquire`]
    TryAcquire {
        /// Who asks.
        key: K,
    },
    /// [`BackoffTable::on_failure`]
    OnFailure {
        /// Who failed.
        key: K,
    },
    /// [`BackoffTable::on_advice`]
    OnAdvice {
        /// Whose server advised.
        key: K,
        /// What it said.
        advice: Advice,
    },
    /// [`BackoffTable::on_success`]
    OnSuccess {
        /// Who is well.
        key: K,
    },
    /// [`BackoffTable::forget`]
    Forget {
        /// Of whom nothing shall be known.
        key: K,
    },
    /// [`BackoffTable::pop_ready`]
    PopReady,
    /// [`BackoffTable::drop_forgotten`]
    DropForgotten {
        /// How many keys it may drop.
        at_most: u32,
    },
    /// [`BackoffTable::peek`]
    Peek {
        /// Who would ask.
        key: K,
    },
    /// [`BackoffTable::get`]
    Get {
        /// Whose hold.
        key: K,
    },
    /// [`BackoffTable::overflow`]
    Overflow,
    /// [`BackoffTable::iter`]
    Iter,
}

/// What a [`BackoffTable`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer<K> {
    /// The key may be tried.
    Admitted,
    /// The key is held back.
    Refused(Refusal<HeldBy>),
    /// The hold that a report made.
    Held(Hold),
    /// There is no room for the key: the report counted for all that are not tracked.
    Full(TableFull),
    /// Whether something was known of the key.
    Cleared(bool),
    /// Whose hold is over.
    Ready(Option<K>),
    /// Forgotten keys were dropped. How many is left out: it tells what memory held, which a snapshot does not.
    Dropped,
    /// What an ask would be answered.
    Peek(#[serde(with = "either")] Result<(), Refusal<HeldBy>>),
    /// A hold, if there is one.
    Hold(Option<Hold>),
    /// All keys that are known, with their holds.
    Holds(Vec<(K, Hold)>),
}

impl<K> Op<K> {
    /// The same call with another kind of key.
    ///
    /// ```
    /// use evenkeel_replay::{Key, ToKey, backoff_table::Op};
    ///
    /// let op = Op::OnFailure { key: "anna" }.map_keys(|key| key.to_key());
    /// assert_eq!(op, Op::OnFailure { key: Key::Text("anna".into()) });
    /// ```
    pub fn map_keys<L>(self, mut to: impl FnMut(K) -> L) -> Op<L> {
        match self {
            Self::TryAcquire { key } => Op::TryAcquire { key: to(key) },
            Self::OnFailure { key } => Op::OnFailure { key: to(key) },
            Self::OnAdvice { key, advice } => Op::OnAdvice {
                key: to(key),
                advice,
            },
            Self::OnSuccess { key } => Op::OnSuccess { key: to(key) },
            Self::Forget { key } => Op::Forget { key: to(key) },
            Self::PopReady => Op::PopReady,
            Self::DropForgotten { at_most } => Op::DropForgotten { at_most },
            Self::Peek { key } => Op::Peek { key: to(key) },
            Self::Get { key } => Op::Get { key: to(key) },
            Self::Overflow => Op::Overflow,
            Self::Iter => Op::Iter,
        }
    }

    /// The key that it is about, if it is about one.
    ///
    /// ```
    /// use evenkeel_replay::backoff_table::Op;
    ///
    /// assert_eq!(Op::OnFailure { key: 7 }.key(), Some(&7));
    /// assert_eq!(Op::<u64>::PopReady.key(), None);
    /// ```
    pub const fn key(&self) -> Option<&K> {
        match self {
            Self::TryAcquire { key }
            | Self::OnFailure { key }
            | Self::OnAdvice { key, .. }
            | Self::OnSuccess { key }
            | Self::Forget { key }
            | Self::Peek { key }
            | Self::Get { key } => Some(key),
            Self::PopReady | Self::DropForgotten { .. } | Self::Overflow | Self::Iter => None,
        }
    }
}

impl<K> Answer<K> {
    fn asked(asked: &Result<(), Refusal<HeldBy>>) -> Self {
        match asked {
            Ok(()) => Self::Admitted,
            Err(refusal) => Self::Refused(*refusal),
        }
    }

    fn told(told: &Result<Hold, TableFull>) -> Self {
        match told {
            Ok(hold) => Self::Held(*hold),
            Err(full) => Self::Full(*full),
        }
    }

    /// The same answer with another kind of key.
    ///
    /// ```
    /// use evenkeel_replay::{Key, ToKey, backoff_table::Answer};
    ///
    /// let answer = Answer::Ready(Some(7_u64)).map_keys(|key| key.to_key());
    /// assert_eq!(answer, Answer::Ready(Some(Key::Number(7))));
    /// ```
    pub fn map_keys<L>(self, mut to: impl FnMut(K) -> L) -> Answer<L> {
        match self {
            Self::Admitted => Answer::Admitted,
            Self::Refused(refusal) => Answer::Refused(refusal),
            Self::Held(hold) => Answer::Held(hold),
            Self::Full(full) => Answer::Full(full),
            Self::Cleared(known) => Answer::Cleared(known),
            Self::Ready(key) => Answer::Ready(key.map(to)),
            Self::Dropped => Answer::Dropped,
            Self::Peek(peeked) => Answer::Peek(peeked),
            Self::Hold(hold) => Answer::Hold(hold),
            Self::Holds(holds) => {
                let holds = holds.into_iter();
                Answer::Holds(holds.map(|(key, hold)| (to(key), hold)).collect())
            }
        }
    }
}

impl<K: TableKey, S: BuildHasher + Default> Machine for BackoffTable<K, S> {
    const NAME: &'static str = "backoff_table";

    type Policy = BackoffTablePolicy;
    type State = BackoffTableState<K>;
    type Op = Op<K>;
    type Answer = Answer<K>;
    type Id = NoId;

    own!(begin, restore, policy, state, next_deadline_ns);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op<K>, rng: &mut R) -> Answer<K> {
        match op {
            Op::TryAcquire { key } => Answer::asked(&self.try_acquire(now_ns, key)),
            Op::OnFailure { key } => Answer::told(&self.on_failure(now_ns, key, rng)),
            Op::OnAdvice { key, advice } => {
                Answer::told(&self.on_advice(now_ns, key, *advice, rng))
            }
            Op::OnSuccess { key } => Answer::Cleared(self.on_success(now_ns, key)),
            Op::Forget { key } => Answer::Cleared(self.forget(now_ns, key)),
            Op::PopReady => Answer::Ready(self.pop_ready(now_ns).cloned()),
            Op::DropForgotten { at_most } => {
                self.drop_forgotten(now_ns, *at_most);
                Answer::Dropped
            }
            Op::Peek { key } => Answer::Peek(self.peek(now_ns, key)),
            Op::Get { key } => Answer::Hold(self.get(now_ns, key)),
            Op::Overflow => Answer::Hold(self.overflow(now_ns)),
            Op::Iter => Answer::Holds(self.iter().map(|(key, hold)| (key.clone(), hold)).collect()),
        }
    }

    fn poll() -> Option<Op<K>> {
        Some(Op::PopReady)
    }

    fn key(op: &Op<K>, answer: &Answer<K>) -> Option<Key> {
        match answer {
            Answer::Ready(key) => key.as_ref().map(K::to_key),
            _ => op.key().map(K::to_key),
        }
    }

    fn verdict(_: &Op<K>, answer: &Answer<K>) -> Option<Verdict> {
        match answer {
            Answer::Admitted => Some(Verdict::Admitted),
            Answer::Refused(refusal) => Some(Verdict::Refused {
                reason: refusal.reason.name(),
                retry_at_ns: refusal.retry_at_ns,
            }),
            _ => None,
        }
    }
}

impl<K: TableKey, S: BuildHasher + Default> Journaled for BackoffTable<K, S> {
    const KIND: Kind = Kind::BackoffTable;

    fn any_op(op: Op<K>) -> AnyOp {
        AnyOp::BackoffTable(op.map_keys(|key| key.to_key()))
    }

    fn any_answer(answer: Answer<K>) -> AnyAnswer {
        AnyAnswer::BackoffTable(answer.map_keys(|key| key.to_key()))
    }
}
