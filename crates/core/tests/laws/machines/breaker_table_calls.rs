//! The calls of a BreakerTable and all that they answer.

use evenkeel_core::Refusal;
use evenkeel_core::breaker::{
    BreakerStats, Health, Mode, Outcome, PermitId, Phase, RefusedBy, Transition,
};
use evenkeel_core::table::{AnsweredBy, TableFull};

#[derive(Clone, Debug)]
pub(crate) enum Op {
    TryAcquire {
        key: u64,
    },
    Outcome {
        key: u64,
        permit: PermitId,
        outcome: Outcome,
        latency_ns: u64,
    },
    Health {
        key: u64,
        health: Health,
    },
    SetMode {
        key: u64,
        mode: Mode,
    },
    Reset {
        key: u64,
    },
    Forget {
        key: u64,
    },
    Poll,
    Phase {
        key: u64,
    },
    Peek {
        key: u64,
    },
    Tracks {
        key: u64,
    },
    StatsOf {
        key: u64,
    },
    OverflowPhase,
    Stats,
    Iter,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Granted {
        permit: PermitId,
        would_refuse: Option<Refusal<RefusedBy>>,
        made: Vec<Transition>,
        by: AnsweredBy,
    },
    Refused {
        refusal: Refusal<RefusedBy>,
        made: Vec<Transition>,
        by: AnsweredBy,
    },
    Receipt {
        result: Settled,
        made: Vec<Transition>,
        by: AnsweredBy,
    },
    Told {
        made: Vec<Transition>,
        by: AnsweredBy,
    },
    Set(Result<Vec<Transition>, TableFull>),
    Reset(Vec<Transition>),
    Forgotten(bool),
    Due(Option<(Option<u64>, Vec<Transition>)>),
    Phase(Phase),
    Peeked(Result<(), (Refusal<RefusedBy>, AnsweredBy)>),
    Tracks(bool),
    StatsOf(Option<BreakerStats>),
    Stats(BreakerStats),
    All(Vec<(u64, Phase)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Counted,
    Released,
    Stale,
}
