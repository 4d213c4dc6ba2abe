//! Any machine, whatever its kind: what a journal holds and a replayer runs.

use alloc::boxed::Box;

#[cfg(feature = "std")]
use evenkeel_core::RestoreError;
use evenkeel_core::random::Rng;
use serde::{Serialize, Serializer};

use crate::key::Key;
use crate::machine::{Assumed, Change, Machine, Verdict};

/// A machine whose calls and answers can be told among those of any kind.
pub trait Journaled: Machine {
    /// Which kind it is.
    const KIND: Kind;

    /// The call of a machine to which nothing is lent. Only a retry is ever lent anything.
    #[must_use]
    fn alone(op: Self::Op) -> Self::Op {
        op
    }

    /// The call, as a journal holds it.
    fn any_op(op: Self::Op) -> AnyOp;

    /// The answer, as a journal holds it.
    fn any_answer(answer: Self::Answer) -> AnyAnswer;
}

/// Names each kind of machine once. What a table is keyed by is a [`Key`] here.
macro_rules! kinds {
    ($($kind:ident: $machine:ty,)*) => {
        /// A kind of machine.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(
                #[doc = concat!("[`", stringify!($machine), "`]")]
                $kind,
            )*
        }

        impl Kind {
            /// All of them, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Whether a poll is its question (a driver).
            #[must_use]
            pub const fn poll_asks(self) -> bool {
                match self {
                    $(Self::$kind => <$machine as Machine>::POLL_ASKS,)*
                }
            }

            /// The kind of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }

            /// As journals and policy files name it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => <$machine as Machine>::NAME,)*
                }
            }
        }

        /// A machine of any kind.
        #[non_exhaustive]
        #[derive(Clone, Debug)]
        #[allow(missing_docs, reason = "each variant is a kind, and says so by its name")]
        pub enum AnyMachine {
            $($kind(Box<$machine>),)*
        }

        /// A call of a machine of any kind. It is written as the call alone: the journal's header says which machine.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant is a kind, and says so by its name")]
        pub enum AnyOp {
            $($kind(<$machine as Machine>::Op),)*
        }

        /// An answer of a machine of any kind. It is written as the answer alone.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant is a kind, and says so by its name")]
        pub enum AnyAnswer {
            $($kind(<$machine as Machine>::Answer),)*
        }

        /// An id that a machine of any kind gave out.
        #[non_exhaustive]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is a kind, and says so by its name")]
        pub enum AnyId {
            $($kind(<$machine as Machine>::Id),)*
        }

        impl Serialize for AnyOp {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$kind(op) => op.serialize(serializer),)*
                }
            }
        }

        impl Serialize for AnyAnswer {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$kind(answer) => answer.serialize(serializer),)*
                }
            }
        }

        impl AnyMachine {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)*
                }
            }

            /// When a poll would next report or begin something by itself.
            #[must_use]
            pub fn next_deadline_ns(&self) -> Option<u64> {
                match self {
                    $(Self::$kind(machine) => Machine::next_deadline_ns(&**machine),)*
                }
            }

            /// Makes the call; `None` if it is of another kind.
            pub fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &AnyOp, rng: &mut R) -> Option<AnyAnswer> {
                match (self, op) {
                    $((Self::$kind(machine), AnyOp::$kind(op)) => {
                        Some(AnyAnswer::$kind(Machine::apply(&mut **machine, now_ns, op, rng)))
                    })*
                    _ => None,
                }
            }
        }

        impl AnyOp {
            /// The id that this call reports with.
            #[must_use]
            pub fn reported(&self) -> Option<AnyId> {
                match self {
                    $(Self::$kind(op) => <$machine as Machine>::reported(op).map(AnyId::$kind),)*
                }
            }

            /// The same call with another id of its kind.
            #[must_use]
            pub fn with_id(&self, id: AnyId) -> Self {
                match (self, id) {
                    $((Self::$kind(op), AnyId::$kind(id)) => Self::$kind(<$machine as Machine>::with_id(op, id)),)*
                    _ => self.clone(),
                }
            }

            /// The report of something whose end nobody knows, if it is taken to have ended so.
            #[must_use]
            pub fn unknown(id: AnyId, assumed: Assumed) -> Option<Self> {
                match id {
                    $(AnyId::$kind(id) => <$machine as Machine>::unknown(id, assumed).map(Self::$kind),)*
                }
            }

            /// The call that tells what has fallen due, or a driver of this kind what to do.
            #[must_use]
            pub fn poll(kind: Kind) -> Option<Self> {
                match kind {
                    $(Kind::$kind => <$machine as Machine>::poll().map(Self::$kind),)*
                }
            }
        }

        impl AnyAnswer {
            /// The id that this answer to `op` gives out.
            #[must_use]
            pub fn given(&self, op: &AnyOp) -> Option<AnyId> {
                match (op, self) {
                    $((AnyOp::$kind(op), Self::$kind(answer)) => {
                        <$machine as Machine>::given(op, answer).map(AnyId::$kind)
                    })*
                    _ => None,
                }
            }

            /// Which key of a table it is about.
            #[must_use]
            pub fn key(&self, op: &AnyOp) -> Option<Key> {
                match (op, self) {
                    $((AnyOp::$kind(op), Self::$kind(answer)) => <$machine as Machine>::key(op, answer),)*
                    _ => None,
                }
            }

            /// What it amounts to.
            #[must_use]
            pub fn verdict(&self, op: &AnyOp) -> Option<Verdict> {
                match (op, self) {
                    $((AnyOp::$kind(op), Self::$kind(answer)) => <$machine as Machine>::verdict(op, answer),)*
                    _ => None,
                }
            }

            /// Shows each change that it tells of.
            pub fn changes(&self, now_ns: u64, op: &AnyOp, show: &mut dyn FnMut(Change)) {
                match (op, self) {
                    $((AnyOp::$kind(op), Self::$kind(answer)) => <$machine as Machine>::changes(now_ns, op, answer, show),)*
                    _ => {}
                }
            }
        }

        #[cfg(feature = "std")]
        mod text {
            //! Machines, calls and answers from and to JSON.

            use super::{AnyAnswer, AnyMachine, AnyOp, Box, Key, Kind, Machine, Unusable};
            use crate::golden;

            impl Kind {
                /// The golden trace of this kind.
                pub(crate) fn golden_trace(self) -> std::io::Result<Vec<u8>> {
                    match self {
                        $(Kind::$kind => golden::trace_of::<$machine>(),)*
                    }
                }
            }

            impl AnyMachine {
                /// The machine of a policy and a snapshot, both as JSON.
                ///
                /// # Errors
                ///
                /// What cannot be read, or is no state of this policy.
                pub fn restore(kind: Kind, policy: &str, state: &str) -> Result<Self, Unusable> {
                    match kind {
                        $(Kind::$kind => {
                            let policy = serde_json::from_str(policy).map_err(Unusable::Policy)?;
                            let state = serde_json::from_str(state).map_err(Unusable::State)?;
                            let machine = <$machine as Machine>::restore(policy, state)?;
                            Ok(Self::$kind(Box::new(machine)))
                        })*
                    }
                }

                /// A fresh machine of this policy, as JSON, which begins at `now_ns` if that makes a difference.
                ///
                /// # Errors
                ///
                /// What cannot be read.
                pub fn begin(kind: Kind, policy: &str, now_ns: u64) -> Result<Self, Unusable> {
                    match kind {
                        $(Kind::$kind => {
                            let policy = serde_json::from_str(policy).map_err(Unusable::Policy)?;
                            Ok(Self::$kind(Box::new(<$machine as Machine>::begin(policy, now_ns))))
                        })*
                    }
                }

                /// The policy, as JSON.
                ///
                /// # Errors
                ///
                /// None that a machine of this crate can cause.
                pub fn policy(&self) -> serde_json::Result<String> {
                    match self {
                        $(Self::$kind(machine) => serde_json::to_string(Machine::policy(&**machine)),)*
                    }
                }

                /// The snapshot, as JSON.
                ///
                /// # Errors
                ///
                /// None that a machine of this crate can cause.
                pub fn state(&self) -> serde_json::Result<String> {
                    match self {
                        $(Self::$kind(machine) => serde_json::to_string(&Machine::state(&**machine)),)*
                    }
                }
            }

            impl AnyOp {
                /// A call of a machine of this kind, from JSON.
                ///
                /// # Errors
                ///
                /// No such call.
                pub fn read(kind: Kind, text: &str) -> serde_json::Result<Self> {
                    match kind {
                        $(Kind::$kind => serde_json::from_str(text).map(Self::$kind),)*
                    }
                }
            }

            impl AnyAnswer {
                /// An answer of a machine of this kind, from JSON.
                ///
                /// # Errors
                ///
                /// No such answer.
                pub fn read(kind: Kind, text: &str) -> serde_json::Result<Self> {
                    match kind {
                        $(Kind::$kind => serde_json::from_str(text).map(Self::$kind),)*
                    }
                }
            }
        }
    };
}

