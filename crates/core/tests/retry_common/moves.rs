//! Moves that reach the edges: instants around the next deadline, clocks that go back or end, ids of all kinds.

use evenkeel_core::advice::Advice;
use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{AttemptId, AttemptOutcome};
use proptest::prelude::*;

use super::plan::{Plan, Rule};
use super::reference::Call;
use super::script::Says;

/// The one instant in an outcome that is not counted from now, and that nobody comes to.
pub const NAMED_NS: u64 = u64::MAX - 7;

/// When a call is made.
#[derive(Clone, Copy, Debug)]
pub enum Jump {
    Stay,
    By(u64),
    /// To the next deadline, so much earlier (negative) or later.
    Due(i64),
    Back(u64),
    End,
}

/// What is called.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Poll,
    /// With the id of the last attempt less this.
    Report(u64, Fate),
    Cancel,
}

/// How an attempt ended, with advice counted from now.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Success,
    Permanent(Outcome),
    Refused(Option<u64>),
    Cancelled,
    /// With what the breaker is told, where it is not what the cause says.
    Transient(RetryCause, Option<Option<u64>>, Option<Outcome>),
}

pub type Move = (Jump, Deed);

impl Jump {
    pub fn to(self, now: u64, due: Option<u64>) -> u64 {
        match self {
            Self::Stay => now,
            Self::By(span) => now.saturating_add(span),
            Self::Due(offset) => due.map_or(now, |due| due.saturating_add_signed(offset)),
            Self::Back(span) => now.saturating_sub(span),
            Self::End => u64::MAX,
        }
    }
}

impl Deed {
    pub fn call(self, now: u64, attempts: u32) -> Call {
        match self {
            Self::Poll => Call::Poll,
            Self::Cancel => Call::Cancel,
            Self::Report(before, fate) => {
                let id = u64::from(attempts).wrapping_sub(before);
                Call::Report(AttemptId::from_word(id), fate.outcome(now))
            }
        }
    }
}

impl Fate {
    fn outcome(self, now: u64) -> AttemptOutcome {
        match self {
            Self::Success => AttemptOutcome::Success,
            Self::Permanent(breaker) => AttemptOutcome::Permanent { breaker },
            Self::Refused(retry_at_ns) => AttemptOutcome::Refused { retry_at_ns },
            Self::Cancelled => AttemptOutcome::Cancelled,
            Self::Transient(cause, advice, breaker) => AttemptOutcome::Transient {
                cause,
                advice: advice.map(|later| match later {
                    None => Advice::Stop,
                    Some(later) => Advice::RetryAt {
                        at_ns: now.saturating_add(later),
                    },
                }),
                breaker,
            },
        }
    }
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..20, 6 => 0_u64..600, 1 => Just(1 << 62)]
}

fn some<T: core::fmt::Debug + Clone>(
    strategy: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.4, strategy)
}

fn fate() -> impl Strategy<Value = Fate> {
    let cause = prop_oneof![
        Just(RetryCause::Failure),
        Just(RetryCause::Timeout),
        Just(RetryCause::Throttled)
    ];
    let advice = some(prop::option::weighted(0.8, span()));
    let told = prop::option::weighted(
        0.2,
        prop_oneof![Just(Outcome::Ignored), Just(Outcome::Success)],
    );
    prop_oneof![
        1 => Just(Fate::Success),
        1 => Just(Fate::Permanent(Outcome::Success)),
        1 => Just(Fate::Permanent(Outcome::Overloaded { retry_at_ns: Some(NAMED_NS) })),
        1 => Just(Fate::Refused(Some(NAMED_NS))),
        1 => Just(Fate::Cancelled),
        16 => (cause, advice, told).prop_map(|(cause, advice, told)| Fate::Transient(cause, advice, told)),
    ]
}

pub fn a_move() -> impl Strategy<Value = Move> {
    let jump = prop_oneof![
        4 => Just(Jump::Stay),
        4 => (0_u64..300).prop_map(Jump::By),
        6 => (-1_i64..=1).prop_map(Jump::Due),
        3 => (0_i64..400).prop_map(Jump::Due),
        1 => (0_u64..300).prop_map(Jump::Back),
        // Rarely: after it there is no time left to do anything.
        1 => prop_oneof![30 => Just(Jump::Stay), 1 => Just(Jump::End)],
    ];
    let before = prop_oneof![12 => Just(0_u64), 1 => Just(1), 1 => any::<u64>()];
    let deed = prop_oneof![
        12 => Just(Deed::Poll),
        8 => (before, fate()).prop_map(|(before, fate)| Deed::Report(before, fate)),
        1 => prop_oneof![3 => Just(Deed::Poll), 1 => Just(Deed::Cancel)],
    ];
    (jump, deed)
}

/// `max_retries`, `max_total`, `max_attempts`, `timeout`, `deadline`.
type Limits = (
    Option<u32>,
    Option<u64>,
    Option<u32>,
    Option<u64>,
    Option<u64>,
);

fn limits() -> impl Strategy<Value = Limits> {
    (
        prop::option::weighted(0.2, 0_u32..5),
        prop::option::weighted(0.2, 0_u64..2_000),
        prop::option::weighted(0.6, 1_u32..6),
        some(1_u64..400),
        some(1_u64..2_500),
    )
}

pub fn plan() -> impl Strategy<Value = Plan> {
    let rule = prop_oneof![
        Just(Rule::AtLeast),
        Just(Rule::Exact),
        span().prop_map(Rule::Within)
    ];
    let says = prop_oneof![
        6 => Just(Says::Yes),
        2 => span().prop_map(|later| Says::No(Some(later))),
        1 => Just(Says::No(None)),
    ];
    let gate = prop::option::weighted(0.6, prop::collection::vec(says, 1..6));
    let budget = prop::option::weighted(0.6, prop::collection::vec(any::<bool>(), 1..6));
    let waits = (
        prop_oneof![8 => 0_u64..150, 1 => Just(1_u64 << 62)],
        some(span()),
        any::<bool>(),
    );
    let advice = (rule, some(span()), prop_oneof![Just(0_u32), 1_u32..=100]);
    let rest = (any::<bool>(), gate, budget, any::<u64>());
    (waits, limits(), advice, rest)
        .prop_map(|(waits, limits, advice, rest)| Plan {
            base: waits.0,
            cap: waits.1,
            jitter: waits.2,
            max_retries: limits.0,
            max_total: limits.1,
            max_attempts: limits.2,
            timeout: limits.3,
            deadline: limits.4,
            waits_when_refused: rest.0,
            rule: advice.0,
            advisory_cap: advice.1,
            spread_percent: advice.2,
            gate: rest.1,
            budget: rest.2,
            seed: rest.3,
        })
        .prop_filter("a plan that can be", |plan| plan.policy().is_some())
}
