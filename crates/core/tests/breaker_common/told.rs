//! What a breaker says, in a form that both breakers can give and that compares and prints.

use evenkeel_core::breaker::{BreakerStats, Mode, Phase, RefusedBy, Transition};

/// The answer to one call, and how many words it drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub answer: Answer,
    pub made: Vec<Transition>,
    pub drawn: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Granted {
        generation: u64,
        is_probe: bool,
        would_refuse: Option<No>,
    },
    Refused(No),
    Counted,
    Released,
    Stale,
    /// `poll`, `on_health`, `set_mode`, `reset`.
    Done,
}

/// Why not, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct No {
    pub reason: RefusedBy,
    pub retry_at_ns: Option<u64>,
}

/// What the pure queries say at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    pub at_ns: u64,
    pub phase: Phase,
    pub peek: Result<(), No>,
    pub stats: BreakerStats,
}

/// What the queries without an instant say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub next_deadline_ns: Option<u64>,
    pub mode: Mode,
    pub generation: u64,
    pub consecutive_failures: u32,
}
