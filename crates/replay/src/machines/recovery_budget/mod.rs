//! What can happen to a [`RecoveryBudget`].

mod generate;
#[cfg(feature = "std")]
mod recorder;

use alloc::vec::Vec;
use core::hash::BuildHasher;

use evenkeel_core::Refusal;
use evenkeel_core::random::Rng;
use evenkeel_core::table::{
    DeniedBy, Recovery, RecoveryBudget, RecoveryBudgetPolicy, RecoveryBudgetState,
};
use serde::{Deserialize, Serialize};

use crate::any::{AnyAnswer, AnyOp, Journaled, Kind};
use crate::key::Key;
use crate::machine::{Machine, NoId, Verdict};
use crate::machines::either;
use crate::machines::own::own;
use crate::table_key::TableKey;

/// A call of a [`RecoveryBudget`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op<K> {
    /// [`RecoveryBudget::try_recover`]
    TryRecover {
        /// Who crashed.
        key: K,
    },
    /// [`RecoveryBudget::on_success`]
    OnSuccess {
        /// Who is well.
        key: K,
    },
    /// [`RecoveryBudget::forget`]
    Forget {
        /// Of whom nothing shall be known.
        key: K,
    },
    /// [`RecoveryBudget::peek`]
    Peek {
        /// Who would ask.
        key: K,
    },
    /// [`RecoveryBudget::remaining`]
    Remaining {
        /// Whose budget.
        key: K,
    },
    /// [`RecoveryBudget::attempts`]
    Attempts {
        /// Whose recoveries.
        key: K,
    },
    /// [`RecoveryBudget::iter`]
    Iter,
}

/// What a [`RecoveryBudget`] returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer<K> {
    /// The key may be recovered.
    Recovery(Recovery),
    /// The key may not be recovered now.
    Refused(Refusal<DeniedBy>),
    /// Whether some of the budget was in use.
    Cleared(bool),
    /// What an ask would be answered.
    Peek(#[serde(with = "either")] Result<(), Refusal<DeniedBy>>),
    /// How many recoveries are left.
    Remaining(u32),
    /// How many recoveries in a row there were.
    Attempts(u32),
    /// All keys that are known, with the instants of the grants that are in the window.
    Grants(Vec<(K, Vec<u64>)>),
}

impl<K> Op<K> {
    /// The same call with another kind of key.
    ///
    /// ```
    /// use evenkeel_replay::{Key, ToKey, recovery_budget::Op};
    ///
    /// let op = Op::TryRecover { key: "billing" }.map_keys(|key| key.to_key());
    /// assert_eq!(op, Op::TryRecover { key: Key::Text("billing".into()) });
    /// ```
    pub fn map_keys<L>(self, mut to: impl FnMut(K) -> L) -> Op<L> {
        match self {
            Self::TryRecover { key } => Op::TryRecover { key: to(key) },
            Self::OnSuccess { key } => Op::OnSuccess { key: to(key) },
            Self::Forget { key } => Op::Forget { key: to(key) },
            Self::Peek { key } => Op::Peek { key: to(key) },
            Self::Remaining { key } => Op::Remaining { key: to(key) },
            Self::Attempts { key } => Op::Attempts { key: to(key) },
            Self::Iter => Op::Iter,
        }
    }

    /// The key that it is about, if it is about one.
    ///
    /// ```
    /// use evenkeel_replay::recovery_budget::Op;
    ///
    /// assert_eq!(Op::TryRecover { key: 7 }.key(), Some(&7));
    /// assert_eq!(Op::<u64>::Iter.key(), None);
    /// ```
    pub const fn key(&self) -> Option<&K> {
        match self {
            Self::TryRecover { key }
            | Self::OnSuccess { key }
            | Self::Forget { key }
            | Self::Peek { key }
            | Self::Remaining { key }
            | Self::Attempts { key } => Some(key),
            Self::Iter => None,
        }
    }
}

impl<K> Answer<K> {
    fn asked(asked: &Result<Recovery, Refusal<DeniedBy>>) -> Self {
        match asked {
            Ok(recovery) => Self::Recovery(*recovery),
            Err(refusal) => Self::Refused(*refusal),
        }
    }

    /// The same answer with another kind of key.
    ///
    /// ```
    /// use evenkeel_replay::{Key, ToKey, recovery_budget::Answer};
    ///
    /// let answer = Answer::Grants(vec![(7_u64, vec![500])]).map_keys(|key| key.to_key());
    /// assert_eq!(answer, Answer::Grants(vec![(Key::Number(7), vec![500])]));
    /// ```
    pub fn map_keys<L>(self, mut to: impl FnMut(K) -> L) -> Answer<L> {
        match self {
            Self::Recovery(recovery) => Answer::Recovery(recovery),
            Self::Refused(refusal) => Answer::Refused(refusal),
            Self::Cleared(known) => Answer::Cleared(known),
            Self::Peek(peeked) => Answer::Peek(peeked),
            Self::Remaining(left) => Answer::Remaining(left),
            Self::Attempts(made) => Answer::Attempts(made),
            Self::Grants(grants) => {
                let grants = grants.into_iter();
                Answer::Grants(grants.map(|(key, at_ns)| (to(key), at_ns)).collect())
            }
        }
    }
}

impl<K: TableKey, S: BuildHasher + Default> Machine for RecoveryBudget<K, S> {
    const NAME: &'static str = "recovery_budget";

    type Policy = RecoveryBudgetPolicy;
    type State = RecoveryBudgetState<K>;
    type Op = Op<K>;
    type Answer = Answer<K>;
    type Id = NoId;

    own!(begin, restore, policy, state);

    fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op<K>, rng: &mut R) -> Answer<K> {
        match op {
            Op::TryRecover { key } => Answer::asked(&self.try_recover(now_ns, key, rng)),
            Op::OnSuccess { key } => Answer::Cleared(self.on_success(now_ns, key)),
            Op::Forget { key } => Answer::Cleared(self.forget(now_ns, key)),
            Op::Peek { key } => Answer::Peek(self.peek(now_ns, key)),
            Op::Remaining { key } => Answer::Remaining(self.remaining(now_ns, key)),
            Op::Attempts { key } => Answer::Attempts(self.attempts(now_ns, key)),
            Op::Iter => {
                let grants = self.iter().map(|(key, at_ns)| (key.clone(), at_ns));
                Answer::Grants(grants.collect())
            }
        }
    }

    fn key(op: &Op<K>, _: &Answer<K>) -> Option<Key> {
        op.key().map(K::to_key)
    }

    fn verdict(_: &Op<K>, answer: &Answer<K>) -> Option<Verdict> {
        match answer {
            Answer::Recovery(_) => Some(Verdict::Admitted),
            Answer::Refused(refusal) => Some(Verdict::Refused {
                reason: refusal.reason.name(),
                retry_at_ns: refusal.retry_at_ns,
            }),
            _ => None,
        }
    }
}

impl<K: TableKey, S: BuildHasher + Default> Journaled for RecoveryBudget<K, S> {
    const KIND: Kind = Kind::RecoveryBudget;

    fn any_op(op: Op<K>) -> AnyOp {
        AnyOp::RecoveryBudget(op.map_keys(|key| key.to_key()))
    }

    fn any_answer(answer: Answer<K>) -> AnyAnswer {
        AnyAnswer::RecoveryBudget(answer.map_keys(|key| key.to_key()))
    }
}