/// A kind whose calls and answers a journal holds as they are: all but the tables, whose keys become
/// [`Key`]s, and a retry, to which others are lent.
macro_rules! as_they_are {
    ($($kind:ident: $machine:ty,)*) => {$(
        impl Journaled for $machine {
            const KIND: Kind = Kind::$kind;

            fn any_op(op: Self::Op) -> AnyOp {
                AnyOp::$kind(op)
            }

            fn any_answer(answer: Self::Answer) -> AnyAnswer {
                AnyAnswer::$kind(answer)
            }
        }
    )*};
}

kinds! {
    AdaptiveThrottle: evenkeel_core::throttle::AdaptiveThrottle,
    Backoff: evenkeel_core::backoff::Backoff,
    BackoffTable: evenkeel_core::table::BackoffTable<Key>,
    Breaker: evenkeel_core::breaker::Breaker,
    BreakerTable: evenkeel_core::table::BreakerTable<Key>,
    HealthProbe: evenkeel_core::health::HealthProbe,
    LogHistogram: evenkeel_core::estimator::LogHistogram,
    QuantileWindow: evenkeel_core::estimator::QuantileWindow,
    Reconnect: evenkeel_core::reconnect::Reconnect,
    RecoveryBudget: evenkeel_core::table::RecoveryBudget<Key>,
    Restart: evenkeel_core::restart::Restart,
    Retry: evenkeel_core::retry::Retry,
    RetryRatio: evenkeel_core::budget::RetryRatio,
    RetryTokens: evenkeel_core::budget::RetryTokens,
    RollingHistogram: evenkeel_core::estimator::RollingHistogram,
    SampleWindow: evenkeel_core::estimator::SampleWindow,
    ThresholdWindow: evenkeel_core::estimator::ThresholdWindow,
}

