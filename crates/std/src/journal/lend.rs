//! Breakers and budgets that can be lent to a retry that is recorded.

use std::hash::Hash;

use evenkeel_core::breaker::{Breaker, Transitions};
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_replay::breaker_table::RecordedGate;
use evenkeel_replay::journal::Journal;
use evenkeel_replay::retry::RecordedParts;
use evenkeel_replay::{Recorder, TableKey};

use crate::driver::{NoBreaker, NoBudget};

/// A breaker that a recorded retry can borrow: the handles of this crate and of evenkeel-tokio. A gate of your own
/// around one of them forwards.
///
/// ```
/// use evenkeel_core::breaker::{Grant, Outcome, Permit, Receipt, Refused, Transitions};
/// use evenkeel_core::{random::Rng, retry::BreakerGate};
/// use evenkeel_std::SharedBreaker;
/// use evenkeel_std::journal::{Held, Journal, LendBreaker, Part};
///
/// #[derive(Clone)]
/// struct Named(&'static str, SharedBreaker);
///
/// impl BreakerGate for Named {
///     // ..
/// #   fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
/// #       BreakerGate::try_acquire(&mut self.1, now_ns, rng)
/// #   }
/// #   fn on_outcome(&mut self, now_ns: u64, id: Permit, outcome: Outcome, took_ns: u64, rng: &mut dyn Rng) -> Receipt {
/// #       self.1.on_outcome(now_ns, id, outcome, took_ns, rng)
/// #   }
/// }
///
/// impl LendBreaker for Named {
///     fn lend(
///         &mut self,
///         to: &Journal,
///         now_ns: u64,
///         held: &mut Held,
///         step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
///     ) {
///         self.1.lend(to, now_ns, held, step);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a retry with the breaker `{Self}` cannot be recorded",
    note = "only a breaker that is recorded itself can be lent: implement `LendBreaker` by forwarding to one"
)]
pub trait LendBreaker: BreakerGate {
    /// Where the breaker is recorded in the journal `to`: calls `step` with it, once, under its lock. Otherwise it does
    /// nothing. `step` answers with the transitions that the breaker made; listeners hear of them after the lock.
    fn lend(
        &mut self,
        to: &Journal,
        now_ns: u64,
        held: &mut Held,
        step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
    );
}

/// A budget that a recorded retry can borrow: the handles of this crate and of evenkeel-tokio.
#[diagnostic::on_unimplemented(
    message = "a retry with the budget `{Self}` cannot be recorded",
    note = "only a budget that is recorded itself can be lent: implement `LendBudget` by forwarding to one"
)]
pub trait LendBudget: RetryBudget {
    /// Where the budget is recorded in the journal `to`: calls `step` with it, once, under its lock. Otherwise it does
    /// nothing.
    fn lend(&mut self, to: &Journal, step: &mut dyn FnMut(&mut dyn Part));
}

/// What a breaker remembers of a recorded operation that it is lent to, from one step to the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct Held {
    /// The attempt that is out was let through by a closed breaker.
    pub(crate) in_closed: bool,
}

/// A recorded machine as a part of what a recorded retry is lent.
pub trait Part {
    /// These parts, and this machine.
    fn add_to<'a>(&'a mut self, parts: RecordedParts<'a>) -> RecordedParts<'a>;
}

impl Part for Recorder<Breaker> {
    fn add_to<'a>(&'a mut self, parts: RecordedParts<'a>) -> RecordedParts<'a> {
        parts.with_breaker(self)
    }
}

impl<K> Part for RecordedGate<'_, K, K, std::hash::RandomState>
where
    K: TableKey + Hash + Send + Sync,
{
    fn add_to<'a>(&'a mut self, parts: RecordedParts<'a>) -> RecordedParts<'a> {
        parts.with_gate(self)
    }
}

impl Part for Recorder<RetryTokens> {
    fn add_to<'a>(&'a mut self, parts: RecordedParts<'a>) -> RecordedParts<'a> {
        parts.with_tokens(self)
    }
}

impl Part for Recorder<RetryRatio> {
    fn add_to<'a>(&'a mut self, parts: RecordedParts<'a>) -> RecordedParts<'a> {
        parts.with_ratio(self)
    }
}

impl LendBreaker for NoBreaker {
    fn lend(
        &mut self,
        _to: &Journal,
        _now_ns: u64,
        _held: &mut Held,
        _step: &mut dyn FnMut(&mut dyn Part) -> Transitions,
    ) {
        match *self {}
    }
}

impl LendBudget for NoBudget {
    fn lend(&mut self, _to: &Journal, _step: &mut dyn FnMut(&mut dyn Part)) {
        match *self {}
    }
}
