//! The calls of a breaker table as values.

use evenkeel_core::breaker::{Health, Mode, Outcome, PermitId};
#[cfg(doc)]
use evenkeel_core::table::BreakerTable;
use serde::{Deserialize, Serialize};

/// A call of a [`BreakerTable`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op<K> {
    /// [`BreakerTable::try_acquire`]
    TryAcquire {
        /// Who is to be called.
        key: K,
    },
    /// [`BreakerTable::on_outcome`]
    OnOutcome {
        /// Who was called.
        key: K,
        /// Whose result it is.
        permit: PermitId,
        /// The result.
        outcome: Outcome,
        /// How long the call took.
        latency_ns: u64,
    },
    /// [`BreakerTable::on_health`]
    OnHealth {
        /// Who was probed.
        key: K,
        /// What the probe found.
        health: Health,
    },
    /// [`BreakerTable::poll`]
    Poll,
    /// [`BreakerTable::set_mode`]
    SetMode {
        /// Whose mode.
        key: K,
        /// The mode from now on.
        mode: Mode,
    },
    /// [`BreakerTable::reset`]
    Reset {
        /// Whose breaker.
        key: K,
    },
    /// [`BreakerTable::forget`]
    Forget {
        /// Of whom nothing shall be known.
        key: K,
    },
    /// [`BreakerTable::phase`]
    Phase {
        /// Whose phase.
        key: K,
    },
    /// [`BreakerTable::peek`]
    Peek {
        /// Who would be called.
        key: K,
    },
    /// [`BreakerTable::tracks`]
    Tracks {
        /// Who may have a breaker.
        key: K,
    },
    /// [`BreakerTable::stats_of`]
    StatsOf {
        /// Whose counters.
        key: K,
    },
    /// [`BreakerTable::overflow_phase`]
    OverflowPhase,
    /// [`BreakerTable::stats`]
    Stats,
    /// [`BreakerTable::iter`]
    Iter,
}

impl<K> Op<K> {
    /// The same call with another kind of key.
    ///
    /// ```
    /// use evenkeel_replay::{Key, ToKey, breaker_table::Op};
    ///
    /// let op = Op::TryAcquire { key: "db-1" }.map_keys(|key| key.to_key());
    /// assert_eq!(op, Op::TryAcquire { key: Key::Text("db-1".into()) });
    /// ```
    pub fn map_keys<L>(self, mut to: impl FnMut(K) -> L) -> Op<L> {
        match self {
            Self::TryAcquire { key } => Op::TryAcquire { key: to(key) },
            Self::OnOutcome {
                key,
                permit,
                outcome,
                latency_ns,
            } => Op::OnOutcome {
                key: to(key),
                permit,
                outcome,
                latency_ns,
            },
            Self::OnHealth { key, health } => Op::OnHealth {
                key: to(key),
                health,
            },
            Self::Poll => Op::Poll,
            Self::SetMode { key, mode } => Op::SetMode { key: to(key), mode },
            Self::Reset { key } => Op::Reset { key: to(key) },
            Self::Forget { key } => Op::Forget { key: to(key) },
            Self::Phase { key } => Op::Phase { key: to(key) },
            Self::Peek { key } => Op::Peek { key: to(key) },
            Self::Tracks { key } => Op::Tracks { key: to(key) },
            Self::StatsOf { key } => Op::StatsOf { key: to(key) },
            Self::OverflowPhase => Op::OverflowPhase,
            Self::Stats => Op::Stats,
            Self::Iter => Op::Iter,
        }
    }

    /// The key that it is about, if it is about one.
    ///
    /// ```
    /// use evenkeel_replay::breaker_table::Op;
    ///
    /// assert_eq!(Op::TryAcquire { key: 7 }.key(), Some(&7));
    /// assert_eq!(Op::<u64>::Poll.key(), None);
    /// ```
    pub const fn key(&self) -> Option<&K> {
        match self {
            Self::TryAcquire { key }
            | Self::OnOutcome { key, .. }
            | Self::OnHealth { key, .. }
            | Self::SetMode { key, .. }
            | Self::Reset { key }
            | Self::Forget { key }
            | Self::Phase { key }
            | Self::Peek { key }
            | Self::Tracks { key }
            | Self::StatsOf { key } => Some(key),
            Self::Poll | Self::OverflowPhase | Self::Stats | Self::Iter => None,
        }
    }
}