as_they_are! {
    AdaptiveThrottle: evenkeel_core::throttle::AdaptiveThrottle,
    Backoff: evenkeel_core::backoff::Backoff,
    Breaker: evenkeel_core::breaker::Breaker,
    HealthProbe: evenkeel_core::health::HealthProbe,
    LogHistogram: evenkeel_core::estimator::LogHistogram,
    QuantileWindow: evenkeel_core::estimator::QuantileWindow,
    Reconnect: evenkeel_core::reconnect::Reconnect,
    Restart: evenkeel_core::restart::Restart,
    RetryRatio: evenkeel_core::budget::RetryRatio,
    RetryTokens: evenkeel_core::budget::RetryTokens,
    RollingHistogram: evenkeel_core::estimator::RollingHistogram,
    SampleWindow: evenkeel_core::estimator::SampleWindow,
    ThresholdWindow: evenkeel_core::estimator::ThresholdWindow,
}

impl AnyOp {
    /// Whose changes an answer to this call of the machine `id` tells: what changes is the breaker that was lent.
    ///
    /// ```
    /// use evenkeel_replay::any::AnyOp;
    /// use evenkeel_replay::retry::{Lent, LentBreaker, Op};
    ///
    /// let lent = Lent { breaker: Some(LentBreaker::Breaker(3)), budget: None };
    /// assert_eq!(AnyOp::Retry(Op::Poll { lent }).changes_whose(7), 3);
    /// assert_eq!(AnyOp::Retry(Op::Begin).changes_whose(7), 7);
    /// ```
    #[must_use]
    pub fn changes_whose(&self, id: u64) -> u64 {
        match self {
            Self::Retry(op) => op.lent().breaker.as_ref().map_or(id, |lent| lent.id()),
            _ => id,
        }
    }
}

/// A policy and state of which no machine can be made.
#[cfg(feature = "std")]
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The policy is none.
    #[error("the policy cannot be read: {0}")]
    Policy(#[source] serde_json::Error),
    /// The state is none.
    #[error("the state cannot be read: {0}")]
    State(#[source] serde_json::Error),
    /// No machine of this policy can have this state.
    #[error("the state cannot be restored: {0}")]
    Restore(#[from] RestoreError),
}
